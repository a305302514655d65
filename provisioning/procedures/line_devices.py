"""Judging what is plugged in where: ports that nobody uses or knows, devices that are not at home, addresses that jump,
and settings that are not as the site's plan would make them. Pure."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from provisioning.procedures.line_history import count_words
from provisioning.procedures.line_places import Place, Places
from provisioning.procedures.lines import LineFinding, PortView
from provisioning.resources.base import Change, State
from provisioning.resources.switch.counters import MACS_KEPT

__all__ = ["Trails", "absent", "follow", "judge_drift", "judge_moves", "judge_place"]

_NAMED = 3
"""Devices, ports and differences that a sentence names."""


def judge_place(view: PortView, places: Places, voice_vlan: int | None) -> Iterator[LineFinding]:
    """Ports that nobody uses, ports and devices that the site does not know."""
    line, place, now = view.line, view.place, view.now
    if place is not None and (place.desk or place.device) and line.status == "down":
        idle = now.at - now.since
        if idle >= view.rules.unused:
            says = f"is set up, but without a link since {now.since.date().isoformat()} ({idle.days} days)"
            advice = "if nobody needs it, take its cable and give the port to somebody else"
            yield view.finding("unused", "remark", says, advice, idle.days)
    if line.status != "up" or not line.is_access or view.is_uplink:
        return
    phones = {mac for mac, vlan in line.macs if vlan is not None and vlan == voice_vlan}
    phones |= {n.chassis for n in line.neighbours if n.is_phone}
    devices = [mac for mac in now.macs if mac not in phones]
    if place is None:
        if not any(n.is_bridge and not n.is_phone for n in line.neighbours):
            yield _unknown_port(view, places, devices)
    else:
        yield from _devices(view, place, places, devices)


def _unknown_port(view: PortView, places: Places, devices: Sequence[str]) -> LineFinding:
    who = f" by {_names(devices, places)}" if devices else ""
    return view.finding(
        "unknown port",
        "warning",
        f"is in use{who}, but no outlet of the site is patched to it",
        "write switch and switch_port beside its outlet in the site; if nobody knows the cable, pull it",
    )


def _devices(view: PortView, place: Place, places: Places, devices: Sequence[str]) -> Iterator[LineFinding]:
    strangers = [mac for mac in devices if mac not in places.names]
    others = [mac for mac in devices if mac in places.names and mac not in {place.mac, place.telephone}]
    if others:
        belongs = f"{place.device} belongs there" if place.device else "the site has nothing there"
        missing = " and is not to be seen" if place.mac and place.mac not in devices else ""
        yield view.finding(
            "wrong device", "warning", f"{_names(others, places)} {_are(others)} plugged in; {belongs}{missing}",
            "correct the site if it moved, else plug it in where it belongs", len(others),
        )  # fmt: skip
    if strangers and view.rules.unknown_devices:
        yield view.finding(
            "unknown device", "remark",
            f"{_names(strangers, places)} {_are(strangers)} plugged in, which the site does not know",
            "find out what it is: write it into the site, or unplug it", len(strangers),
        )  # fmt: skip


def _names(macs: Sequence[str], places: Places) -> str:
    if len(macs) >= MACS_KEPT:
        return f"{len(macs)} or more devices (another switch?)"
    shown = [places.names.get(mac, mac) for mac in macs[:_NAMED]]
    return ", ".join(shown) + (f" and {len(macs) - _NAMED} more" if len(macs) > _NAMED else "")


def _are(macs: Sequence[str]) -> str:
    return "is" if len(macs) == 1 else "are"


def absent(view: PortView, voice_vlan: int | None) -> frozenset[str]:
    """The PC or device of this port, where the port is on and has no link, or sees but a telephone: it is off, or
    plugged in elsewhere. (A port that is shut says nothing of it.)"""
    line, place = view.line, view.place
    if place is None or not place.device:
        return frozenset()
    only_telephones = (
        line.status == "up" and line.macs and all(vlan is not None and vlan == voice_vlan for _, vlan in line.macs)
    )
    return frozenset({place.device}) if line.status == "down" or only_telephones else frozenset()


Trails = dict[str, dict[datetime, set[tuple[str, str]]]]
"""MAC address → check → switch and port where it was."""


def follow(trails: Trails, view: PortView) -> None:
    """Note where the addresses of an access port were seen, now and before."""
    if view.is_uplink or not view.line.is_access:
        return
    here = (view.switch, view.line.port)
    for sample in view.samples:
        for mac in sample.macs:
            trails.setdefault(sys.intern(mac), {}).setdefault(sample.at, set()).add(here)


def judge_moves(views: Iterable[PortView], trails: Trails, places: Places) -> Iterator[LineFinding]:
    """Addresses that are on two access ports at once, or that jump between them from check to check: a loop, a device
    with two cables, or two devices with one address. `views` are those of all switches, checked at the same times;
    `trails` what :func:`follow` noted of them."""
    at_home: dict[str, list[PortView]] = defaultdict(list)
    shown: dict[tuple[str, str], str] = {}
    for view in views:
        if view.is_uplink or not view.line.is_access:
            continue
        shown[view.switch, view.line.port] = f"{view.switch} {view.line.shown or view.line.port}"
        for mac in view.now.macs:
            at_home[mac].append(view)
    for mac, here in sorted(at_home.items()):
        name = places.names.get(mac, mac)
        if len(here) > 1:
            yield _two_places(mac, name, here)
            continue
        [view] = here
        moves, ports = _moves(trails.get(mac, {}))
        if moves >= view.rules.moves:
            there = ", ".join(shown.get(key, " ".join(key)) for key in sorted(ports)[:_NAMED])
            yield view.finding(
                "mac moves", "warning", f"{name} was seen to move {count_words(moves)} times in a day between {there}",
                "look for a loop or for two devices with the same address", moves,
            )  # fmt: skip


def _two_places(mac: str, name: str, here: Sequence[PortView]) -> LineFinding:
    view, *others = sorted(here, key=lambda one: (one.switch, one.line.port))
    there = ", ".join(f"{o.switch} {o.line.shown or o.line.port}" for o in others[:_NAMED])
    both = f"{name} ({mac})" if name != mac else mac
    return view.finding(
        "two places", "warning", f"{both} is here and on {there} at the same time",
        "look for a loop, a device with two cables, or two devices with the same address; "
        "if it just moved, the next check finds it in one place", len(here),
    )  # fmt: skip


def _moves(times: Mapping[datetime, set[tuple[str, str]]]) -> tuple[int, set[tuple[str, str]]]:
    """How often an address was found elsewhere than in the check before, and all ports where it was."""
    moves, last = 0, set[tuple[str, str]]()
    ports: set[tuple[str, str]] = set()
    for _, now in sorted(times.items()):
        moves += bool(last) and not now & last
        last = now
        ports |= now
    return moves, ports


def judge_drift(view: PortView, change: Change[State]) -> LineFinding:
    """A port that is not as the site's plan would make it."""
    differences = sorted(change.differences().items(), key=lambda one: one[0] == "description")  # which nobody misses
    told = [f"{_field(name)} is {_value(old)}, expected {_value(new)}" for name, (old, new) in differences]
    more = [f"{len(told) - _NAMED} more"] if len(told) > _NAMED else []
    advice = "`provision apply` sets it right; if it is right as it is, correct the site"
    return view.finding("drift", "warning", "; ".join(told[:_NAMED] + more), advice, len(told))


def _field(name: str) -> str:
    return name.replace("_", " ").replace("vlan", "VLAN")


def _value(value: Any) -> str:
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) and " " in value else str(value)
