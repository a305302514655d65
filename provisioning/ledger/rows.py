"""From rows to records: whole runs, read in a few queries however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from provisioning.errors import LedgerError
from provisioning.ledger.records import ChangeRecord, OpenTarget, RunRecord
from provisioning.ledger.tables import changes, events, proofs, run_targets, runs
from provisioning.resources.base import Address, Change, Proof, State
from provisioning.resources.registry import KINDS

_OPEN_TARGETS = (
    select(*(run_targets.c[name] for name in OpenTarget.__dataclass_fields__))
    .where(run_targets.c.run_id.in_(bindparam("runs", expanding=True)), run_targets.c.closed.is_(None))
    .order_by(run_targets.c.run_id, run_targets.c.target)
)


def read_runs(connection: Connection, ids: Sequence[int]) -> list[RunRecord]:
    """These runs, in the order of `ids`; unknown ones are left out."""
    if not ids:
        return []
    with _as_written():
        query = select(runs).where(runs.c.id.in_(ids))
        rows = {row["id"]: dict(row) for row in connection.execute(query).mappings()}
        of_changes, of_proofs = read_changes(connection, ids), read_proofs(connection, ids)
        of_targets = open_targets_of(connection, ids)
        return [
            _run(rows[i], of_changes.get(i, ()), tuple(of_proofs[i]), tuple(t for t in of_targets if t.run_id == i))
            for i in ids
            if i in rows
        ]


def new_run(
    row: Mapping[Any, Any], of_changes: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]
) -> RunRecord:
    """A run that was written down a moment ago: its row, and what was written of its changes and open targets."""
    with _as_written():
        planned = tuple(ChangeRecord(one["id"], _change(one), "planned", False, None) for one in of_changes)
        return _run(row, planned, (), tuple(OpenTarget(**one) for one in targets))


@contextmanager
def _as_written() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError) as exc:  # no JSON, or not the JSON of a state, a proof, an address
        raise LedgerError(
            "the ledger holds a row that this version did not write; `provision ledger verify` names it if somebody "
            "altered it, else use the version that wrote it"
        ) from exc


def read_changes(connection: Connection, run_ids: Sequence[int]) -> dict[int, tuple[ChangeRecord, ...]]:
    """The changes of these runs, each with its newest state."""
    ours = events.c.run_id.in_(run_ids) & events.c.change_id.is_not(None)
    newest = (
        select(events.c.run_id, func.max(events.c.number).label("number"))
        .where(ours)
        .group_by(events.c.run_id, events.c.change_id)
        .subquery()
    )
    last = select(events.c.change_id, events.c.state, events.c.error).join(
        newest, (events.c.run_id == newest.c.run_id) & (events.c.number == newest.c.number)
    )
    states = {row.change_id: (row.state, row.error) for row in connection.execute(last)}
    tried = set(connection.scalars(select(events.c.change_id).where(ours, events.c.state == "attempted").distinct()))
    found: dict[int, list[ChangeRecord]] = defaultdict(list)
    query = select(changes).where(changes.c.run_id.in_(run_ids)).order_by(changes.c.run_id, changes.c.position)
    for row in connection.execute(query).mappings():
        state, error = states.get(row["id"], ("planned", None))
        found[row["run_id"]].append(ChangeRecord(row["id"], _change(dict(row)), state, row["id"] in tried, error))
    return {run_id: tuple(records) for run_id, records in found.items()}


def open_targets_of(connection: Connection, run_ids: Sequence[int]) -> list[OpenTarget]:
    """The targets that these runs left open."""
    return [OpenTarget(*row) for row in connection.execute(_OPEN_TARGETS, {"runs": run_ids})]


def read_proofs(connection: Connection, run_ids: Sequence[int]) -> dict[int, list[Mapping[str, Any]]]:
    """The newest result of every proof, in the order in which the proofs were first written."""
    newest: dict[int, dict[tuple[str, str, str], Mapping[str, Any]]] = defaultdict(dict)
    query = select(proofs).where(proofs.c.run_id.in_(run_ids)).order_by(proofs.c.id)
    for row in connection.execute(query).mappings():
        plain = {name: row[name] for name in ("name", "kind", "target", "parameters", "passed", "detail", "at")}
        newest[row["run_id"]][row["kind"], row["target"], row["name"]] = plain
    return defaultdict(list, {run_id: list(results.values()) for run_id, results in newest.items()})


def _run(
    row: Mapping[str, Any],
    of_changes: tuple[ChangeRecord, ...],
    of_proofs: tuple[Mapping[str, Any], ...],
    targets: tuple[OpenTarget, ...],
) -> RunRecord:
    return RunRecord(
        id=row["id"],
        title=row["title"],
        request=row["request"],
        who=row["who"],
        state=row["state"],
        started=row["started"],
        finished=row["finished"],
        undoes=row["undoes"],
        changes=of_changes,
        proofs=of_proofs,
        request_id=row["request_id"],
        to_prove=tuple(Proof(*words) for words in row["to_prove"]),
        targets=targets,
    )


def _change(row: Mapping[str, Any]) -> Change[State]:
    if row["kind"] not in KINDS:
        raise LedgerError(
            f"run {row['run_id']} has a change of kind {row['kind']!r}, which this version does not know; "
            "use the version that made it"
        )
    model = KINDS[row["kind"]].state
    return Change(
        address=Address(row["kind"], row["target"], row["key"]),
        before=None if row["before"] is None else model.from_plain(row["before"]),
        after=None if row["after"] is None else model.from_plain(row["after"]),
        requires=frozenset(Address(*words) for words in row["requires"]),
    )
