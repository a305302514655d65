"""Running proofs: targets in parallel, the proofs of one target one after another on its session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from provisioning.engine.events import Listener, ProofSettled
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, TargetSessions
from provisioning.errors import ProvisioningError
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.registry import PROOFS


def prove(proofs: Sequence[Proof], sessions: TargetSessions, listener: Listener) -> list[ProofResult]:
    """One result a proof, in the order of `proofs`. An error of a system is a result that did not pass."""
    by_target: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs:
        by_target[proof.target].append(proof)

    def prove_target(target: str) -> dict[Proof, ProofResult]:
        try:
            return {proof: _prove_one(proof, sessions, listener) for proof in by_target[target]}
        finally:
            sessions.drop(target)

    results: dict[Proof, ProofResult] = {}
    if by_target:
        workers = ThreadPoolExecutor(min(len(by_target), MAX_TARGETS_AT_ONCE), "prove")
        try:
            for answer in workers.map(prove_target, by_target):
                results |= answer
        finally:
            workers.shutdown(
                wait=False, cancel_futures=True
            )  # Ctrl-C: a proof may poll for a minute; it changes nothing
    return [results[proof] for proof in proofs]


def _prove_one(proof: Proof, sessions: Sessions, listener: Listener) -> ProofResult:
    try:
        result = PROOFS[proof.kind].check(sessions, proof)
    except ProvisioningError as exc:
        result = ProofResult(proof, False, str(exc))
    listener(ProofSettled(result))
    return result
