"""What a look into the ledger for work finds: numbers only, since workers look every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from provisioning.ledger.part import Part
from provisioning.ledger.tables import requests, run_targets, runs
from provisioning.ledger.times import moment


@dataclass(frozen=True)
class Found:
    """`begun`: runs that are under way, or whose process died; `waiting`: runs with targets that are due again, the one
    that waits longest first; `requests`: scheduled ones whose time has come, likewise."""

    begun: tuple[int, ...]
    waiting: tuple[int, ...]
    requests: tuple[int, ...]


class Look(Part):
    """Looking for work in one ledger."""

    def look(self, at: datetime, *, begun_by: datetime, limit: int | None = None) -> Found:
        """What there is at `at`: of the runs under way those that were begun by `begun_by`, of the requests `limit`."""
        begun = select(runs.c.id).where(runs.c.state == "running", runs.c.started <= moment(begun_by))
        waiting = (
            select(run_targets.c.run_id)
            .join(runs, runs.c.id == run_targets.c.run_id)
            .where(runs.c.state == "waiting", run_targets.c.closed.is_(None), run_targets.c.next_try <= moment(at))
            .order_by(run_targets.c.next_try)
        )
        due = select(requests.c.id).where(requests.c.state == "scheduled", requests.c.start <= moment(at))
        due = due.order_by(requests.c.start, requests.c.id).limit(limit)
        with self._database.read() as connection:
            return Found(
                tuple(connection.scalars(begun.order_by(runs.c.id))),
                tuple(dict.fromkeys(connection.scalars(waiting))),
                tuple(connection.scalars(due)),
            )
