"""A file of new colleagues, carried out row by row: no row stops another, and doing the file twice does nothing
twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from provisioning.errors import LedgerError, ProvisioningError
from provisioning.intake.clearance import Planned
from provisioning.intake.requests import OPEN, Fulfilment, Intake, SiteOfRequests
from provisioning.ledger import RequestRecord, RequestState, now
from provisioning.procedures.hires import Row
from provisioning.reports.words import count
from provisioning.site.clock import future_start, read_start, start_words

FAILED = "failed"
UNCHANGED = "unchanged"
_KNOWN: tuple[RequestState, ...] = (*OPEN, "partial")
_ENDED: tuple[RequestState, ...] = ("proven", "undone", "refused", "cancelled")


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


class Bulk(Intake):
    """Many requests at once."""

    def onboard_all(self: SiteOfRequests, rows: Sequence[Row]) -> Iterator[RowResult]:
        """One result a row, as each is done. Rows with a start in the future are scheduled, those that need approval
        wait for it, the others are carried out at once. A row that was asked for before is that request again.

        After Ctrl-C the rows that were not begun have no result: doing the file again goes on with them. Raises only
        :class:`~provisioning.errors.LedgerError`.
        """
        for row in rows:
            if row.fault is not None:
                yield RowResult(row, FAILED, row.fault)
                continue
            try:
                done = _one(self, row)
                yield done
                if done.interrupted:
                    return
            except LedgerError:
                raise
            except ProvisioningError as exc:
                yield RowResult(row, FAILED, str(exc))


def _one(site: SiteOfRequests, row: Row) -> RowResult:
    request, inventory = row.request, site.inventory
    begins = read_start(row.start, inventory) if row.start is not None else None
    if (again := _asked_before(site, row, begins)) is not None:
        return again
    if row.start is not None and future_start(row.start, inventory) > datetime.now(UTC):
        return _told(site, row, site.request(request, start=begins, note=row.note))
    plan = site.plan(request)
    if plan.is_empty:
        return RowResult(row, UNCHANGED, "everything is as it should be")
    if plan.grounds:
        return _told(site, row, site.request(request, plan=plan, note=row.note))
    return _applied(site, row, plan)


def _asked_before(site: SiteOfRequests, row: Row, begins: datetime | None) -> RowResult | None:
    """What the same row came to before; where it was left partly done or is due by now, it is carried on."""
    title, plain = row.request.title, row.request.to_plain()
    if begins is not None:
        done = site.ledger.same_request(title, plain, {"proven"}, start=begins)
        if done is not None:
            return _told(site, row, done, "was asked for before, and is done")
    known = site.ledger.same_request(title, plain, _KNOWN, start=begins)
    if known is None:
        last = site.ledger.same_request(title, plain, _ENDED, start=begins)
        if last is not None and last.state == "refused":  # a refusal is final: no file asks for it again
            again = f"{last.reason}; to ask once more: `provision {title}`"
            return _told(site, row, last, f"was refused before: {again}")
        return None
    if known.state == "partial" or (known.state == "scheduled" and known.start <= now()):
        return _fulfilled(site, row, site.carry_out(known.id))
    return _told(site, row, known, "was asked for before")


def _applied(site: SiteOfRequests, row: Row, plan: Planned) -> RowResult:
    run = site.ledger.run(plan.apply().id)
    record = site.ledger.request(run.request_id or 0)
    return _fulfilled(site, row, Fulfilment(record, run.id, interrupted=run.state == "interrupted"))


def _fulfilled(site: SiteOfRequests, row: Row, fulfilment: Fulfilment) -> RowResult:
    record, message = fulfilment.request, fulfilment.problem or ""
    if fulfilment.run is not None:
        run = site.ledger.run(fulfilment.run)
        errors = [f"{r.change.target}: {r.error}" for r in run.changes if r.error]
        errors += [f"not proven: {p['name']}: {p['detail']}" for p in run.proofs if not p["passed"]]
        errors += [f"waits for {target.target}: {target.reason}" for target in run.targets]
        made = sum(record.state == "verified" for record in run.changes)
        all_well = f"{count(made, 'change')}, {count(len(run.proofs), 'proof')} passed"
        stopped = f"stopped by Ctrl-C: {made} of {count(len(run.changes), 'change')} made"
        message = "; ".join(errors) or (stopped if fulfilment.interrupted else all_well)
    return RowResult(row, record.state, message, record.id, fulfilment.run, fulfilment.interrupted)


def _told(site: SiteOfRequests, row: Row, record: RequestRecord, words: str = "") -> RowResult:
    parts = [words]
    if record.state == "scheduled":
        parts.append(f"begins {start_words(record.start, site.inventory)}")
    if record.state == "awaiting approval":
        parts += [f"{role} must approve: {', '.join(record.grounds.get(role, ()))}" for role in record.missing]
    run = record.runs[-1] if record.runs else None
    if record.state == "running" and run is not None:
        parts.append(f"run {run} is not over; a worker or `provision resume {run}` goes on with it")
    return RowResult(row, record.state, "; ".join(filter(None, parts)), record.id, run)
