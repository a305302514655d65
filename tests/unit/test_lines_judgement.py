"""How a line is judged, by cases that are files: ``tests/cases/lines/<case>/case.yml`` says what the tables of a switch
have of one port, what earlier checks saw, what the site has there, and what is to be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.procedures.line_devices import Trails, follow, judge_drift, judge_moves, judge_place
from provisioning.procedures.line_history import Seen, seen
from provisioning.procedures.line_places import Place, Places
from provisioning.procedures.lines import LineFinding, PortView, judge_line
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.counters import TABLES, Line, lines_of
from provisioning.resources.switch.state import SwitchPort
from provisioning.site.line_checks import LineChecks

CASES = sorted((Path(__file__).parent.parent / "cases" / "lines").glob("*/case.yml"))
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PORT = "GigabitEthernet1/0/7"
PLACES = Places({}, {"02:00:5e:10:00:42": "WS-0042", "02:00:5e:10:00:77": "WS-0077"})
VOICE = 120
HERE = {"outlet": "B2-09A"}


def sample(plain: Mapping[str, Any]) -> Seen:
    """``{hours: 1, status: up, …}``: what a check saw that many hours ago."""
    said = dict(plain)
    at = NOW - timedelta(hours=said.pop("hours"))
    since = NOW - timedelta(hours=said.pop("since_hours", (NOW - at).total_seconds() / 3600))
    return Seen.from_plain(at.isoformat(), {**said, "since": since.isoformat()})


def line(case: Mapping[str, Any]) -> Line:
    rows = {}
    for table in TABLES:
        found = case.get(table, [])
        rows[table] = [{"port": PORT, **row} for row in (found if isinstance(found, list) else [found])]
    return lines_of(rows, lambda port: port.replace("GigabitEthernet", "Gi"))[PORT]


def view(case: Mapping[str, Any]) -> PortView:
    before = [sample(plain) for plain in case.get("before", ())]
    there = line(case)
    place = case.get("place", HERE)
    return PortView(
        "sw-b2-1",
        there,
        seen(there, NOW, before[-1] if before else None),
        before,
        Place(**place) if place else None,
        case.get("is_uplink", False),
        case.get("is_fixed", False),
        LineChecks.model_validate(case.get("rules", {})),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.parent.name)
def test_case(case: Path) -> None:
    said = yaml.safe_load(case.read_text(encoding="utf-8"))
    port = view(said)
    found = [*judge_line(port), *judge_place(port, PLACES, VOICE)]
    told = [
        {name: getattr(finding, name) for name in expected}
        for finding, expected in zip(found, said["expected"], strict=False)
    ]
    assert (len(found), told) == (len(said["expected"]), said["expected"]), [finding.says for finding in found]
    for finding in found:
        assert finding.sentence.count("..") == 0
        assert finding.where.startswith("sw-b2-1 Gi1/0/7")


def test_a_finding_is_a_sentence() -> None:
    finding = LineFinding("sw-a", "Gi1/0/1", "flaps", "warning", "says", "advice", "Gi1/0/1", "desk D")
    assert finding.sentence == "sw-a Gi1/0/1 (desk D): says; advice."


def test_drift_names_what_matters_first() -> None:
    change: Change[Any] = Change(
        Address("switch.port", "switch:sw-b2-1", PORT),
        SwitchPort(description=None, enabled=False, access_vlan=1),
        SwitchPort(description="B-204-3 B2-04A", enabled=True, access_vlan=20),
    )
    finding = judge_drift(view({"links": {"status": "disabled", "vlan": "1"}}), change)
    assert finding.says == (
        "enabled is no, expected yes; access VLAN is 1, expected 20; description is not set, expected 'B-204-3 B2-04A'"
    )
    assert finding.weight == "warning"


# ------------------------------------------------------------------------------------------------- addresses that move


def at_port(switch: str, number: int, macs: Sequence[str], before: Sequence[tuple[float, Sequence[str]]]) -> PortView:
    """A port where these addresses are now, and were so many hours ago."""
    there = Line(f"Gi1/0/{number}", "up", carries="20", macs=tuple((mac, 20) for mac in macs))
    samples = [
        Seen(NOW - timedelta(hours=hours), "up", NOW - timedelta(hours=hours), macs=tuple(old)) for hours, old in before
    ]
    return PortView(switch, there, seen(there, NOW, samples[-1] if samples else None), samples)


def moves(*views: PortView) -> list[LineFinding]:
    trails: Trails = {}
    for one in views:
        follow(trails, one)
    return list(judge_moves(views, trails, PLACES))


PC = "02:00:5e:10:00:42"


def test_an_address_in_two_places_at_once() -> None:
    [finding] = moves(at_port("sw-a", 1, [PC], []), at_port("sw-b", 7, [PC], []))
    assert finding.says == f"WS-0042 ({PC}) is here and on sw-b Gi1/0/7 at the same time"
    assert (finding.switch, finding.port, finding.sort) == ("sw-a", "Gi1/0/1", "two places")


def test_an_address_that_jumps_from_check_to_check() -> None:
    hours = [5, 4, 3, 2, 1]
    here = [(hour, [PC] if hour % 2 else []) for hour in hours]
    there = [(hour, [] if hour % 2 else [PC]) for hour in hours]
    [finding] = moves(at_port("sw-a", 1, [], here), at_port("sw-a", 2, [PC], there))
    assert finding.says == "WS-0042 was seen to move 5 times in a day between sw-a Gi1/0/1, sw-a Gi1/0/2"


def test_somebody_who_changes_desks_does_not_flap() -> None:
    assert not moves(at_port("sw-a", 1, [], [(3, [PC]), (2, []), (1, [])]), at_port("sw-a", 2, [PC], [(1, [PC])]))


def test_an_address_that_stays_does_not_move() -> None:
    assert not moves(at_port("sw-a", 1, [PC], [(hour, [PC]) for hour in range(20, 0, -1)]))


def test_uplinks_see_everybodys_address() -> None:
    up = at_port("sw-a", 24, [PC], [])
    there = Line(up.line.port, "up", carries="trunk", macs=((PC, 20),))
    trunk = PortView("sw-a", there, up.now)
    marked = PortView("sw-a", up.line, up.now, is_uplink=True)
    assert not moves(at_port("sw-b", 1, [PC], []), trunk)
    assert not moves(at_port("sw-b", 1, [PC], []), marked)
