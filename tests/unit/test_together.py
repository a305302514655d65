"""Threads that write at the same time share a transaction; nobody is told before it is committed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioning.errors import LedgerError
from provisioning.ledger.together import Together


class Slow:
    """A database whose first transaction ends when it is told to; `refused` are wishes that spoil a transaction."""

    def __init__(self, refused: Sequence[int] = ()) -> None:
        self.refused = refused
        self.transactions: list[list[int]] = []
        self.committed: set[int] = set()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def write(self, wishes: Sequence[int]) -> None:
        self.transactions.append(list(wishes))
        self.begun.set()
        assert self.go_on.wait(10)
        if spoilt := [wish for wish in wishes if wish in self.refused]:
            raise LedgerError(f"no {spoilt[0]}")
        self.committed |= {*wishes}


def crowd(slow: Slow, wishes: Sequence[int]) -> list[str]:
    """Wish 0 begins; while it is written all the others come. What each of them was told."""
    together = Together(slow.write)

    def wish(number: int) -> str:
        try:
            together.do(number)
        except LedgerError as exc:
            return str(exc)
        return "" if number in slow.committed else "told too early"

    with ThreadPoolExecutor(len(wishes) + 1) as threads:
        first = threads.submit(wish, 0)
        assert slow.begun.wait(10)
        others = [threads.submit(wish, number) for number in wishes]
        while len(together._waiting) < len(wishes):
            assert not any(other.done() for other in others)
        slow.go_on.set()
        return [told.result() for told in (first, *others)]


def test_who_waits_is_written_at_once() -> None:
    slow = Slow()
    assert crowd(slow, range(1, 9)) == [""] * 9
    assert [len(wishes) for wishes in slow.transactions] == [1, 8]
    assert slow.committed == set(range(9))


def test_one_that_cannot_be_written_prevents_nobody() -> None:
    slow = Slow(refused=[3])
    assert crowd(slow, [1, 2, 3, 4]) == ["", "", "", "no 3", ""]
    assert slow.committed == {0, 1, 2, 4}
    assert sorted(map(len, slow.transactions)) == [1, 1, 1, 1, 1, 4]


def test_a_single_one_that_fails_is_tried_once() -> None:
    slow = Slow(refused=[7])
    slow.go_on.set()
    with pytest.raises(LedgerError, match="no 7"):
        Together(slow.write).do(7)
    assert slow.transactions == [[7]]


def test_ctrl_c_of_the_one_that_writes_does_not_lose_the_others() -> None:
    slow = Slow()
    interrupted: list[int] = []

    def write(wishes: Sequence[int]) -> None:
        if len(wishes) > 1 and not interrupted:
            interrupted.extend(wishes)
            raise KeyboardInterrupt
        slow.write(wishes)

    together = Together(write)
    told: list[str] = []

    def wish(number: int) -> None:
        try:
            together.do(number)
        except KeyboardInterrupt:
            told.append("interrupted")
        else:
            told.append("" if number in slow.committed else "told too early")

    threads = [threading.Thread(target=wish, args=(number,)) for number in range(5)]
    threads[0].start()
    assert slow.begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(together._waiting) < 4:
        pass
    slow.go_on.set()
    for thread in threads:
        thread.join(10)
    assert sorted(told) == ["", "", "", "", "interrupted"]
    assert len(slow.committed) == 4
    assert together._waiting == []
