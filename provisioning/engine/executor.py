"""Carrying out changes: wave by wave, targets in parallel, each change verified by a second read.

For one batch (one kind on one target) the steps are: read again; leave out what is done already or has moved since the
plan; journal *attempted*; apply; read again and compare; journal *verified* or *failed*. A failed change stops what
requires it and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from provisioning.engine.events import BatchStarted, ChangeSettled, Listener, Stopping
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, waves
from provisioning.errors import BlockedError, DriftError, ProvisioningError, VerifyError
from provisioning.ledger import ChangeRecord, Ledger
from provisioning.ledger.ledger import ChangeState
from provisioning.resources.base import Address, Change, Kind, Sessions, State
from provisioning.resources.registry import KINDS

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """How one change ended. `error` says why when it is neither verified nor abandoned."""

    change: Change[State]
    state: ChangeState
    error: ProvisioningError | None = None


@dataclass
class Execution:
    """One run of changes that the ledger knows. :meth:`run` may be called once.

    Setting `stop` (or pressing Ctrl-C in the thread that runs it) lets the batches that are under way finish and
    abandons the rest; `interrupted` then tells that it happened.
    """

    records: Sequence[ChangeRecord]
    sessions: Sessions
    ledger: Ledger
    listener: Listener
    stop: threading.Event = field(default_factory=threading.Event)
    interrupted: bool = field(default=False, init=False)
    _results: dict[Address, Result] = field(default_factory=dict, init=False)

    def run(self) -> list[Result]:
        """Carry out the changes; one result a change, in the order of the records."""
        self._ids = {record.change.address: record.id for record in self.records}
        for wave in waves([record.change for record in self.records]):
            self._run_wave(wave)
        return [self._results[record.change.address] for record in self.records]

    def _run_wave(self, wave: Sequence[Change[State]]) -> None:
        by_target: dict[str, list[Change[State]]] = defaultdict(list)
        for change in wave:
            failed = [r for r in change.requires if r in self._results and self._results[r].state != "verified"]
            if failed and not self.stop.is_set():
                self._settle(
                    [Result(change, "blocked", BlockedError(f"not attempted, because {failed[0]} was not done"))]
                )
            else:
                by_target[change.target].append(change)
        if not by_target:
            return
        workers = ThreadPoolExecutor(min(len(by_target), MAX_TARGETS_AT_ONCE), "apply")
        try:
            self._await([workers.submit(self._run_target, target, changes) for target, changes in by_target.items()])
        finally:
            workers.shutdown(wait=False)

    def _await(self, futures: Sequence[Future[None]]) -> None:
        """Wait for all; the first Ctrl-C asks the workers to stop after their batch, a second one is passed on at
        once."""
        try:
            wait(futures)
        except KeyboardInterrupt:
            self.stop.set()
            self.listener(Stopping())
            wait(futures)
        for future in futures:
            future.result()

    def _run_target(self, target: str, changes: Sequence[Change[State]]) -> None:
        by_kind: dict[str, list[Change[State]]] = defaultdict(list)
        for change in changes:
            by_kind[change.address.kind].append(change)
        for kind, batch in by_kind.items():
            if self.stop.is_set():
                self.interrupted = True
                self._settle([Result(change, "abandoned") for change in batch])
                continue
            self.listener(BatchStarted(target, tuple(batch)))
            try:
                with self.sessions.session(target) as session:
                    self._run_batch(KINDS[kind], session, batch)
            except ProvisioningError as exc:
                self._settle([Result(c, "failed", exc) for c in batch if c.address not in self._results])

    def _run_batch(self, kind: Kind[State, object], session: object, batch: Sequence[Change[State]]) -> None:
        found = kind.read(session, [change.key for change in batch])
        todo: list[Change[State]] = []
        settled: list[Result] = []
        for change in batch:
            actual = found.get(change.key)
            if change.done_in(actual):
                settled.append(Result(change, "verified"))
            elif change.not_begun_in(actual):
                todo.append(change)
            else:
                settled.append(Result(change, "failed", DriftError(change.target, _drift(change, actual))))
        self._settle(settled)
        if not todo:
            return
        self.ledger.attempt([self._ids[change.address] for change in todo])
        errors = {outcome.key: outcome.error for outcome in kind.apply(session, todo)}
        found = kind.read(session, [change.key for change in todo])
        self._settle([_verdict(change, found.get(change.key), errors.get(change.key)) for change in todo])

    def _settle(self, results: Sequence[Result]) -> None:
        if not results:
            return
        self.ledger.settle({self._ids[r.change.address]: (r.state, str(r.error) if r.error else None) for r in results})
        for result in results:
            self._results[result.change.address] = result
            self.listener(ChangeSettled(result.change, result.state, result.error))


def _verdict(change: Change[State], actual: State | None, error: ProvisioningError | None) -> Result:
    if change.done_in(actual):
        if error is not None:
            _log.warning("%s reads as wanted although its system reported: %s", change.address, error)
        return Result(change, "verified")
    if error is None:
        error = VerifyError(
            change.target,
            f"{change.address.kind} {change.key} was applied, but reads back otherwise: {_shown(change, actual)}",
        )
    return Result(change, "failed", error)


def _shown(change: Change[State], actual: State | None) -> str:
    if change.after is None:
        return "it still exists"
    if actual is None:
        return "it does not exist"
    return "; ".join(
        f"{name} is {old!r}, expected {new!r}" for name, (old, new) in change.after.differences(actual).items()
    )


def _drift(change: Change[State], actual: State | None) -> str:
    if change.before is None:
        seen = "it exists by now"
    elif actual is None:
        seen = "it is gone"
    else:
        seen = "; ".join(
            f"{name} is now {old!r}, was {new!r}" for name, (old, new) in change.before.differences(actual).items()
        )
    return f"{change.address.kind} {change.key} drifted since plan ({seen}); it was left alone: plan again"
