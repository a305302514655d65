"""The tables of the ledger.

States and parameters are stored as JSON text (see :meth:`provisioning.resources.base.State.to_plain`); secrets are
never part of a state, so they cannot get here. Times are UTC, ISO 8601.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA_VERSION = 1


def now() -> str:
    """The current time as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData()
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012  (SQLAlchemy's own convention)


class RunRow(Table):
    """One execution of one plan, or the undoing of one."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    request: Mapped[dict[str, Any]]
    who: Mapped[str]
    state: Mapped[str]
    started: Mapped[str]
    finished: Mapped[str | None]
    undoes: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    changes: Mapped[list[ChangeRow]] = relationship(order_by="ChangeRow.position", back_populates="run")
    proofs: Mapped[list[ProofRow]] = relationship(order_by="ProofRow.id")


class ChangeRow(Table):
    """One change of one run: what was meant, how far it got."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("changes_by_run", "run_id", "position"),
        Index("changes_by_resource", "kind", "target", "key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    position: Mapped[int]
    kind: Mapped[str]
    target: Mapped[str]
    key: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    requires: Mapped[list[Any]]
    state: Mapped[str]
    error: Mapped[str | None]
    attempted: Mapped[str | None]
    finished: Mapped[str | None]
    run: Mapped[RunRow] = relationship(back_populates="changes")


class ProofRow(Table):
    """One result of one proof."""

    __tablename__ = "proofs"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    kind: Mapped[str]
    target: Mapped[str]
    name: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    passed: Mapped[bool]
    detail: Mapped[str]
    at: Mapped[str]
