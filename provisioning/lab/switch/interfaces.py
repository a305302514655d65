"""Interface names the way IOS takes them: any unambiguous abbreviation, with or without a space."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

_NAME = re.compile(r"([A-Za-z-]+)\s*(\d[\d/.:]*)")
_ELEMENT = re.compile(r"\s*([A-Za-z-]+\s*\d[\d/.:]*?\d*|\d+)(?:\s*-\s*(\d+))?\s*")


def full_name(text: str, known: Iterable[str]) -> str | None:
    """The known interface that `text` means, or ``None``."""
    match = _NAME.fullmatch(text.strip())
    if match is None:
        return None
    kind, number = match[1].lower(), match[2]
    found = [name for name in known if _parts(name)[1] == number and _parts(name)[0].startswith(kind)]
    return found[0] if len(found) == 1 else None


@cache
def _parts(name: str) -> tuple[str, str]:
    """A known name in small letters, and its number."""
    return name.lower(), _NAME.fullmatch(name)[2]  # type: ignore[index] # known names match


def short_name(name: str) -> str:
    """What tables show: ``Gi1/0/7`` for ``GigabitEthernet1/0/7``."""
    return re.sub(r"^([A-Za-z]{2})[A-Za-z-]*", r"\1", name)


def in_range(text: str, known: Iterable[str]) -> list[str] | None:
    """The known interfaces of an ``interface range`` such as ``Gi1/0/1 - 4 , Gi1/0/9``, or ``None`` when one
    is unknown."""
    names: list[str] = []
    known = list(known)
    for element in text.split(","):
        match = re.fullmatch(r"\s*(\S.*?\d)\s*(?:-\s*(\d+))?\s*", element)
        first = full_name(match[1], known) if match else None
        if match is None or first is None:
            return None
        stem, _, start = first.rpartition("/")
        for number in range(int(start), int(match[2] or start) + 1):
            name = full_name(f"{stem}/{number}", known)
            if name is None:
                return None
            names.append(name)
    return names
