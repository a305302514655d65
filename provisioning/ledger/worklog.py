"""The work log: one sentence for everything that was asked and done, and the outbox that owes them to service desks.

An entry and what it tells are written in one transaction. Each desk is owed every entry; it is handed out for delivery
until somebody says :meth:`WorkLog.delivered`, so it arrives at least once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select, update

from provisioning.ledger.part import Part, clean
from provisioning.ledger.records import Delivery, Entry, LoggedEntry
from provisioning.ledger.tables import deliveries, work_log
from provisioning.ledger.times import moment, now
from provisioning.ledger.who import acting_user

_FIRST_WAIT = 10.0
_LONGEST_WAIT = 1800.0
_COLUMNS = tuple(work_log.c[name] for name in LoggedEntry.__dataclass_fields__)


def backoff_seconds(attempts: int) -> float:
    """How long to wait after that many failed attempts: 10 s, doubled each time, at most half an hour."""
    return min(_FIRST_WAIT * 2.0 ** min(attempts - 1, 20), _LONGEST_WAIT)


class WorkLog(Part):
    """The work log of a ledger, and its outbox."""

    def log(self, *entries: Entry, tell: bool = True) -> None:
        """Write down sentences that belong to no other write; without `tell` no desk is owed them."""
        with self._database.write() as connection:
            append_entries(connection, entries, self.desks if tell else ())

    def has_entry(self, key: str) -> bool:
        """Whether a sentence was written under this key."""
        with self._database.read() as connection:
            return connection.scalar(select(work_log.c.id).where(work_log.c.key == key)) is not None

    def worklog(
        self, *, request_id: int | None = None, run_id: int | None = None, limit: int = 500
    ) -> list[LoggedEntry]:
        """The latest sentences, oldest first; only those of a request or a run, where given."""
        query = select(*_COLUMNS).order_by(work_log.c.id.desc()).limit(limit)
        if request_id is not None:
            query = query.where(work_log.c.request_id == request_id)
        if run_id is not None:
            query = query.where(work_log.c.run_id == run_id)
        with self._database.read() as connection:
            return [LoggedEntry(*row) for row in reversed(connection.execute(query).all())]

    def undelivered(self, desk: str, *, limit: int = 100, lease_seconds: float = 120.0) -> list[Delivery]:
        """Take entries that are owed to `desk` and due, oldest first.

        Each is handed to one caller at a time: nobody else gets it before the lease is over (a caller that dies does
        not keep it). Afterwards say :meth:`delivered` or :meth:`delivery_failed`.
        """
        at = datetime.now(UTC)
        query = (
            select(deliveries.c.id, deliveries.c.attempts, deliveries.c.error, *_COLUMNS)
            .join(work_log, work_log.c.id == deliveries.c.entry_id)
            .where(deliveries.c.desk == desk, deliveries.c.delivered.is_(None), deliveries.c.next_try <= moment(at))
            .order_by(work_log.c.id)
            .limit(limit)
            .with_for_update(of=deliveries, skip_locked=True)
        )
        with self._database.write() as connection:
            rows = connection.execute(query).all()
            if rows:
                ours = update(deliveries).where(deliveries.c.id.in_([row[0] for row in rows]))
                until = moment(at + timedelta(seconds=lease_seconds))
                connection.execute(ours.values(next_try=until, attempts=deliveries.c.attempts + 1))
        return [Delivery(row[0], desk, LoggedEntry(*row[3:]), row[1] + 1, row[2]) for row in rows]

    def delivered(self, delivery_id: int, remote: str | None = None) -> None:
        """The desk has it; `remote` is the desk's own number of it."""
        self._delivery(delivery_id, delivered=now(), remote=remote, error=None)

    def delivery_failed(self, delivery_id: int, error: str, *, next_try: datetime | None = None) -> None:
        """The desk did not take it; try again at `next_try` (else after :func:`backoff_seconds`)."""
        if next_try is None:
            with self._database.read() as connection:
                query = select(deliveries.c.attempts).where(deliveries.c.id == delivery_id)
                attempts = connection.scalars(query).one()
            next_try = datetime.now(UTC) + timedelta(seconds=backoff_seconds(attempts))
        self._delivery(delivery_id, error=clean(error), next_try=moment(next_try))

    def count_undelivered(self, desk: str, *, due: datetime | None = None) -> int:
        """How many entries the desk is owed, due or not; with `due`, those that are to be tried at that time."""
        query = select(func.count()).where(deliveries.c.desk == desk, deliveries.c.delivered.is_(None))
        if due is not None:
            query = query.where(deliveries.c.next_try <= moment(due))
        with self._database.read() as connection:
            return connection.scalars(query).one()

    def _delivery(self, delivery_id: int, **values: str | None) -> None:
        ours = (deliveries.c.id == delivery_id) & deliveries.c.delivered.is_(None)
        with self._database.write() as connection:
            connection.execute(update(deliveries).where(ours).values(**values))


def append_entries(connection: Connection, entries: Iterable[Entry], desks: Sequence[str]) -> None:
    """Write entries and what is owed of them to `desks`, in the caller's transaction. An entry whose key is there
    already is left out."""
    at, who = now(), acting_user()
    rows = [
        {
            "sentence": clean(entry.sentence),
            "request_id": entry.request_id,
            "run_id": entry.run_id,
            "change_id": entry.change_id,
            "key": entry.key or str(uuid4()),
            "who": who,
            "at": at,
        }
        for entry in entries
    ]
    if rows and not desks:
        connection.execute(_new_entry(connection), rows)
        return
    for row in rows:
        entry_id = connection.scalar(_new_entry(connection).returning(work_log.c.id), row)
        if entry_id is not None:
            owed = [{"entry_id": entry_id, "desk": desk, "attempts": 0, "next_try": at} for desk in desks]
            connection.execute(insert(deliveries), owed)


def _new_entry(connection: Connection):  # type: ignore[no-untyped-def]
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_into  # noqa: PLC0415
    else:
        from sqlalchemy.dialects.postgresql import insert as insert_into  # type: ignore[assignment] # noqa: PLC0415
    return insert_into(work_log).on_conflict_do_nothing(index_elements=["key"])
