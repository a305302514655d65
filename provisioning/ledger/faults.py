"""What databases report → one sentence: the ledger, what went wrong, what to do next. Codes decide, never texts."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from provisioning.errors import LedgerError

_FULL = "the disk is full; make room, then `provision resume`"
_READ_ONLY = "it is read-only for this user; correct the owner and mode of the file and its folder, or remount the disk"

_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder exists and that this user may write there",
    sqlite3.SQLITE_BUSY: "another process has kept it locked for a minute; find and end that process, then try again",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database; put back the right file or set `ledger:` in the site",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore it from a backup, or recover it with `sqlite3 FILE .recover`",
    sqlite3.SQLITE_IOERR: "the disk reports an error; look at the system's log, then try again",
}

# Two or five characters of SQLSTATE (PostgreSQL manual, appendix A)
_POSTGRESQL = {
    "28P01": "the server refuses the password; correct what the reference `ledger: password:` leads to",
    "28": "the server refuses this user; look at pg_hba.conf and at `ledger: url:`",
    "3D000": "there is no such database; create it (`createdb`) or correct `ledger: url:`",
    "53100": _FULL,
    "53300": "the server has no connection left; raise max_connections or run fewer workers",
    "25006": "the server is read-only (a standby?); correct `ledger: url:`",
    "42501": "the database user may not do this; make it the owner of the database",
    "57": "the server is shutting down or starting; try again in a moment, then `provision resume`",
    "08": "the connection was lost; check the server, then `provision resume`",
}


def fault(exc: SQLAlchemyError, place: str) -> LedgerError:
    """What `exc` means for the ledger at `place`."""
    cause: Any = exc.orig if isinstance(exc, DBAPIError) else exc
    if isinstance(cause, sqlite3.Error):
        advice = _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
        return LedgerError(f"the ledger {place}: {advice or f'SQLite says: {cause}; check the disk'}")
    if isinstance(exc, DBAPIError):
        return LedgerError(f"the ledger {place}: {_of_server(cause)}")
    return LedgerError(f"the ledger {place} cannot be used: {type(cause).__name__}: {cause}")


def _of_server(cause: Any) -> str:
    said = " ".join(str(cause).split())
    code = getattr(cause, "sqlstate", None) or ""
    advice = _POSTGRESQL.get(code) or _POSTGRESQL.get(code[:2])
    if advice:
        return f"{advice} (it says: {said})"
    connection = getattr(cause, "pgconn", None)
    if code or connection is None:
        return f"PostgreSQL says: {said}"
    if connection.needs_password:
        return f"the server asks for a password; set `ledger: password:` in the site (it says: {said})"
    if connection.used_password:
        return f"the server did not let us in; check the password and the database's name (it says: {said})"
    return f"the server cannot be reached or did not let us in; check `ledger: url:` and that it runs (it says: {said})"
