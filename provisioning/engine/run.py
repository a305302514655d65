"""One run from its first line in the ledger to its last: changes, then proofs, then how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioning.engine.events import Listener
from provisioning.engine.executor import Execution, Result
from provisioning.engine.prover import prove
from provisioning.errors import TargetError
from provisioning.ledger import ChangeRecord, Ledger, RunRecord
from provisioning.ledger.ledger import RunState
from provisioning.resources.base import Change, Proof, Sessions, State
from provisioning.resources.registry import KINDS


def carry_out(
    ledger: Ledger,
    run: RunRecord,
    sessions: Sessions,
    proofs: Sequence[Proof],
    listener: Listener,
    *,
    complete: bool = True,
) -> list[Result]:
    """Carry out a run that :meth:`Ledger.begin` wrote down. `complete` is false when the plan had to leave targets out.

    The run ends ``done``, ``partial`` (something failed or was left out) or ``interrupted`` (Ctrl-C). Proofs are not
    run after an interruption.
    """
    execution = Execution(run.changes, sessions, ledger, listener)
    state: RunState = "interrupted"
    try:
        results = execution.run()
        if not execution.stop.is_set():
            proven = prove(proofs, sessions, listener)
            ledger.prove(run.id, proven)
            good = complete and all(r.state == "verified" for r in results) and all(p.passed for p in proven)
            state = "done" if good else "partial"
    finally:
        ledger.end(run.id, state)
    return results


def to_take_back(
    records: Sequence[ChangeRecord], sessions: Sessions
) -> tuple[list[Change[State]], dict[str, TargetError]]:
    """The changes of a run that undo has to turn round, and the targets that it could not ask, with the reason.

    Verified changes as they stand; changes that were attempted and failed as far as a fresh read shows that they got;
    changes that were never sent to their target not at all.
    """
    changes: list[Change[State]] = []
    unread: dict[str, TargetError] = {}
    for record in records:
        target = record.change.target
        if record.state == "verified" and record.attempted:
            changes.append(record.change)
        elif record.attempted and target not in unread:
            try:
                actual = _read(record.change, sessions)
            except TargetError as exc:
                unread[target] = exc
            else:
                if (half := _as_far_as_it_got(record.change, actual)) is not None:
                    changes.append(half)
    return [change for change in changes if change.target not in unread], unread


def _read(change: Change[State], sessions: Sessions) -> State | None:
    with sessions.session(change.target) as session:
        return KINDS[change.address.kind].read(session, [change.key]).get(change.key)


def _as_far_as_it_got(change: Change[State], actual: State | None) -> Change[State] | None:
    if change.not_begun_in(actual):
        return None
    now = None if actual is None else change.shape.view_of(actual)
    return Change(change.address, change.before, now, change.requires)


def request_of_undo(run: RunRecord) -> Mapping[str, Any]:
    """What the ledger says was asked for when a run is taken back."""
    return {"procedure": "undo", "run": run.id}
