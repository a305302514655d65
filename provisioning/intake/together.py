"""Rows of a long file in few runs: planned, written and proven together."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from provisioning.engine.run import holder_of
from provisioning.errors import LedgerError, ProvisioningError, TargetError, UnreachableError
from provisioning.intake.clearance import Planned
from provisioning.intake.requests import OPEN, SiteOfRequests
from provisioning.intake.row_results import AS_IT_SHOULD_BE, FAILED, UNCHANGED, RowResult, rows_of_run
from provisioning.ledger import Entry, RunRecord
from provisioning.procedures.base import Request
from provisioning.procedures.hires_rows import Row
from provisioning.procedures.onboard import Onboard, onboard
from provisioning.procedures.registry import from_plain
from provisioning.site import Inventory
from provisioning.site.clock import future_start, read_start, start_words

_log = logging.getLogger(__name__)

AT_ONCE = 100
"""Rows that share a run. The directory is searched for 200 values at a time, so more gains little; what is in memory is
one run's changes."""

_FEW = 3
"""Rows that are not worth a run together."""
_ALL = 1_000_000


class PlannedTogether(Planned, Protocol):
    """A plan, as far as files of new colleagues care."""

    @property
    def unread(self) -> Mapping[str, TargetError]: ...


class SiteOfHires(SiteOfRequests, Protocol):
    """A site, as far as files of new colleagues care."""

    @property
    def wired(self) -> Inventory: ...
    def plan(self, request: Request | None = None) -> PlannedTogether: ...


Alone = Callable[[SiteOfHires, Row], RowResult]


def in_order(inventory: Inventory, rows: Sequence[Row]) -> list[Row]:
    """Managers before those who report to them, else as in the file."""
    there = {row.person for row in rows}

    def depth(row: Row) -> int:
        steps, key = 0, inventory.people[row.person].manager if row.person in inventory.people else None
        while key in there and key in inventory.people and steps <= len(there):
            steps, key = steps + 1, inventory.people[key].manager
        return steps

    return sorted(rows, key=depth)


def unfinished(site: SiteOfHires, rows: Sequence[Row]) -> dict[int, RowResult]:
    """Go on with runs for these people whose process was killed: row number → result. (A run that was stopped left its
    request ``partial``; what is left of it is planned anew.)"""
    wanted = {row.person: row for row in rows if row.start is None}
    found: dict[int, RowResult] = {}
    for record in site.ledger.requests(_ALL, states={"running"}) if site.has_ledger else ():
        people = record.request.get("persons", ())
        if record.request.get("procedure") != "onboard" or not record.runs or not set(people) <= wanted.keys():
            continue
        run = site.ledger.run(record.runs[-1])
        if run.state != "running" or holder_of(site.ledger, run.id) is not None:
            continue
        try:
            site.resume(run.id)
        except LedgerError:
            raise
        except ProvisioningError as exc:
            _log.warning("run %s cannot be gone on with, its rows are planned anew: %s", run.id, exc)
            continue
        results = _results(site, site.ledger.run(run.id), [wanted[person] for person in people])
        found |= {result.row.number: result for result in results}
        if any(result.interrupted for result in results):
            break
    return found


def together(site: SiteOfHires, rows: Sequence[Row], alone: Alone) -> Iterator[RowResult]:
    """What became of each of `rows`, none of which was asked for before. `alone` carries one out by itself."""
    groups = defaultdict[tuple[bool, tuple[str, ...]], list[Row]](list)
    for row in rows:
        if row.desk is not None:
            yield (one := alone(site, row))
            if one.interrupted:
                return
        else:
            groups[_is_later(site, row), row.software].append(row)
    for (later, software), group in groups.items():
        batch = _Batch(site, software, alone, later=later)
        yield from batch.of(group)
        if batch.interrupted:
            return


def _is_later(site: SiteOfHires, row: Row) -> bool:
    try:
        return row.start is not None and future_start(row.start, site.inventory) > datetime.now(UTC)
    except ProvisioningError:  # alone it is told why
        return False


