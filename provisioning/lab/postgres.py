"""The lab's PostgreSQL: a cluster of its own from Debian's package, for a ledger that several workers share.

Most of what the lab shows needs none, so ``provision lab up`` leaves it alone: ``provision lab database up`` starts it.
The server's own cluster (``/var/lib/postgresql``) is never touched.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.process import Daemon, listening, run, wait_for

PORT = 5432
USER = "provision"
_ACCOUNT = "postgres"  # the server refuses to run as root
_OCTET = 70
_SETTINGS = {"max_connections": "200", "shared_buffers": "32MB", "logging_collector": "off"}


class Postgres:
    """One cluster on `address` with one user, :data:`USER`, who owns every database and signs in by password (SCRAM).

    `folder` is its own (removed by :meth:`down`); every folder above it must let the account ``postgres`` pass when
    this process is root. `settings` are added to the server's.
    """

    def __init__(
        self, folder: Path, address: str, *, port: int = PORT, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.address = address
        self.port = port
        self.settings = {**_SETTINGS, **(settings or {})}
        self.password = folder / "password"
        self._cluster = folder / "cluster"
        self._daemon = Daemon(folder / "run", "postgres")

    @classmethod
    def of_lab(cls, folder: Path, number: int) -> Postgres:
        """The one of lab `number`, whose folder is `folder`."""
        return cls(folder / "postgres", f"127.77.{number}.{_OCTET}")

    def url(self, database: str) -> str:
        """What a site writes as ``ledger: url:``. The password is in the file :attr:`password`."""
        return f"postgresql://{USER}@{self.address}:{self.port}/{database}"

    def up(self) -> None:
        """Make the cluster on first use (about 2 s), start the server, wait until it answers."""
        if self.running():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        if not (self._cluster / "PG_VERSION").exists():
            self._make()
        place = {"listen_addresses": self.address, "port": self.port, "unix_socket_directories": self._cluster}
        words = [word for name, value in {**place, **self.settings}.items() for word in ("-c", f"{name}={value}")]
        self._daemon.start([*_as_account(), _program("postgres"), "-D", str(self._cluster), *words], cwd=self._cluster)
        wait_for(f"PostgreSQL on {self.address}", self.running, daemons=[self._daemon])

    def down(self) -> None:
        """Stop the server and remove its folder with all databases."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """Stop the server and keep its databases; :meth:`up` starts it again."""
        pid = self._daemon.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)  # "fast shutdown": it does not wait for its clients
            deadline = time.monotonic() + 10
            while self._daemon.pid is not None and time.monotonic() < deadline:
                time.sleep(0.02)
        self._daemon.stop()

    def running(self) -> bool:
        """Whether it answers."""
        return self._daemon.pid is not None and listening(self.address, self.port) and self._answers()

    def make_database(self, name: str) -> None:
        """Make an empty database, unless it exists."""
        if not (name.isascii() and name.isidentifier()):
            raise LabError(f"{name!r} is no name for a database; use letters, digits and _")
        there = self._ask(f"SELECT 1 FROM pg_database WHERE datname = '{name}'")  # noqa: S608  (checked above)
        if there.strip() != "1":
            self._ask(f"CREATE DATABASE {name}")

    def _make(self) -> None:
        shutil.rmtree(self._cluster, ignore_errors=True)
        self._cluster.mkdir(mode=0o700)
        _give(self._cluster)
        given = self.folder / "password.new"
        with os.fdopen(os.open(self.password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(18) + "\n")
        shutil.copy2(self.password, given)
        _give(given)
        words = ["--pgdata", str(self._cluster), "--username", USER, "--pwfile", str(given)]
        words += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"]
        try:
            run([*_as_account(), _program("initdb"), *words], cwd=self._cluster)
        finally:
            given.unlink()

    def _answers(self) -> bool:
        words = ["--host", self.address, "--port", str(self.port), "--quiet"]
        return run([_program("pg_isready"), *words], check=False).returncode == 0

    def _ask(self, statement: str) -> str:
        words = ["--no-psqlrc", "--tuples-only", "--no-align", "--command", statement, self.url("postgres")]
        environment = {"PGPASSWORD": self.password.read_text().strip()}
        return run([_program("psql"), *words], env=environment).stdout


def _give(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, _ACCOUNT, _ACCOUNT)


def _as_account() -> list[str]:
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--init-groups", "--"]


def _program(name: str) -> str:
    # Debian keeps the servers of each version apart, outside PATH.
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]))
    if not found:
        raise LabError("PostgreSQL is not installed; `make lab-packages` installs what the lab needs")
    return str(found[-1])
