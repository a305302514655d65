"""The geometry of the pictures on the page of a check: switch faces, small bars a port, one large chart. Pure.

Nothing here is text of a picture: the template draws (and escapes), this says where. Lengths are in user units of SVG.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from provisioning.site.port_names import block_of, unit_of

__all__ = ["chart", "face", "spark"]

_CELL, _GAP, _GROUP_GAP = 24.0, 3.0, 14.0
_TWO_ROWS = 8
"""Ports in a group from which it is drawn in two rows, odd numbers above even ones, as on most switches."""

_MARKS = {"fault": "×", "warning": "!", "remark": "i"}


def face(ports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A switch's face: ``{width, height, rows: [{label, y, cells: [{x, y, label, state, up, off, mark, port}]}]}``, one
    row of groups a unit of the stack. Ports are told apart by what stands before their last number."""
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for port in ports:
        stem, number = block_of(port["shown"])
        groups.setdefault(stem, []).append((number, port))
    rows: dict[int | None, list[tuple[str, list[tuple[int, Mapping[str, Any]]]]]] = {}
    for stem, members in groups.items():
        unit = unit_of(members[0][1]["shown"])
        rows.setdefault(unit, []).append((stem, sorted(members, key=lambda one: one[0])))
    drawn, y, width = [], 0.0, 0.0
    for unit_groups in rows.values():
        cells: list[dict[str, Any]] = []
        labels: list[dict[str, Any]] = []
        x = 0.0
        for stem, members in unit_groups:
            labels.append({"x": x, "text": stem})
            placed, across = _group(members, x, y + 14)
            cells += placed
            x += max(across, 7.0 * len(stem)) + _GROUP_GAP
        height = 14 + 2 * (_CELL + _GAP)
        drawn.append({"y": y + 10, "labels": labels, "cells": cells})
        y, width = y + height + 6, max(width, x - _GROUP_GAP)
    return {"width": round(width + 1, 1), "height": round(max(y - 6, 1), 1), "rows": drawn, "cell": _CELL}


def _group(members: Sequence[tuple[int, Mapping[str, Any]]], x: float, y: float) -> tuple[list[dict[str, Any]], float]:
    two = len(members) >= _TWO_ROWS
    cells = []
    for index, (number, port) in enumerate(members):
        column, row = divmod(index, 2) if two else (index, 0)
        cells.append(
            {
                "x": round(x + column * (_CELL + _GAP), 1),
                "y": round(y + row * (_CELL + _GAP), 1),
                "label": number or port["shown"],
                "state": port["state"],
                "up": port["status"] == "up",
                "off": port["status"] in {"off", "error"},
                "mark": _MARKS.get(port["state"], ""),
                "port": port,
            }
        )
    columns = (len(members) + 1) // 2 if two else len(members)
    return cells, columns * (_CELL + _GAP) - _GAP


def spark(values: Sequence[float | None], width: float = 112.0, height: float = 18.0) -> dict[str, Any]:
    """Small bars: ``{width, height, bars: [{x, y, width, height}], unknown: [{x, width}]}``."""
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    step = width / max(len(values), 1)
    bars = [
        {"x": round(i * step, 1), "y": round(height - size, 1), "width": round(step * 0.8, 1), "height": round(size, 1)}
        for i, value in enumerate(values)
        if value and (size := max(1.5, value / top * height))
    ]
    gaps = [{"x": round(i * step, 1), "width": round(step + 0.1, 1)} for i, value in enumerate(values) if value is None]
    return {"width": width, "height": height, "bars": bars, "unknown": gaps}


def chart(history: Mapping[str, Any], width: float = 720.0, height: float = 180.0) -> dict[str, Any]:
    """One port large: bars of errors, a line of discards on the same scale, and a band that says when it had a link.
    ``{…, ticks: [{y, value}], days: [{x, hours}], band: [{x, width, part}], line: [points, …]}``."""
    errors, discards, up = history["errors"], history["discards"], history["up"]
    top = _round_up(max((value for value in (*errors, *discards) if value is not None), default=0.0))
    left, bottom = 46.0, height - 34.0
    step = (width - left) / max(len(errors), 1)

    def y(value: float) -> float:
        return round(bottom - value / top * (bottom - 8), 1)

    points: list[list[str]] = [[]]
    for i, value in enumerate(discards):
        if value is None:
            points.append([])
        else:  # a level for each piece of time, so that a single one is seen too
            points[-1] += [f"{left + (i + part) * step:.1f},{y(value)}" for part in (0.1, 0.9)]
    hours = history["hours"] * len(errors)
    day_step = 24.0 if hours > 48 else 6.0
    while hours / day_step > 10:
        day_step *= 2
    marks = [i * day_step for i in range(int(hours // day_step) + 1)]
    return {
        "width": width,
        "height": height,
        "left": left,
        "bottom": bottom,
        "bars": [
            {
                "x": round(left + i * step, 1),
                "y": y(value),
                "width": round(step * 0.8, 1),
                "height": round(bottom - y(value), 1),
            }
            for i, value in enumerate(errors)
            if value
        ],
        "line": [" ".join(piece) for piece in points if piece],
        "ticks": [{"y": y(top * part), "value": f"{top * part:g}"} for part in (0, 0.5, 1)],
        "days": [{"x": round(width - ago / hours * (width - left), 1), "ago": _ago(ago)} for ago in marks],
        "band": [
            {"x": round(left + i * step, 1), "width": round(step + 0.1, 1), "part": part}
            for i, part in enumerate(up)
            if part is not None
        ],
        "band_y": bottom + 3,
    }


def _ago(hours: float) -> str:
    if not hours:
        return "now"
    return f"−{hours / 24:g} d" if hours >= 24 else f"−{hours:g} h"


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value)
