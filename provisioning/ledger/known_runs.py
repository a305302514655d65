"""Runs that were read a moment ago: of those only what has happened since is read.

What a run means to change never changes, and its events only become more; the hash of its newest event says whether a
record is still the newest, and that of an older one whether it is still the same ledger.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from provisioning.ledger.records import RunRecord
from provisioning.ledger.rows import open_targets_of, read_proofs, read_runs
from provisioning.ledger.tables import events, runs

_MOST = 8  # runs; one of a thousand switches takes some MB

_HEAD = select(runs).where(runs.c.id == bindparam("run"))
_SINCE = (
    select(events.c.number, events.c.change_id, events.c.proof_id, events.c.state, events.c.error, events.c.hash)
    .where(events.c.run_id == bindparam("run"), events.c.number >= bindparam("known"))
    .order_by(events.c.number)
)


@dataclass(frozen=True)
class _Known:
    """A record, and the newest event that it knows of."""

    record: RunRecord
    number: int
    hash: str


class KnownRuns:
    """The runs that were read last. May be shared by threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: OrderedDict[int, _Known] = OrderedDict()

    def read(self, connection: Connection, run_id: int) -> RunRecord | None:
        """A run as it is now; ``None``: there is none of that number."""
        head = connection.execute(_HEAD, {"run": run_id}).mappings().one_or_none()
        if head is None:
            return None
        with self._guard:
            known = self._known.get(run_id)
        record = None if known is None else _brought_up_to_date(connection, known, head)
        if record is None:
            record = read_runs(connection, [run_id])[0]
        self.remember(record, head["last_number"], head["last_hash"])
        return record

    def undoes(self, run_id: int) -> tuple[int | None] | None:
        """Which run a known one takes back, in brackets (that never changes); ``None``: it is not known here."""
        with self._guard:
            known = self._known.get(run_id)
        return None if known is None else (known.record.undoes,)

    def remember(self, record: RunRecord, number: int, newest: str) -> None:
        """A record that knows of all events up to `number`, whose hash is `newest`: what is committed."""
        with self._guard:
            self._known[record.id] = _Known(record, number, newest)
            self._known.move_to_end(record.id)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)


def _brought_up_to_date(connection: Connection, known: _Known, head: Mapping[Any, Any]) -> RunRecord | None:
    """The record with what has happened since; ``None`` when that is more than changes that went on."""
    changes, proofs = {record.id: record for record in known.record.changes}, known.record.proofs
    found: Sequence[Row[Any]] = ()
    if (known.number, known.hash) != (head["last_number"], head["last_hash"]):
        found = connection.execute(_SINCE, {"run": head["id"], "known": known.number}).all()
        if not found or found[0].hash != known.hash or found[-1].hash != head["last_hash"]:
            return None
    if any(event.proof_id is not None for event in found[1:]):
        proofs = tuple(read_proofs(connection, [head["id"]])[head["id"]])
    for event in found[1:]:
        if event.change_id is not None and event.change_id not in changes:
            return None
        if event.change_id is not None:
            former = changes[event.change_id]
            attempted = former.attempted or event.state == "attempted"
            changes[event.change_id] = replace(former, state=event.state, attempted=attempted, error=event.error)
    return replace(
        known.record,
        state=head["state"],
        finished=head["finished"],
        changes=tuple(changes.values()),
        proofs=proofs,
        targets=tuple(open_targets_of(connection, [head["id"]])),
    )
