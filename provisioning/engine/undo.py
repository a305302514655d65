"""Taking a run back: what there is to turn round, and when it may be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioning.engine import planner
from provisioning.engine.planner import TargetSessions, is_unsettled
from provisioning.engine.playbook_runs import refuse_to_undo
from provisioning.errors import RequestError, TargetError
from provisioning.ledger import ChangeRecord, RunRecord
from provisioning.resources.base import Address, Change, Resource, State

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

OPEN = frozenset({"running", "waiting", "interrupted"})
"""States of an undo that can be gone on with."""


def to_take_back(
    records: Sequence[ChangeRecord], sessions: TargetSessions, *, begun: Collection[Address] = ()
) -> tuple[list[Change[State]], dict[str, TargetError]]:
    """The changes of a run that undo has to turn round, and the targets that it could not ask, with the reason.

    Verified changes as they stand; changes that were attempted and failed, and those that an earlier undo has `begun`
    to take back, as far as a fresh read shows that they got; changes that were never sent to their target not at all.
    """
    sent = [record for record in records if record.attempted and not is_unsettled(record.change)]
    doubtful = {r.change.address for r in sent if r.state != "verified" or r.change.address in begun}
    reading = planner.read([Resource(a.kind, a.target, a.key, None) for a in sorted(doubtful, key=str)], sessions)
    changes: list[Change[State]] = []
    for change in (record.change for record in sent if record.change.target not in reading.unread):
        if change.address not in doubtful:
            changes.append(change)
        elif (half := _as_far_as_it_got(change, reading.found[change.address])) is not None:
            changes.append(half)
    taken_back = {change.address for change in changes}
    follows = [r.change for r in records if is_unsettled(r.change) and r.change.requires & taken_back]
    return [*changes, *follows], dict(reading.unread)


def _as_far_as_it_got(change: Change[State], actual: State | None) -> Change[State] | None:
    if change.not_begun_in(actual):
        return None
    now = None if actual is None else change.shape.view_of(actual)
    return Change(change.address, change.before, now, change.requires)


def request_of_undo(run: RunRecord) -> Mapping[str, Any]:
    """What the ledger says was asked for when a run is taken back."""
    return {"procedure": "undo", "run": run.id}


def open_undo(ledger: Ledger, run: RunRecord) -> RunRecord | None:
    """The undo of a run that somebody began and that did not come to its end: it is gone on with, not begun anew."""
    return next((undo for undo in ledger.runs(undoes=run.id) if undo.state in OPEN), None)


def begun_to_undo(ledger: Ledger, run: RunRecord) -> frozenset[Address]:
    """The changes of a run that an earlier undo has tried to take back without success.

    Raises :class:`RequestError` when the run cannot be taken back (again): it is an undo itself, was undone, or an
    undo is still open.
    """
    if run.undoes is not None:
        raise RequestError(f"run {run.id} is itself the undoing of run {run.undoes}; make the request again instead")
    refuse_to_undo(run)
    if run.state == "undone":
        raise RequestError(f"run {run.id} was undone already")
    if (earlier := open_undo(ledger, run)) is not None:
        raise RequestError(
            f"run {earlier.id} is taking back run {run.id} already and is {earlier.state}; "
            f"`provision undo {run.id}` goes on with it"
        )
    return frozenset(
        record.change.address
        for undo in ledger.runs(undoes=run.id)
        for record in undo.changes
        if record.attempted and record.state != "verified"
    )


def stop_for_undo(ledger: Ledger, run: RunRecord) -> None:
    """Before a run is taken back: what it has not done yet is abandoned, so that nobody resumes it."""
    left = [r.id for r in run.changes if r.state in {"planned", "deferred", "attempted"} and not r.attempted]
    if left:
        ledger.settle(dict.fromkeys(left, ("abandoned", "the run is taken back")))
    if run.targets:
        ledger.close_targets(run.id)
    if run.state in {"running", "waiting", "interrupted"}:
        ledger.end(run.id, "partial", error="it is taken back")
