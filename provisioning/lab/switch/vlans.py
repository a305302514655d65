"""VLAN lists as IOS writes them: ``1,10-12,20,21``."""

from __future__ import annotations

from collections.abc import Iterable

ALL = frozenset(range(1, 4095))
"""Every VLAN that a trunk can carry."""

_WIDEST = 54  # characters of a list on one line of the configuration; the rest follows on ``add`` lines


def parse_vlans(text: str) -> frozenset[int]:
    """The VLANs of a list. Raises :class:`ValueError` with the offset of the first bad character."""
    found: set[int] = set()
    offset = 0
    for piece in text.split(","):
        first, dash, last = piece.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(offset)
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= 4094:
            raise ValueError(offset)
        found.update(range(low, high + 1))
        offset += len(piece) + 1
    return frozenset(found)


def pieces(vlans: Iterable[int]) -> list[str]:
    """``["1", "10-12", "20", "21"]``: IOS makes a range of three and more."""
    runs: list[list[int]] = []
    for vlan in sorted(vlans):
        if runs and vlan == runs[-1][-1] + 1:
            runs[-1].append(vlan)
        else:
            runs.append([vlan])
    words: list[str] = []
    for run in runs:
        words += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(vlan) for vlan in run]
    return words


def format_vlans(vlans: Iterable[int]) -> str:
    """The whole list on one line."""
    return ",".join(pieces(vlans))


def wrapped(vlans: Iterable[int]) -> list[str]:
    """The list cut into lines that the configuration shows one after the other."""
    lines = [""]
    for piece in pieces(vlans):
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > _WIDEST:
            lines.append(piece)
        else:
            lines[-1] += f",{piece}" if lines[-1] else piece
    return lines
