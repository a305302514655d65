"""Judging lines: what a port's link, counters and power say about its cable, its socket and the device behind it. Pure.

Thresholds are the site's (``network: lines:``, :class:`~provisioning.site.line_checks.LineChecks`); ``docs/lines.md``
names their sources. What is plugged in where is judged in ``line_devices.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from provisioning.procedures.line_history import (
    Growth,
    Seen,
    count_words,
    flaps,
    growth,
    hours_words,
    rate_words,
    since,
    speed_words,
)
from provisioning.procedures.line_places import Place
from provisioning.resources.switch.counters import Line, Neighbour
from provisioning.site.line_checks import LineChecks

__all__ = ["DAY", "LineFinding", "PortView", "Sort", "Weight", "judge_line"]

Sort = Literal[
    "shut down",
    "power",
    "duplex",
    "errors",
    "flaps",
    "half speed",
    "discards",
    "mac moves",
    "two places",
    "wrong device",
    "unknown device",
    "unknown port",
    "unused",
    "drift",
]
Weight = Literal["fault", "warning", "remark"]
"""``fault``: somebody suffers from it now; ``warning``: somebody should look; ``remark``: worth knowing."""

DAY = timedelta(days=1)
AWAKE = 600
"""Frames an hour that a PC sends at least while it is used. One that sleeps keeps a slow link to be woken by."""

_ERRORS = ("crc", "frame", "runts", "giants")
_NO_POWER = re.compile(r"fault|den(y|ied)|overload|over-?current|short|err|bad|class-?mismatch", re.IGNORECASE)
_BUDGET = re.compile(r"den(y|ied)|overload", re.IGNORECASE)
_SHORTEST_HOURS = 1 / 60


@dataclass(frozen=True, slots=True)
class LineFinding:
    """One thing that is wrong with one line, or worth knowing. `says` and `advice` are sentences without a full stop;
    `size` orders findings of one sort (an error rate, a number of flaps)."""

    switch: str
    port: str
    sort: Sort
    weight: Weight
    says: str
    advice: str
    shown: str = ""
    place: str = ""
    size: float = 0.0
    since: datetime | None = None

    @property
    def where(self) -> str:
        """``sw-b2-1 Gi1/0/7 (desk B-204-3, WS-0042)``."""
        return f"{self.switch} {self.shown or self.port}" + (f" ({self.place})" if self.place else "")

    @property
    def sentence(self) -> str:
        """The whole, for the work log."""
        return f"{self.where}: {self.says}; {self.advice}."


@dataclass(frozen=True, slots=True)
class PortView:
    """All that is known of one port: what the switch says, what earlier checks saw (oldest first, `now` last), and what
    the site has there. `is_fixed`: its speed or duplex is configured, not negotiated."""

    switch: str
    line: Line
    now: Seen
    before: Sequence[Seen] = ()
    place: Place | None = None
    is_uplink: bool = False
    is_fixed: bool = False
    rules: LineChecks = field(default_factory=LineChecks)

    @property
    def samples(self) -> Sequence[Seen]:
        return (*self.before, self.now)

    def recent(self) -> Sequence[Seen]:
        """The samples of the period, and the last one before it."""
        return since(self.samples, self.now.at - 0.9 * self.rules.period)  # checks are not on time to the second

    def grown(self) -> Growth:
        """What was counted over the period; without an earlier sample, since the counters were cleared."""
        return growth(self.recent()) if self.before else Growth(0.0, dict(self.now.counters))

    def finding(self, sort: Sort, weight: Weight, says: str, advice: str, size: float = 0.0) -> LineFinding:
        """A finding about this port."""
        place = self.place.words if self.place is not None else "uplink" if self.is_uplink else ""
        return LineFinding(
            self.switch, self.line.port, sort, weight, says, advice, self.line.shown or self.line.port, place, size
        )


def judge_line(view: PortView) -> Iterator[LineFinding]:
    """Everything that is wrong with the line itself."""
    line, grown = view.line, view.grown()
    if line.status == "error":
        reason = f" ({line.reason})" if line.reason else ""
        yield view.finding(
            "shut down", "fault", f"the switch shut the port down by itself{reason}",
            "remove the cause (a loop, another switch, too many devices), then disable and enable the port",
        )  # fmt: skip
    duplex = _duplex(view, grown)
    if duplex is not None:
        yield duplex
    yield from _errors(view, grown, mismatch=duplex is not None)
    yield from _discards(view, grown)
    yield from _flaps(view)
    yield from _slow(view, grown)
    yield from _power(view)


def _duplex(view: PortView, grown: Growth) -> LineFinding | None:
    line, late = view.line, grown["late_collisions"]
    if line.status != "up" or line.duplex is None:
        return None
    other = next((n for n in line.neighbours if n.duplex not in {None, line.duplex}), None)
    advice = (
        "let both ends negotiate (no fixed speed or duplex on either); if they do, replace the patch cable, "
        "then the device's network card or its driver"
    )
    if view.is_fixed:
        advice = "speed or duplex of this port is fixed on the switch: let it negotiate, or fix the other end alike"
    if other is not None:
        says = (
            f"runs in {line.duplex} duplex, but {_named(other)} at the other end in {other.duplex} duplex "
            f"(it says so by {other.protocol})"
        )
        return view.finding("duplex", "fault", says, advice, late)
    if line.duplex == "half" and (line.capable or 1000) >= 100:
        collisions = f", with {count_words(late)} late collisions {_when(grown)}" if late else ""
        weight: Weight = "fault" if late >= view.rules.least else "warning"
        return view.finding("duplex", weight, f"runs in half duplex{_at(line)}{collisions}", advice, late)
    if late >= view.rules.least and all(sample.duplex != "half" for sample in view.recent()):
        says = f"counted {count_words(late)} late collisions {_when(grown)} in full duplex, where there cannot be any"
        return view.finding("duplex", "fault", says, advice, late)
    return None


def _errors(view: PortView, grown: Growth, *, mismatch: bool) -> Iterator[LineFinding]:
    rules = view.rules
    damaged = max(grown["in_errors"], sum(grown[name] for name in _ERRORS[:2]))
    failed = grown["out_errors"]
    rates = grown.per_million(damaged, "in_packets"), grown.per_million(failed, "out_packets")
    limit = rules.errors_half if view.line.duplex == "half" else rules.errors
    told = []
    if damaged >= rules.least and rates[0] >= limit:
        kinds = ", ".join(f"{_COUNTER_WORDS[name]} {count_words(grown[name])}" for name in _ERRORS if grown[name])
        told.append(
            f"{count_words(damaged)} of {count_words(grown.frames('in_packets', damaged))} received frames were "
            f"damaged {_when(grown)} ({rate_words(rates[0])}{'; ' + kinds if kinds else ''})"
        )
    if failed >= rules.least and rates[1] >= limit:
        told.append(
            f"{count_words(failed)} of {count_words(grown.frames('out_packets', failed))} frames could not be sent "
            f"{_when(grown)} ({rate_words(rates[1])})"
        )
    if told:
        weight: Weight = "fault" if max(rates) >= 100 * max(limit, 1.0) else "warning"
        advice = _errors_advice(view, grown, mismatch)
        yield view.finding("errors", weight, "; ".join(told), advice, max(rates))


def _errors_advice(view: PortView, grown: Growth, mismatch: bool) -> str:
    if mismatch:
        return "mend the duplex first: a mismatch damages frames"
    if grown["giants"] > grown["crc"] + grown["runts"]:
        return "frames are longer than the switch takes them: look at MTU and VLAN tagging of the device"
    if view.is_uplink:
        return "replace the patch cable or clean the fibre, then change the transceivers, one end after the other"
    place = view.place
    run = f"the run to outlet {place.outlet}" if place is not None else "the run to the outlet"
    card = f"the network card of {place.device}" if place is not None and place.device else "the device's network card"
    return f"replace the patch cables at the desk and in the closet; if it stays, have {run} measured, then try {card}"


def _discards(view: PortView, grown: Growth) -> Iterator[LineFinding]:
    rules, line = view.rules, view.line
    ways = (("out_discards", "out_packets", "to"), ("in_discards", "in_packets", "from"))
    for counter, packets, way in ways:
        lost, rate = grown[counter], grown.per_million(grown[counter], packets)
        if lost < rules.least_discards or rate < rules.discards:
            continue
        says = (
            f"the switch threw away {count_words(lost)} of {count_words(grown.frames(packets, lost))} frames {way} "
            f"this line {_when(grown)} ({rate_words(rate)})"
        )
        slow = line.speed is not None and line.capable is not None and line.speed < line.capable
        advice = (
            f"it runs{_at(line)} only: mend that first"
            if slow
            else "more arrives than the line carries: look for backups, floods or loops, or give it a faster line"
        )
        yield view.finding("discards", "warning", says, advice, rate)
        return


def _flaps(view: PortView) -> Iterator[LineFinding]:
    samples = since(view.samples, view.now.at - DAY)
    number = flaps(samples)
    if number < view.rules.flaps:
        return
    hours = (samples[-1].at - samples[0].at).total_seconds() / 3600
    yield view.finding(
        "flaps", "warning", f"the link went up and down {count_words(number)} times in {hours_words(hours)}",
        "look for a loose plug, a worn patch cable or socket, then for energy saving of the device's network card",
        number,
    )  # fmt: skip


def _slow(view: PortView, grown: Growth) -> Iterator[LineFinding]:
    line, place, rules = view.line, view.place, view.rules
    if not rules.slow or line.status != "up" or line.speed is None or (line.capable or 0) <= line.speed:
        return
    if "packets" in line.counters or (grown.hours >= _SHORTEST_HOURS and grown.hourly("in_packets") < AWAKE):
        return  # it sleeps, or that cannot be told: what it hears is counted with what it says
    able = next((n for n in line.neighbours if (n.capable or 0) > line.speed), None)
    fastest = view.now.fastest or 0
    if able is not None:
        why = f"{_named(able)} at the other end can run at {speed_words(min(able.capable or 0, line.capable or 0))}"
    elif fastest > line.speed:
        why = f"it ran at {speed_words(fastest)} before"
    elif (place is not None and place.is_pc) or view.is_uplink:
        why = f"the port can run at {speed_words(line.capable or 0)}"
    else:
        return  # printers and the like have slow cards
    advice = "replace the patch cables: 1000 Mbit/s needs all four pairs; if it stays, have the socket's wiring checked"
    if view.is_fixed:
        advice = "the speed of this port is fixed on the switch: let it negotiate"
    elif phone := next((n for n in line.neighbours if n.is_phone), None):
        advice = f"{_named(phone)} is in between and may be the slow one; else {advice}"
    weight: Weight = "warning" if line.speed * 10 <= (line.capable or 0) else "remark"
    yield view.finding("half speed", weight, f"runs{_at(line)}, but {why}", advice, (line.capable or 0) / line.speed)


def _power(view: PortView) -> Iterator[LineFinding]:
    power = view.line.power
    if power is None or not _NO_POWER.search(power.oper):
        return
    if _BUDGET.search(power.oper):
        advice = "the switch has no power left for it: free some on other ports, or get it a bigger power supply"
    else:
        advice = (
            "try another patch cable and another device; if it stays, take another port and have the socket checked"
        )
    yield view.finding("power", "fault", f"gives no power to its device: the switch says {power.oper!r}", advice)


_COUNTER_WORDS = {"crc": "CRC", "frame": "alignment", "runts": "runts", "giants": "giants"}


def _named(neighbour: Neighbour) -> str:
    return neighbour.name[:40] or "the device"


def _at(line: Line) -> str:
    return "" if line.speed is None else f" at {speed_words(line.speed)}"


def _when(grown: Growth) -> str:
    return f"in {hours_words(grown.hours)}" if grown.hours else "since its counters were cleared"
