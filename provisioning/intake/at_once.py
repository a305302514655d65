"""Requests that are due, carried out: one after the other, or several at once.

Most of the time of a request goes into waiting for other systems, so several take little longer than one. What depends
on each other keeps its order: a person's requests, a manager's account and those of the people who report to her.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import groupby
from typing import TypeVar

from provisioning.ledger import RequestRecord
from provisioning.site import Inventory

T = TypeVar("T")

CarryOut = Callable[[int, threading.Event], T]
"""``carry_out(number, stop)``: what came of one request. When `stop` is set it finishes the batch under way."""


def carried_out(
    records: Sequence[RequestRecord], site: Inventory, carry_out: CarryOut[T], leave: threading.Event, most: int
) -> Iterator[T]:
    """What came of each, in their order, with up to `most` onboardings under way at the same time; all else is done in
    turn. None is begun any more when `leave` is set.

    The first Ctrl-C sets it and lets those that are under way finish their batches; a second one is passed on at once.
    """
    for together, some in groupby(records, lambda record: most > 1 and record.request.get("procedure") == "onboard"):
        if together:
            yield from _at_once(list(some), site, carry_out, leave, most)
        else:
            for record in some:
                if leave.is_set():
                    return
                yield carry_out(record.id, leave)


def _at_once(
    records: Sequence[RequestRecord], site: Inventory, carry_out: CarryOut[T], leave: threading.Event, most: int
) -> Iterator[T]:
    before = _before(records, site)
    begun: dict[int, Future[list[T]]] = {}

    def begin(number: int) -> list[T]:
        wait([begun[earlier] for earlier in before[number]])  # these have a thread already, or have ended
        return [] if leave.is_set() else [carry_out(number, leave)]

    threads = ThreadPoolExecutor(most, "request")
    try:
        for record in records:
            begun[record.id] = threads.submit(begin, record.id)
        for future in begun.values():
            yield from _result(future, leave)
    except BaseException:
        leave.set()
        raise
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _before(records: Sequence[RequestRecord], site: Inventory) -> Mapping[int, Sequence[int]]:
    """Request → those before it that are for the same people or for their managers."""
    found: dict[int, list[int]] = {}
    last: dict[str, int] = {}
    for record in records:
        people = [person for person in record.request.get("persons", ()) if person in site.people]
        managers = [manager for person in people if (manager := site.people[person].manager)]
        found[record.id] = sorted({last[one] for one in (*people, *managers) if one in last})
        last |= dict.fromkeys(people, record.id)
    return found


def _result(future: Future[list[T]], leave: threading.Event) -> list[T]:
    try:
        return future.result()
    except KeyboardInterrupt:
        leave.set()
        return future.result()
