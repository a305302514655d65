"""The report as a document: what ``--output json`` prints and ``--report FILE.json`` writes.

``docs/report.schema.json`` is generated from :class:`ReportDocument`. Nothing in it is secret: an initial
password appears only as the path of the file where it waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from provisioning.ledger import ChangeRecord, RunRecord
from provisioning.resources.base import Change, ProofResult, State

ReportState = Literal["unchanged", "running", "waiting", "done", "partial", "interrupted", "undone", "passed", "failed"]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Document):
    """One attribute's way from old to new. Mapping entries are ``field[entry]``; null: nothing there."""

    field: str
    old: Any
    new: Any


class ChangeReport(_Document):
    """One change and what became of it. `before` and `after` hold what is managed; null: does not exist."""

    kind: str
    target: str
    key: str
    action: Literal["create", "update", "delete"]
    state: Literal["planned", "attempted", "verified", "failed", "blocked", "abandoned", "deferred"]
    error: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    differences: list[Difference]


class ProofReport(_Document):
    """One proof's result."""

    kind: str
    name: str
    target: str
    passed: bool
    detail: str


class WaitingReport(_Document):
    """A target that a run comes back to. Times are UTC, ISO 8601."""

    target: str
    reason: str
    attempts: int
    since: str
    next_try: str
    deadline: str | None = Field(description="when its changes fail; null: not settled yet")


class ReportDocument(_Document):
    """What a run did, or what a check found."""

    format: Literal[1] = 1
    title: str
    run: int | None = Field(description="number of the run in the ledger; null when nothing was to be done")
    undoes: int | None = Field(default=None, description="number of the run that this one took back")
    state: ReportState = Field(
        description="done: all verified and proven; partial: something failed or was left out; "
        "waiting: a target does not answer yet; interrupted: Ctrl-C; unchanged: nothing to do; "
        "undone: taken back since; passed, failed: a check"
    )
    changes: list[ChangeReport]
    proofs: list[ProofReport]
    warnings: list[str]
    unread: dict[str, str] = Field(description="targets that could not be read, with the reason")
    waiting: list[WaitingReport] = Field(default_factory=list, description="targets that the run comes back to")
    handover: dict[str, str] = Field(description="login → file in which the initial password waits for its owner")
    seconds: dict[str, float] = Field(description="by phase: plan, apply, prove")
    started: str = Field(description="UTC, ISO 8601")
    finished: str | None
    who: str | None = Field(description="user who ran it")

    def count(self, *states: str) -> int:
        """How many changes are in one of `states`."""
        return sum(change.state in states for change in self.changes)


def differences(change: Change[State]) -> list[Difference]:
    """Old and new of every attribute that the change touches, as plain values."""
    return [
        Difference(field=name, old=to_jsonable_python(old), new=to_jsonable_python(new))
        for name, (old, new) in change.differences().items()
    ]


def of_run(
    record: RunRecord,
    *,
    warnings: Sequence[str] = (),
    unread: Mapping[str, str] | None = None,
    handover: Mapping[str, str] | None = None,
    seconds: Mapping[str, float] | None = None,
) -> ReportDocument:
    """The report of a run that the ledger knows, with what only the program that ran it can tell."""
    alive = record.state in {"running", "waiting", "interrupted"}
    awaited = record.targets if alive else ()
    given_up = () if alive else record.targets
    left_out = dict(unread or {}) | {target.target: target.reason for target in given_up}
    open_targets = {target.target for target in awaited}
    return ReportDocument(
        title=record.title,
        run=record.id,
        undoes=record.undoes,
        state=record.state,
        changes=[_change(change) for change in record.changes],
        proofs=[
            ProofReport(kind=p["kind"], name=p["name"], target=p["target"], passed=p["passed"], detail=p["detail"])
            for p in record.proofs
        ],
        warnings=list(warnings),
        unread={target: reason for target, reason in left_out.items() if target not in open_targets},
        waiting=[
            WaitingReport(
                target=target.target,
                reason=target.reason,
                attempts=target.attempts,
                since=target.since,
                next_try=target.next_try,
                deadline=target.deadline,
            )
            for target in awaited
        ],
        handover=dict(handover or {}),
        seconds=_rounded(seconds or {}),
        started=record.started,
        finished=record.finished,
        who=record.who,
    )


def without_run(
    title: str,
    state: ReportState,
    *,
    started: str,
    finished: str,
    proofs: Sequence[ProofResult] = (),
    warnings: Sequence[str] = (),
    unread: Mapping[str, str] | None = None,
    seconds: Mapping[str, float] | None = None,
) -> ReportDocument:
    """The report of a check, or of a request that found nothing to do."""
    return ReportDocument(
        title=title,
        run=None,
        state=state,
        changes=[],
        proofs=[
            ProofReport(kind=r.proof.kind, name=r.proof.name, target=r.proof.target, passed=r.passed, detail=r.detail)
            for r in proofs
        ],
        warnings=list(warnings),
        unread=dict(unread or {}),
        handover={},
        seconds=_rounded(seconds or {}),
        started=started,
        finished=finished,
        who=None,
    )


def _change(record: ChangeRecord) -> ChangeReport:
    change = record.change
    return ChangeReport(
        kind=change.address.kind,
        target=change.target,
        key=change.key,
        action=change.action,
        state=record.state,
        error=record.error,
        before=None if change.before is None else change.before.to_plain(),
        after=None if change.after is None else change.after.to_plain(),
        differences=differences(change),
    )


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {phase: round(value, 3) for phase, value in seconds.items()}
