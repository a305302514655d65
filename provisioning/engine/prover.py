"""Running proofs: targets in parallel, the proofs of one target one after another on its session.

A proof that nothing has a bearing on any more is run while other changes are still under way (:class:`Early`): mail is
read while a PC is still being set up. Only what passed then counts; all others are run when everything came to its end.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from provisioning.engine.events import ChangeSettled, Event, Listener, ProofSettled
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, TargetSessions
from provisioning.errors import ProvisioningError
from provisioning.resources.base import Aloof, Change, Gathering, Proof, ProofKind, ProofResult, Sessions, State
from provisioning.resources.registry import PROOFS


def prove(
    proofs: Sequence[Proof],
    sessions: TargetSessions,
    listener: Listener,
    passed: Mapping[Proof, ProofResult] | None = None,
) -> list[ProofResult]:
    """One result a proof, in the order of `proofs`; those that `passed` already are not run again. An error of a system
    is a result that did not pass."""
    results: dict[Proof, ProofResult] = dict(passed or {})
    by_target = _by_target(proof for proof in proofs if proof not in results)
    if by_target:
        workers = ThreadPoolExecutor(min(len(by_target), MAX_TARGETS_AT_ONCE), "prove")
        try:
            for answer in workers.map(lambda one: _prove_target(one[0], one[1], sessions, listener), by_target.items()):
                results |= answer
        finally:
            workers.shutdown(
                wait=False, cancel_futures=True
            )  # Ctrl-C: a proof may poll for a minute; it changes nothing
    return [results[proof] for proof in proofs]


class Early:
    """Proofs of a run whose `changes` are still to be carried out. Hears of each change that came to its end, from any
    thread, and runs what has nothing to wait for any more (see :class:`~provisioning.resources.base.Aloof`). Where a
    change did not come to a good end, proofs that it has a bearing on are left for later."""

    def __init__(
        self, proofs: Iterable[Proof], changes: Iterable[Change[State]], sessions: TargetSessions, listener: Listener
    ) -> None:
        self._sessions, self._listener = sessions, listener
        self._left = {change.address: change.target.partition(":")[0] for change in changes}
        self._open = Counter(self._left.values())
        self._groups: dict[frozenset[str], list[Proof]] = defaultdict(list)
        for proof in dict.fromkeys(proofs):
            if isinstance(kind := PROOFS[proof.kind], Aloof):
                self._groups[kind.aloof_from].append(proof)
        self._workers: ThreadPoolExecutor | None = None
        self._under_way: list[Future[dict[Proof, ProofResult]]] = []
        self._guard = threading.Lock()

    def told(self, listener: Listener) -> Listener:
        """A listener that tells `listener` first."""

        def hear(event: Event) -> None:
            listener(event)
            self._hear(event)

        return hear

    def __enter__(self) -> Early:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """After the changes no others are begun; when these ended by an exception, nobody is waited for."""
        with self._guard:
            self._groups.clear()
            if self._workers is not None:
                self._workers.shutdown(wait=False, cancel_futures=kind is not None)

    def _hear(self, event: Event) -> None:
        if isinstance(event, ChangeSettled) and event.state == "verified":
            with self._guard:
                if (system := self._left.pop(event.change.address, None)) is not None:
                    self._open[system] -= 1
                    self._begin()

    def passed(self) -> dict[Proof, ProofResult]:
        """Wait for those that were begun; what passed."""
        results = [result for future in self._under_way for result in future.result().values()]
        return {result.proof: result for result in results if result.passed}

    def _begin(self) -> None:
        left = {system for system, number in self._open.items() if number > 0}
        ready = [aloof for aloof in self._groups if left and left <= aloof]  # nothing left: all are run at once, soon
        by_target = _by_target(proof for aloof in ready for proof in self._groups.pop(aloof))
        if by_target and self._workers is None:
            self._workers = ThreadPoolExecutor(MAX_TARGETS_AT_ONCE, "prove")
        for target, some in by_target.items():
            if self._workers is not None:
                self._under_way.append(
                    self._workers.submit(_prove_target, target, some, self._sessions, self._listener, only_passed=True)
                )


def _by_target(proofs: Iterable[Proof]) -> dict[str, list[Proof]]:
    by_target: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs:
        by_target[proof.target].append(proof)
    return by_target


def _prove_target(
    target: str, proofs: Sequence[Proof], sessions: TargetSessions, listener: Listener, *, only_passed: bool = False
) -> dict[Proof, ProofResult]:
    """With `only_passed` nobody is told of one that did not pass: it will be run again."""
    by_kind: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs:
        by_kind[proof.kind].append(proof)
    found: dict[Proof, ProofResult] = {}
    try:
        for kind, some in by_kind.items():
            for result in _check(PROOFS[kind], sessions, some):
                found[result.proof] = result
                if result.passed or not only_passed:
                    listener(ProofSettled(result))
    finally:
        sessions.drop(target)
    return found


def _check(kind: ProofKind, sessions: Sessions, proofs: Sequence[Proof]) -> Iterator[ProofResult]:
    if isinstance(kind, Gathering) and len(proofs) > 1:
        try:
            yield from kind.check_all(sessions, proofs)
        except ProvisioningError as exc:
            yield from (ProofResult(proof, False, str(exc)) for proof in proofs)
        return
    for proof in proofs:
        try:
            yield kind.check(sessions, proof)
        except ProvisioningError as exc:
            yield ProofResult(proof, False, str(exc))
