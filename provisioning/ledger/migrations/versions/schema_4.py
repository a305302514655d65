"""Schema 4: amendments of what the site's files say, custody of equipment, names that stay reserved."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Three new tables; nothing that is there changes."""
    op.create_table(
        "amendments",
        _column("id", _ID, primary_key=True),
        _column("section"),
        _column("key"),
        _column("field"),
        _column("was", nullable=True),
        _column("value", nullable=True),
        _column("run_id", _ID, sa.ForeignKey("runs.id")),
        _column("at"),
        _column("withdrawn", nullable=True),
        _column("replaced_in", _ID, sa.ForeignKey("runs.id"), nullable=True),
    )
    in_force = sa.text("withdrawn IS NULL")
    op.create_index(
        "one_amendment_in_force", "amendments", ["section", "key", "field"],
        unique=True, sqlite_where=in_force, postgresql_where=in_force,
    )  # fmt: skip
    op.create_index("amendments_by_run", "amendments", ["run_id"])
    op.create_table(
        "custody",
        _column("id", _ID, primary_key=True),
        _column("asset"),
        _column("former"),
        _column("to"),
        _column("document", nullable=True),
        _column("note", nullable=True),
        _column("who"),
        _column("run_id", _ID, sa.ForeignKey("runs.id"), nullable=True),
        _column("at"),
        _column("state"),
    )
    op.create_index("custody_by_asset", "custody", ["asset", "id"])
    op.create_index("custody_by_run", "custody", ["run_id"])
    op.create_table(
        "reserved_names",
        _column("name", primary_key=True),
        _column("person"),
        _column("run_id", _ID, sa.ForeignKey("runs.id"), nullable=True),
        _column("at"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 4")


def downgrade() -> None:
    """What was written down since would be lost."""
    raise NotImplementedError("restore the ledger from a backup instead")


def _column(name: str, kind: Any = sa.Text, *more: Any, **words: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, **({"nullable": False} | words))
