"""Requests of LDAP on their way, several at once, on one connection that is signed in.

A server works on a connection's requests one after the other: while it works on one, the next is there already, and
meanwhile the answers of the last are read. One thread sends and receives.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Protocol

from provisioning.connections.ldap_messages import (
    DONE,
    ENTRY,
    NOTICE,
    REFERENCE,
    Answer,
    Result,
    answer,
    entry_of,
    result_of,
    search_request,
    size_of,
    write_request,
)
from provisioning.connections.ldap_operations import Entry, Operation

WRITES = 100
"""Changes on their way at once."""
SEARCHES = 4
"""Searches on their way at once. Their answers are long: who sends much more before reading could wait for a server
that waits for its answers to be read."""

_FIRST = 1000  # message numbers below were used to sign in
_AT_ONCE = 2**16  # octets


class Line(Protocol):
    """What is needed of a socket."""

    def sendall(self, octets: bytes, /) -> object: ...

    def recv(self, size: int, /) -> bytes: ...


class Pipeline:
    """The requests of one connection. Everything raises ``OSError`` when the connection is lost (a timeout among
    them), and :class:`ValueError` when what comes is no LDAP; it is of no more use then."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._number = _FIRST
        self._received = bytearray()
        self._read = 0

    def search(
        self, conditions: Iterable[str], attributes: Sequence[str], *, base: str, one_entry: bool = False, page: int
    ) -> list[tuple[list[Entry], Result]]:
        """The entries that each condition finds, by pages of `page`, and how each search ended. The conditions are
        taken one by one, when their turn comes."""
        found: list[tuple[list[Entry], Result]] = []
        waiting: dict[int, int] = {}
        asked: list[str] = []
        left = iter(conditions)
        pages = None if one_entry else page

        def ask(index: int, cookie: bytes = b"") -> None:
            number = self._next_number()
            waiting[number] = index
            request = search_request(
                number, asked[index], attributes, base=base, one_entry=one_entry, page=pages, cookie=cookie
            )
            self._line.sendall(request)

        while True:
            while len(waiting) < SEARCHES and (condition := next(left, None)) is not None:
                asked.append(condition)
                found.append(([], Result(0, "")))
                ask(len(found) - 1)
            if not waiting:
                return found
            one = self._receive(waiting)
            if one.tag == ENTRY:
                found[waiting[one.number]][0].append(entry_of(one))
            elif one.tag == DONE:
                index, ended = waiting.pop(one.number), result_of(one)
                found[index] = (found[index][0], ended)
                if ended.code == 0 and ended.cookie:
                    ask(index, ended.cookie)
            elif one.tag != REFERENCE:  # which AD adds for other domains
                raise ValueError("the server answers a search with something else")

    def write(self, operations: Iterable[Operation], settle: Callable[[int, Operation, Result], None]) -> None:
        """Send the changes. As soon as one is answered, `settle` is told which (counted from 0) and how it ended, and
        the next is taken from `operations`: whoever makes them does so while the server works."""
        waiting: dict[int, tuple[int, Operation]] = {}

        def settle_one() -> None:
            one = self._receive(waiting)
            settle(*waiting.pop(one.number), result_of(one))

        try:
            for index, operation in enumerate(operations):
                number = self._next_number()
                waiting[number] = index, operation
                self._line.sendall(write_request(number, operation))
                while len(waiting) >= WRITES:
                    settle_one()
        finally:  # whoever makes them may fail: what was sent is answered all the same
            while waiting:
                settle_one()

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _receive(self, waiting: Container[int]) -> Answer:
        """The next message."""
        while (size := size_of(self._received, self._read)) is None or self._read + size > len(self._received):
            del self._received[: self._read]
            self._read = 0
            octets = self._line.recv(_AT_ONCE)
            if not octets:
                raise ConnectionResetError("the server closed the connection")
            self._received += octets
        end = self._read + size
        found = answer(bytes(self._received[self._read : end]))
        self._read = end
        if found.number not in waiting:
            # Number 0 and an ExtendedResponse: the server says that it disconnects (RFC 4511 4.4.1).
            ended = found.tag == NOTICE and found.number == 0
            raise ConnectionResetError("the server closed the connection" if ended else "an answer to no question came")
        return found
