"""Two small pictures of a desk as SVG: where it is among the desks of its room, and what is plugged into what.

A site knows no floor plans, so the first is in the order of the desks' names. Colours are the page's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from provisioning.reports.texts import Texts
from provisioning.reports.words import safe

_WIDE, _HIGH, _GAP, _ROW = 92, 40, 8, 4
_BOX, _CABLE = 120, 20
_MOST = 8
"""Desks that are drawn; of more, those around the one that is meant."""

_LONGEST = 13
"""Characters of a label."""


@dataclass(frozen=True)
class Place:
    """A desk of the room; whoever sits there, or nobody."""

    desk: str
    who: str | None
    here: bool = False


def room_picture(t: Texts, room: str, places: Sequence[Place]) -> Markup:
    """The desks of a room, the one that is meant filled in."""
    shown = _around(places)
    rows = (len(shown) + _ROW - 1) // _ROW
    width = min(len(shown), _ROW) * (_WIDE + _GAP) - _GAP + 2
    parts = []
    for i, place in enumerate(shown):
        x, y = 1 + i % _ROW * (_WIDE + _GAP), 1 + i // _ROW * (_HIGH + _GAP)
        who = t("card.you") if place.here else place.who or t("card.free")
        kind = "here" if place.here else "free" if place.who is None else "taken"
        parts.append(
            f'<g class="desk {kind}"><rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="5"/>'
            f"{_label(x + _WIDE // 2, y + 17, place.desk, 'name')}{_label(x + _WIDE // 2, y + 32, who)}</g>"
        )
    return _svg("room", width, rows * (_HIGH + _GAP) - _GAP + 2, t("card.room_plan", room=room), parts)


def _around(places: Sequence[Place]) -> Sequence[Place]:
    here = next((i for i, place in enumerate(places) if place.here), 0)
    begin = max(0, min(here - _MOST // 2, len(places) - _MOST))
    return places[begin : begin + _MOST]


def wiring_picture(t: Texts, outlet: str, pc: str | None, telephone: str | None, own_outlet: str | None) -> Markup:
    """Outlet, telephone and PC in the order of the cable. With `own_outlet` the telephone has one of its own."""
    phone = (t("card.telephone_short"), telephone) if telephone is not None else None
    computer = (t("card.pc_short"), pc) if pc is not None else None
    socket = (t("card.socket", outlet=outlet), None)
    chains = [[socket, *([phone] if phone and own_outlet is None else []), *([computer] if computer else [])]]
    if phone and own_outlet is not None:
        chains.append([(t("card.socket", outlet=own_outlet), None), phone])
    parts = []
    for row, chain in enumerate(chains):
        y = 1 + row * (_HIGH + _GAP)
        for i, (first, second) in enumerate(chain):
            x = 1 + i * (_BOX + _CABLE)
            if i:
                parts.append(f'<path class="wire" d="M{x - _CABLE} {y + _HIGH // 2}h{_CABLE}"/>')
            parts.append(f'<rect class="thing" x="{x}" y="{y}" width="{_BOX}" height="{_HIGH}" rx="5"/>')
            middle = x + _BOX // 2
            parts.append(_label(middle, y + (17 if second else 24), first, "name", 22))
            parts.append(_label(middle, y + 32, second, "", 20) if second else "")
    width = max(len(chain) for chain in chains) * (_BOX + _CABLE) - _CABLE + 2
    return _svg("wiring", width, len(chains) * (_HIGH + _GAP) - _GAP + 2, t("card.socket_plan"), parts)


def _label(x: int, y: int, text: str | Markup, kind: str = "", longest: int = _LONGEST) -> str:
    plain = text.unescape() if isinstance(text, Markup) else safe(text)
    cut = plain if len(plain) <= longest else plain[: longest - 1] + "…"
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(cut)}</text>'


def _svg(kind: str, width: int, height: int, said: Markup, parts: Sequence[str]) -> Markup:
    head = (
        f'<svg class="{kind}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{said}">'
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704  (every text in it is escaped above)
