"""What names become: logins and mail addresses, by every standard of transliteration. Nobody is looked up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provisioning.site import Inventory
from provisioning.site.naming import login_candidates, mail_addresses
from provisioning.site.transliteration import ANYASCII, STANDARDS, Transliteration
from provisioning.site.transliterations import Script, script_of, standard


@dataclass(frozen=True)
class Spelling:
    """What one name becomes by the `standards` (several that agree are one). `logins` are the first that would be
    tried; `addresses` go with the first login. `chosen`: it is the site's own setting."""

    standards: tuple[str, ...]
    logins: tuple[str, ...]
    addresses: tuple[str, ...]
    chosen: bool = False


def spellings(inventory: Inventory, given: str, family: str) -> tuple[Spelling, ...]:
    """What a name becomes by the site's own setting, then by every standard for its script that knows its letters.
    Those that give the same are one. Looks nobody up: others may have these names already."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    own = _spelt(inventory, given, family, inventory.naming.transliteration)
    for name, transliteration in _standards(f"{given} {family}"):
        found.setdefault(_spelt(inventory, given, family, transliteration), []).append(name)
    first = Spelling(tuple(found.pop(own, ())), *own, chosen=True)
    return (first, *(Spelling(tuple(names), *spelt) for spelt, names in found.items()))


def _standards(name: str) -> Iterator[tuple[str, Transliteration]]:
    scripts: Sequence[Script] = [script for script in STANDARDS if script in {script_of(letter) for letter in name}]
    if name.isascii():
        return
    for name_of in dict.fromkeys(one for script in scripts for one in STANDARDS[script]):
        settings = {script: name_of for script in scripts if name_of in STANDARDS[script]}
        cyrillic = "".join(letter for letter in name if script_of(letter) == "cyrillic")
        if name_of == ANYASCII or "cyrillic" not in settings or standard(name_of).knows(cyrillic):
            yield name_of, Transliteration.model_validate(settings)


def _spelt(
    inventory: Inventory, given: str, family: str, transliteration: Transliteration
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    candidates = login_candidates(given, family, inventory.directory.logins, transliteration)
    logins = tuple(login for login, _ in zip(candidates, range(3), strict=False))
    return logins, mail_addresses(given, family, logins[0], inventory.mail.addresses, transliteration)
