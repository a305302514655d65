"""A plan, and the run that it becomes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from provisioning.engine import planner
from provisioning.engine.events import Listener
from provisioning.engine.run import alone, holder_of
from provisioning.engine.undo import begun_to_undo, open_undo, request_of_undo, stop_for_undo, to_take_back
from provisioning.errors import RequestError, TargetError, UnreachableError
from provisioning.intake import amended, clearance, leavers
from provisioning.intake.extensions import refuse_given
from provisioning.intake.seats import give_back_unread, seats_before, shortages
from provisioning.ledger import Books, Entry, NewPatchOrder, OpenTarget, RunRecord
from provisioning.resources.base import Address, Change, Proof, State

if TYPE_CHECKING:  # what few programs need is imported where it is used
    from provisioning.api.site import Site
    from provisioning.engine.document import PlanDocument
    from provisioning.ledger import Ledger
    from provisioning.procedures.approvals import Grounds
    from provisioning.procedures.extensions import Claim
    from provisioning.procedures.licences import Seat

_ALL = 1_000_000


@dataclass(frozen=True)
class Plan:
    """What would change, in the order in which it would be done, and what would be proven."""

    site: Site = field(repr=False)
    title: str
    request: Mapping[str, Any]
    changes: tuple[Change[State], ...]
    proofs: tuple[Proof, ...]
    warnings: tuple[str, ...]
    unread: Mapping[str, TargetError]
    resources: int
    undoes: int | None = None
    basis: frozenset[int] = frozenset()
    """For an undo: the changes that the run had attempted when this was planned."""
    grounds: Grounds = field(default_factory=dict)
    """Role → what it must approve before this may be carried out."""
    seats: tuple[Seat, ...] = ()
    """The licence seats that this takes."""
    extensions: tuple[Claim, ...] = ()
    """The extensions that this gives to people."""
    orders: tuple[NewPatchOrder, ...] = ()
    """The patch orders that are opened with it."""
    books: Books = field(default_factory=Books)
    """What is written down with it, as far as it is not so yet: amendments of the site, custody, reserved names. For an
    undo: what it takes back of that."""

    @cached_property
    def lines(self) -> Mapping[Address, tuple[str, ...]]:
        """What will be typed on devices, by change: switch ports have such lines. Raises
        :class:`~provisioning.errors.RequestError` for what a device cannot be told."""
        return planner.typed(self.site.inventory, self.changes)

    @property
    def is_empty(self) -> bool:
        """Whether everything is as it should be (and everything could be read)."""
        return not self.changes and not self.unread and not self.orders and not self.books.stand_alone

    @property
    def is_approved(self) -> bool:
        """Whether nobody has to approve this, or everybody has (then :meth:`apply` carries it out)."""
        if not self.grounds or self.undoes is not None:
            return True
        try:
            clearance(self.site.ledger, self, None)
        except RequestError:
            return False
        return True

    @property
    def can_wait(self) -> bool:
        """Whether a target did not answer that a run would come back to."""
        return any(isinstance(error, UnreachableError) for error in self.unread.values())

    @property
    def waits_already(self) -> bool:
        """Whether a run of the same request waits for all that could not be read, so that another one adds nothing."""
        waiting = self.site.ledger.runs(_ALL, states={"waiting"})
        same = [run for run in waiting if run.request == self.request]
        return any(self.unread.keys() <= {target.target for target in run.targets} for run in same)

    def apply(
        self,
        listener: Listener | None = None,
        *,
        request_id: int | None = None,
        stop: threading.Event | None = None,
    ) -> Run:
        """Carry out the changes, then run the proofs; all of it is in the ledger, and whatever kills this process can
        be mended by :meth:`Site.resume`.

        `listener` gets the engine's events. The run ends ``done``; ``waiting`` when a target does not answer;
        ``partial`` when a change failed or a proof did not pass; ``interrupted``. Nothing is raised for that.
        """
        return self.site._carry_out(self.begin(request_id=request_id).id, listener, resume=False, stop=stop)

    def begin(self, *, request_id: int | None = None, log: Sequence[Entry] = ()) -> Run:
        """Write the run down and do nothing yet: :meth:`Site.resume` carries it out, here or elsewhere.

        With `request_id` that request is running from now on; without, what is asked for here is written down as a
        request that begins at once. Raises :class:`~provisioning.errors.RequestError` when it may not, when approvals
        or licence seats are missing, or when the run to be taken back went on since this was planned.
        """
        ledger, at = self.site.ledger, datetime.now(UTC)
        if self.undoes is None:
            request_id = clearance(ledger, self, request_id)
        refuse_given(ledger, self.extensions)
        patience = self.site.inventory.runs

        def write() -> RunRecord:
            return ledger.begin(
                self.title,
                self.request,
                self.changes,
                undoes=self.undoes,
                request_id=request_id,
                asked=self.undoes is None,
                seats=[
                    *((seat.pool, seat.candidates, seat.holder) for seat in self.seats),
                    *((claim.pool, claim.candidates, claim.holder) for claim in self.extensions),
                ],
                passed=[(seat.pool, seat.former, seat.holder) for seat in self.seats if seat.former is not None],
                proofs=self.proofs,
                unread={target: error.message for target, error in self.unread.items()},
                next_try=at + patience.wait_after(1),
                deadlines={
                    # Who answers, but not to us, will not do so tomorrow either.
                    target: at + (patience.deadline if isinstance(error, UnreachableError) else timedelta())
                    for target, error in self.unread.items()
                },
                log=log,
                orders=self.orders,
                books=self.books if self.undoes is None else Books(),
            )

        if self.undoes is None:
            return Run(self.site, write())
        with alone(ledger, self.undoes):
            undone = ledger.run(self.undoes)
            begun_to_undo(ledger, undone)
            if {r.id for r in undone.changes if r.attempted} != self.basis:
                raise RequestError(f"run {self.undoes} went on since this was planned; undo it again")
            give_back_unread(ledger, self.site.wired, undone)
            stop_for_undo(ledger, undone)
            return Run(self.site, write())

    def to_document(self) -> PlanDocument:
        """The plan as plain data (see ``docs/plan.schema.json``)."""
        from provisioning.engine import document  # noqa: PLC0415

        return document.PlanDocument(
            title=self.title,
            request=dict(self.request),
            changes=[document.change_document(c, self.lines.get(c.address, ())) for c in self.changes],
            proofs=document.proof_documents(self.proofs),
            warnings=list(self.warnings),
            unread={target: error.message for target, error in self.unread.items()},
            counts=document.counts(self.changes, self.resources),
            books=document.books_document(self.books),
        )


@dataclass(frozen=True)
class Run:
    """One run as the ledger has it."""

    site: Site = field(repr=False)
    record: RunRecord

    @property
    def id(self) -> int:
        return self.record.id

    @property
    def state(self) -> str:
        """``running``, ``waiting``, ``interrupted``, ``partial``, ``done`` or ``undone``."""
        return self.record.state

    @property
    def waits_for(self) -> tuple[OpenTarget, ...]:
        """The targets that the run has to come back to."""
        return self.record.targets

    @property
    def succeeded(self) -> bool:
        """Whether every change was verified and every proof passed."""
        return self.record.state == "done"

    @property
    def holder(self) -> str | None:
        """Who is at work on it at this moment. A ``running`` run without one was left by a process that died."""
        return holder_of(self.site.ledger, self.id)

    def undo(self, listener: Listener | None = None) -> Run:
        """Take back exactly what this run did, as a run of its own; what drifted since is left alone and named. An undo
        that is open already is gone on with: all that it waits for is tried now.

        Raises :class:`~provisioning.errors.RequestError` when the run is an undo itself or was undone already,
        :class:`~provisioning.errors.InUseError` when somebody is at work on the run or its undo.
        """
        if (begun := self.open_undo) is not None:
            return self.site.resume(begun.id, listener, now=True)
        return self.undo_plan(listener).apply(listener)

    @property
    def open_undo(self) -> Run | None:
        """The run that takes this one back and did not come to its end: it waits, or was stopped or killed."""
        found = open_undo(self.site.ledger, self.record)
        return None if found is None else Run(self.site, found)

    def undo_plan(self, listener: Listener | None = None) -> Plan:
        """What :meth:`undo` would do: the inverse changes, in reverse order. Raises what :meth:`undo` raises, and
        :class:`~provisioning.errors.RequestError` when an undo is open already."""
        ledger = self.site.ledger
        with alone(ledger, self.id):
            record = ledger.run(self.id)
            tried = begun_to_undo(ledger, record)
            with self.site.reading(listener, f"undo of run {self.id}") as sessions:
                begun, unread = to_take_back(record.changes, sessions, begun=tried)
        from provisioning.procedures.extensions import claims  # noqa: PLC0415

        changes = tuple(planner.inverse(begun))
        # What was removed takes its seat, and its extension, again before it is installed again.
        again = [change for change in changes if change.before is None]
        seats = (
            *seats_before(ledger, self.site.wired, self.id, again),
            *leavers.seats_to_take_again(ledger, self.site.wired, record),
        )
        return Plan(
            self.site,
            f"undo run {self.id}: {record.title}",
            request_of_undo(record),
            changes,
            (),
            (*_runs_over(ledger, self.id), *shortages(ledger, seats), *planner.lasting(begun)),
            unread,
            len(changes),
            seats=seats,
            extensions=claims(self.site.inventory, ((change.address, change.after) for change in again)),
            undoes=self.id,
            books=amended.to_take_back(self.site.inventory, ledger, self.id),
            basis=frozenset(r.id for r in record.changes if r.attempted),
        )


def _runs_over(ledger: Ledger, run_id: int) -> Iterator[str]:
    for number, title in ledger.runs_over(run_id):
        yield f"run {number} ({title}) changed some of this since; take that back first: provision undo {number}"
