"""Panel and switch face as one SVG picture, with the cable between the two sockets that are meant.

The picture is part of a page: its colours are the page's (``--ink``, ``--line`` …), so it is right in the dark and on
paper. Marks differ in shape as well as in colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from provisioning.reports.words import safe
from provisioning.site.port_names import block_of

Mark = Literal["free", "taken", "here"]

_WIDE, _HIGH, _GAP, _GROUP = 27, 25, 5, 9
_HEAD, _MARGIN, _BETWEEN = 24, 12, 74
_PANEL_ROW, _GROUP_OF = 24, 6
_COLOURS = {
    "blue": "#2f6fd0", "red": "#c8352b", "green": "#2c8a4b", "yellow": "#d9a400", "orange": "#d9730d",
    "grey": "#7d8794", "gray": "#7d8794", "white": "#c9ced6", "black": "#30363f", "violet": "#7b4fc0",
    "purple": "#7b4fc0", "pink": "#cf5a94", "brown": "#8a5a34", "turquoise": "#1d9a9a",
}  # fmt: skip
_USUAL = "#7d8794"


@dataclass(frozen=True)
class Socket:
    """One socket: what is printed on it, what it is called in full, and whether it is the one that is meant."""

    label: str
    name: str
    mark: Mark = "free"


@dataclass(frozen=True)
class Said:
    """The words of a picture, for those who read it in another language or hear it."""

    panel: str = "Panel {}"
    unit: str = "{} · unit {}"
    port: str = "port {}"
    here: str = "here"
    taken: str = "taken"
    free: str = "free"
    cable: str = "{} to {}"


ENGLISH = Said()


@dataclass(frozen=True)
class Face:
    """A row or two of sockets. Groups stand apart from each other; `zigzag`: numbers run down before they run across,
    as on switches."""

    title: str
    groups: tuple[tuple[Socket, ...], ...]
    zigzag: bool


@dataclass(frozen=True)
class _Placed:
    socket: Socket
    x: int
    y: int


def panel_face(title: str, ports: int, here: int, taken: Iterable[int] = (), said: Said = ENGLISH) -> Face:
    """A patch panel of so many ports, numbered from left to right in rows of 24."""
    used = set(taken)
    sockets = [
        Socket(str(n), said.port.format(n), "here" if n == here else "taken" if n in used else "free")
        for n in range(1, max(ports, here) + 1)
    ]
    return Face(title, tuple(tuple(sockets[i : i + _GROUP_OF]) for i in range(0, len(sockets), _GROUP_OF)), False)


def switch_face(title: str, ports: Sequence[str], here: str, taken: Iterable[str] = ()) -> Face:
    """A switch, or one unit of a stack: its ports in order, those of a module together."""
    used = {port.casefold() for port in taken}
    blocks: dict[str, list[Socket]] = {}
    for port in dict.fromkeys([*ports, *([] if here in ports else [here])]):
        block, number = block_of(port)
        mark: Mark = "here" if port == here else "taken" if port.casefold() in used else "free"
        blocks.setdefault(block, []).append(Socket(str(number), port, mark))
    groups = [
        tuple(sockets[i : i + 2 * _GROUP_OF])
        for sockets in blocks.values()
        for i in range(0, len(sockets), 2 * _GROUP_OF)
    ]
    return Face(title, tuple(groups), True)


def picture(panel: Face, switch: Face, colour: str | None, words: Said = ENGLISH) -> Markup:
    """Both faces and the cable, as an ``<svg>`` element. Names stand on the far sides, where no cable crosses them."""
    upper = list(_place(panel, _MARGIN + _HEAD))
    panel_foot = max(one.y for one in upper) + _HIGH + _MARGIN
    lower = list(_place(switch, panel_foot + _BETWEEN + _MARGIN))
    foot = max(one.y for one in lower) + _HIGH + _HEAD + 2
    right = max(one.x for one in [*upper, *lower]) + _WIDE + _MARGIN
    parts = [
        *_case(panel, (_MARGIN // 2, panel_foot - _MARGIN // 2), right, _MARGIN // 2 + 18),
        *_case(switch, (panel_foot + _BETWEEN, foot), right, foot - 9),
        *(_drawn(one, words) for one in [*upper, *lower]),
        _cable(_here(upper), _here(lower), min(one.y for one in lower), colour),
    ]
    said = words.cable.format(_meant(panel), _meant(switch))
    head = f'<svg class="closet" viewBox="0 0 {right} {foot + 4}" role="img" aria-label="{escape(said)}">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704  (every text in it is escaped above)


def _place(face: Face, top: int) -> Iterator[_Placed]:
    """Where each socket is drawn. A panel of more than 24 ports has a second row."""
    x, first_row = _MARGIN, top
    left = x
    placed = 0
    for group in face.groups:
        for i, socket in enumerate(group):
            column, row = (i // 2, i % 2) if face.zigzag else (i, 0)
            yield _Placed(socket, x + column * (_WIDE + _GAP), first_row + row * (_HIGH + _GAP))
        placed += len(group)
        columns = (len(group) + 1) // 2 if face.zigzag else len(group)
        x += columns * (_WIDE + _GAP) + _GROUP
        if not face.zigzag and placed % _PANEL_ROW == 0:
            x, first_row = left, first_row + _HIGH + _GAP


def _case(face: Face, rows: tuple[int, int], right: int, name: int) -> Iterator[str]:
    top, bottom = rows
    yield f'<rect class="case" x="3" y="{top}" width="{right - 6}" height="{bottom - top}" rx="5"/>'
    yield f'<text class="name" x="{_MARGIN}" y="{name}">{escape(safe(face.title))}</text>'


def _drawn(one: _Placed, words: Said) -> str:
    mark, x, y = one.socket.mark, one.x, one.y
    ring = f'<rect class="ring" x="{x - 3}" y="{y - 3}" width="{_WIDE + 6}" height="{_HIGH + 6}" rx="5"/>'
    plug = f'<path class="plug" d="M{x + 4} {y + _HIGH - 4}h{_WIDE - 8}"/>'
    said = f"{safe(one.socket.name)}: {getattr(words, mark)}"
    return (
        f'<g class="{mark}"><title>{escape(said)}</title>{ring if mark == "here" else ""}'
        f'<rect class="socket" x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="3"/>'
        f"{plug if mark == 'taken' else ''}"
        f'<text x="{x + _WIDE // 2}" y="{y + 16}">{escape(safe(one.socket.label))}</text></g>'
    )


def _here(placed: Iterable[_Placed]) -> _Placed:
    return next(one for one in placed if one.socket.mark == "here")


def _meant(face: Face) -> str:
    return f"{safe(face.title)} {safe(next(s.name for group in face.groups for s in group if s.mark == 'here'))}"


def _cable(upper: _Placed, lower: _Placed, first_row: int, colour: str | None) -> str:
    """From socket to socket. A lower row is reached between two sockets of the upper one."""
    x1, y1 = upper.x + _WIDE // 2, upper.y + _HIGH + 3
    second_row = lower.y > first_row
    x2, y2 = lower.x + (_WIDE + _GAP // 2 + 1 if second_row else _WIDE // 2), first_row - 3
    bend = max(24, (y2 - y1) // 2)
    end = f"V{lower.y + _HIGH // 2}h-{_GAP}" if second_row else ""
    way = f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}{end}"
    ink = _COLOURS.get((colour or "").casefold(), _USUAL)
    return f'<path class="sheath" d="{way}"/><path class="cable" d="{way}" style="stroke:{ink}"/>'
