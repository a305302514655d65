"""A PostgreSQL cluster of the tests' own, from Debian's package: made in a temporary folder, stopped by PID."""

from __future__ import annotations

import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from provisioning.lab.postgres import Postgres

ADDRESS = "127.77.1.60"
_FAST = {"fsync": "off", "log_min_messages": "fatal"}  # only tests lose their data


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    server: Postgres

    @property
    def folder(self) -> Path:
        """Where all of it is."""
        return self.server.folder

    @property
    def port(self) -> int:
        """The server listens there, on :data:`ADDRESS`."""
        return self.server.port

    @property
    def password(self) -> str:
        """Everybody who knows it is let in over TCP."""
        return self.server.password.read_text().strip()

    def url(self, database: str) -> str:
        """Without the password."""
        return self.server.url(database)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection in autocommit mode."""
        return psycopg.connect(self.url(database), password=self.password, autocommit=True)

    def make_database(self) -> str:
        """The name of a new, empty database."""
        name = f"ledger_{secrets.token_hex(6)}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start one, and leave nothing of it behind."""
    folder = Path(tempfile.mkdtemp(prefix="provisioning-postgres-"))
    server = Postgres(folder, ADDRESS, port=_free_port(), settings=_FAST)
    try:
        server.up()
        yield Cluster(server)
    finally:
        server.down()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])
