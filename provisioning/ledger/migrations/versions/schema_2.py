"""Schema 2: requests, approvals, the work log, allocations; changes that are never rewritten, and a chained history.

What the first landing wrote down is kept: its runs, changes and proofs get the events that their columns tell of, at
the times that stand there, and the chain begins with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from provisioning.ledger import chain

revision = "2"
down_revision = "1"

Row = Mapping[str, Any]

_JSON = sa.JSON(none_as_null=True)
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OF_RUN = ("id", "title", "request", "who", "state", "started", "finished", "undoes")


def upgrade() -> None:
    """Read the old tables, make the new ones, write the old rows into them."""
    connection = op.get_bind()
    old = {name: _rows(connection, name) for name in ("runs", "changes", "proofs")}
    for name in ("proofs", "changes", "runs"):
        op.drop_table(name)
    _requests()
    _runs()
    _work()
    _write(connection, old["runs"], old["changes"], old["proofs"])
    if connection.dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 2")


def downgrade() -> None:
    """A chained history does not fit into the old tables."""
    raise NotImplementedError("restore the ledger from a backup instead")


def _rows(connection: sa.Connection, name: str) -> list[dict[str, Any]]:
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    return [dict(row) for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings()]


def _column(name: str, kind: Any = sa.Text, *more: Any, **words: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, **({"nullable": False} | words))


def _requests() -> None:
    op.create_table(
        "requests",
        _column("id", _ID, primary_key=True),
        _column("title"),
        _column("request", _JSON),
        _column("who"),
        _column("state"),
        _column("at"),
        _column("start"),
        _column("needs", _JSON),
        _column("grounds", _JSON),
        _column("reason", nullable=True),
        _column("changed"),
        _column("ticket", nullable=True),
    )
    op.create_index("requests_by_state", "requests", ["state", "start"])
    op.create_table(
        "approvals",
        _column("id", _ID, primary_key=True),
        _column("request_id", _ID, sa.ForeignKey("requests.id")),
        _column("role"),
        _column("who"),
        _column("verdict"),
        _column("reason"),
        _column("at"),
        _column("withdrawn", nullable=True),
    )
    op.create_index("one_word_a_role", "approvals", ["request_id", "role"], unique=True, **_where("withdrawn IS NULL"))


def _runs() -> None:
    op.create_table("seals", _column("id", sa.Integer, primary_key=True, autoincrement=False), _column("last_run", _ID))
    op.create_table(
        "runs",
        _column("id", _ID, primary_key=True, autoincrement=False),
        _column("title"),
        _column("request", _JSON),
        _column("who"),
        _column("started"),
        _column("undoes", _ID, sa.ForeignKey("runs.id"), nullable=True),
        _column("request_id", _ID, sa.ForeignKey("requests.id"), nullable=True),
        _column("to_prove", _JSON),
        _column("after_number", sa.Integer),
        _column("previous"),
        _column("hash"),
        _column("state"),
        _column("finished", nullable=True),
        _column("last_number", sa.Integer),
        _column("last_hash"),
    )
    op.create_index("runs_by_state", "runs", ["state"])
    op.create_index("runs_by_request", "runs", ["request_id"])
    op.create_table(
        "changes",
        _column("id", _ID, primary_key=True),
        _column("run_id", _ID, sa.ForeignKey("runs.id")),
        _column("position", sa.Integer),
        _column("kind"),
        _column("target"),
        _column("key"),
        _column("before", _JSON, nullable=True),
        _column("after", _JSON, nullable=True),
        _column("requires", _JSON),
        _column("digest"),
    )
    op.create_index("changes_by_run", "changes", ["run_id", "position"], unique=True)
    op.create_index("changes_by_resource", "changes", ["kind", "target", "key"])
    op.create_table(
        "proofs",
        _column("id", _ID, primary_key=True),
        _column("run_id", _ID, sa.ForeignKey("runs.id")),
        _column("kind"),
        _column("target"),
        _column("name"),
        _column("parameters", _JSON),
        _column("passed", sa.Boolean),
        _column("detail"),
        _column("at"),
        _column("digest"),
    )
    op.create_index("proofs_by_run", "proofs", ["run_id"])
    op.create_table(
        "change_events",
        _column("run_id", _ID, sa.ForeignKey("runs.id"), primary_key=True, autoincrement=False),
        _column("number", sa.Integer, primary_key=True, autoincrement=False),
        _column("change_id", _ID, sa.ForeignKey("changes.id"), nullable=True),
        _column("proof_id", _ID, sa.ForeignKey("proofs.id"), nullable=True),
        _column("state"),
        _column("error", nullable=True),
        _column("at"),
        _column("who"),
        _column("previous"),
        _column("hash"),
    )
    op.create_index("change_events_by_change", "change_events", ["change_id", "number"])


def _work() -> None:
    op.create_table(
        "run_targets",
        _column("run_id", _ID, sa.ForeignKey("runs.id"), primary_key=True, autoincrement=False),
        _column("target", primary_key=True),
        _column("why"),
        _column("reason"),
        _column("attempts", sa.Integer),
        _column("since"),
        _column("next_try"),
        _column("deadline", nullable=True),
        _column("closed", nullable=True),
    )
    op.create_index("run_targets_open", "run_targets", ["next_try"], **_where("closed IS NULL"))
    op.create_table(
        "work_log",
        _column("id", _ID, primary_key=True),
        _column("sentence"),
        _column("request_id", _ID, sa.ForeignKey("requests.id"), nullable=True),
        _column("run_id", _ID, sa.ForeignKey("runs.id"), nullable=True),
        _column("change_id", _ID, sa.ForeignKey("changes.id"), nullable=True),
        _column("key", sa.Text, unique=True),
        _column("who"),
        _column("at"),
    )
    op.create_index("work_log_by_request", "work_log", ["request_id"])
    op.create_index("work_log_by_run", "work_log", ["run_id"])
    op.create_table(
        "deliveries",
        _column("id", _ID, primary_key=True),
        _column("entry_id", _ID, sa.ForeignKey("work_log.id")),
        _column("desk"),
        _column("attempts", sa.Integer),
        _column("next_try"),
        _column("error", nullable=True),
        _column("delivered", nullable=True),
        _column("remote", nullable=True),
        sa.UniqueConstraint("entry_id", "desk", name="one_delivery_a_desk"),
    )
    op.create_index("deliveries_owed", "deliveries", ["desk", "next_try"], **_where("delivered IS NULL"))
    op.create_table(
        "allocations",
        _column("id", _ID, primary_key=True),
        _column("pool"),
        _column("item"),
        _column("holder"),
        _column("run_id", _ID, sa.ForeignKey("runs.id"), nullable=True),
        _column("at"),
        _column("released", nullable=True),
    )
    op.create_index("one_holder_an_item", "allocations", ["pool", "item"], unique=True, **_where("released IS NULL"))
    op.create_index("allocations_by_holder", "allocations", ["holder", "pool"])


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _write(connection: sa.Connection, runs: Sequence[Row], changes: Sequence[Row], proofs: Sequence[Row]) -> None:
    tables = sa.MetaData()
    tables.reflect(connection, only=("runs", "changes", "proofs", "change_events", "seals"))
    last, events_of_last = chain.START, 0
    for run in runs:
        mine = [_change(row) for row in changes if row["run_id"] == run["id"]]
        shown = [_proof(row) for row in proofs if row["run_id"] == run["id"]]
        row = {name: run[name] for name in _OF_RUN}
        row |= {"request_id": None, "to_prove": [], "after_number": events_of_last, "previous": last}
        row["hash"] = last = chain.run_hash(row)
        history: list[dict[str, Any]] = []
        for at, line in _history(run, changes, mine, shown):
            history += chain.chained((run["id"], len(history), last), [line], run["who"], at)
            last = history[-1]["hash"]
        events_of_last = len(history)
        connection.execute(sa.insert(tables.tables["runs"]), row | {"last_number": len(history), "last_hash": last})
        for name, rows in (("changes", mine), ("proofs", shown), ("change_events", history)):
            if rows:
                connection.execute(sa.insert(tables.tables[name]), rows)
    connection.execute(
        sa.insert(tables.tables["seals"]), {"id": 1, "last_run": max((run["id"] for run in runs), default=0)}
    )


def _change(row: Row) -> dict[str, Any]:
    names = ("id", "run_id", "position", "kind", "target", "key", "before", "after", "requires")
    kept = {name: row[name] for name in names}
    return kept | {"digest": chain.change_digest(kept)}


def _proof(row: Row) -> dict[str, Any]:
    return dict(row) | {"digest": chain.proof_digest(row)}


def _history(
    run: Row, old_changes: Sequence[Row], changes: Sequence[Row], proofs: Sequence[Row]
) -> Iterator[tuple[str, chain.Line]]:
    """What the columns of the first landing tell, oldest first."""
    digests = {row["id"]: row["digest"] for row in changes}
    yield run["started"], chain.Line("running")
    for row in changes:
        yield run["started"], chain.Line("planned", None, row["id"], None, row["digest"])
    told = []
    for old in (row for row in old_changes if row["id"] in digests):
        digest = digests[old["id"]]
        if old["attempted"] is not None:
            told.append((old["attempted"], chain.Line("attempted", None, old["id"], None, digest)))
        if old["state"] not in {"planned", "attempted"}:
            at = old["finished"] or run["finished"] or run["started"]
            told.append((at, chain.Line(old["state"], old["error"], old["id"], None, digest)))
    for p in proofs:
        told.append((p["at"], chain.Line("passed" if p["passed"] else "failed", None, None, p["id"], p["digest"])))
    yield from sorted(told, key=lambda pair: pair[0])
    if run["state"] != "running":
        yield run["finished"] or run["started"], chain.Line(run["state"])
