"""Runs that changed the same things, one after the other: the later one should be taken back first."""

from __future__ import annotations

from sqlalchemy import and_, exists, select

from provisioning.ledger.part import Part
from provisioning.ledger.tables import changes, events, runs


class Overlaps(Part):
    """Which runs of one ledger lie over others."""

    def runs_over(self, run_id: int) -> list[tuple[int, str]]:
        """Number and title of the later runs that stand and changed things which this run changed too; oldest first."""
        ours, theirs = changes.alias(), changes.alias()
        same = [ours.c[name] == theirs.c[name] for name in ("kind", "target", "key")]
        query = (
            select(runs.c.id, runs.c.title)
            .distinct()
            .join(theirs, theirs.c.run_id == runs.c.id)
            .join(ours, and_(*same))
            .where(ours.c.run_id == run_id, runs.c.id > run_id, runs.c.undoes.is_(None), runs.c.state != "undone")
            .where(exists().where(events.c.change_id == theirs.c.id, events.c.state == "verified"))
            .order_by(runs.c.id)
        )
        with self._database.read() as connection:
            return [(row.id, row.title) for row in connection.execute(query)]
