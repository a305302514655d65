"""Which standards of transliteration a site follows, and which of them a name is spelt by."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from provisioning.site.base import Model
from provisioning.site.transliterations import Choice, Script, script_of, standard

ANYASCII = "anyascii"
"""No standard: each letter as the library AnyASCII has it. So is a letter that the standard does not know."""

LatinStandard = Literal["anyascii", "german", "icao-9303", "nordic"]
CyrillicStandard = Literal[
    "anyascii",
    "bgn-pcgn",
    "bulgarian",
    "cmu-55",
    "gost-52535",
    "gost-7.79-b",
    "icao-9303",
    "icao-9303-belarusian",
    "serbian",
]
GreekStandard = Literal["anyascii", "elot-743"]

STANDARDS: dict[Script, tuple[str, ...]] = {
    "latin": get_args(LatinStandard),
    "cyrillic": get_args(CyrillicStandard),
    "greek": get_args(GreekStandard),
}
"""What a site may choose for each script."""


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Transliteration(Model):
    """The standard for each script. Of several for Cyrillic, a name is spelt by the first one that knows all its
    letters, so Russian and Ukrainian names of one site may each be spelt their own way.
    """

    latin: LatinStandard = Field(default="german", description="letters that are not in ASCII, such as ü and å")
    cyrillic: Annotated[tuple[CyrillicStandard, ...], BeforeValidator(_several)] = Field(
        default=("anyascii",), min_length=1, description="one standard, or several in order of preference"
    )
    greek: GreekStandard = "anyascii"

    def choices(self, name: str) -> tuple[Choice, ...]:
        """The standards that `name`, a person's whole name, is spelt by."""
        if name.isascii():
            return ()
        composed = unicodedata.normalize("NFC", name).lower()
        return _choices(self, "".join(sorted({char for char in composed if script_of(char) == "cyrillic"})))


def _for_its_scripts(value: Any) -> Any:
    """One name stands for that standard in all its scripts."""
    if not isinstance(value, str):
        return value
    known = sorted({name for names in STANDARDS.values() for name in names})
    if value not in known:
        raise PydanticCustomError(
            "literal_error", "expected a standard", {"expected": ", ".join(repr(name) for name in known)}
        )
    return {script: value for script, names in STANDARDS.items() if value in names}


TransliterationSetting = Annotated[Transliteration, BeforeValidator(_for_its_scripts)]
"""A standard's name, or settings for each script."""


class Naming(Model):
    """How people's names become logins and mail addresses. (The patterns are ``directory: logins`` and ``mail:
    addresses``.)
    """

    transliteration: TransliterationSetting = Field(
        default=Transliteration.model_construct(),
        description="standard of transliteration, one for all or one for each script",
    )


@lru_cache(maxsize=4096)
def _choices(chosen: Transliteration, cyrillic: str) -> tuple[Choice, ...]:
    fitting = (name for name in chosen.cyrillic if name == ANYASCII or standard(name).knows(cyrillic))
    names: dict[Script, str] = {
        "latin": chosen.latin,
        "cyrillic": next(fitting, chosen.cyrillic[0]),
        "greek": chosen.greek,
    }
    return tuple((script, name) for script, name in names.items() if name != ANYASCII)
