"""What a check of the lines found, as plain values; and what the ledger has of earlier ones: the samples that a check
compares with, and the history for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from provisioning.procedures.line_history import Seen, growth
from provisioning.procedures.lines import DAY, LineFinding
from provisioning.resources.base import Address, State

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

__all__ = ["LineReport", "PortHistory", "PortState", "SwitchCheck", "earlier", "histories"]

BUCKETS = 56
"""Points of a history: seven days are three hours each."""

_OF_DAY, _OF_PERIOD, _CHARTED = 24, 12, 224
"""Samples of a port that are read at most: of the last day, of the period, to draw. Memory and time stay bounded,
however often the lines are checked."""


@dataclass(frozen=True)
class PortState:
    """One port, for a picture of the switch. `state`: ``fine`` or the weight of the worst that was found."""

    port: str
    shown: str
    status: str
    state: str
    speed: int | None = None
    place: str = ""
    uplink: bool = False


@dataclass(frozen=True)
class SwitchCheck:
    """What became of one switch. `error` tells why it could not be read; `notes` are sentences about what could not be
    judged."""

    name: str
    ports: tuple[PortState, ...] = ()
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PortHistory:
    """One port over time, in :data:`BUCKETS` equal pieces of `hours` that begin at `start`; ``None``: nothing is known
    of that piece. `errors` and `discards` are an hour; `up` is the part of the samples with a link."""

    switch: str
    port: str
    start: datetime
    hours: float
    errors: tuple[float | None, ...]
    discards: tuple[float | None, ...]
    up: tuple[float | None, ...]

    @property
    def worst(self) -> float:
        """The greatest error rate."""
        return max((rate for rate in self.errors if rate is not None), default=0.0)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "switch": self.switch,
            "port": self.port,
            "start": self.start.isoformat(timespec="seconds"),
            "hours": self.hours,
            "errors": list(self.errors),
            "discards": list(self.discards),
            "up": list(self.up),
        }


@dataclass(frozen=True)
class LineReport:
    """What a check found, worst first. `new` are the findings that no scheduled check has told of."""

    at: datetime
    switches: tuple[SwitchCheck, ...]
    findings: tuple[LineFinding, ...] = ()
    new: tuple[LineFinding, ...] = ()
    notes: tuple[str, ...] = ()
    history: tuple[PortHistory, ...] = ()
    found: Mapping[Address, State | None] = field(default_factory=dict)
    """How the ports are configured that the site has something at."""
    absent: frozenset[str] = frozenset()
    """PCs and devices whose port is on and has no link, or sees but a telephone: off, or plugged in elsewhere."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that somebody should look at (remarks are worth knowing, no more)."""
        return all(finding.weight == "remark" for finding in self.findings)

    @property
    def is_whole(self) -> bool:
        """Whether every switch could be read."""
        return not any(switch.error for switch in self.switches)

    def to_document(self) -> dict[str, Any]:
        """Plain data: ``{at, ports, in_use, fine, switches: [{name, error, notes, ports: […]}], findings: [{switch,
        port, shown, place, sort, weight, says, advice, since, size}], notes, history: […]}``."""
        ports = [port for switch in self.switches for port in switch.ports]
        return {
            "format": 1,
            "at": _text(self.at),
            "ports": len(ports),
            "in_use": sum(port.status == "up" for port in ports),
            "fine": sum(port.state == "fine" for port in ports),
            "switches": [
                {
                    "name": switch.name,
                    "error": switch.error or None,
                    "notes": list(switch.notes),
                    "ports": [asdict(port) for port in switch.ports],
                }
                for switch in self.switches
            ],
            "findings": [
                {**asdict(finding), "since": _text(finding.since) if finding.since else None}
                for finding in self.findings
            ],
            "notes": list(self.notes),
            "history": [history.to_plain() for history in self.history],
        }


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def earlier(
    ledger: Ledger, switch: str, now: datetime, ports: Iterable[str], period: timedelta
) -> Mapping[str, Sequence[Seen]]:
    """Port → the samples of the last day and one older, oldest first; of many, some evenly spread and the latest, more
    of them from the period that is judged."""
    times = ledger.line_sample_times(switch)
    ages = [now - datetime.fromisoformat(text) for text in times]
    day = [text for text, age in zip(times, ages, strict=True) if period < age <= DAY]
    recent = [text for text, age in zip(times, ages, strict=True) if age <= period]
    older = [text for text, age in zip(times, ages, strict=True) if age > max(DAY, period)][-1:]
    chosen = [*older, *spread(day, _OF_DAY), *spread(recent, _OF_PERIOD)]
    return {
        port: [Seen.from_plain(row.at, row.counters) for row in rows]
        for port, rows in ledger.line_samples(switch, chosen, list(ports)).items()
    }


def histories(ledger: Ledger, switch: str, now: Mapping[str, Seen], at: datetime, days: int) -> Iterator[PortHistory]:
    """The history of the ports of one switch, `now` included."""
    start = at - timedelta(days=days)
    times = spread(ledger.line_sample_times(switch, since=start), _CHARTED)
    kept = ledger.line_samples(switch, times, list(now))
    for port, latest in now.items():
        samples = [Seen.from_plain(row.at, row.counters) for row in kept.get(port, ())]
        yield history(switch, port, [*samples, latest], start, at)


def history(switch: str, port: str, samples: Sequence[Seen], start: datetime, end: datetime) -> PortHistory:
    """The history of one port from its samples, oldest first."""
    hours = (end - start).total_seconds() / 3600 / BUCKETS
    counted: list[list[tuple[float, float, float]]] = [[] for _ in range(BUCKETS)]
    links: list[list[bool]] = [[] for _ in range(BUCKETS)]
    for sample in samples:
        links[_bucket(sample.at, start, hours)].append(sample.status == "up")
    for one, other in pairwise(samples):
        if one.status == other.status:  # so it was all the time, as far as was seen
            for bucket in range(_bucket(one.at, start, hours) + 1, _bucket(other.at, start, hours)):
                links[bucket].append(one.status == "up")
        grown = growth([one, other])
        if not grown.hours:
            continue
        damaged = max(grown["in_errors"], grown["crc"] + grown["frame"]) + grown["out_errors"]
        lost = grown["in_discards"] + grown["out_discards"]
        for bucket in range(_bucket(one.at, start, hours), _bucket(other.at, start, hours) + 1):
            counted[bucket].append((damaged / grown.hours, lost / grown.hours, grown.hours))
    return PortHistory(
        switch,
        port,
        start,
        round(hours, 4),
        tuple(_mean([(errors, span) for errors, _, span in piece]) for piece in counted),
        tuple(_mean([(lost, span) for _, lost, span in piece]) for piece in counted),
        tuple(round(sum(piece) / len(piece), 2) if piece else None for piece in links),
    )


def spread(times: Sequence[str], most: int) -> Sequence[str]:
    """At most `most` of `times`, evenly spread, the first and the last among them."""
    if len(times) <= most:
        return times
    step = (len(times) - 1) / (most - 1)
    return [times[round(i * step)] for i in range(most)]


def _bucket(at: datetime, start: datetime, hours: float) -> int:
    return min(max(int((at - start).total_seconds() / 3600 / hours), 0), BUCKETS - 1)


def _mean(weighted: Sequence[tuple[float, float]]) -> float | None:
    total = sum(weight for _, weight in weighted)
    return round(sum(value * weight for value, weight in weighted) / total, 2) if total else None
