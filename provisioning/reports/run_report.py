"""What the page of a run is made of: its report, its course in the ledger, its orders, who asked and approved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from markupsafe import Markup

from provisioning.ledger import AmendmentRecord, CustodyRecord, Event, RequestRecord, RunRecord
from provisioning.reports.document import ChangeReport, ProofReport, ReportDocument
from provisioning.reports.patch_order import Sheet

GOOD = frozenset({"done", "unchanged", "passed", "undone"})
"""States that need nobody's attention."""

OPENED = 60
"""Changes up to which all of them are shown unfolded."""

FAILURES = 25
"""Failed changes that are told of at the top."""


@dataclass(frozen=True)
class Course:
    """What the ledger has of a run beside its report. `orders`, and `ports` that were changed without one: each with
    its picture. `amendments` and `custody` were written down with it."""

    record: RunRecord
    events: Sequence[Event]
    request: RequestRecord | None = None
    orders: Sequence[tuple[Sheet, Markup]] = ()
    ports: Sequence[tuple[Sheet, Markup]] = ()
    amendments: Sequence[AmendmentRecord] = ()
    custody: Sequence[CustodyRecord] = ()


@dataclass(frozen=True)
class OfTarget:
    """The changes of one target, in their order. `bad`: how many are not done."""

    target: str
    changes: Sequence[ChangeReport]
    bad: int
    is_open: bool


@dataclass(frozen=True)
class RunReport:
    """The page's subjects. Without `course` the report is that of a request that found nothing to do, or of a check."""

    document: ReportDocument
    course: Course | None = None

    @property
    def good(self) -> bool:
        return self.document.state in GOOD

    @property
    def targets(self) -> Sequence[OfTarget]:
        """The changes by target. Where there are many, only failures are unfolded."""
        changes = sorted(self.document.changes, key=lambda change: change.target)
        few = len(changes) <= OPENED
        found = []
        for target, group in groupby(changes, key=lambda change: change.target):
            of_target = list(group)
            bad = sum(change.state != "verified" for change in of_target)
            found.append(OfTarget(target, of_target, bad, few or (bad > 0 and len(of_target) <= OPENED)))
        return found

    @property
    def failures(self) -> Sequence[ChangeReport]:
        """Changes with a sentence that says why they are not done."""
        return [change for change in self.document.changes if change.error and change.state != "verified"]

    @property
    def proofs(self) -> Iterator[tuple[ProofReport, Mapping[str, Any]]]:
        """The proofs, failed ones first, with what they were asked."""
        asked: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        if self.course is not None:
            for one in self.course.record.proofs:
                asked[one["kind"], one["target"], one["name"]] = one["parameters"]
        for proof in sorted(self.document.proofs, key=lambda one: one.passed):
            yield proof, asked.get((proof.kind, proof.target, proof.name), {})

    @property
    def who(self) -> Sequence[str]:
        """Everybody who carried it out: others may have gone on with it."""
        others = [event.who for event in self.course.events] if self.course else []
        return list(dict.fromkeys([*([self.document.who] if self.document.who else []), *others]))

    @property
    def took(self) -> float | None:
        """Seconds from beginning to end, waiting included; ``None``: it has not ended, or nothing was begun."""
        if self.course is None or self.document.finished is None:
            return None
        ends = (datetime.fromisoformat(at) for at in (self.document.finished, self.document.started))
        return (next(ends) - next(ends)).total_seconds()

    @property
    def can_undo(self) -> bool:
        return self.document.run is not None and self.document.undoes is None and self.document.state != "undone"

    @property
    def can_resume(self) -> bool:
        return self.document.run is not None and self.document.state in {"waiting", "interrupted", "partial", "running"}
