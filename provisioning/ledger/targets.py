"""Targets that a run has to come back to: they could not be read, or their changes are deferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from provisioning.ledger.part import Part, clean
from provisioning.ledger.records import OpenReason, OpenTarget
from provisioning.ledger.tables import run_targets, runs
from provisioning.ledger.times import moment, now

_ALIVE = ("running", "waiting", "interrupted")
_FIELDS = tuple(OpenTarget.__dataclass_fields__)


def unread_rows(
    run_id: int, unread: Mapping[str, str], next_try: datetime | None, deadlines: Mapping[str, datetime]
) -> list[dict[str, Any]]:
    """What is written down of the targets that could not be read when a run was planned, with the reasons: they are to
    be tried at `next_try` (now) until their deadlines."""
    at = now()
    again = at if next_try is None else moment(next_try)
    return [
        {"run_id": run_id, "target": target, "why": "unread", "reason": clean(reason), "attempts": 1}
        | {"since": at, "next_try": again}
        | {"deadline": moment(deadlines[target]) if target in deadlines else None}
        for target, reason in sorted(unread.items())
    ]


class Targets(Part):
    """The open targets of a ledger's runs."""

    def defer(
        self,
        run_id: int,
        target: str,
        reason: str,
        *,
        next_try: datetime,
        deadline: datetime | None = None,
        why: OpenReason = "deferred",
    ) -> OpenTarget:
        """Leave a target of a run open until `next_try`; another call counts another attempt.

        The deadline of the first call stays, whatever later calls say; one that had none gets it now.
        """
        here = (run_targets.c.run_id == run_id) & (run_targets.c.target == target)
        words = {"why": why, "reason": clean(reason), "next_try": moment(next_try)}
        limit = None if deadline is None else moment(deadline)
        with self._database.write() as connection:
            old = connection.execute(select(run_targets).where(here).with_for_update()).one_or_none()
            if old is None:
                row = {"run_id": run_id, "target": target, "attempts": 1, "since": now(), "deadline": limit}
                connection.execute(insert(run_targets), row | words)
            elif old.closed is not None:
                again = {"attempts": 1, "since": now(), "deadline": limit, "closed": None}
                connection.execute(update(run_targets).where(here).values(**words, **again))
            else:
                again = {"attempts": old.attempts + 1, "deadline": old.deadline or limit}
                connection.execute(update(run_targets).where(here).values(**words, **again))
            return OpenTarget(*connection.execute(select(*(run_targets.c[f] for f in _FIELDS)).where(here)).one())

    def close_targets(self, run_id: int, targets: Sequence[str] | None = None) -> None:
        """Nothing of these targets of a run is open any more (of all of them without `targets`)."""
        query = update(run_targets).where(run_targets.c.run_id == run_id, run_targets.c.closed.is_(None))
        if targets is not None:
            query = query.where(run_targets.c.target.in_(targets))
        with self._database.write() as connection:
            connection.execute(query.values(closed=now()))

    def open_targets(self, run_id: int | None = None, *, due: datetime | None = None) -> list[OpenTarget]:
        """What is open, of one run or of all; with `due`, what is to be tried at that time by itself: what an ended run
        gave up is not. Soonest first."""
        query = select(*(run_targets.c[name] for name in _FIELDS)).where(run_targets.c.closed.is_(None))
        if run_id is not None:
            query = query.where(run_targets.c.run_id == run_id)
        if due is not None:
            alive = select(runs.c.id).where(runs.c.state.in_(_ALIVE))
            query = query.where(run_targets.c.next_try <= moment(due), run_targets.c.run_id.in_(alive))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(run_targets.c.next_try, run_targets.c.target))
            return [OpenTarget(*row) for row in rows]
