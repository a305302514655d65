"""Lists as devices write them: ``10,20-25`` and ``1-8,A2``."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RANGE = re.compile(r"(?P<stem>.*?)(?P<first>\d+)(?:-(?P<stem2>.*?)(?P<last>\d+))?")
ALL_VLANS = range(1, 4095)
_MOST = 1000
"""Ports in one range: larger than any device has."""


def vlans_of(text: str) -> frozenset[int]:
    """The VLAN numbers in ``10,20-25``, also with spaces or ``to``; ``all`` and ``none`` are understood. Raises
    :class:`ValueError` for anything else."""
    word = text.strip().lower()
    if word in {"all", "none", ""}:
        return frozenset(ALL_VLANS) if word == "all" else frozenset()
    found: set[int] = set()
    for piece in re.split(r"[,\s]+", re.sub(r"\s*(?:to|-)\s*", "-", word)):
        first, _, last = piece.partition("-")
        found.update(range(vlan_number(first), vlan_number(last or first) + 1))
    return frozenset(found)


def vlan_number(word: str) -> int:
    """Raises :class:`ValueError` for what is no VLAN's number."""
    number = int(word)
    if number > 4095:
        raise ValueError(f"{number} is no VLAN")
    return number


def vlan_list(numbers: Iterable[int]) -> str:
    """``10,20-22``, the other way round."""
    pieces: list[str] = []
    run: list[int] = []
    for number in [*sorted(numbers), None]:
        if run and number == run[-1] + 1:
            run.append(run[-1] + 1)
            continue
        if run:
            pieces.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
        run = [number] if number is not None else []
    return ",".join(pieces)


def ports_of(text: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """The port names in ``1-8,A2`` or ``1/0/3-1/0/5``. Of the `known` ports those that a pattern such as
    ``ge-0/0/[2-7]`` or ``ge-*/0/1`` means, and those of a range from one module to another. Raises
    :class:`ValueError` for ranges that no device has."""
    names: list[str] = []
    for piece in re.split(r"[,\s]+", re.sub(r"\s+to\s+", "-", text.strip().strip('"'))):
        row = _RANGE.fullmatch(piece)
        if "*" in piece or "[" in piece:
            pattern = re.compile("".join(map(_meant, re.findall(r"\[[^\]]*\]|.", piece))))
            names += [name for name in known if pattern.fullmatch(name)]
        elif row is None or row["last"] is None:
            names += [piece] if piece else []
        elif row["stem2"] in {"", row["stem"]}:
            if int(row["last"]) - int(row["first"]) > _MOST:
                raise ValueError(f"{piece} is no range of ports")
            names += [f"{row['stem']}{number}" for number in range(int(row["first"]), int(row["last"]) + 1)]
        else:
            first, last = (row["stem"] + row["first"], row["stem2"] + row["last"])
            between = (name for name in known if _order(first) <= _order(name) <= _order(last))
            names += dict.fromkeys([first, *between, last])
    return tuple(names)


def _meant(part: str) -> str:
    """A part of a pattern of ports as a regular expression. Brackets that are no row of numbers may mean any."""
    row = re.fullmatch(r"\[(\d{1,3})-(\d{1,3})\]", part)
    if row is not None and int(row[1]) <= int(row[2]):
        return f"(?:{'|'.join(map(str, range(int(row[1]), int(row[2]) + 1)))})"
    return r"\d+" if len(part) > 1 else ".*" if part == "*" else re.escape(part)


def _order(port: str) -> list[tuple[int, str]]:
    """A2 before A10 before B1."""
    return [(int(number or 0), word) for word, number in re.findall(r"(\D+)|(\d+)", port)]
