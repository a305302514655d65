"""Requests: what somebody asked for, from the wish to the proof. Who may approve what is the site's business; that
nobody approves his own request is decided here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from provisioning.errors import RequestError
from provisioning.ledger.part import Part, clean
from provisioning.ledger.records import Entry, RequestRecord, RequestState, Verdict, is_in_waves
from provisioning.ledger.request_rows import (
    asked_of,
    find_same,
    insert_request,
    new_row,
    one_at_a_time,
    read_one,
    read_records,
)
from provisioning.ledger.tables import approvals, requests, runs
from provisioning.ledger.times import moment, now
from provisioning.ledger.waves import state_of_waves
from provisioning.ledger.who import acting_user
from provisioning.ledger.worklog import append_entries

NEXT: Mapping[str, tuple[RequestState, ...]] = {
    "requested": ("awaiting approval", "scheduled", "running", "refused", "cancelled"),
    "awaiting approval": ("scheduled", "refused", "cancelled"),
    "scheduled": ("running", "awaiting approval", "refused", "cancelled"),
    "running": ("proven", "partial", "undone"),
    "proven": ("partial", "undone"),  # not running: who planned it too late must not do it twice
    "partial": ("running", "proven", "undone", "awaiting approval", "cancelled"),
    "undone": ("running",),
    "refused": (),
    "cancelled": (),
}
"""The states that may follow each state."""

_OF_RUN: Mapping[str, RequestState] = {
    "running": "running",
    "waiting": "running",
    "done": "proven",
    "partial": "partial",
    "interrupted": "partial",
    "undone": "undone",
}
"""State of a run → state of its request."""


_OF_THAT_RUN = (
    select(requests.c.id, requests.c.state, requests.c.request)
    .where(requests.c.id == select(runs.c.request_id).where(runs.c.id == bindparam("run")).scalar_subquery())
    .with_for_update()
)


class Requests(Part):
    """The requests of a ledger."""

    def ask(
        self,
        title: str,
        request: Mapping[str, Any],
        *,
        start: datetime | None = None,
        needs: Sequence[str] = (),
        grounds: Mapping[str, Sequence[str]] | None = None,
        unless: Collection[RequestState] = (),
        who: str | None = None,
        log: Sequence[Entry] = (),
    ) -> RequestRecord:
        """Write down a request that may begin at `start` (now) and needs the approval of the roles `needs`.

        It is ``awaiting approval`` if it needs any, else ``scheduled``. `grounds` says what each role is asked to
        approve. When the same is asked for already by a request in one of the states `unless` (with the same start, if
        one is given), that one is returned and nothing is written. `who` asks: the user at the keyboard unless a
        trusted program (the service desk's) says otherwise.
        """
        with self._database.write() as connection:
            if unless:
                one_at_a_time(connection)
                when = None if start is None else moment(start)
                if (same := find_same(connection, title, request, unless, when)) is not None:
                    return same
            row = new_row(title, request, who or acting_user(), start=start) | asked_of(needs, grounds or {})
            request_id = insert_request(connection, row)
            ours = [Entry(e.sentence, request_id, e.run_id, e.change_id, e.key) for e in log]
            append_entries(connection, ours, self.desks)
            return read_one(connection, request_id)

    def approve(
        self,
        request_id: int,
        role: str,
        reason: str,
        *,
        verdict: Verdict = "approved",
        who: str | None = None,
        log: Sequence[Entry] = (),
    ) -> RequestRecord:
        """Write down one person's word for one role. That the person has the role is the caller's to check.

        The last missing approval makes the request ``scheduled``, a refusal makes it ``refused``, in the same
        transaction. Raises :class:`RequestError` for the requester's own word (four eyes), a role that is not asked
        for or has spoken already, a request that does not wait for approval, and an empty reason.
        """
        person = who or acting_user()
        if not reason.strip():
            raise RequestError("an approval needs a reason: say why, the auditors will ask")
        with self._database.write() as connection:
            record = read_one(connection, request_id, lock=True)
            _may_speak(record, role, person)
            word = {"request_id": request_id, "role": role, "who": person, "verdict": verdict, "at": now()}
            try:
                connection.execute(insert(approvals), word | {"reason": clean(reason)})
            except IntegrityError as exc:
                raise RequestError(f"request {request_id}: {role} has spoken already") from exc
            if verdict == "refused":
                _move(connection, record, "refused", f"{role} ({person}): {reason}")
            elif set(record.missing) == {role}:
                _move(connection, record, "scheduled", None)
            append_entries(connection, log, self.desks)
            return read_one(connection, request_id)

    def move(
        self, request_id: int, state: RequestState, *, reason: str | None = None, log: Sequence[Entry] = ()
    ) -> RequestRecord:
        """Set the state of a request. Raises :class:`RequestError` when `state` may not follow (see :data:`NEXT`);
        so of several who want to make it ``running``, one does. (:meth:`Runs.begin` does it with the run.)"""
        with self._database.write() as connection:
            _move(connection, read_one(connection, request_id, lock=True), state, reason)
            append_entries(connection, log, self.desks)
            return read_one(connection, request_id)

    def ask_again(
        self,
        request_id: int,
        needs: Sequence[str],
        grounds: Mapping[str, Sequence[str]],
        *,
        reason: str,
        log: Sequence[Entry] = (),
    ) -> RequestRecord:
        """Send a scheduled request back for approval: it would now do something else than what was approved.

        Approvals for roles whose grounds are new are withdrawn (and kept for the record). Raises :class:`RequestError`
        when the request is no longer scheduled.
        """
        with self._database.write() as connection:
            record = read_one(connection, request_id, lock=True)
            stale = [
                role for role in record.needs if not set(grounds.get(role, ())) <= set(record.grounds.get(role, ()))
            ]
            ours = (approvals.c.request_id == request_id) & approvals.c.withdrawn.is_(None)
            connection.execute(update(approvals).where(ours, approvals.c.role.in_(stale)).values(withdrawn=now()))
            _move(connection, record, "awaiting approval", reason)
            values = {
                "needs": list(dict.fromkeys(needs)),
                "grounds": {role: list(why) for role, why in grounds.items()},
            }
            connection.execute(update(requests).where(requests.c.id == request_id).values(**values))
            append_entries(connection, log, self.desks)
            return read_one(connection, request_id)

    def set_ticket(self, request_id: int, ticket: str) -> None:
        """Remember the service desk's number of a request."""
        with self._database.write() as connection:
            read_one(connection, request_id, lock=True)
            connection.execute(update(requests).where(requests.c.id == request_id).values(ticket=ticket))

    def request(self, request_id: int) -> RequestRecord:
        """Raises :class:`RequestError` when there is no such request."""
        with self._database.read() as connection:
            return read_one(connection, request_id)

    def requests(self, limit: int = 200, *, states: Collection[RequestState] = ()) -> list[RequestRecord]:
        """The latest requests, newest first; only those in `states`, where these are given."""
        query = select(requests).order_by(requests.c.id.desc()).limit(limit)
        if states:
            query = query.where(requests.c.state.in_(states))
        with self._database.read() as connection:
            return read_records(connection, connection.execute(query).all())

    def same_request(
        self, title: str, request: Mapping[str, Any], states: Collection[RequestState], *, start: datetime | None = None
    ) -> RequestRecord | None:
        """The newest request in one of `states` that asks for just this (with that `start`, if one is given)."""
        with self._database.read() as connection:
            return find_same(connection, title, request, states, None if start is None else moment(start))

    def due(self, at: datetime | None = None) -> list[RequestRecord]:
        """The scheduled requests whose time has come, the one that waits longest first."""
        query = select(requests).where(
            requests.c.state == "scheduled", requests.c.start <= (now() if at is None else moment(at))
        )
        with self._database.read() as connection:
            return read_records(connection, connection.execute(query.order_by(requests.c.start, requests.c.id)).all())


def request_of_run(connection: Connection, title: str, request: Mapping[str, Any]) -> int:
    """The request that a run which begins now fulfils: the same again if it was left partial or is due, else a new
    one."""
    one_at_a_time(connection)
    for state in ("partial", "scheduled"):
        same = find_same(connection, title, request, (state,), None)
        if same is not None and not same.missing and same.start <= now():
            return same.id
    return insert_request(connection, new_row(title, request, acting_user()) | asked_of((), {}))


def follow_run(connection: Connection, run_id: int, state: str) -> None:
    """Give the request of a run the state that follows from the run's; a request that was closed stays closed."""
    new, record = _OF_RUN.get(state), connection.execute(_OF_THAT_RUN, {"run": run_id}).one_or_none()
    if record is None or new is None:
        return
    request_id = record.id
    if is_in_waves(record.request):
        new = state_of_waves(connection, read_one(connection, request_id))
    others = select(runs.c.id).where(runs.c.request_id == request_id, runs.c.id != run_id, runs.c.state != "undone")
    if new == "undone" and connection.execute(others.limit(1)).one_or_none() is not None:
        new = "partial"
    if record.state not in {new, "refused", "cancelled"}:
        values = {"state": new, "reason": None, "changed": now()}
        connection.execute(update(requests).where(requests.c.id == request_id).values(**values))


def set_running(connection: Connection, request_id: int) -> None:
    """Make a request ``running`` within the transaction that begins its run. Raises :class:`RequestError`."""
    record = read_one(connection, request_id, lock=True)
    if record.state != "running" or not is_in_waves(record.request):  # an earlier wave may wait for a PC
        _move(connection, record, "running", None)


def _move(connection: Connection, record: RequestRecord, state: RequestState, reason: str | None) -> None:
    if state not in NEXT[record.state]:
        allowed = ", ".join(NEXT[record.state]) or "nothing"
        raise RequestError(
            f"request {record.id} is {record.state}, so it cannot become {state} (possible: {allowed}); "
            f"`provision show request {record.id}` tells its story"
        )
    if state in {"scheduled", "running"} and record.missing and record.state != "awaiting approval":
        raise RequestError(f"request {record.id} still needs the approval of {', '.join(record.missing)}")
    values = {"state": state, "reason": None if reason is None else clean(reason), "changed": now()}
    connection.execute(update(requests).where(requests.c.id == record.id).values(**values))


def _may_speak(record: RequestRecord, role: str, person: str) -> None:
    if record.state != "awaiting approval":
        raise RequestError(f"request {record.id} is {record.state}; it does not wait for approval")
    if role not in record.needs:
        raise RequestError(f"request {record.id} needs {', '.join(record.needs)}, not {role}")
    if person.casefold() == record.who.casefold():
        raise RequestError(
            f"request {record.id} was made by {record.who}, who may not decide about it: four eyes; ask a colleague"
        )
    if role not in record.missing:
        raise RequestError(f"request {record.id}: {role} has spoken already")
