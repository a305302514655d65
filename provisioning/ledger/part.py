"""What every subject of the ledger builds on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioning.ledger.database import Database
from provisioning.ledger.spare_connections import SpareConnections


class Part:
    """One subject of an open ledger.

    `desks` are the service desks that every work-log entry is owed to.
    """

    _database: Database
    desks: tuple[str, ...]

    @property
    def place(self) -> str:
        """The SQLite file or the PostgreSQL URL, without the password."""
        return self._database.shown

    @property
    def folder(self) -> Path | None:
        """The folder of the SQLite file; ``None`` on PostgreSQL."""
        return self._database.folder

    @property
    def is_server(self) -> bool:
        """Whether the ledger is kept by PostgreSQL (and so can be shared by machines)."""
        return self._database.is_server

    def server_arguments(self) -> Mapping[str, Any]:
        """Keyword arguments of ``psycopg.connect`` for a connection of one's own (advisory locks, the queue).

        The password is among them: never log them. Raises :class:`LedgerError` on SQLite.
        """
        return self._database.server_arguments()

    @property
    def spare_connections(self) -> SpareConnections:
        """Where connections of one's own wait to be used again; they are closed with the ledger."""
        return self._database.spare


def clean(text: str) -> str:
    """Remote text as both databases can store it: no NUL, no halves of surrogate pairs."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")
