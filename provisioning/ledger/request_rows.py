"""From rows to requests and back, within a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from provisioning.errors import RequestError
from provisioning.ledger.records import Approval, RequestRecord
from provisioning.ledger.tables import approvals, requests, runs
from provisioning.ledger.times import moment, now

_ONE = select(requests).where(requests.c.id == bindparam("request"))
_LOCKED = _ONE.with_for_update()
_WORDS = (
    select(*(approvals.c[name] for name in Approval.__dataclass_fields__))
    .where(approvals.c.request_id.in_(bindparam("requests", expanding=True)))
    .order_by(approvals.c.id)
)
_RUNS = (
    select(runs.c.request_id, runs.c.id)
    .where(runs.c.request_id.in_(bindparam("requests", expanding=True)))
    .order_by(runs.c.id)
)
_ASKING = 0x70726F766973  # any number that nobody else locks


def new_row(title: str, request: Mapping[str, Any], who: str, *, start: datetime | None = None) -> dict[str, Any]:
    """A new row: what is asked for, by whom, and when it may begin."""
    at = now()
    begins = at if start is None else moment(start)
    return {"title": title, "request": dict(request), "who": who, "at": at, "start": begins, "changed": at}


def asked_of(needs: Sequence[str], grounds: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a row says of the approvals that it needs, and the state that follows from them."""
    return {
        "state": "awaiting approval" if needs else "scheduled",
        "needs": list(dict.fromkeys(needs)),
        "grounds": {role: list(why) for role, why in grounds.items()},
    }


def insert_request(connection: Connection, row: Mapping[str, Any]) -> int:
    """Write a row; its number."""
    return int(connection.scalars(insert(requests).returning(requests.c.id), [dict(row)]).one())


def find_same(
    connection: Connection, title: str, request: Mapping[str, Any], states: Collection[str], start: str | None
) -> RequestRecord | None:
    """The newest request for the same in one of these states (with that start, if one is given)."""
    query = select(requests).where(requests.c.title == title, requests.c.state.in_(states))
    if start is not None:
        query = query.where(requests.c.start == start)
    rows = connection.execute(query.order_by(requests.c.id.desc())).all()
    return next(iter(read_records(connection, [row for row in rows if row.request == dict(request)][:1])), None)


def one_at_a_time(connection: Connection) -> None:
    """Nobody else looks for the same request before this transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ASKING)))


def read_one(connection: Connection, request_id: int, *, lock: bool = False) -> RequestRecord:
    """One request, locked for this transaction if wanted. Raises :class:`RequestError` when there is none."""
    row = connection.execute(_LOCKED if lock else _ONE, {"request": request_id}).one_or_none()
    if row is None:
        raise RequestError(f"the ledger has no request {request_id}; `provision show requests` lists them")
    return read_records(connection, [row])[0]


def read_records(connection: Connection, rows: Sequence[Row[Any]]) -> list[RequestRecord]:
    """Rows of requests with their approvals and runs."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    words: dict[int, list[Approval]] = defaultdict(list)
    asked = [row.id for row in rows if row.needs]  # nobody can approve what needs no approval
    for word in connection.execute(_WORDS, {"requests": asked}) if asked else ():
        words[word.request_id].append(Approval(*word))
    carried: dict[int, list[int]] = defaultdict(list)
    for request_id, run_id in connection.execute(_RUNS, {"requests": ids}):
        carried[request_id].append(run_id)
    return [_record(row, words[row.id], carried[row.id]) for row in rows]


def _record(row: Row[Any], words: Iterable[Approval], carried: Iterable[int]) -> RequestRecord:
    return RequestRecord(
        id=row.id,
        title=row.title,
        request=row.request,
        who=row.who,
        state=row.state,
        at=row.at,
        start=row.start,
        needs=tuple(row.needs),
        reason=row.reason,
        changed=row.changed,
        ticket=row.ticket,
        approvals=tuple(words),
        runs=tuple(carried),
        grounds={role: tuple(why) for role, why in row.grounds.items()},
    )
