"""What there is to do, told by the ledger alone: the errands that workers run, whichever engine shares them out.

An errand is nothing but ids. What it is about is read from the ledger when it is run, so it may be asked for twice,
late, or by a machine that knows nothing of the one before: the ledger decides what is left to do.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from provisioning.engine.locks import HeldError, locks_of
from provisioning.errors import ProvisioningError
from provisioning.site.workers import Repeated

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

What = Literal["request", "run", "outbox", "audit", "lines", "archive"]

LONGEST_WAIT = 600.0
GRACE_SECONDS = 3.0
"""A run that is younger may have been written down by a process that is about to take its lock."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Errand:
    """``request``: carry out a request that is due, or go on with it; ``run``: go on with a run whose targets are due
    again; ``outbox``: deliver what service desks are owed (it has no number); ``audit``: compare all systems with the
    site, ``lines``: check the lines of all switches, ``archive``: keep the configurations of all switches; these once
    in each span of time that the site sets, counted from 1970."""

    what: What
    number: int = 0

    def __str__(self) -> str:
        """Also the name of its lock in the queue."""
        return f"{self.what} {self.number}" if self.number else self.what


class PutOffError(Exception):
    """Not now: somebody else is at it, or we were asked to stop. Try again in `seconds`."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


Carrier = Callable[[Errand, threading.Event], str | None]
"""Runs one errand to its end and says in a few words what came of it (``None``: nothing that anybody wants to know).
When the event is set it finishes the batch under way, then raises :class:`PutOffError`."""


class OwnStop(threading.Event):
    """The stop of one errand: set by itself (a run that loses the ledger stops) or by the worker's, not back."""

    _EVERY = 0.1

    def __init__(self, workers: threading.Event) -> None:
        super().__init__()
        self._workers = workers

    def is_set(self) -> bool:
        return super().is_set() or self._workers.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        until = math.inf if timeout is None else time.monotonic() + timeout
        while not self.is_set() and (left := until - time.monotonic()) > 0:
            super().wait(min(left, self._EVERY))
        return self.is_set()


@dataclass(frozen=True)
class Happening:
    """What a worker tells whoever watches. `detail` says how an errand ended, or why it was put off or failed."""

    errand: Errand
    happened: Literal["begun", "finished", "put off", "failed", "taken over"]
    detail: str = ""


Watcher = Callable[[Happening], None]


class Engine(Protocol):
    """Shares errands out. Both engines pass the same tests (``tests/unit/test_workers.py``)."""

    def work(self, stop: threading.Event, *, once: bool = False) -> None:
        """Run errands until `stop` is set; with `once`, those that are due now. What is under way is finished as far
        as its batch. Raises :class:`~provisioning.errors.LedgerError` when the ledger cannot be used to begin with."""


def repeated_key(what: What, number: int) -> str:
    """What the work log keeps the outcome of an errand under that is done again and again: no entry, not done."""
    return f"{what}:{number}"


def audit_key(number: int) -> str:
    """What the work log keeps the outcome of an audit under."""
    return repeated_key("audit", number)


def due(
    ledger: Ledger,
    at: datetime | None = None,
    *,
    every: Mapping[Repeated, timedelta] | None = None,
    limit: int | None = None,
) -> Sequence[Errand]:
    """What the ledger says there is to do at `at` (now).

    Runs that go on: those that somebody began, has not ended and does not hold any more (the process died), and those
    with targets that are due again. Requests whose time has come, the one that waits longest first, at most `limit`.
    The outbox. What is done again and again (`every`: ``audit``, ``lines``, ``archive`` and how often), unless it was
    done in this span of time. A run that a person interrupted is that person's to resume.
    """
    at = at or datetime.now(UTC)
    found = ledger.look(at, begun_by=at - timedelta(seconds=GRACE_SECONDS), limit=limit)
    owed = any(ledger.count_undelivered(desk, due=at) for desk in ledger.desks)
    return (
        *(Errand("run", number) for number in sorted({*_orphans(ledger, found.begun), *found.waiting})),
        *(Errand("request", number) for number in found.requests),
        *((Errand("outbox"),) if owed else ()),
        *(errand for what, span in (every or {}).items() for errand in _again(ledger, at, what, span)),
    )


def _again(ledger: Ledger, at: datetime, what: Repeated, every: timedelta) -> Iterator[Errand]:
    errand = Errand(what, int(at.timestamp() // every.total_seconds()))
    if not ledger.has_entry(repeated_key(errand.what, errand.number)):
        yield errand


def _orphans(ledger: Ledger, begun: Sequence[int]) -> Iterator[int]:
    """Those of the runs that nobody holds although nobody ended them."""
    if not begun:
        return
    with closing(locks_of(ledger, "a look for work")) as locks:
        for number in begun:
            with suppress(HeldError), locks.hold(f"run {number}", seconds=0):
                yield number


def failed(errand: Errand, exc: BaseException, seconds: float) -> Happening:
    """What is told of an errand that will be tried again in `seconds`. What is not one of our errors is logged with
    its traceback as well: it is a bug."""
    if isinstance(exc, ProvisioningError):
        why = str(exc).rstrip(".")
    else:
        _log.error("%s failed", errand, exc_info=exc)
        why = f"this is a bug: {type(exc).__name__}: {exc}"
    return Happening(errand, "failed", f"{why}; tried again in {seconds:g} s")


def wait_after(attempts: int) -> float:
    """Seconds to wait before an errand that failed `attempts` times is tried again: 5, doubled each time, at most
    ten minutes."""
    return min(5.0 * 2.0 ** min(attempts - 1, 10), LONGEST_WAIT)
