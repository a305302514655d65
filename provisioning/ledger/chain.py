"""The hash chain of a run, which makes tampering evident.

A run's first hash covers what the run is and the newest hash of the run before it; each event's hash covers the hash
before it, the digest of its change (or proof) and the event's own words. Runs do not wait for each other: a later
run holds an earlier one only to what it had written by then. The chain has no key: who can rewrite everything can also
compute new hashes, so note the hash that ``provision ledger verify`` prints somewhere else and compare.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from provisioning.errors import LedgerError
from provisioning.ledger.tables import events, runs
from provisioning.ledger.times import now

_HEAD = select(runs.c.last_number, runs.c.last_hash).where(runs.c.id == bindparam("run")).with_for_update()
_UPDATE = update(runs).where(runs.c.id == bindparam("run"))
_INSERT = insert(events)
# Statements that are made once: to make one takes as long as to carry it out.

START = ""
"""What stands before the first run."""

_RUN = ("id", "title", "request", "who", "started", "undoes", "request_id", "to_prove", "after_number", "previous")
_CHANGE = ("run_id", "position", "kind", "target", "key", "before", "after", "requires")
_PROOF = ("run_id", "kind", "target", "name", "parameters", "passed", "detail", "at")
_EVENT = ("run_id", "number", "change_id", "proof_id", "state", "error", "at", "who", "previous")


@dataclass(frozen=True)
class Line:
    """What an event says, before it has its place in the chain. `digest` is that of its change or proof."""

    state: str
    error: str | None = None
    change_id: int | None = None
    proof_id: int | None = None
    digest: str = ""


def run_hash(row: Mapping[str, Any]) -> str:
    """The first hash of a run."""
    return _hash("run", [row[name] for name in _RUN])


def change_digest(row: Mapping[str, Any]) -> str:
    """What a change is, in 64 hex digits."""
    return _hash("change", [row[name] for name in _CHANGE])


def proof_digest(row: Mapping[str, Any]) -> str:
    """What a proof's result is, in 64 hex digits."""
    return _hash("proof", [row[name] for name in _PROOF])


def event_hash(row: Mapping[str, Any], digest: str) -> str:
    """The hash of one event; `digest` is that of its change or proof, empty for an event of the run itself."""
    return _hash("event", [*(row[name] for name in _EVENT), digest])


def append(
    connection: Connection,
    run_id: int,
    lines: Sequence[Line],
    who: str,
    *,
    also: Mapping[str, Any] | None = None,
    at: str | None = None,
    head: tuple[int, str] | None = None,
) -> tuple[int, str]:
    """Add events to a run, in the caller's transaction, of the time `at` (now); number and hash of the last one. `also`
    are further columns of the run that change with them. `head` is the number and the hash of its last event, where the
    caller has locked the run and read them.

    Raises :class:`LedgerError` when there is no such run.
    """
    if head is None:
        found = connection.execute(_HEAD, {"run": run_id}).one_or_none()
        if found is None:
            raise LedgerError(f"the ledger has no run {run_id}; `provision show runs` lists them")
        head = (found.last_number, found.last_hash)
    if not lines:
        return head
    rows = chained((run_id, *head), lines, who, at or now())
    last = rows[-1]
    connection.execute(_INSERT, rows if len(rows) > 1 else last)
    newest = {"run": run_id, "last_number": last["number"], "last_hash": last["hash"]}
    connection.execute(_UPDATE, newest | dict(also or {}))
    return last["number"], last["hash"]


def chained(head: tuple[int, int, str], lines: Iterable[Line], who: str, at: str) -> list[dict[str, Any]]:
    """The rows of events that follow `head`: a run, the number of its last event, and the last hash."""
    rows = []
    run_id, number, previous = head
    for line in lines:
        number += 1
        row: dict[str, Any] = {
            "run_id": run_id,
            "number": number,
            "change_id": line.change_id,
            "proof_id": line.proof_id,
            "state": line.state,
            "error": line.error,
            "at": at,
            "who": who,
            "previous": previous,
        }
        row["hash"] = previous = event_hash(row, line.digest)
        rows.append(row)
    return rows


def _hash(what: str, words: Sequence[Any]) -> str:
    plain = json.dumps([what, 1, *words], sort_keys=True, separators=(",", ":"))
    return sha256(plain.encode("ascii")).hexdigest()
