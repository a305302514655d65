"""Ledgers on both databases, for every test that asks for `place`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from provisioning.ledger import Ledger
from provisioning.resources.registry import KINDS, PROOFS
from tests.memory import MemoryKind, MemoryProof
from tests.postgres import Cluster, running_cluster


@dataclass
class Place:
    """Where a ledger is to be, and the back door to it. `where` and `password` are what a ledger is opened with."""

    where: Path | str
    password: SecretStr | None = None
    back_door: Callable[[], Any] = field(repr=False, default=lambda: None)
    opened: list[Ledger] = field(default_factory=list)

    def open(self, **words: Any) -> Ledger:
        """A ledger there, closed after the test."""
        self.opened.append(Ledger(self.where, password=self.password, **words))
        return self.opened[-1]

    def sql(self, *statements: str) -> list[Sequence[Any]]:
        """Carry out statements behind the ledger's back, foreign keys unheeded; the rows of the last one."""
        connection = self.back_door()
        try:
            if isinstance(connection, sqlite3.Connection):
                rows = [connection.execute(statement).fetchall() for statement in statements]
            else:
                connection.execute("SET session_replication_role = replica")  # no foreign keys
                cursors = [connection.execute(statement) for statement in statements]
                rows = [cursor.fetchall() if cursor.description else [] for cursor in cursors]
            connection.commit()
        finally:
            connection.close()
        return rows[-1]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL cluster of our own."""
    with running_cluster() as started:
        yield started


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.lab)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty place for a ledger, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        file = tmp_path / "ledger" / "l.sqlite"
        made = Place(file, back_door=lambda: sqlite3.connect(file))
    else:
        started: Cluster = request.getfixturevalue("cluster")
        name = started.make_database()

        def back_door() -> psycopg.Connection:
            return psycopg.connect(started.url(name), password=started.password)

        made = Place(started.url(name), SecretStr(started.password), back_door)
    yield made
    for ledger in made.opened:
        ledger.close()


@pytest.fixture
def memory_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger reads changes of the memory kind."""
    monkeypatch.setitem(KINDS, "memory.thing", MemoryKind())
    monkeypatch.setitem(PROOFS, "memory.exists", MemoryProof())
