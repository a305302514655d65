"""Which schema the ledger has, and bringing it to the newest one under a lock, in one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from provisioning.errors import LedgerError
from provisioning.ledger.database import Database
from provisioning.ledger.tables import SCHEMA_VERSION, metadata

_UPGRADE_LOCK = 0x70726F76  # "prov"


def bring_up_to_date(database: Database) -> None:
    """Make the tables, or migrate those of an earlier version. Raises :class:`LedgerError` for a later version."""
    with database.read() as connection:
        if _checked(connection, database.shown) == SCHEMA_VERSION:
            return
    with database.write() as connection:
        if database.is_server:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        version = _checked(connection, database.shown)
        if version == 0:
            _create(connection)
        elif version < SCHEMA_VERSION:
            _migrate(connection, version)


def _checked(connection: Connection, shown: str) -> int:
    """0: no ledger yet."""
    version = _version(connection)
    if version is None or version > SCHEMA_VERSION:
        raise LedgerError(
            f"the ledger {shown} has schema {version or 'of its own'}, this program knows {SCHEMA_VERSION}; "
            "use the newer version of the program that wrote it"
        )
    return version


def _version(connection: Connection) -> int | None:
    sqlite = connection.dialect.name == "sqlite"
    is_there = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if sqlite
        # not to_regclass: its cache still says "no" when we come out of the wait for the lock
        else "SELECT oid FROM pg_class WHERE relname = 'alembic_version' AND pg_table_is_visible(oid)"
    )
    if connection.execute(text(is_there)).scalar() is not None:
        word = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none())
        return int(word) if word.isascii() and word.isdigit() else None
    # The first landing kept its version where SQLite offers a place for it, and knew no other database.
    return int(connection.execute(text("PRAGMA user_version")).scalar_one()) if sqlite else 0


def _create(connection: Connection) -> None:
    # A new ledger need not live through its history; a test holds both ways to the same result.
    metadata.create_all(connection, checkfirst=False)
    connection.execute(text("INSERT INTO seals (id, last_run) VALUES (1, 0)"))
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": str(SCHEMA_VERSION)})
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))


def _migrate(connection: Connection, version: int) -> None:
    from alembic import command  # noqa: PLC0415  (most openings need no migration)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.stamp(config, str(version))
    command.upgrade(config, "head")
