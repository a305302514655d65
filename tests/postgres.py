"""A PostgreSQL cluster of the tests' own, from Debian's package: made in a temporary folder, stopped by PID."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

ADDRESS = "127.77.1.60"
USER = "provision"


@dataclass
class Cluster:
    """A running cluster. Everybody who knows `password` is let in over TCP as :data:`USER`."""

    folder: Path
    port: int
    password: str = field(repr=False)
    process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """Without the password."""
        return f"postgresql://{USER}@{ADDRESS}:{self.port}/{database}"

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
    password = secrets.token_urlsafe(12)
    user = "postgres" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
    try:
        (folder / "password").write_text(password + "\n")
        if user:
            for path in (folder, folder / "password"):
                shutil.chown(path, user, user)
        words = ["--pgdata", str(folder / "data"), "--username", USER, "--pwfile", str(folder / "password")]
        words += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        subprocess.run([_program("initdb"), *words], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        cluster = _start(folder, password, user)
        try:
            yield cluster
        finally:
            cluster.process.send_signal(signal.SIGINT)  # "fast shutdown": it does not wait for clients
            cluster.process.wait(30)
    finally:
        shutil.rmtree(folder)


def _start(folder: Path, password: str, user: str | None) -> Cluster:
    port = _free_port()
    settings = {"listen_addresses": ADDRESS, "port": port, "unix_socket_directories": folder, "max_connections": 200}
    settings |= {"fsync": "off", "shared_buffers": "32MB", "log_min_messages": "fatal"}  # only tests lose their data
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [_program("postgres"), "-D", str(folder / "data"), *words], user=user, cwd=folder, stdout=log, stderr=log
        )
    cluster = Cluster(folder, port, password, process)
    deadline = time.monotonic() + 30
    while True:
        try:
            cluster.connect().close()
            return cluster
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.05)


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed (Debian package postgresql, see .ci/packages.txt)")
    return str(found[-1])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])
