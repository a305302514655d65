"""From a check of the lines to what an audit says of ports: who is plugged in where. (Cables are the business of
``provision lines``, and how a port is configured is found as drift.) Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioning.procedures.audit import Area, Finding
from provisioning.procedures.line_places import Places
from provisioning.procedures.lines import LineFinding, Sort

__all__ = ["judge_ports"]

_AREAS: Mapping[Sort, Area] = {
    "wrong device": "equipment", "two places": "equipment", "mac moves": "ports", "unknown device": "ports",
    "unknown port": "ports", "unused": "ports",
}  # fmt: skip


def judge_ports(places: Places, findings: Iterable[LineFinding]) -> Iterator[Finding]:
    """The findings about what is plugged in, as an audit says them."""
    for one in findings:
        area = _AREAS.get(one.sort)
        if area is None:
            continue
        place = places.at(one.switch, one.port)
        names = (place.desk, place.device, place.outlet) if place is not None else ()
        yield Finding(
            area, one.sort, f"{one.switch} {one.port}", one.weight, f"{one.where}: {one.says}",
            repair=one.advice, about=frozenset({one.switch, *filter(None, names)}),
        )  # fmt: skip
