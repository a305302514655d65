"""Schema 3: patch orders, and samples of what the counters of switch ports say."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

_JSON = sa.JSON(none_as_null=True)
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Two new tables; nothing that is there changes."""
    op.create_table(
        "patch_orders",
        _column("number", _ID, primary_key=True),
        _column("outlet"),
        _column("closet"),
        _column("panel"),
        _column("panel_port", sa.Integer),
        _column("switch"),
        _column("switch_port"),
        _column("purpose"),
        _column("vlan", sa.Integer, nullable=True),
        _column("expected_mac", nullable=True),
        _column("cable", _JSON),
        _column("label"),
        _column("state"),
        _column("opened"),
        _column("who"),
        _column("closed", nullable=True),
        _column("reason", nullable=True),
        _column("proof", _JSON, nullable=True),
        _column("run_id", _ID, sa.ForeignKey("runs.id")),
    )
    op.create_index("patch_orders_by_state", "patch_orders", ["state", "number"])
    op.create_index("patch_orders_by_run", "patch_orders", ["run_id"])
    is_open = sa.text("state = 'open'")
    op.create_index(
        "one_open_order_an_outlet", "patch_orders", ["outlet"],
        unique=True, sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
    op.create_table(
        "line_samples",
        _column("id", _ID, primary_key=True),
        _column("switch"),
        _column("port"),
        _column("at"),
        _column("counters", _JSON),
    )
    op.create_index("line_samples_by_port", "line_samples", ["switch", "port", "at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 3")


def downgrade() -> None:
    """What was written down since would be lost."""
    raise NotImplementedError("restore the ledger from a backup instead")


def _column(name: str, kind: Any = sa.Text, *more: Any, **words: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, **({"nullable": False} | words))
