"""Version numbers and ranges of them (``>=4.1,<5``), compared number by number: 4.10 is newer than 4.9, 4.2.0 is
4.2."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

_SIGNS: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_BOUND = re.compile(r"(>=|<=|>|<)\s*([0-9]+(?:\.[0-9]+)*)")


def numbers(version: str) -> tuple[int, ...]:
    """``4.2.0`` → (4, 2): numbers for comparison, final zeros left out; empty for what is not a row of numbers."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12}){0,9}", version):
        return ()
    found = [int(part) for part in version.split(".")]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found) or (0,)


def is_range(wanted: str) -> bool:
    """Whether `wanted` is a range, not one version."""
    return wanted.startswith(("<", ">"))


def satisfies(version: str, wanted: str) -> bool:
    """Whether `version` is the one wanted, or in the range wanted. What is not a row of numbers is in no range, and is
    equal only to itself. Raises :class:`ValueError` for a range that is none."""
    if not is_range(wanted):
        return version == wanted or (numbers(version) == numbers(wanted) != ())
    found = numbers(version)
    bounds = [_BOUND.fullmatch(part.strip()) for part in wanted.split(",")]
    if not all(bounds):
        raise ValueError(f"{wanted!r} is not a range of versions such as >=4.1,<5")
    return found != () and all(_SIGNS[b[1]](found, numbers(b[2])) for b in bounds if b is not None)


def is_older(version: str, other: str) -> bool:
    """Whether `version` is known to be older than `other`; of what is not a row of numbers nothing is known. A range
    is as old as the newest version that it may mean."""
    if is_range(version):
        upper = [b for b in map(_BOUND.fullmatch, map(str.strip, version.split(","))) if b and b[1].startswith("<")]
        return any(not _SIGNS[b[1]](numbers(other), numbers(b[2])) for b in upper) if numbers(other) else False
    return bool(numbers(version)) and bool(numbers(other)) and numbers(version) < numbers(other)
