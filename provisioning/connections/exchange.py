"""The SIP exchange's database: target ``phones``. SQLite (a file on this machine) or PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InvalidRequestError,
    NoSuchTableError,
    OperationalError,
    SQLAlchemyError,
)

from provisioning.errors import CredentialError, RejectedError, RequestError, TargetError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.ledger import LedgerServer, is_here
from provisioning.site.phones import Phones

__all__ = ["ExchangeSession", "open_session"]

_BUSY, _CONNECT = 10.0, 10  # seconds


class ExchangeSession:
    """The database behind one exchange."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        if inventory.phones is None:
            raise RequestError(f"the site says nothing about {target!r}; add phones: to it")
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self._engine, self._shown = _engine(target, inventory.phones, secrets)

    @property
    def phones(self) -> Phones:
        """The site's section. Raises :class:`RequestError` when it has none."""
        if self.inventory.phones is None:
            raise RequestError(f"the site says nothing about {self.target!r}; add phones: to it")
        return self.inventory.phones

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, undone by an exception. Their exceptions → ours."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as exc:
            raise _fault(self.target, self._shown, exc) from exc

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> ExchangeSession:
    """Open a session; the database is reached on first use."""
    return ExchangeSession(target, inventory, secrets)


def _engine(target: str, phones: Phones, secrets: Secrets) -> tuple[Engine, str]:
    exchange = phones.exchange
    if exchange.file is not None:
        return _file(target, exchange.file), str(exchange.file)
    if exchange.database is None:
        raise RequestError(f"the site says nothing about the database of {target!r}; add phones: exchange: file to it")
    server = exchange.database
    url = _server(server, secrets.resolve(server.password) if server.password else None)
    return create_engine(url, pool_pre_ping=True), f"{url.database} on {server.host or 'this machine'}"


def _file(target: str, path: Path) -> Engine:
    if not path.is_file():
        raise UnreachableError(target, f"there is no database {path}; is the exchange set up on this machine?")
    # mode=rw: a database that is gone meanwhile is not made anew
    return create_engine(f"sqlite:///file:{path}?mode=rw&uri=true", connect_args={"timeout": _BUSY})


def _server(server: LedgerServer, password: SecretStr | None) -> URL:
    """Over the network the server's certificate is verified unless the URL says otherwise (libpq, "SSL Support")."""
    try:
        url = make_url(server.url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as exc:
        raise RequestError("phones: exchange: database: expected postgresql://USER@HOST:PORT/DATABASE") from exc
    words: dict[str, str] = {"connect_timeout": str(_CONNECT), "application_name": "provision"}
    if not is_here(server.host):
        words |= {"sslmode": "verify-full", "sslrootcert": str(server.trust or "system")}
    elif server.trust:
        words["sslrootcert"] = str(server.trust)
    url = url.update_query_dict({name: word for name, word in words.items() if name not in url.query})
    return url.set(password=password.get_secret_value()) if password else url


def _fault(target: str, shown: str, exc: SQLAlchemyError) -> TargetError:
    """A sentence without the statement: its parameters hold digests. Codes decide, never texts."""
    cause: Any = exc.orig if isinstance(exc, DBAPIError) else exc
    state = getattr(cause, "sqlstate", None) or ""  # PostgreSQL manual, appendix A
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # sqlite.org/rescode.html
    server = getattr(cause, "pgconn", None)
    unknown = isinstance(cause, (InvalidRequestError, NoSuchTableError)) or code == sqlite3.SQLITE_ERROR
    if state.startswith("28") or (not state and server and (server.used_password or server.needs_password)):
        return CredentialError(target, f"the database {shown} refuses our sign-in; correct phones: exchange: database")
    if unknown or state in {"42P01", "42703"}:  # no such table, no such column
        return RejectedError(
            target,
            f"the database {shown} lacks a table or column of the exchange; was it made with the exchange's own "
            "scripts, and is phones: exchange: adapter the right one?",
        )
    if state == "42501" or code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}:
        return RejectedError(
            target, f"our account may not do that in the database {shown}; let it read and write there"
        )
    if isinstance(exc, OperationalError) or (isinstance(exc, DBAPIError) and exc.connection_invalidated):
        return UnreachableError(
            target, f"the database {shown} does not answer ({type(cause).__name__}); does its server run, is it locked?"
        )
    return RejectedError(
        target, f"the database {shown} refused the change ({type(cause).__name__} {state}".rstrip() + ")"
    )
