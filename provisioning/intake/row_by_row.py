"""A file of new colleagues, carried out: no row stops another, and doing the file twice does nothing twice.

Rows of a short file get a run each, so that each can be taken back alone. Of a long file, up to :data:`AT_ONCE` rows
share a run: they are planned, written and proven together, which takes a fraction of the time. What cannot be planned
together, needs approval, or would wait for somebody's PC, is carried out alone as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from provisioning.errors import LedgerError, ProvisioningError, RequestError
from provisioning.intake.clearance import Planned
from provisioning.intake.people_file import Addition, addition
from provisioning.intake.requests import OPEN, Fulfilment, SiteOfRequests
from provisioning.intake.row_results import AS_IT_SHOULD_BE, FAILED, UNCHANGED, RowResult, story
from provisioning.intake.together import AT_ONCE, SiteOfHires, in_order, together, unfinished
from provisioning.ledger import RequestRecord, RequestState, now
from provisioning.procedures.hires import Hires, read_hires
from provisioning.procedures.hires_rows import Conflict, Row, with_conflicts
from provisioning.procedures.hires_shortages import Given, shortages
from provisioning.site import Inventory
from provisioning.site.clock import future_start, read_start, start_words

ALONE = 10
"""Rows of a file that is short enough to give each a run of its own."""

_KNOWN: tuple[RequestState, ...] = (*OPEN, "partial")
_ENDED: tuple[RequestState, ...] = ("proven", "undone", "refused", "cancelled")


def hires(site: SiteOfHires, file: Path) -> Hires:
    """See :meth:`provisioning.intake.bulk.Bulk.hires`."""
    inventory = site.wired
    return _with_ledger(site, read_hires(file, inventory), inventory)


def newcomers(site: SiteOfHires, file: Path) -> Addition:
    """See :meth:`provisioning.intake.bulk.Bulk.newcomers`."""
    return addition(site.inventory, read_hires(file, site.wired, adding=True))


def onboard_all(site: SiteOfHires, rows: Sequence[Row], at_once: int | None = None) -> Iterator[RowResult]:
    """See :meth:`provisioning.intake.bulk.Bulk.onboard_all`."""
    at_once = AT_ONCE if at_once is None else at_once
    good = [row for row in rows if row.fault is None]
    long = len(good) > ALONE and at_once > 1
    done = unfinished(site, good)
    rest = [row for row in good if row.number not in done]
    kept = {row.number for row in rest}
    ordered = [*(r for r in rows if r.number not in kept), *in_order(site.wired, rest)] if long else rows
    size = at_once if long else 1
    for start in range(0, len(ordered), size):
        results = _block(site, ordered[start : start + size], done, long=long)
        yield from results
        if any(result.interrupted for result in results):
            return


def _with_ledger(site: SiteOfHires, hires: Hires, inventory: Inventory) -> Hires:
    """Add what only the ledger knows: starts that have passed (unless they were asked for in time), and shortages."""
    found = [conflict for row in hires.rows if (conflict := _passed(site, row)) is not None]
    rows = with_conflicts(hires.rows, found)
    merged = inventory.model_copy(update={"people": {**inventory.people, **hires.newcomers}})
    rows = with_conflicts(rows, list(shortages(merged, rows, _given(site, inventory))))
    return Hires(rows, hires.delimiter, hires.newcomers, hires.others)


def _given(site: SiteOfHires, inventory: Inventory) -> Given:
    if not site.has_ledger:
        return Given()
    ranges = inventory.phones.ranges if inventory.phones is not None else {}
    pools = {name: f"extension:{name}" for name in ranges} | {name: f"licence:{name}" for name in inventory.licences}
    held = {pool: {a.item: a.holder for a in site.ledger.allocations(pool)} for pool in pools.values()}
    return Given(
        {name: held[f"extension:{name}"] for name in ranges},
        {name: held[f"licence:{name}"] for name in inventory.licences},
    )


def _passed(site: SiteOfHires, row: Row) -> Conflict | None:
    if row.start is None:
        return None
    try:
        begins = read_start(row.start, site.inventory)
    except RequestError:  # said already
        return None
    try:
        future_start(row.start, site.inventory)
    except RequestError as exc:
        states, title = (*_KNOWN, *_ENDED), row.request.title
        if site.has_ledger and site.ledger.same_request(title, row.request.to_plain(), states, start=begins):
            return None
        return Conflict(row, "start", str(exc))
    return None


# -------------------------------------------------------------------------------------------------------- in a block


def _block(site: SiteOfHires, rows: Sequence[Row], done: Mapping[int, RowResult], *, long: bool) -> list[RowResult]:
    """What became of rows, in their order; `done` are those of which it is known already."""
    found: dict[int, RowResult] = {}
    fresh: list[Row] = []
    for row in rows:
        if row.fault is not None:
            found[row.number] = RowResult(row, FAILED, row.fault)
        elif row.number in done:
            found[row.number] = done[row.number]
        elif not long:
            found[row.number] = _alone(site, row)
        elif (again := _again(site, row)) is not None:
            found[row.number] = again
        else:
            fresh.append(row)
        if row.number in found and found[row.number].interrupted:
            fresh.clear()
            break
    for result in together(site, fresh, _alone):
        found[result.row.number] = result
    return [found[row.number] for row in rows if row.number in found]


def _again(site: SiteOfHires, row: Row) -> RowResult | None:
    """What a row came to that was asked for before."""
    try:
        begins = read_start(row.start, site.inventory) if row.start is not None else None
        return _asked_before(site, row, begins)
    except LedgerError:
        raise
    except ProvisioningError as exc:
        return RowResult(row, FAILED, str(exc))


# ------------------------------------------------------------------------------------------------------------- alone


def _alone(site: SiteOfRequests, row: Row) -> RowResult:
    try:
        return _one(site, row)
    except LedgerError:
        raise
    except ProvisioningError as exc:
        return RowResult(row, FAILED, str(exc))


def _one(site: SiteOfRequests, row: Row) -> RowResult:
    request, inventory = row.request, site.inventory
    begins = read_start(row.start, inventory) if row.start is not None else None
    if (again := _asked_before(site, row, begins)) is not None:
        return again
    if row.start is not None and future_start(row.start, inventory) > datetime.now(UTC):
        return told(site, row, site.request(request, start=begins, note=row.note))
    plan = site.plan(request)
    if plan.is_empty:
        return RowResult(row, UNCHANGED, AS_IT_SHOULD_BE)
    if plan.grounds:
        return told(site, row, site.request(request, plan=plan, note=row.note))
    return _applied(site, row, plan)


def _asked_before(site: SiteOfRequests, row: Row, begins: datetime | None) -> RowResult | None:
    """What the same row came to before; where it was left partly done or is due by now, it is carried on."""
    if not site.has_ledger:
        return None
    title, plain = row.request.title, row.request.to_plain()
    if begins is not None:
        done = site.ledger.same_request(title, plain, {"proven"}, start=begins)
        if done is not None:
            return told(site, row, done, "was asked for before, and is done")
    known = site.ledger.same_request(title, plain, _KNOWN, start=begins)
    if known is None:
        last = site.ledger.same_request(title, plain, _ENDED, start=begins)
        if last is not None and last.state == "refused":  # a refusal is final: no file asks for it again
            again = f"{last.reason}; to ask once more: `provision {title}`"
            return told(site, row, last, f"was refused before: {again}")
        return None
    if known.state == "partial" or (known.state == "scheduled" and known.start <= now()):
        return _fulfilled(site, row, site.carry_out(known.id))
    return told(site, row, known, "was asked for before")


def _applied(site: SiteOfRequests, row: Row, plan: Planned) -> RowResult:
    run = site.ledger.run(plan.apply().id)
    record = site.ledger.request(run.request_id or 0)
    return _fulfilled(site, row, Fulfilment(record, run.id, interrupted=run.state == "interrupted"))


def _fulfilled(site: SiteOfRequests, row: Row, fulfilment: Fulfilment) -> RowResult:
    record, message = fulfilment.request, fulfilment.problem or ""
    if fulfilment.run is not None:
        message = story(site.ledger.run(fulfilment.run), interrupted=fulfilment.interrupted)
    return RowResult(row, record.state, message, record.id, fulfilment.run, fulfilment.interrupted)


def told(site: SiteOfRequests, row: Row, record: RequestRecord, words: str = "") -> RowResult:
    """A row whose request waits, or ended, as the ledger has it."""
    parts = [words]
    if record.state == "scheduled":
        parts.append(f"begins {start_words(record.start, site.inventory)}")
    if record.state == "awaiting approval":
        parts += [f"{role} must approve: {', '.join(record.grounds.get(role, ()))}" for role in record.missing]
    run = record.runs[-1] if record.runs else None
    if record.state == "running" and run is not None:
        parts.append(f"run {run} is not over; a worker or `provision resume {run}` goes on with it")
    return RowResult(row, record.state, "; ".join(filter(None, parts)), record.id, run)
