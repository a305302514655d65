"""Connections to PostgreSQL that hold a run's locks, kept for the next run: signing in (SCRAM, a new server process)
takes ten times as long as everything that is asked on them."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

_MOST = 16


class SpareConnections:
    """Idle psycopg connections in autocommit mode, without a lock. May be shared by threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._spare: list[Any] = []
        self._closed = False

    def take(self) -> Any | None:
        """One of them, which may have been lost since it was put here."""
        with self._guard:
            return self._spare.pop() if self._spare else None

    def put(self, connection: Any) -> None:
        """Keep a connection, or close it when there are enough. It must hold no lock."""
        with self._guard:
            if not self._closed and len(self._spare) < _MOST:
                self._spare.append(connection)
                return
        _close(connection)

    def close(self) -> None:
        """Close all of them, and whatever is put here afterwards."""
        with self._guard:
            spare, self._spare, self._closed = self._spare, [], True
        for connection in spare:
            _close(connection)


def _close(connection: Any) -> None:
    with suppress(Exception):  # it may be broken already
        connection.close()
