"""A crew of ``provision worker`` processes, what it computed, and what it left in the ledger's PostgreSQL.

`Crew.carry_out` starts the workers, waits until they wait for work, and gives the seconds from the moment at which the
requests become due to the moment at which the last one is proven.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from provisioning.api import Site
from provisioning.lab.postgres import Postgres
from provisioning.ledger import moment
from provisioning.procedures.onboard import onboard

_SETTLE, _AHEAD = 1.0, 0.2
"""Seconds that workers are given after they said that they wait, and until the requests are due then."""
_PATIENCE = 1800.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Done:
    """What a crew took: wall-clock seconds, and processor seconds by who computed them."""

    seconds: float
    processor: Mapping[str, float] = field(default_factory=dict)


@contextmanager
def postgres(number: int) -> Iterator[Postgres]:
    """A cluster of our own; as Debian sets it up, so every commit is on the disk."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="bench-postgres-")), f"127.77.{number}.70")
    try:
        server.up()
        yield server
    finally:
        server.down()


def write_ledger(folder: Path, server: Postgres, name: str) -> None:
    """Let the site in `folder` keep its ledger in database `name` of the cluster; its workers look every second."""
    text = (folder / "site.yml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("ledger:")]
    kept += [f"\nledger: {{url: '{server.url(name)}', password: 'file:{server.password}'}}\n", "workers: {look: 1}\n"]
    (folder / "site.yml").write_text("".join(kept), encoding="utf-8")


def ask(folder: Path, people: Sequence[str]) -> None:
    """Write down a request to onboard each, in the ledger of the site in `folder`."""
    site = Site.load(folder)
    try:
        for person in people:
            request = onboard(person)
            site.ledger.ask(request.title, request.to_plain(), start=datetime.now(UTC) + timedelta(days=1))
    finally:
        site.ledger.close()


@contextmanager
def database(server: Postgres, name: str, *, like: str = "template1") -> Iterator[str]:
    """A database of the cluster, a copy of another one, removed at the end."""
    password = server.password.read_text().strip()
    with psycopg.connect(server.url("postgres"), password=password, autocommit=True) as connection:
        names = {"name": sql.Identifier(name), "like": sql.Identifier(like)}
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {like}").format(**names))
        try:
            yield name
        finally:
            connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


@dataclass
class Crew:
    """Workers on one site, whose ledger is in database `name`. `command` starts one; `others` are processes beside
    them whose processor time counts (name → process)."""

    server: Postgres
    name: str
    command: Sequence[str]
    log: Path
    others: Mapping[str, int] = field(default_factory=dict)

    def carry_out(self, workers: int) -> Done:
        """All requests of the ledger. Raises SystemExit when a worker ends, or they are not done in half an hour."""
        crew: list[subprocess.Popen[bytes]] = []
        try:
            with self.log.open("wb") as log:
                for _ in range(workers):
                    crew.append(subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT))
            while self._waiting() < workers:
                self._still_there(crew)
                time.sleep(0.05)
            time.sleep(_SETTLE)
            before, begin = self._processor(crew), self._schedule()
            time.sleep(max(0.0, (begin - datetime.now(UTC)).total_seconds()))
            began = time.perf_counter()
            self._until_proven(crew, began)
            seconds = time.perf_counter() - began
            after = self._processor(crew)
        finally:
            _stop(crew)
        return Done(seconds, {who: after[who] - before[who] for who in after})

    def query(self, statement: str) -> list[tuple[str, ...]]:
        """What psql answers."""
        words = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "-F", "\t", "-c", statement]
        done = subprocess.run(
            [*words, self.server.url(self.name)],
            env={**os.environ, "PGPASSWORD": self.server.password.read_text().strip()},
            capture_output=True,
            text=True,
            check=True,
        )
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def _schedule(self) -> datetime:
        """The moment, the same for all requests, at which they become due."""
        begin = datetime.now(UTC) + timedelta(seconds=_AHEAD)
        with self._connect() as connection:
            connection.execute("UPDATE requests SET start = %s", [moment(begin)])
        return begin

    def _waiting(self) -> int:
        return self.log.read_bytes().count(b"Waiting for work")

    def _until_proven(self, crew: Sequence[subprocess.Popen[bytes]], began: float) -> None:
        with self._connect() as connection:
            while True:
                left = connection.execute("SELECT count(*) FROM requests WHERE state IN ('scheduled', 'running')")
                if left.fetchone() == (0,):
                    return
                self._still_there(crew)
                if time.perf_counter() > began + _PATIENCE:
                    raise SystemExit(f"not done after {_PATIENCE:g} s; {self.log} tells what the workers did")
                time.sleep(0.1)

    def _still_there(self, crew: Sequence[subprocess.Popen[bytes]]) -> None:
        if any(worker.poll() is not None for worker in crew):
            raise SystemExit(f"a worker ended: {self.log.read_text(errors='replace')[-2000:]}")

    def _connect(self) -> psycopg.Connection:
        password = self.server.password.read_text().strip()
        return psycopg.connect(self.server.url(self.name), password=password, autocommit=True)

    def _processor(self, crew: Sequence[subprocess.Popen[bytes]]) -> dict[str, float]:
        """Processor seconds so far."""
        postmaster = int((self.server.folder / "cluster" / "postmaster.pid").read_text().split()[0])
        found = {"workers": sum(_computed(worker.pid) for worker in crew), "PostgreSQL": _computed(postmaster)}
        return found | {name: _computed(pid) for name, pid in self.others.items()}


def _stop(crew: Sequence[subprocess.Popen[bytes]]) -> None:
    for worker in crew:
        worker.send_signal(signal.SIGTERM)
    for worker in crew:
        try:
            worker.wait(60)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _computed(pid: int) -> float:
    """Seconds that a process, its children, and those of its children that have ended computed (proc(5))."""
    total = 0.0
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total = sum(int(number) for number in fields[11:15]) / _TICK
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            total += sum(_computed(int(child)) for child in children.read_text().split())
    return total


def worker_command(*words: str) -> list[str]:
    """A Python module as a program of its own."""
    return [sys.executable, "-m", *words]
