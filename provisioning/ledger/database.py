"""The database below the ledger: SQLite in a file, or PostgreSQL by URL. One connection a transaction.

SQLite runs in WAL with ``synchronous = FULL``: power loss must not lose a committed change. Writers queue up at ``BEGIN
IMMEDIATE``, so what a transaction has read is still true when it writes. On PostgreSQL transactions that decide
something lock the row (or the pool of allocations) that they decide about.
"""

from __future__ import annotations

import os
import select
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, SQLAlchemyError

from provisioning.errors import LedgerError
from provisioning.ledger.faults import fault
from provisioning.ledger.spare_connections import SpareConnections
from provisioning.site.ledger import is_here

BUSY_SECONDS = 60.0
"""How long a writer waits for another one before it gives up."""

CONNECT_SECONDS = 10

_REST_SECONDS = 1.0
"""After that long without use a connection to the server is asked whether it is still there."""


class Database:
    """Where the ledger is kept. `folder` is the folder of the SQLite file, ``None`` on PostgreSQL; `shown` names the
    place in messages, without the password."""

    def __init__(self, place: Path | str, password: SecretStr | None, trust: Path | None) -> None:
        self.path = _file(place)
        self.folder = self.path.parent if self.path else None
        self._in_process = threading.Lock() if self.path else nullcontext()
        self.spare = SpareConnections()
        if self.path:
            self.shown = str(self.path)
            _make_file(self.path)
            self._engine = create_engine(f"sqlite:///{self.path}", connect_args={"timeout": BUSY_SECONDS})
            event.listen(self._engine, "connect", _configure_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._url = _server_url(str(place), password, trust)
            self.shown = self._url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
            self._engine = create_engine(self._url, pool_size=5, max_overflow=20)
            event.listen(self._engine, "checkin", _remember_checkin)
            event.listen(self._engine, "checkout", partial(_ping_after_a_rest, self._engine))

    @property
    def is_server(self) -> bool:
        """Whether this is PostgreSQL."""
        return self.path is None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that writes: committed at the end of the block, undone by an exception."""
        with self._in_process, self._faults(), self._engine.connect() as connection:
            connection.execution_options(ledger_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that sees one moment of the ledger."""
        with self._faults(), self._engine.connect() as connection:
            if self.is_server:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def server_arguments(self) -> Mapping[str, Any]:
        """Keyword arguments of ``psycopg.connect`` that lead to this database (the password among them: never log it).

        Raises :class:`LedgerError` on SQLite.
        """
        if not self.is_server:
            raise LedgerError(f"the ledger {self.shown} is a SQLite file; this needs PostgreSQL: set `ledger: url:`")
        _, words = self._engine.dialect.create_connect_args(self._url)
        return dict(words)

    def close(self) -> None:
        """Close every connection."""
        self.spare.close()
        self._engine.dispose()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as exc:
            raise fault(exc, self.shown) from exc
        except UnicodeEncodeError as exc:
            raise LedgerError(f"the ledger {self.shown} cannot store a text that is not Unicode: {exc.reason}") from exc


def _file(place: Path | str) -> Path | None:
    if isinstance(place, str):
        if place.startswith(("postgresql://", "postgres://")):
            return None
        place = Path(place.removeprefix("sqlite:///"))
    return place


def _make_file(path: Path) -> None:
    """The file with mode 0600 in a folder with mode 0700, unless they exist."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as exc:
        raise LedgerError(f"the ledger {path} cannot be made: {exc.strerror}; set `ledger:` in the site") from exc


def _server_url(text: str, password: SecretStr | None, trust: Path | None) -> URL:
    """Raises :class:`LedgerError`. Over the network the server's certificate is verified unless the URL says otherwise
    (``?sslmode=…``; libpq's documentation, "SSL Support")."""
    try:
        url = make_url(text).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as exc:
        raise LedgerError("the ledger's URL is not one; expected postgresql://USER@HOST:PORT/DATABASE") from exc
    host = url.host or url.query.get("host") or ""
    words: dict[str, str] = {"connect_timeout": str(CONNECT_SECONDS), "application_name": "provision"}
    if not is_here(str(host)):
        words |= {"sslmode": "verify-full", "sslrootcert": str(trust or "system")}
    elif trust:
        words["sslrootcert"] = str(trust)
    url = url.update_query_dict({k: v for k, v in words.items() if k not in url.query})
    return url.set(password=password.get_secret_value()) if password else url


def _remember_checkin(_: object, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _ping_after_a_rest(engine: Engine, connection: Any, record: Any, _: object) -> None:
    # SQLAlchemy's own pool_pre_ping asks before every transaction, one round trip more for each. A server that ends
    # a connection says so on it.
    rested = time.monotonic() - record.info.get("used", time.monotonic())
    if rested < _REST_SECONDS and not _has_something_to_read(connection):
        return
    try:
        engine.dialect.do_ping(connection)
    except Exception as exc:  # whatever it is, this connection is of no use
        raise InvalidatePoolError from exc


def _has_something_to_read(connection: Any) -> bool:
    try:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        return bool(waiting.poll(0))
    except Exception:  # psycopg knows already that it is closed
        return True


def _configure_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # BEGIN is ours (see _begin_sqlite), not the driver's
    _turn_on_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _turn_on_wal(connection: sqlite3.Connection) -> None:
    # The one-time switch does not wait for other connections as everything else does.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("ledger_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
