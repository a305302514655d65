"""Several requests on their way at once: how many, in which order they are answered, and what ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from provisioning.connections.ldap_messages import Result, answer
from provisioning.connections.ldap_operations import Add, Delete, Operation
from provisioning.connections.ldap_pipeline import SEARCHES, WRITES, Pipeline


def element(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content


def message(number: int, operation: bytes, controls: bytes = b"") -> bytes:
    return element(0x30, element(2, number.to_bytes(4, "big")) + operation + controls)


def ended(tag: int, code: int = 0) -> bytes:
    return element(tag, element(10, bytes([code])) + element(4, b"") + element(4, b"why"))


def entry(name: str) -> bytes:
    return element(0x64, element(4, f"CN={name}".encode()) + element(0x30, b""))


def next_page(cookie: bytes) -> bytes:
    value = element(0x30, element(2, b"\0") + element(4, cookie))
    return element(0xA0, element(0x30, element(4, b"1.2.840.113556.1.4.319") + element(4, value)))


class Server:
    """Answers when it is read from: `reply` makes the octets of all that was asked since. They come a few at a time."""

    def __init__(self, reply: Callable[[list[tuple[int, bytes]]], bytes], piece: int = 7) -> None:
        self.reply, self.piece = reply, piece
        self.asked: list[tuple[int, bytes]] = []
        self.most_at_once = 0
        self.out = b""

    def sendall(self, octets: bytes) -> None:
        self.asked.append((answer(octets).number, octets))

    def recv(self, _: int) -> bytes:
        if not self.out:
            self.most_at_once = max(self.most_at_once, len(self.asked))
            self.out, self.asked = self.reply(self.asked), []
        piece, self.out = self.out[: self.piece], self.out[self.piece :]
        return piece


def found(server: Server, conditions: list[str]) -> list[tuple[list[str], int]]:
    answers = Pipeline(server).search(conditions, ["cn"], base="DC=x", page=1000)
    return [([one.dn for one in entries], result.code) for entries, result in answers]


def values(octets: bytes) -> str:
    """What stands behind ``cn=`` in the filter of a search for one value."""
    return octets.partition(b"\x04\x02cn\x04\x01")[2][:1].decode()


def test_each_search_has_its_own_entries_whatever_the_order_of_the_answers() -> None:
    def reply(asked: list[tuple[int, bytes]]) -> bytes:
        turned = asked[::-1]
        entries = b"".join(message(number, entry(values(octets))) for number, octets in turned)
        other = b"".join(message(number, element(0x73, element(4, b"ldap://elsewhere"))) for number, _ in asked)
        return entries + other + b"".join(message(number, ended(0x65)) for number, _ in turned)

    server = Server(reply)
    assert found(server, [f"(cn={name})" for name in "abcde"]) == [([f"CN={name}"], 0) for name in "abcde"]
    assert server.most_at_once == SEARCHES


def test_all_pages_of_a_search_are_read() -> None:
    pages = iter([b"1", b"2", b""])

    def reply(asked: list[tuple[int, bytes]]) -> bytes:
        cookie = next(pages)
        ((number, octets),) = asked
        assert cookie == b"1" or bytes([0x04, 1, int(cookie or b"3") - 1 + ord("0")]) in octets
        return message(number, entry((cookie or b"3").decode())) + message(number, ended(0x65), next_page(cookie))

    assert found(Server(reply), ["(cn=x)"]) == [(["CN=1", "CN=2", "CN=3"], 0)]


def test_a_search_that_is_refused_leaves_the_others_and_the_connection_whole() -> None:
    codes = iter([0, 32, 0])

    def reply(asked: list[tuple[int, bytes]]) -> bytes:
        return b"".join(message(number, ended(0x65, next(codes))) for number, _ in asked)

    server = Server(reply)
    assert found(server, ["(cn=a)", "(cn=b)", "(cn=c)"]) == [([], 0), ([], 32), ([], 0)]
    assert not server.out


def written(server: Server, operations: Iterator[Operation]) -> dict[int, tuple[str, int]]:
    outcomes: dict[int, tuple[str, int]] = {}

    def settle(index: int, operation: Operation, result: Result) -> None:
        outcomes[index] = operation.dn, result.code

    Pipeline(server).write(operations, settle)
    return outcomes


def test_changes_are_made_while_the_server_works_and_answered_in_any_order() -> None:
    made: list[int] = []
    seen: list[int] = []

    def operations() -> Iterator[Operation]:
        for number in range(3 * WRITES):
            made.append(number)
            yield Delete(f"CN={number}")

    def reply(asked: list[tuple[int, bytes]]) -> bytes:
        seen.append(len(made))
        return b"".join(
            message(number, ended(0x6B, 68 if octets[-4:] == b"CN=7" else 0)) for number, octets in asked[::-1]
        )

    server = Server(reply, piece=10**6)
    outcomes = written(server, operations())
    assert outcomes == {n: (f"CN={n}", 68 if n == 7 else 0) for n in range(3 * WRITES)}
    assert server.most_at_once == WRITES
    assert seen[0] == WRITES  # the others were not made before the first were sent


def test_who_makes_the_changes_may_fail_and_what_was_sent_is_answered() -> None:
    def operations() -> Iterator[Operation]:
        yield Add("CN=a", {"objectClass": ["user"]})
        raise RuntimeError("the disk is full")

    server = Server(lambda asked: b"".join(message(number, ended(0x69)) for number, _ in asked))
    pipeline, outcomes = Pipeline(server), list[int]()
    with pytest.raises(RuntimeError, match="disk"):
        pipeline.write(operations(), lambda index, *_: outcomes.append(index))
    assert outcomes == [0]
    pipeline.write(iter([Delete("CN=b")]), lambda index, *_: outcomes.append(index))
    assert outcomes == [0, 0]


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"", "closed the connection"),
        (message(0, element(0x78, ended(0x78, 52))), "closed the connection"),
        (message(9, ended(0x65)), "no question"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak LDAP"),
        (message(1001, ended(0x69)), "something else"),
    ],
)
def test_what_ends_a_connection(octets: bytes, error: str) -> None:
    with pytest.raises((OSError, ValueError), match=error):
        found(Server(lambda _: octets), ["(cn=a)"])
