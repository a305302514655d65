"""Carrying out changes: each as soon as what it requires is done, targets in parallel, verified by a second read.

Each target has its turn under its lock, one batch a kind (see :mod:`provisioning.engine.batches`). A failed change
stops what requires it and nothing else; a target that does not answer makes its changes, and what requires them, wait.

A change that was attempted before (by a process that was killed, over a connection that broke) is not judged by its
`before`: what a fresh read shows is ours, half done, and is carried on from there.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING

from provisioning.engine.batches import Batches, FirstLook
from provisioning.engine.deferral import Deferrals
from provisioning.engine.events import BatchStarted, Listener, LockAwaited, Stopping
from provisioning.engine.journal import Journal
from provisioning.engine.lock_names import hold_all, lock_names
from provisioning.engine.locks import Held, HeldError, Locks
from provisioning.engine.order import Order
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, TargetSessions, is_unsettled, waves
from provisioning.engine.retries import pauses
from provisioning.engine.verdicts import Result
from provisioning.errors import BlockedError, LedgerError, ProvisioningError, UnreachableError
from provisioning.ledger import ChangeRecord
from provisioning.resources.base import Change, Keepsake, State
from provisioning.resources.registry import KINDS

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_log = logging.getLogger(__name__)


@dataclass
class Execution:
    """One run of changes that the ledger knows. :meth:`run` may be called once.

    Setting `stop` (or pressing Ctrl-C in the thread that runs it) lets the batches that are under way finish and
    abandons the rest; `interrupted` then tells that it happened.
    """

    records: Sequence[ChangeRecord]
    sessions: TargetSessions
    ledger: Ledger
    locks: Locks
    deferrals: Deferrals
    listener: Listener
    stop: threading.Event = field(default_factory=threading.Event)
    keep: Callable[[Keepsake], None] | None = None
    """Puts a device's configuration into the archive; raises :class:`LedgerError`."""
    interrupted: bool = field(default=False, init=False)
    _told_to_stop: bool = field(default=False, init=False)
    _ended: SimpleQueue[Future[None]] = field(default_factory=SimpleQueue, init=False)

    def __post_init__(self) -> None:
        self._journal = Journal(self.records, self.ledger, self.listener)
        self._batches = Batches(self._journal, self.keep)

    def run(self) -> list[Result]:
        """Carry out what is not verified yet; one result a change, in the order of the records."""
        results = self._journal.results
        for address, record in self._journal.records.items():
            if record.state == "verified" and not self._follows_anew(record.change):
                results[address] = Result(record.change, "verified")
        changes = [change for wave in waves([record.change for record in self.records]) for change in wave]
        self._carry_on(Order(self._journal.open(changes)))
        return [results[record.change.address] for record in self.records]

    def _follows_anew(self, change: Change[State]) -> bool:
        """Whether something that this change follows from is tried again, so that it has to be looked at again."""
        records = self._journal.records
        required = [records[address] for address in change.requires if address in records]
        return is_unsettled(change) and any(record.state != "verified" for record in required)

    def _carry_on(self, order: Order) -> None:
        """Begin each change as soon as what it requires came to its end: targets in parallel."""
        workers = ThreadPoolExecutor(max(1, min(len(order.targets), MAX_TARGETS_AT_ONCE)), "apply")
        under_way: dict[Future[None], tuple[str, list[Change[State]]]] = {}
        try:
            while True:
                while batches := list(order.take()):  # what is kept back ends at once, and so may what requires it
                    for target, changes in batches:
                        if going := self._not_kept_back(order, changes):
                            future = workers.submit(self._run_target, target, going)
                            under_way[future] = target, going
                            future.add_done_callback(self._ended.put)  # not asked of all of them whenever one ends
                        else:
                            order.idle(target)
                if not under_way:
                    return
                for future in self._first_of(under_way):
                    target, changes = under_way.pop(future)
                    order.ended(changes)
                    order.idle(target)
        finally:
            workers.shutdown(wait=False)

    def _not_kept_back(self, order: Order, changes: Sequence[Change[State]]) -> list[Change[State]]:
        kept = {change.address: result for change in changes if (result := self._kept_back(change)) is not None}
        self._journal.settle(list(kept.values()))
        order.ended(result.change for result in kept.values())
        return [change for change in changes if change.address not in kept]

    def _kept_back(self, change: Change[State]) -> Result | None:
        """The result of a change that is not begun now: something it requires failed or waits, or its target rests."""
        if self.stop.is_set():
            return None
        results = self._journal.results
        required = [results[a] for a in change.requires if a in results]
        if is_unsettled(change) and any(r.state == "verified" for r in required):
            required = [r for r in required if r.state in {"verified", "deferred"}]  # it follows from what was done
        if failed := next((r for r in required if r.state not in {"verified", "deferred"}), None):
            return Result(
                change, "blocked", BlockedError(f"not attempted, because {failed.change.address} was not done")
            )
        unknown = [a for a in change.requires if a not in self._journal.records]
        if lost := next((a for a in unknown if a.target in self.deferrals.given_up), None):
            return Result(change, "blocked", BlockedError(f"not attempted, because {lost} was not done"))
        if resting := self.deferrals.resting(change.target):
            return Result(change, "deferred", UnreachableError(change.target, resting.reason))
        unread = [a for a in unknown if self.deferrals.is_unread(a.target)]
        if waits_for := next((r.change.address for r in required if r.state == "deferred"), next(iter(unread), None)):
            return Result(change, "deferred", BlockedError(f"waits for {waits_for}"))
        return None

    def _first_of(self, futures: Collection[Future[None]]) -> set[Future[None]]:
        """Wait until one has ended; of a fault, until all have. The first Ctrl-C asks the workers to stop after their
        batch, a second one is passed on at once."""
        try:
            done: set[Future[None]] = set()
            while not done:
                ended = [self._ended.get(), *(self._ended.get() for _ in range(self._ended.qsize()))]
                done = {future for future in ended if future in futures}
            if any(future.exception() for future in done):
                wait(futures)
        except KeyboardInterrupt:
            if self._told_to_stop:
                raise
            self._told_to_stop = True
            self.stop.set()
            self.listener(Stopping())
            done, _ = wait(futures)
        for future in done:
            future.result()
        return done

    def _run_target(self, target: str, changes: Sequence[Change[State]]) -> None:
        by_kind: dict[str, list[Change[State]]] = defaultdict(list)
        for change in changes:
            by_kind[change.address.kind].append(change)
        seconds = self.deferrals.settings.lock_wait.total_seconds()
        try:
            with hold_all(
                self.locks,
                lock_names(target, changes),
                seconds=seconds,
                on_wait=lambda holder: self.listener(LockAwaited(target, holder)),
                stop=self.stop,
            ) as held:
                try:
                    look = FirstLook(by_kind)
                    for kind, batch in by_kind.items():
                        self._run_kind(target, kind, batch, held, look)
                finally:
                    self.sessions.drop(target)
        except HeldError as exc:
            reason = UnreachableError(target, f"{exc.holder} is still at work on it after {seconds:g} s")
            self._put_off(changes, reason)
        except LedgerError:
            self.stop.set()  # what cannot be written down is not begun
            raise

    def _run_kind(self, target: str, kind: str, batch: Sequence[Change[State]], held: Held, look: FirstLook) -> None:
        if self.stop.is_set() or self.deferrals.resting(target) or target in self.deferrals.given_up:
            self._put_off(batch, None)
            return
        self.listener(BatchStarted(target, tuple(batch)))
        waits = pauses(self.deferrals.settings.retries)
        while left := self._journal.open(batch):
            is_open, error = False, None
            try:
                with self.sessions.session(target) as session:
                    is_open = True
                    error = self._batches.carry_out(KINDS[kind], session, left, held, look)
            except LedgerError:
                raise
            except UnreachableError as exc:
                error = exc
            except ProvisioningError as exc:
                self._journal.settle([Result(c, "failed", exc) for c in self._journal.open(left)])
            if error is None:
                continue
            pause = next(waits, None) if is_open else None
            if pause is None or self.stop.wait(pause):
                self._put_off(self._journal.open(left), error)
            else:
                _log.info("%s: trying again: %s", target, error)

    def _put_off(self, changes: Sequence[Change[State]], error: UnreachableError | None) -> None:
        """What is not done now: abandoned when we were asked to stop, else deferred until the target answers."""
        if not changes:
            return
        if self.stop.is_set():
            self.interrupted = True
            self._journal.settle([Result(change, "abandoned") for change in changes])
            return
        target = changes[0].target
        if error is not None:
            self.deferrals.put_off(target, error.message if error.target == target else str(error))
        if (over := self.deferrals.given_up.get(target)) is not None:
            self._journal.settle([Result(change, "failed", UnreachableError(target, over)) for change in changes])
        elif resting := self.deferrals.resting(target):
            reason = UnreachableError(target, resting.reason)
            self._journal.settle([Result(change, "deferred", reason) for change in changes])
