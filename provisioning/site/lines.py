"""What every reader of site files shares: a part of the site with its lines, text, and the nearest valid
name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.errors import SiteError

Keys = Sequence[str | int]
"""A path of keys (and list positions) into a section."""


@dataclass(frozen=True)
class Part:
    """What one file says about one section. `line_of` gives the line of a path of keys below the section, or
    of the nearest thing above it.
    """

    file: str
    section: str
    line: int
    value: Any
    line_of: Callable[[Keys], int]


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    names = list(known)
    if len(names) > 1000:  # difflib compares about 50,000 names a second
        start = name[:2].casefold()
        names = [n for n in names if n[:2].casefold() == start][:5000]
    folded = {n.casefold(): n for n in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.55)
    return folded[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?``, or nothing when nothing is close."""
    found = closest(name, known)
    return f"; did you mean {found!r}?" if found else ""


def read_text(path: Path, shown: str) -> str:
    """The file as text, UTF-8 with or without byte order mark. Raises :class:`SiteError`."""
    raw = read_bytes(path, shown)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        said = f"byte {exc.start + 1} of the file is not UTF-8 text; save it as UTF-8"
        raise SiteError(f"{shown}:{line}: {said}") from exc


def read_bytes(path: Path, shown: str) -> bytes:
    """What the file holds. Raises :class:`SiteError`."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SiteError(f"{shown}:1: the file cannot be read: {exc.strerror}; check its owner and mode") from exc
