"""What became of each row of a file, told from the runs that carried it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.ledger import RequestRecord, RunRecord
from provisioning.procedures.base import Request
from provisioning.procedures.hires_rows import Row
from provisioning.procedures.ownership import owners
from provisioning.reports.words import count
from provisioning.resources.base import Address
from provisioning.site import Inventory

FAILED = "failed"
UNCHANGED = "unchanged"
AS_IT_SHOULD_BE = "everything is as it should be"

_OWN = frozenset({"directory.user", "phones.subscriber"})
"""Kinds whose keys are names that proofs call a person by."""


@dataclass(frozen=True)
class RowResult:
    """What became of one row: the state of its request, ``failed`` (nothing was changed) or ``unchanged`` (nothing was
    left to do)."""

    row: Row
    state: str
    message: str
    request: int | None = None
    run: int | None = None
    interrupted: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nobody has to look at it."""
        return self.state not in {FAILED, "partial", "refused", "cancelled", "undone"}


def story(run: RunRecord, *, interrupted: bool) -> str:
    """A run in one line."""
    return _story(run, run.changes, run.proofs, [target.target for target in run.targets], interrupted=interrupted)


def rows_of_run(
    inventory: Inventory, request: Request, record: RequestRecord, run: RunRecord, rows: Iterable[Row]
) -> list[RowResult]:
    """What became of each of `rows`, which were carried out together by `run`. What is nobody's in particular (a page
    that everybody opens) is everybody's."""
    shares = _Shares(inventory, request, run)
    return [shares.result(row, record) for row in rows]


class _Shares:
    """Which part of a run is whose."""

    def __init__(self, inventory: Inventory, request: Request, run: RunRecord) -> None:
        self._run = run
        things = [(r.change.address, r.change.after or r.change.before) for r in run.changes]
        self._whose = owners(inventory, request, things)
        self._called = {address.key: person for address, person in self._whose.items() if address.kind in _OWN}
        self._targets: dict[str, str] = {}
        for person, desk in request.desks(inventory).items():
            if desk is not None and (name := inventory.workstation_at.get(desk)) is not None:
                self._called |= {name: person, inventory.workstations[name].mac: person}
                self._targets[f"windows:{name}"] = person

    def result(self, row: Row, record: RequestRecord) -> RowResult:
        run, interrupted = self._run, self._run.state == "interrupted"
        changes = [r for r in run.changes if self._of(r.change.address) in {None, row.person}]
        proofs = [p for p in run.proofs if self._owner(p) in {None, row.person}]
        open_ones = [t.target for t in run.targets if self._targets.get(t.target, row.person) == row.person]
        message = _story(run, changes, proofs, open_ones, interrupted=interrupted)
        bad = any(r.error for r in changes) or not all(p["passed"] for p in proofs)
        state: str = record.state
        if run.state in {"partial", "done"}:
            state = "partial" if bad else "proven"
        elif run.state == "waiting" and not open_ones:
            others = ", ".join(t.target for t in run.targets)
            message = f"done; proven once others in run {run.id} are done too, which wait for {others}"
        if run.state == "done" and not changes and not bad:
            state, message = UNCHANGED, AS_IT_SHOULD_BE
        return RowResult(row, state, message, record.id, run.id, interrupted)

    def _of(self, address: Address) -> str | None:
        """Whose a change is; ``None``: everybody's."""
        return self._whose.get(address) or self._called.get(address.key)

    def _owner(self, proof: Mapping[str, Any]) -> str | None:
        """Whom a proof is about; ``None``: everybody."""
        names = [str(proof["target"]).partition(":")[2], *map(str, proof["parameters"].values())]
        return next((self._called[name] for name in names if name in self._called), None)


def _story(
    run: RunRecord, changes: Sequence[Any], proofs: Sequence[Any], open_ones: Sequence[str], *, interrupted: bool
) -> str:
    errors = [f"{r.change.target}: {r.error}" for r in changes if r.error]
    errors += [f"not proven: {p['name']}: {p['detail']}" for p in proofs if not p["passed"]]
    errors += [f"waits for {target.target}: {target.reason}" for target in run.targets if target.target in open_ones]
    if errors:
        return "; ".join(errors)
    made = sum(record.state == "verified" for record in changes)
    if interrupted:
        return f"stopped by Ctrl-C: {made} of {count(len(changes), 'change')} made"
    return f"{count(made, 'change')}, {count(len(proofs), 'proof')} passed"
