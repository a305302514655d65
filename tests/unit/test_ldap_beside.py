"""Many searches on two connections: each is made once, what is found comes in order, and nobody waits for a connection
that is lost or cannot be had."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.connections import directory
from provisioning.connections.directory import MANY, Delete, DirectorySession
from provisioning.connections.ldap_beside import search_beside
from provisioning.connections.ldap_messages import answer
from provisioning.connections.ldap_pipeline import SEARCHES, Pipeline
from provisioning.errors import TargetError, UnreachableError
from tests.unit.test_ldap_pipeline import ended, entry, message

CONDITIONS = [f"(cn={number:02})" for number in range(60)]


class Server:
    """Finds the entry that it is asked for, one request at a time. With `together`, it answers nothing before the other
    one was asked, too. After `lasts` answers the connection is lost."""

    def __init__(self, together: threading.Barrier | None = None, lasts: int = 1000) -> None:
        self.asked: list[str] = []
        self._waiting: list[bytes] = []
        self._together, self._left = together, lasts

    def sendall(self, octets: bytes) -> None:
        number, deletes = answer(octets).number, answer(octets).tag == 0x4A
        if deletes:
            self._waiting.append(message(number, ended(0x6B)))
            return
        name = octets.partition(b"\x04\x02cn\x04\x02")[2][:2].decode()
        self.asked.append(f"(cn={name})")
        self._waiting.append(message(number, entry(name)) + message(number, ended(0x65)))

    def recv(self, _: int) -> bytes:
        if self._together is not None:
            self._together.wait(10)
            self._together = None
        self._left -= 1
        return self._waiting.pop(0) if self._left >= 0 else b""

    def getpeername(self) -> tuple[str, int]:
        return ("192.0.2.1", 636)


def names(first: Server, second: Server | None) -> list[str]:
    """What search_beside finds on the two."""

    @contextmanager
    def beside() -> Iterator[Pipeline | None]:
        yield None if second is None else Pipeline(second)

    found = search_beside(Pipeline(first), beside, CONDITIONS, ["cn"], base="DC=x", page=1000)
    return [one.dn for entries, _ in found for one in entries]


ALL = [f"CN={condition[4:6]}" for condition in CONDITIONS]


def test_two_connections_share_the_searches_and_what_they_find_is_in_order() -> None:
    together = threading.Barrier(2)
    first, second = Server(together), Server(together)
    assert names(first, second) == ALL
    assert first.asked
    assert second.asked
    assert sorted(first.asked + second.asked) == CONDITIONS, "each once"


def test_without_a_second_connection_the_first_takes_all() -> None:
    first = Server()
    assert names(first, None) == ALL
    assert first.asked == CONDITIONS


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_connection_ends_it_and_the_other_takes_no_more(lost: int) -> None:
    together = threading.Barrier(2)
    servers = [Server(together, 0 if number == lost else 1000) for number in range(2)]
    with pytest.raises(ConnectionResetError):
        names(*servers)
    assert len(servers[lost].asked) == SEARCHES


class Session(DirectorySession):
    """A session whose connections lead to `servers`, one after the other; there are no more."""

    def __init__(self, *servers: Server) -> None:
        self.target, self.servers = "directory", list(servers)
        self.directory: Any = SimpleNamespace(base_dn="DC=x", server=SimpleNamespace(host="dc1"))
        self.closed = 0
        self._connection = self._signed_in()
        self._pipeline = Pipeline(self._connection.socket)
        self._has_written = False

    def _signed_in(self) -> Any:
        if not self.servers:
            raise UnreachableError(self.target, "it takes no more connections")
        return SimpleNamespace(socket=self.servers.pop(0), strategy=SimpleNamespace(close=self._close_one))

    def _close_one(self) -> None:
        self.closed += 1


def found(session: Session, conditions: list[str]) -> list[str]:
    return [one.dn for one in session.search_many(conditions, ["cn"])]


def test_few_searches_need_no_second_connection() -> None:
    session = Session(Server(), Server())
    assert found(session, CONDITIONS[: MANY - 1]) == ALL[: MANY - 1]
    assert len(session.servers) == 1


def test_the_second_connection_is_closed_after_the_search() -> None:
    together = threading.Barrier(2)
    session = Session(Server(together), Server(together))
    assert found(session, CONDITIONS) == ALL
    assert (session.servers, session.closed) == ([], 1)


def test_who_gets_no_second_connection_reads_on_the_first() -> None:
    session = Session(Server())
    assert found(session, CONDITIONS) == ALL
    assert session.closed == 0


def test_who_has_written_reads_where_it_was_written() -> None:
    session = Session(Server(), Server())
    assert session.write([Delete("CN=00,DC=x")]) == [None]
    assert found(session, CONDITIONS) == ALL
    assert len(session.servers) == 1, "another server behind the same name may not have it yet"


def test_a_connection_that_is_lost_in_a_shared_search_is_an_unreachable_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MANY", 2)
    together = threading.Barrier(2)
    session = Session(Server(together), Server(together, lasts=0))
    with pytest.raises(TargetError, match="dc1 stopped answering during a search"):
        found(session, CONDITIONS)
    assert session.closed == 1
