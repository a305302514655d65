"""Standards of transliteration, one YAML file each, and the engine that follows them.

A file says ``title``, ``source``, ``scripts`` (``latin``, ``cyrillic``, ``greek``), ``letters`` (one or more letters →
ASCII) and, where a letter depends on its neighbours, ``rules``: letters that come out otherwise ``after`` or ``before``
certain letters; ``^`` among those after which is the beginning of a word, ``$`` among those before which is its end.
Rules go before letters, in the order of the file; more letters go before fewer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from provisioning.site.base import Model

Script = Literal["latin", "cyrillic", "greek"]

Choice = tuple[Script, str]
"""A script, and the name of the standard for it."""

_FOLDER = Path(__file__).parent
_LETTER = r"[^\W\d_]"


class Rule(Model):
    """Letters that come out otherwise beside certain letters. Empty `after` or `before`: beside any."""

    letters: dict[str, str]
    after: str = ""
    before: str = ""

    def patterns(self) -> dict[str, str]:
        """Regular expression → what it becomes."""
        behind, ahead = _beside(self.after, "^", "<"), _beside(self.before, "$", "")
        return {behind + re.escape(letters) + ahead: latin for letters, latin in self.letters.items()}


class Standard(Model):
    """One standard, as its file has it."""

    title: str
    source: str
    scripts: tuple[Script, ...] = Field(min_length=1)
    letters: dict[str, str]
    rules: tuple[Rule, ...] = ()

    def knows(self, text: str) -> bool:
        """Whether every letter of `text` is in the standard."""
        return all(letter in self.letters for letter in text.lower())


NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("*.yml")))
"""The standards that there are."""


@lru_cache
def standard(name: str) -> Standard:
    """The standard of this name. Raises :class:`FileNotFoundError` when there is none."""
    return Standard.model_validate(yaml.safe_load((_FOLDER / f"{name}.yml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class _Table:
    """`chosen` standards, made ready: what depends on neighbours or has several letters, and single letters."""

    pattern: re.Pattern[str] | None
    becomes: tuple[str, ...]
    singles: Mapping[int, str]


@lru_cache
def _table(chosen: tuple[Choice, ...]) -> _Table:
    patterns: dict[str, str] = {}
    letters: dict[str, str] = {}
    for script, name in chosen:
        for rule in standard(name).rules:
            patterns |= rule.patterns()
        letters |= {key: latin for key, latin in standard(name).letters.items() if script_of(key[0]) == script}
    several = sorted((key for key in letters if len(key) > 1), key=len, reverse=True)
    patterns |= {re.escape(key): letters[key] for key in several}
    singles = {ord(form): letters[key] for key in letters if len(key) == 1 for form in (key, *_capital(key))}
    joined = re.compile("|".join(f"({pattern})" for pattern in patterns), re.IGNORECASE) if patterns else None
    return _Table(joined, tuple(patterns.values()), singles)


def _capital(letter: str) -> str:
    """Its capital, where that is one letter (that of ß is two, and its own is seldom used); else nothing."""
    return "ẞ" if letter == "ß" else letter.upper() if len(letter.upper()) == 1 else ""


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """``latin``, ``cyrillic``, ``greek`` and so on: the first word of the letter's Unicode name, in small letters."""
    return unicodedata.name(letter, "").partition(" ")[0].lower()


def spell(text: str, chosen: tuple[Choice, ...]) -> str:
    """`text` (composed, NFC) with the letters that the `chosen` standards know in small Latin letters, each for
    its script. What none of them knows stays as it is.
    """
    if not chosen or text.isascii():
        return text
    table = _table(chosen)
    if table.pattern is not None:
        text = table.pattern.sub(lambda found: table.becomes[(found.lastindex or 0) - 1], text)
    return text.translate(table.singles)


def _beside(letters: str, edge: str, direction: str) -> str:
    """The look-around for one of `letters`, or for the edge of the word when `edge` is among them."""
    if not letters:
        return ""
    neighbours = letters.replace(edge, "")
    choices = [f"(?{direction}!{_LETTER})"] if edge in letters else []
    choices += [f"(?{direction}=[{re.escape(neighbours)}])"] if neighbours else []
    return f"(?:{'|'.join(choices)})"
