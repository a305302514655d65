"""Names as people type them: without case, accents and separators, in part, or with a typing error. Pure.

``ws0042`` is WS-0042, ``muller`` is Müller, ``petrova anna`` is Анна Петрова (AnyASCII). What is only alike must have
the same digits: WS-0043 is never taken for WS-0042.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from anyascii import anyascii

from provisioning.site import Inventory

__all__ = ["Thing", "fitting", "named_things", "spellings"]

Thing = tuple[str, str, tuple[str, ...]]
"""Sort, key in the site, and every name that it goes by."""

_ALIKE = 0.8


def fitting(text: str, things: Sequence[Thing]) -> list[tuple[str, str]]:
    """Sort and key of the things that `text` fits: whole names, else the beginnings of words, else parts, else names
    that are alike. The first of these that fits anything decides."""
    for fits in (_same, _begins, _holds, _alike):
        hits = [(sort, key) for sort, key, names in things if any(fits(text, name) for name in names)]
        if hits:
            return hits
    return []


def spellings(name: str) -> tuple[str, ...]:
    """What two names have in common if one is the other as a whole, written together or in another order."""
    words = _words(name)
    return ("".join(words), " ".join(sorted(words))) if words else ()


def named_things(site: Inventory) -> Iterator[Thing]:
    """Everything at the site that a search may be for."""
    for key, person in site.people.items():
        logins = (person.login,) if person.login else ()
        yield "person", key, (key, f"{person.given_name} {person.family_name}", *logins)
    for key in site.workplaces:
        yield "workplace", key, (key,)
    for key, workstation in site.workstations.items():
        yield "workstation", key, (key, workstation.asset_tag, workstation.host)
    for key in site.outlets:
        yield "outlet", key, (key,)
    for key, device in site.equipment.items():
        yield "equipment", key, (key, *([device.host] if device.host else []))


def _folded(text: str) -> str:
    return anyascii(text).casefold()


@lru_cache(maxsize=2**17)
def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", _folded(text))


def _same(text: str, name: str) -> bool:
    return not {*spellings(text)}.isdisjoint(spellings(name))


def _begins(text: str, name: str) -> bool:
    words = _words(name)
    return bool(_words(text)) and all(any(word.startswith(one) for word in words) for one in _words(text))


def _holds(text: str, name: str) -> bool:
    piece = "".join(_words(text))
    return len(piece) >= 3 and piece in "".join(_words(name))


def _alike(text: str, name: str) -> bool:
    one, other = _folded(text), _folded(name)
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    return any(_likeness(one, piece) >= _ALIKE for piece in {other, *_words(name)})


def _likeness(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one, other)
    return matcher.ratio() if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE else 0.0
