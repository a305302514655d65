"""Samples of lines: what each port of a switch said at a time, kept so that the next check can count.

A check writes one row a port and one for the switch itself (port ``""``), all with the same time, in one transaction.
What a row means is the business of ``procedures/line_history.py``; here it is JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from provisioning.ledger.part import Part, clean
from provisioning.ledger.tables import line_samples
from provisioning.ledger.times import moment

__all__ = ["SWITCH", "LineSample", "LineSamples", "to_drop"]

SWITCH = ""
"""The port of the row that is about the switch as a whole."""

_AT_ONCE = 400
"""Times in one query; SQLite takes 32,766 values, and old PostgreSQL servers plan long lists slowly."""


@dataclass(frozen=True, slots=True)
class LineSample:
    """One row."""

    at: str
    counters: Mapping[str, Any]


class LineSamples(Part):
    """The samples of a ledger."""

    def keep_line_samples(self, switch: str, at: datetime, samples: Mapping[str, Mapping[str, Any]]) -> None:
        """Write what one check found on one switch: port → plain values; :data:`SWITCH` must be among the ports."""
        rows = [
            {"switch": switch, "port": port, "at": moment(at), "counters": _clean(counters)}
            for port, counters in samples.items()
        ]
        with self._database.write() as connection:
            connection.execute(insert(line_samples), rows)

    def line_sample_times(self, switch: str, *, since: datetime | None = None) -> list[str]:
        """When the switch was sampled, oldest first."""
        query = select(line_samples.c.at).where(line_samples.c.switch == switch, line_samples.c.port == SWITCH)
        if since is not None:
            query = query.where(line_samples.c.at >= moment(since))
        with self._database.read() as connection:
            return list(dict.fromkeys(connection.scalars(query.order_by(line_samples.c.at))))

    def line_samples(self, switch: str, times: Sequence[str], ports: Collection[str]) -> dict[str, list[LineSample]]:
        """What these ports said at these times, oldest first. Ports without a row are left out."""
        found: dict[str, list[LineSample]] = defaultdict(list)
        wanted = (line_samples.c.switch == switch) & line_samples.c.port.in_(list(ports))
        with self._database.read() as connection:
            for start in range(0, len(times), _AT_ONCE):
                query = (
                    select(line_samples.c.port, line_samples.c.at, line_samples.c.counters)
                    .where(wanted, line_samples.c.at.in_(times[start : start + _AT_ONCE]))
                    .order_by(line_samples.c.at, line_samples.c.id)
                )
                for port, at, counters in connection.execute(query):
                    found[port].append(LineSample(at, counters))
        return dict(found)

    def thin_line_samples(
        self, switch: str, now: datetime, *, whole: timedelta, thinned: timedelta, keep: timedelta
    ) -> int:
        """Remove what :func:`to_drop` says of a switch; the number of rows."""
        drop = to_drop(self.line_sample_times(switch), now, whole=whole, thinned=thinned, keep=keep)
        removed = 0
        for start in range(0, len(drop), _AT_ONCE):
            old = line_samples.c.at.in_(drop[start : start + _AT_ONCE])
            with self._database.write() as connection:
                removed += connection.execute(delete(line_samples).where(line_samples.c.switch == switch, old)).rowcount
        return removed


def to_drop(
    times: Sequence[str], now: datetime, *, whole: timedelta, thinned: timedelta, keep: timedelta
) -> Sequence[str]:
    """Of `times` (sorted) those whose samples go: older than `keep`, and of those older than `whole` all but the first
    in each span of `thinned` (counted from 1970, so that it does not matter when it is asked)."""
    drop: list[str] = []
    spans: set[int] = set()
    for text in times:
        at = datetime.fromisoformat(text)
        if at < now - keep:
            drop.append(text)
        elif at < now - whole:
            span = int(at.timestamp() // thinned.total_seconds())
            if span in spans:
                drop.append(text)
            spans.add(span)
    return drop


def _clean(value: Any) -> Any:
    """Remote text inside `value` as both databases can store it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, (list, tuple)) else value
