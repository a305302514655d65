"""Carrying out changes: each as soon as what it requires is done, targets in parallel, verified by a second read.

For one batch (one kind on one target, under the target's lock) the steps are: read again; leave out what is done
already or has moved since the plan; journal *attempted*; apply; read again and compare; journal *verified* or
*failed*. A failed change stops what requires it and nothing else; a target that does not answer makes its changes,
and what requires them, wait.

A change that was attempted before (by a process that was killed, over a connection that broke) is not judged by its
`before`: what a fresh read shows is ours, half done, and is carried on from there.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from provisioning.engine.deferral import Deferrals
from provisioning.engine.events import BatchStarted, ChangeSettled, Listener, LockAwaited, Stopping
from provisioning.engine.lock_names import hold_all, lock_names
from provisioning.engine.locks import Held, HeldError, Locks
from provisioning.engine.order import Order
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, TargetSessions, is_unsettled, waves
from provisioning.engine.retries import is_transient, pauses
from provisioning.engine.verdicts import Result, drift, verdict
from provisioning.errors import (
    BlockedError,
    DriftError,
    LedgerError,
    ProvisioningError,
    RejectedError,
    UnreachableError,
)
from provisioning.ledger import ChangeRecord, Ledger
from provisioning.resources.base import Address, Attentive, Change, Finishing, Keeping, Keepsake, Kind, State
from provisioning.resources.registry import KINDS

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
    _kept: set[str] = field(default_factory=set, init=False)
    _results: dict[Address, Result] = field(default_factory=dict, init=False)

    def run(self) -> list[Result]:
        """Carry out what is not verified yet; one result a change, in the order of the records."""
        self._records = {record.change.address: record for record in self.records}
        self._attempted = {address for address, record in self._records.items() if record.attempted}
        self._tried_now: set[Address] = set()
        for address, record in self._records.items():
            if record.state == "verified" and not self._follows_anew(record.change):
                self._results[address] = Result(record.change, "verified")
        changes = [change for wave in waves([record.change for record in self.records]) for change in wave]
        self._carry_on(Order([change for change in changes if change.address not in self._results]))
        return [self._results[record.change.address] for record in self.records]

    def _follows_anew(self, change: Change[State]) -> bool:
        """Whether something that this change follows from is tried again, so that it has to be looked at again."""
        required = [self._records[address] for address in change.requires if address in self._records]
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
                            under_way[workers.submit(self._run_target, target, going)] = target, going
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
        self._settle(list(kept.values()))
        order.ended(result.change for result in kept.values())
        return [change for change in changes if change.address not in kept]

    def _kept_back(self, change: Change[State]) -> Result | None:
        """The result of a change that is not begun now: something it requires failed or waits, or its target rests."""
        if self.stop.is_set():
            return None
        required = [self._results[a] for a in change.requires if a in self._results]
        if is_unsettled(change) and any(r.state == "verified" for r in required):
            required = [r for r in required if r.state in {"verified", "deferred"}]  # it follows from what was done
        if failed := next((r for r in required if r.state not in {"verified", "deferred"}), None):
            return Result(
                change, "blocked", BlockedError(f"not attempted, because {failed.change.address} was not done")
            )
        unknown = [a for a in change.requires if a not in self._records]
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
            done, others = wait(futures, return_when=FIRST_COMPLETED)
            if any(future.exception() for future in done):
                wait(others)
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
                    for kind, batch in by_kind.items():
                        self._run_kind(target, kind, batch, held)
                finally:
                    self.sessions.drop(target)
        except HeldError as exc:
            reason = UnreachableError(target, f"{exc.holder} is still at work on it after {seconds:g} s")
            self._put_off(changes, reason)
        except LedgerError:
            self.stop.set()  # what cannot be written down is not begun
            raise

    def _run_kind(self, target: str, kind: str, batch: Sequence[Change[State]], held: Held) -> None:
        if self.stop.is_set() or self.deferrals.resting(target) or target in self.deferrals.given_up:
            self._put_off(batch, None)
            return
        self.listener(BatchStarted(target, tuple(batch)))
        waits = pauses(self.deferrals.settings.retries)
        while left := [change for change in batch if change.address not in self._results]:
            is_open, error = False, None
            try:
                with self.sessions.session(target) as session:
                    is_open = True
                    with self._attending(KINDS[kind], session, left):
                        error = self._run_batch(KINDS[kind], session, left, held)
            except LedgerError:
                raise
            except UnreachableError as exc:
                error = exc
            except ProvisioningError as exc:
                self._settle([Result(c, "failed", exc) for c in left if c.address not in self._results])
            if error is None:
                continue
            pause = next(waits, None) if is_open else None
            if pause is None or self.stop.wait(pause):
                self._put_off([c for c in left if c.address not in self._results], error)
            else:
                _log.info("%s: trying again: %s", target, error)

    def _put_off(self, changes: Sequence[Change[State]], error: UnreachableError | None) -> None:
        """What is not done now: abandoned when we were asked to stop, else deferred until the target answers."""
        if not changes:
            return
        if self.stop.is_set():
            self.interrupted = True
            self._settle([Result(change, "abandoned") for change in changes])
            return
        target = changes[0].target
        if error is not None:
            self.deferrals.put_off(target, error.message if error.target == target else str(error))
        if (over := self.deferrals.given_up.get(target)) is not None:
            self._settle([Result(change, "failed", UnreachableError(target, over)) for change in changes])
        elif resting := self.deferrals.resting(target):
            reason = UnreachableError(target, resting.reason)
            self._settle([Result(change, "deferred", reason) for change in changes])

    def _run_batch(
        self, kind: Kind[State, object], session: object, batch: Sequence[Change[State]], held: Held
    ) -> UnreachableError | None:
        """Settles what it can; the error for which it is worth trying the rest again."""
        found = kind.read(session, [change.key for change in batch])
        todo: list[Change[State]] = []
        settled = self._finished(kind, session, [c for c in batch if c.done_in(found.get(c.key))])
        for change in batch:
            actual = found.get(change.key)
            if change.done_in(actual):
                continue
            if change.not_begun_in(actual):
                todo.append(change)
            elif change.address in self._attempted:
                todo.append(replace(change, before=None if actual is None else change.shape.view_of(actual)))
            else:
                settled.append(Result(change, "failed", DriftError(change.target, drift(change, actual))))
        self._settle(settled)
        if not todo:
            return None
        self._keep_before(kind, session, todo[0].target)
        held.check()
        self.ledger.attempt([self._records[change.address].id for change in todo])
        self._attempted |= {change.address for change in todo}
        self._tried_now |= {change.address for change in todo}
        errors = {outcome.key: outcome.error for outcome in kind.apply(session, todo)}
        found = kind.read(session, [change.key for change in todo])
        again: UnreachableError | None = None
        settled = []
        for change in todo:
            planned = self._records[change.address].change
            error = errors.get(change.key)
            if (
                isinstance(error, UnreachableError)
                and is_transient(error)
                and not planned.done_in(found.get(change.key))
            ):
                again = error
            else:
                settled.append(verdict(planned, found.get(change.key), error))
        held.check()  # whoever went on with the run while we were stopped says how it ended, not we
        self._settle(settled)
        return again

    def _attending(
        self, kind: Kind[State, object], session: object, batch: Sequence[Change[State]]
    ) -> AbstractContextManager[None]:
        """What a batch asks is asked at once, where the kind can."""
        if not isinstance(kind, Attentive):
            return nullcontext()
        keeping = self.keep is not None and batch[0].target not in self._kept and isinstance(kind, Keeping)
        return kind.attend(session, [change.key for change in batch], keeping=keeping)

    def _keep_before(self, kind: Kind[State, object], session: object, target: str) -> None:
        """The archive has a device's configuration before the first change there, or nothing is changed."""
        if self.keep is None or target in self._kept or not isinstance(kind, Keeping):
            return
        try:
            self.keep(kind.keepsake(session))
        except LedgerError as exc:
            raise RejectedError(target, f"not changed, as its configuration was not archived first: {exc}") from exc
        self._kept.add(target)

    def _finished(self, kind: Kind[State, object], session: object, done: Sequence[Change[State]]) -> list[Result]:
        """The results of changes that read as done before anything was sent."""
        begun = [change for change in done if change.address in self._attempted]
        results = {change.address: Result(change, "verified") for change in done}
        if begun and isinstance(kind, Finishing):
            try:
                kind.finish(session, begun)
            except RejectedError as exc:
                results |= {change.address: Result(change, "failed", exc) for change in begun}
        return list(results.values())

    def _settle(self, results: Sequence[Result]) -> None:
        if not results:
            return
        verdicts = {
            self._records[r.change.address].id: (r.state, str(r.error) if r.error else None)
            for r in results
            if not self._is_written(r)
        }
        if verdicts:
            self.ledger.settle(verdicts)
        for result in results:
            address = result.change.address
            self._results[address] = result
            already = result.state == "verified" and address not in self._attempted
            self.listener(ChangeSettled(result.change, result.state, result.error, already))

    def _is_written(self, result: Result) -> bool:
        """Whether the ledger says so already: a change that still waits is not written again at every try."""
        address = result.change.address
        still = result.state in {"deferred", "abandoned", "blocked"} and address not in self._tried_now
        return still and self._records[address].state == result.state