@dataclass
class _Batch:
    """Rows that ask for the same, but for the person."""

    site: SiteOfHires
    software: tuple[str, ...]
    alone: Alone
    later: bool
    interrupted: bool = field(default=False, init=False)

    def of(self, rows: Sequence[Row]) -> Iterator[RowResult]:
        if self.interrupted:
            return
        if len(rows) <= _FEW:
            yield from self._one_by_one(rows)
            return
        try:
            plan = self.site.plan(onboard(*(row.person for row in rows), software=self.software))
        except LedgerError:
            raise
        except UnreachableError as exc:  # the directory: whoever asks next would wait as long for nothing
            yield from (RowResult(row, FAILED, str(exc)) for row in rows)
            return
        except ProvisioningError as exc:
            yield from self._without(rows, _named_in(rows, [str(exc)]))
            return
        apart = _named_in(rows, [sentence for why in plan.grounds.values() for sentence in why])
        if not self.later:
            apart |= self._waiting(rows, plan)
        if apart or plan.grounds:
            yield from self._without(rows, apart)
        elif self.later:
            yield from self._schedule(rows)
        else:
            yield from self._apply(rows, plan)

    def _without(self, rows: Sequence[Row], apart: set[int]) -> Iterator[RowResult]:
        """The others together, these alone; halves, where nobody can tell whom it is about."""
        if not apart or len(apart) == len(rows):
            if apart:
                yield from self._one_by_one(rows)
                return
            middle = len(rows) // 2
            yield from self.of(rows[:middle])
            yield from self.of(rows[middle:])
            return
        yield from self.of([row for row in rows if row.number not in apart])
        yield from self._one_by_one([row for row in rows if row.number in apart])

    def _one_by_one(self, rows: Sequence[Row]) -> Iterator[RowResult]:
        for row in rows:
            if self.interrupted:
                return
            result = self.alone(self.site, row)
            self.interrupted = result.interrupted
            yield result

    def _waiting(self, rows: Sequence[Row], plan: PlannedTogether) -> set[int]:
        """Rows whose PC does not answer: the proofs of the others need not wait for it."""
        unread, inventory = plan.unread, self.site.wired
        return {
            row.number
            for row in rows
            if (desk := inventory.people[row.person].workplace) is not None
            and f"windows:{inventory.workstation_at.get(desk)}" in unread
        }

    def _apply(self, rows: Sequence[Row], plan: Planned) -> Iterator[RowResult]:
        if plan.is_empty:
            yield from (RowResult(row, UNCHANGED, AS_IT_SHOULD_BE) for row in rows)
            return
        try:
            run = self.site.ledger.run(plan.apply().id)
        except LedgerError:
            raise
        except ProvisioningError as exc:  # a seat was taken in the meantime, for example
            yield from self._without(rows, _named_in(rows, [str(exc)]))
            return
        self.interrupted = run.state == "interrupted"
        yield from _results(self.site, run, rows)

    def _schedule(self, rows: Sequence[Row]) -> Iterator[RowResult]:
        """Each is a request of its own, which can be cancelled and is planned anew when it is due. None needs an
        approval."""
        ledger = self.site.ledger
        waiting = ledger.requests(_ALL, states=OPEN)
        busy = {person for record in waiting for person in record.request.get("persons", ())}
        for row in rows:
            if row.person in busy:  # told why, or that it is the same
                yield self.alone(self.site, row)
                continue
            begins = read_start(row.start or "now", self.site.inventory)
            record = ledger.ask(
                row.request.title,
                row.request.to_plain(),
                start=begins,
                unless=OPEN,
                log=[Entry(row.note)] if row.note else (),
            )
            self.site.messenger.request(record)
            said = f"begins {start_words(record.start, self.site.inventory)}"
            yield RowResult(row, record.state, said if record.state == "scheduled" else "", record.id)


def _results(site: SiteOfHires, run: RunRecord, rows: Sequence[Row]) -> list[RowResult]:
    record = site.ledger.request(run.request_id or 0)
    request = from_plain(run.request)
    assert isinstance(request, Onboard)  # noqa: S101  (nothing else is asked for here)
    return rows_of_run(site.wired, request, record, run, rows)


def _named_in(rows: Sequence[Row], sentences: Sequence[str]) -> set[int]:
    """Rows whose person a sentence names."""
    words = {word for sentence in sentences for word in re.findall(r"[\w.-]*\w", sentence)}
    return {row.number for row in rows if row.person in words}
