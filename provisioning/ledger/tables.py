"""The tables of the ledger, newest schema (``docs/ledger.md`` describes them; ``migrations/`` leads here).

States and parameters are stored as JSON text (see :meth:`provisioning.resources.base.State.to_plain`); secrets are
never part of a state, so they cannot get here. Times are UTC, ISO 8601 with milliseconds, so they sort as texts.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

SCHEMA_VERSION = 4
"""Number of the newest migration; the ledger's table ``alembic_version`` holds the one it is at."""

metadata = MetaData()

_Json = JSON(none_as_null=True)
_Id = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER key counts up by itself in SQLite


@event.listens_for(metadata, "before_create")
def _same_on_server(target: MetaData, connection: Connection, **_: object) -> None:
    """PostgreSQL has the same partial indexes as SQLite. Said only when it makes them: naming another dialect in
    ``Index`` imports it."""
    if connection.dialect.name != "postgresql":
        return
    for table in target.tables.values():
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            index.dialect_options["postgresql"]["where"] = where


requests = Table(
    "requests",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("title", Text, nullable=False),
    Column("request", _Json, nullable=False),
    Column("who", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("needs", _Json, nullable=False),
    Column("grounds", _Json, nullable=False),
    Column("reason", Text),
    Column("changed", Text, nullable=False),
    Column("ticket", Text),
    Index("requests_by_state", "state", "start"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("request_id", _Id, ForeignKey("requests.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("withdrawn", Text),
    Index(
        "one_word_a_role",
        "request_id",
        "role",
        unique=True,
        sqlite_where=text("withdrawn IS NULL"),
    ),
)

seals = Table(
    "seals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last_run", _Id, nullable=False),
)
"""One row, locked while a run is begun: the last number that was given out, so that a missing last run is noticed."""

runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("request", _Json, nullable=False),
    Column("who", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("undoes", _Id, ForeignKey("runs.id")),
    Column("request_id", _Id, ForeignKey("requests.id")),
    Column("to_prove", _Json, nullable=False),
    Column("after_number", Integer, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    # What follows changes while the run lives; the events say the same, `ledger verify` compares.
    Column("state", Text, nullable=False),
    Column("finished", Text),
    Column("last_number", Integer, nullable=False),
    Column("last_hash", Text, nullable=False),
    Index("runs_by_state", "state"),
    Index("runs_by_request", "request_id"),
)

changes = Table(
    "changes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("before", _Json),
    Column("after", _Json),
    Column("requires", _Json, nullable=False),
    Column("digest", Text, nullable=False),
    Index("changes_by_run", "run_id", "position", unique=True),
    Index("changes_by_resource", "kind", "target", "key"),
)

proofs = Table(
    "proofs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parameters", _Json, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("proofs_by_run", "run_id"),
)

events = Table(
    "change_events",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("change_id", _Id, ForeignKey("changes.id")),
    Column("proof_id", _Id, ForeignKey("proofs.id")),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("change_events_by_change", "change_id", "number"),
)

run_targets = Table(
    "run_targets",
    metadata,
    Column("run_id", _Id, ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("target", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("since", Text, nullable=False),
    Column("next_try", Text, nullable=False),
    Column("deadline", Text),
    Column("closed", Text),
    Index("run_targets_open", "next_try", sqlite_where=text("closed IS NULL")),
)

work_log = Table(
    "work_log",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("sentence", Text, nullable=False),
    Column("request_id", _Id, ForeignKey("requests.id")),
    Column("run_id", _Id, ForeignKey("runs.id")),
    Column("change_id", _Id, ForeignKey("changes.id")),
    Column("key", Text, nullable=False, unique=True),
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("work_log_by_request", "request_id"),
    Index("work_log_by_run", "run_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("entry_id", _Id, ForeignKey("work_log.id"), nullable=False),
    Column("desk", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Text, nullable=False),
    Column("error", Text),
    Column("delivered", Text),
    Column("remote", Text),
    UniqueConstraint("entry_id", "desk", name="one_delivery_a_desk"),
    Index(
        "deliveries_owed",
        "desk",
        "next_try",
        sqlite_where=text("delivered IS NULL"),
    ),
)

allocations = Table(
    "allocations",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("pool", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("run_id", _Id, ForeignKey("runs.id")),
    Column("at", Text, nullable=False),
    Column("released", Text),
    Index(
        "one_holder_an_item",
        "pool",
        "item",
        unique=True,
        sqlite_where=text("released IS NULL"),
    ),
    Index("allocations_by_holder", "holder", "pool"),
)

patch_orders = Table(
    "patch_orders",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("outlet", Text, nullable=False),
    Column("closet", Text, nullable=False),
    Column("panel", Text, nullable=False),
    Column("panel_port", Integer, nullable=False),
    Column("switch", Text, nullable=False),
    Column("switch_port", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("vlan", Integer),
    Column("expected_mac", Text),
    Column("cable", _Json, nullable=False),
    Column("label", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("closed", Text),
    Column("reason", Text),
    Column("proof", _Json),
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Index("patch_orders_by_state", "state", "number"),
    Index("patch_orders_by_run", "run_id"),
    Index(
        "one_open_order_an_outlet",
        "outlet",
        unique=True,
        sqlite_where=text("state = 'open'"),
    ),
)
"""What a technician is asked to plug in. `proof` is what was seen when the order was closed."""

line_samples = Table(
    "line_samples",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("switch", Text, nullable=False),
    Column("port", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("counters", _Json, nullable=False),
    Index("line_samples_by_port", "switch", "port", "at"),
)
"""What the counters of a switch port said at a time."""

amendments = Table(
    "amendments",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("section", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("was", Text),
    Column("value", Text),
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("withdrawn", Text),
    Column("replaced_in", _Id, ForeignKey("runs.id")),
    Index(
        "one_amendment_in_force",
        "section",
        "key",
        "field",
        unique=True,
        sqlite_where=text("withdrawn IS NULL"),
    ),
    Index("amendments_by_run", "run_id"),
)
"""What procedures changed of what the site's files say. `replaced_in` is the run whose amendment took the place."""

custody = Table(
    "custody",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("former", Text, nullable=False),
    Column("to", Text, nullable=False),
    Column("document", Text),
    Column("note", Text),
    Column("who", Text, nullable=False),
    Column("run_id", _Id, ForeignKey("runs.id")),
    Column("at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index("custody_by_asset", "asset", "id"),
    Index("custody_by_run", "run_id"),
)
"""Who gave what to whom."""

reserved_names = Table(
    "reserved_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("run_id", _Id, ForeignKey("runs.id")),
    Column("at", Text, nullable=False),
)
"""Logins and mail addresses (small letters) that were somebody's, and are nobody else's ever after."""

EXPORTED = tuple(table for table in metadata.sorted_tables if table is not line_samples)
"""What an export has, parents before children: everything but the samples, millions of rows that say nothing of what
was changed."""
