"""Runs: what was meant, how far it got.

Every method is one committed transaction. A change is written as *attempted* before anything is sent to its target and
as *verified* (or *failed* …) after the second read, so that what a crash leaves behind can always be told. What a
method gets as `log` goes into the work log in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from provisioning.errors import LedgerError
from provisioning.ledger import chain
from provisioning.ledger.allocations import give_first_free, pass_on
from provisioning.ledger.amendments import write_amendments
from provisioning.ledger.books import Books, NewPatchOrder
from provisioning.ledger.custody import write_custody
from provisioning.ledger.known_runs import KnownRuns
from provisioning.ledger.part import Part, clean
from provisioning.ledger.patch_orders import write_patch_orders
from provisioning.ledger.records import ChangeRecord, ChangeState, Entry, Event, RunRecord, RunState, Turn
from provisioning.ledger.requests import follow_run, request_of_run, set_running
from provisioning.ledger.reserved import write_reserved
from provisioning.ledger.rows import new_run, read_changes, read_runs
from provisioning.ledger.tables import changes, events, proofs, run_targets, runs, seals
from provisioning.ledger.targets import unread_rows
from provisioning.ledger.times import now
from provisioning.ledger.together import Together
from provisioning.ledger.who import acting_user
from provisioning.ledger.worklog import append_entries
from provisioning.resources.base import Address, Change, Proof, ProofResult, State

_Verdicts = Mapping[int, tuple[ChangeState, str | None]]

_IDS_AT_ONCE = 10_000
_RUN = select(runs).where(runs.c.id == bindparam("run"))
_NEW_CHANGES = insert(changes).returning(changes.c.id, sort_by_parameter_order=True)
_DIGESTS = (
    select(changes.c.id, changes.c.run_id, runs.c.last_number, runs.c.last_hash, changes.c.digest)
    .join(runs, runs.c.id == changes.c.run_id)
    .where(changes.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(of=runs)
)
_NO_BOOKS = Books()
_ENDED = {"interrupted", "partial", "done", "undone"}


class Runs(Part):
    """The runs of a ledger."""

    def begin(
        self,
        title: str,
        request: Mapping[str, Any],
        changes: Sequence[Change[State]],
        *,
        undoes: int | None = None,
        request_id: int | None = None,
        asked: bool = False,
        seats: Sequence[tuple[str, Sequence[str], str]] = (),
        passed: Sequence[tuple[str, str, str]] = (),
        proofs: Sequence[Proof] = (),
        unread: Mapping[str, str] | None = None,
        next_try: datetime | None = None,
        deadlines: Mapping[str, datetime] | None = None,
        log: Sequence[Entry] = (),
        orders: Sequence[NewPatchOrder] = (),
        books: Books = _NO_BOOKS,
    ) -> RunRecord:
        """Write down a run with all that it means to change and to prove; its state is ``running``.

        `unread` are the targets that could not be read when it was planned, with the reason: they are open at once
        (see :meth:`Targets.open_targets`), to be tried at `next_try` (now) until their deadlines. With `request_id`,
        that request becomes ``running`` in the same transaction; :class:`RequestError` if it may not (somebody else was
        faster), and no run is begun then.
        With `asked` it is a request that begins at once, and is written down too. What is `passed` on, each ``(pool,
        former holder, holder)``, changes hands first; then `seats` are allocated to the run, each ``(pool, candidates,
        holder)``; :class:`RequestError`, and no run, when one is not to be had. `orders` are opened with it, their
        switch ports likewise allocated; `books` are written down with it.
        """
        with self._database.write() as connection:
            if asked and request_id is None:
                request_id = request_of_run(connection, title, request)
            if request_id is not None:
                set_running(connection, request_id)
            run_id = _begin(connection, title, proofs, request=dict(request), undoes=undoes, request_id=request_id)
            for pool, former, holder in sorted(passed):
                pass_on(connection, pool, former, holder, run_id)
            for pool, candidates, holder in sorted(seats):
                give_first_free(connection, pool, candidates, holder, run_id)
            write_patch_orders(connection, run_id, orders)
            write_amendments(connection, run_id, books.amendments)
            write_custody(connection, run_id, books.custody)
            write_reserved(connection, run_id, books.reserved)
            written, head = _add_changes(connection, run_id, changes, first=0, begins=True)
            targets = unread_rows(run_id, unread or {}, next_try, deadlines or {})
            if targets:
                connection.execute(insert(run_targets), targets)
            append_entries(connection, [_of_run(entry, run_id, request_id) for entry in log], self.desks)
            row = connection.execute(_RUN, {"run": run_id}).mappings().one()
        record = new_run(row, written, targets)
        self._known.remember(record, *head)
        return record

    def add_changes(self, run_id: int, changes: Sequence[Change[State]]) -> tuple[ChangeRecord, ...]:
        """Write down further changes of a run (of targets that could not be read before); all its changes."""
        with self._database.write() as connection:
            last = connection.execute(
                select(func.max(_CHANGES.c.position)).where(_CHANGES.c.run_id == run_id)
            ).scalar_one()
            _add_changes(connection, run_id, changes, first=0 if last is None else last + 1)
            return read_changes(connection, [run_id]).get(run_id, ())

    def attempt(self, ids: Sequence[int]) -> None:
        """Write down that these changes are about to be tried."""
        self.settle(dict.fromkeys(ids, ("attempted", None)))

    def settle(self, verdicts: Mapping[int, tuple[ChangeState, str | None]], *, log: Sequence[Entry] = ()) -> None:
        """Write down what became of these changes: ``{id: (state, error sentence)}``. Threads that do so at the same
        time share a transaction."""
        self._settling.do((verdicts, log))

    @cached_property
    def _settling(self) -> Together[tuple[_Verdicts, Sequence[Entry]]]:
        return Together(self._settle_all)

    def _settle_all(self, wishes: Sequence[tuple[_Verdicts, Sequence[Entry]]]) -> None:
        verdicts = {i: verdict for some, _ in wishes for i, verdict in some.items()}
        with self._database.write() as connection:
            found = _digests(connection, list(verdicts))
            for (run_id, *head), rows in groupby(sorted(found, key=lambda row: row[1]), key=lambda row: row[1:4]):
                ours = {row[0]: row[4] for row in rows}
                lines = [
                    chain.Line(state, None if error is None else clean(error), change_id=i, digest=ours[i])
                    for i, (state, error) in verdicts.items()
                    if i in ours
                ]
                chain.append(connection, run_id, lines, acting_user(), head=(head[0], head[1]))
            append_entries(connection, [entry for _, log in wishes for entry in log], self.desks)

    def end(self, run_id: int, state: RunState, *, error: str | None = None, log: Sequence[Entry] = ()) -> None:
        """Write down how a run ended, that it waits, or that it goes on (``running``). `error` says why."""
        with self._database.write() as connection:
            _set_state(connection, run_id, state, error)
            append_entries(connection, log, self.desks)

    def reopen(self, run_id: int) -> RunRecord:
        """Write down that a run goes on (it is resumed), and read it."""
        with self._database.write() as connection:
            _set_state(connection, run_id, "running", None)
            return read_runs(connection, [run_id])[0]

    def prove(self, run_id: int, results: Sequence[ProofResult], *, log: Sequence[Entry] = ()) -> None:
        """Write down the results of proofs. Proofs that are run again are written again."""
        rows = [
            {
                "run_id": run_id,
                "kind": r.proof.kind,
                "target": r.proof.target,
                "name": r.proof.name,
                "parameters": dict(r.proof.parameters),
                "passed": r.passed,
                "detail": clean(r.detail),
                "at": now(),
            }
            for r in results
        ]
        for row in rows:
            row["digest"] = chain.proof_digest(row)
        with self._database.write() as connection:
            if rows:
                ids = connection.scalars(insert(proofs).returning(proofs.c.id, sort_by_parameter_order=True), rows)
                lines = [
                    chain.Line("passed" if row["passed"] else "failed", None, proof_id=i, digest=str(row["digest"]))
                    for i, row in zip(ids, rows, strict=True)
                ]
                chain.append(connection, run_id, lines, acting_user())
            append_entries(connection, log, self.desks)

    def run(self, run_id: int) -> RunRecord:
        """Raises :class:`LedgerError` when there is no such run."""
        with self._database.read() as connection:
            found = self._known.read(connection, run_id)
        if found is None:
            raise LedgerError(f"the ledger {self.place} has no run {run_id}; `provision show runs` lists them")
        return found

    def undoes(self, run_id: int) -> int | None:
        """Which run `run_id` takes back. Raises what :meth:`run` raises."""
        known = self._known.undoes(run_id)
        return self.run(run_id).undoes if known is None else known[0]

    @cached_property
    def _known(self) -> KnownRuns:
        return KnownRuns()

    def runs(
        self,
        limit: int = 50,
        *,
        states: Collection[RunState] = (),
        request_id: int | None = None,
        undoes: int | None = None,
    ) -> list[RunRecord]:
        """The latest runs, newest first; only those in `states`, of `request_id`, and that take back the run `undoes`,
        where these are given."""
        query = select(runs.c.id).order_by(runs.c.id.desc()).limit(limit)
        if states:
            query = query.where(runs.c.state.in_(states))
        if request_id is not None:
            query = query.where(runs.c.request_id == request_id)
        if undoes is not None:
            query = query.where(runs.c.undoes == undoes)
        with self._database.read() as connection:
            return read_runs(connection, list(connection.scalars(query)))

    def events(self, run_id: int, *, after: int = 0) -> list[Event]:
        """The history of a run, oldest first, from behind event number `after` (to follow a run while it works)."""
        columns = [events.c[name] for name in Event.__dataclass_fields__]
        query = select(*columns).where(events.c.run_id == run_id, events.c.number > after).order_by(events.c.number)
        with self._database.read() as connection:
            return [Event(*row) for row in connection.execute(query)]

    def turns(self, kind: str, keys: Collection[str]) -> list[Turn]:
        """Who made and who took away the things of a kind that have these keys, on all targets, oldest first."""
        done = (
            select(events.c.change_id).where(events.c.change_id == changes.c.id, events.c.state == "verified").exists()
        )
        query = (
            select(
                changes.c.target, changes.c.key, changes.c.before.is_(None), runs.c.id, runs.c.request, runs.c.undoes
            )
            .join(runs, runs.c.id == changes.c.run_id)
            .where(changes.c.kind == kind, changes.c.key.in_(keys), done)
            .where(changes.c.before.is_(None) != changes.c.after.is_(None))
            .order_by(changes.c.id)
        )
        with self._database.read() as connection:
            return [Turn(Address(kind, row[0], row[1]), *row[2:]) for row in connection.execute(query)]


_CHANGES = changes


def _begin(connection: Connection, title: str, planned: Sequence[Proof], **words: Any) -> int:
    """`words` are the columns that the caller fills."""
    last = connection.execute(select(seals.c.last_run).with_for_update()).scalar_one()
    before = connection.execute(select(runs.c.last_number, runs.c.last_hash).where(runs.c.id == last)).one_or_none()
    if last and before is None:
        raise LedgerError(f"run {last} is missing in the ledger; look at `provision ledger verify`")
    row: dict[str, Any] = {
        "id": last + 1,
        "title": title,
        "who": acting_user(),
        "started": now(),
        "to_prove": [[p.kind, p.target, p.name, dict(p.parameters)] for p in planned],
        "after_number": before.last_number if before else 0,
        "previous": before.last_hash if before else chain.START,
    } | words
    row["hash"] = chain.run_hash(row)
    connection.execute(insert(runs), row | {"state": "running", "last_number": 0, "last_hash": row["hash"]})
    connection.execute(update(seals).values(last_run=last + 1))
    return int(last + 1)


def _add_changes(
    connection: Connection, run_id: int, planned: Sequence[Change[State]], first: int, *, begins: bool = False
) -> tuple[list[dict[str, Any]], tuple[int, str]]:
    """The rows as written, and the number and hash of the run's last event. With `begins` the first event says that the
    run is running."""
    rows: list[dict[str, Any]] = [
        {
            "run_id": run_id,
            "position": position,
            "kind": c.address.kind,
            "target": c.target,
            "key": c.key,
            "before": None if c.before is None else c.before.to_plain(),
            "after": None if c.after is None else c.after.to_plain(),
            "requires": sorted([a.kind, a.target, a.key] for a in c.requires),
        }
        for position, c in enumerate(planned, first)
    ]
    for row in rows:
        row["digest"] = chain.change_digest(row)
    ids: Iterable[int] = connection.scalars(_NEW_CHANGES, rows) if rows else ()
    rows = [row | {"id": i} for i, row in zip(ids, rows, strict=True)]
    lines = [chain.Line("planned", change_id=row["id"], digest=row["digest"]) for row in rows]
    begun = [chain.Line("running")] if begins else []
    return rows, chain.append(connection, run_id, [*begun, *lines], acting_user())


def _set_state(connection: Connection, run_id: int, state: RunState, error: str | None) -> None:
    at = now()
    line = chain.Line(state, None if error is None else clean(error))
    also = {"state": state, "finished": at if state in _ENDED else None}
    chain.append(connection, run_id, [line], acting_user(), also=also, at=at)
    follow_run(connection, run_id, state)


def _digests(connection: Connection, ids: Sequence[int]) -> list[tuple[int, int, int, str, str]]:
    """``(change, run, number and hash of the run's last event, digest)`` of these changes; their runs are locked."""
    found: list[tuple[int, int, int, str, str]] = []
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        found += [tuple(row) for row in connection.execute(_DIGESTS, {"ids": some})]
    if len(found) != len(set(ids)):
        raise LedgerError("a change that was carried out is missing in the ledger; look at `provision ledger verify`")
    return found


def _of_run(entry: Entry, run_id: int, request_id: int | None) -> Entry:
    # Whoever begins a run cannot know its number yet.
    return Entry(entry.sentence, entry.request_id or request_id, entry.run_id or run_id, entry.change_id, entry.key)
