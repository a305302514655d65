"""What earlier checks saw of a port, and what was counted since. Pure.

A sample is what one check saw of one port: its link, speed, counters, addresses, and what was found there. Counters of
devices only rise, so what happened in a time is the sum of the rises between its samples; one that went back says that
the switch was restarted or its counters were cleared, and then what it shows now is what was counted since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, cast

from provisioning.resources.switch.counters import COUNTERS, Line, LineStatus

__all__ = [
    "Growth", "Known", "Seen", "count_words", "flaps", "growth", "hours_words", "rate_words", "remember", "seen",
    "since", "speed_words",
]  # fmt: skip

FORGET = timedelta(days=1)
"""What was found and is gone is remembered for this long: should it come back by then it is nothing new."""


@dataclass(frozen=True, slots=True)
class Known:
    """Something that was found: since when, when last, and whether the service desk heard of it."""

    since: datetime
    last: datetime
    told: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One port in one check. `since`: when the link came into this state, as far as was seen; `changes`: how often it
    was seen to change in all. `fastest` is the greatest speed ever seen here, in Mbit/s."""

    at: datetime
    status: LineStatus
    since: datetime
    speed: int | None = None
    duplex: str | None = None
    fastest: int | None = None
    changes: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    macs: tuple[str, ...] = ()
    found: Mapping[str, Known] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready, without what is nothing; `at` is the row's."""
        plain: dict[str, Any] = {"status": self.status, "since": _text(self.since)}
        plain |= {
            name: value
            for name in ("speed", "duplex", "fastest", "changes")
            if (value := getattr(self, name)) not in {None, 0}
        }
        plain |= {name: value for name, value in self.counters.items() if value}
        if not self.counters:
            plain["uncounted"] = True
        if self.macs:
            plain["macs"] = list(self.macs)
        if self.found:
            plain["found"] = {k: [_text(v.since), _text(v.last), int(v.told)] for k, v in self.found.items()}
        return plain

    @classmethod
    def from_plain(cls, at: str, plain: Mapping[str, Any]) -> Seen:
        """What :meth:`to_plain` wrote. Counters that are not there are 0, but for a check
        that got none at all."""
        return cls(
            at=_moment(at),
            status=cast(LineStatus, plain.get("status", "down")),
            since=_moment(plain.get("since", at)),
            speed=plain.get("speed"),
            duplex=plain.get("duplex"),
            fastest=plain.get("fastest"),
            changes=plain.get("changes", 0),
            counters={} if plain.get("uncounted") else {name: plain.get(name, 0) for name in COUNTERS},
            macs=tuple(plain.get("macs", ())),
            found={
                name: Known(_moment(since), _moment(last), bool(told))
                for name, (since, last, told) in plain.get("found", {}).items()
            },
        )


def seen(line: Line, at: datetime, before: Seen | None) -> Seen:
    """The sample of a port now. What was found is added by :func:`remember`."""
    same = before is not None and before.status == line.status
    changed = before is not None and not same
    return Seen(
        at=at,
        status=line.status,
        since=before.since if before is not None and same else at,
        speed=line.speed,
        duplex=line.duplex,
        fastest=max((s for s in (line.speed, before.fastest if before else None) if s is not None), default=None),
        changes=(before.changes if before is not None else 0) + changed,
        counters=line.counters,
        macs=tuple(dict.fromkeys(mac for mac, _ in line.macs)),
        found=before.found if before is not None else {},
    )


def remember(now: Seen, found: Iterable[str], *, tell: bool) -> tuple[Seen, frozenset[str]]:
    """`now` with what was found in this check, and the names of what nobody has been told of so far; with `tell` they
    are told of it now."""
    names = dict.fromkeys(found)
    known = {name: old for name, old in now.found.items() if now.at - old.last <= FORGET}
    new = frozenset(name for name in names if name not in known or not known[name].told)
    for name in names:
        old = known.get(name)
        since = old.since if old is not None else now.at
        known[name] = Known(since, now.at, tell or (old is not None and old.told))
    return replace(now, found=known), new


@dataclass(frozen=True, slots=True)
class Growth:
    """What was counted in a time: by counter, and `hours` that it took. `restarted`: when the counters were first seen
    to have gone back."""

    hours: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    restarted: datetime | None = None

    def __getitem__(self, counter: str) -> int:
        return self.counts.get(counter, 0)

    def hourly(self, *counters: str) -> float:
        """Per hour; 0 when no time has passed."""
        return sum(self[name] for name in counters) / self.hours if self.hours else 0.0

    def frames(self, of: str, number: int) -> int:
        """What `of` (``in_packets``, ``out_packets``) counted, or both directions where the device has them together.
        Not all devices count damaged frames among them, so there are never less than `number`."""
        return max(self[of] or self["packets"], number)

    def per_million(self, number: int, of: str) -> float:
        """`number` in a million frames."""
        return number / self.frames(of, number) * 1e6 if number else 0.0


def growth(samples: Sequence[Seen]) -> Growth:
    """What was counted between the first and the last of `samples` (oldest first). Those without counters (the device
    did not show them then) are left out: from nothing to what it shows next is no rise."""
    samples = [sample for sample in samples if sample.counters]
    counts: dict[str, int] = {}
    restarted = None
    for one, other in pairwise(samples):
        back = any(other.counters[name] < one.counters.get(name, 0) for name in other.counters)
        if back and restarted is None:
            restarted = other.at
        for name, value in other.counters.items():
            counts[name] = counts.get(name, 0) + value - (0 if back else one.counters.get(name, 0))
    hours = (samples[-1].at - samples[0].at).total_seconds() / 3600 if len(samples) > 1 else 0.0
    return Growth(hours, counts, restarted)


def since(samples: Sequence[Seen], start: datetime) -> Sequence[Seen]:
    """Those of `samples` (oldest first) that tell what happened from `start` on: the last one before it, or the oldest
    there is, and all later ones."""
    first = max((i for i, sample in enumerate(samples) if sample.at <= start), default=0)
    return samples[first:]


def flaps(samples: Sequence[Seen]) -> int:
    """How often the link changed between the first and the last of `samples`: what the device counted, or what was seen
    from check to check, whichever is more (IOS does not count)."""
    if len(samples) < 2:
        return 0
    watched = samples[-1].changes - samples[0].changes
    return max(growth(samples)["transitions"], watched, 0)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    """The same few times stand in thousands of rows."""
    return datetime.fromisoformat(text)


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def speed_words(megabits: int) -> str:
    """``100 Mbit/s``, ``10 Gbit/s``."""
    return f"{megabits / 1000:g} Gbit/s" if megabits >= 2500 else f"{megabits} Mbit/s"


def hours_words(hours: float) -> str:
    """``7 min``, ``1.5 h``, ``3 days``."""
    if hours < 1:
        return f"{max(1, round(hours * 60))} min"
    return f"{round(hours, 1):g} h" if hours < 72 else f"{hours / 24:.0f} days"


def count_words(number: int) -> str:
    """``9,999``, ``12 thousand``, ``3.4 million``."""
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1000:.0f} thousand" if number < 1_000_000 else f"{number / 1e6:,.1f} million"


def rate_words(rate: float) -> str:
    """A rate per million with two digits that mean something; from one percent on in percent."""
    if rate >= 10_000:
        return f"{rate / 10_000:.{0 if rate >= 100_000 else 1}f} %"
    return (f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}") + " per million"
