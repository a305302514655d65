"""Requests that are carried out in waves: each wave is a run of its own, and the request is what they come to.

The plain form of such a request has its ``waves``; that of a run says in ``wave`` (from 1) which of them it is.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from provisioning.ledger.records import RequestRecord, RequestState
from provisioning.ledger.tables import runs

_GOING_ON = {"running", "waiting"}


def state_of_waves(connection: Connection, record: RequestRecord) -> RequestState:
    """The state that follows from the newest run of every wave: proven when all of them are."""
    newest: dict[int, str] = {}
    query = select(runs.c.request, runs.c.state).where(runs.c.request_id == record.id).order_by(runs.c.id)
    for request, state in connection.execute(query):
        newest[int(request.get("wave", 0))] = state
    states = set(newest.values())
    if states & _GOING_ON:
        return "running"
    if states == {"undone"}:
        return "undone"
    return "proven" if states == {"done"} and len(newest) == len(record.request["waves"]) else "partial"
