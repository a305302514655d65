"""Requests: asked for, approved, due, carried out. What :class:`~provisioning.api.Site` inherits of it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from provisioning.engine.errands import OwnStop
from provisioning.engine.events import Listener
from provisioning.engine.outbox import Messenger
from provisioning.errors import LedgerError, ProvisioningError, RequestError
from provisioning.intake.at_once import carried_out
from provisioning.intake.clearance import Begun, Planned, covers
from provisioning.intake.seats import refuse_shortage
from provisioning.intake.waves import roll_out
from provisioning.ledger import Entry, RequestRecord, RequestState, acting_user, moment, now
from provisioning.ledger.records import Verdict, is_in_waves
from provisioning.procedures.base import Request
from provisioning.procedures.registry import from_plain
from provisioning.site import Inventory
from provisioning.site.clock import start_words

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

OPEN: tuple[RequestState, ...] = ("requested", "awaiting approval", "scheduled", "running")
"""States of requests that still have their work before them, or under way."""

_WAITING: tuple[RequestState, ...] = ("requested", "awaiting approval", "scheduled")
_ALL = 1_000_000


class SiteOfRequests(Protocol):
    """A site, as far as requests care."""

    @property
    def inventory(self) -> Inventory: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def has_ledger(self) -> bool: ...
    @property
    def messenger(self) -> Messenger: ...
    def requested(self, request_id: int) -> RequestRecord: ...
    def plan(self, request: Request | None = None) -> Planned: ...
    def resume(
        self, run_id: int, listener: Listener | None = None, *, now: bool = False, stop: threading.Event | None = None
    ) -> Begun: ...
    def carry_out(
        self,
        request_id: int,
        listener: Listener | None = None,
        *,
        stop: threading.Event | None = None,
        record: RequestRecord | None = None,
    ) -> Fulfilment: ...
    def request(
        self,
        request: Request,
        *,
        start: datetime | None = None,
        plan: Planned | None = None,
        note: str | None = None,
    ) -> RequestRecord: ...


@dataclass(frozen=True)
class Fulfilment:
    """How far a request got. `run` is the run that worked on it now; `problem` says why there is none (nothing was
    changed then, and the request waits). `interrupted`: by Ctrl-C, so nothing else should be begun."""

    request: RequestRecord
    run: int | None = None
    problem: str | None = None
    interrupted: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nobody has to look at it: it is proven, waits for its machines, or is in other hands."""
        return self.problem is None and self.request.state in {"proven", "running"}


class Intake:
    """The requests of a site."""

    def request(
        self: SiteOfRequests,
        request: Request,
        *,
        start: datetime | None = None,
        plan: Planned | None = None,
        note: str | None = None,
    ) -> RequestRecord:
        """Write down a request that begins at `start` (now), once every role that its plan needs has approved it.

        Nothing is carried out here: see :meth:`due`. The same asked for twice is one request. `plan` is the request's
        plan, where it was made already; `note` goes into the work log. Raises
        :class:`~provisioning.errors.RequestError` for what cannot be planned, when a person has another request that
        waits, and when licence seats have run out.
        """
        plan = plan or self.plan(request)
        refuse_shortage(self.ledger, plan.seats)
        _refuse_contradiction(self.ledger, request, start, self.inventory)
        record = self.ledger.ask(
            request.title,
            request.to_plain(),
            start=start,
            needs=tuple(plan.grounds),
            grounds=plan.grounds,
            unless=OPEN,
            log=[Entry(note)] if note else (),
        )
        self.messenger.request(record)
        return record

    def requests(
        self: SiteOfRequests, limit: int = 50, *, states: Collection[RequestState] = ()
    ) -> list[RequestRecord]:
        """The latest requests, newest first; only those in `states`, where these are given."""
        return self.ledger.requests(limit, states=states) if self.has_ledger else []

    def requested(self: SiteOfRequests, request_id: int) -> RequestRecord:
        """A request from the ledger. Raises :class:`~provisioning.errors.LedgerError` when there is no such request."""
        if not self.has_ledger:
            raise LedgerError(f"there is no request {request_id}: this site has no ledger yet, its first run makes it")
        return self.ledger.request(request_id)

    def approve(self: SiteOfRequests, request_id: int, reason: str) -> RequestRecord:
        """Approve a request, for every role that the user at the keyboard has and that has not spoken yet.

        Raises :class:`~provisioning.errors.RequestError` for the requester (four eyes), for somebody without the role,
        and for a request that does not wait for approval.
        """
        return _speak(self, request_id, reason, "approved")

    def refuse(self: SiteOfRequests, request_id: int, reason: str) -> RequestRecord:
        """Refuse a request for good; raises what :meth:`approve` raises."""
        return _speak(self, request_id, reason, "refused")

    def cancel(self: SiteOfRequests, request_id: int, reason: str | None = None) -> RequestRecord:
        """Give up a request that is not under way. Raises :class:`~provisioning.errors.RequestError`."""
        why = f"given up by {acting_user()}{f': {reason}' if reason else ''}"
        _refuse_too_late(self.requested(request_id))
        record = self.ledger.move(request_id, "cancelled", reason=why)
        self.messenger.request(record)
        return record

    def carry_out(
        self: SiteOfRequests,
        request_id: int,
        listener: Listener | None = None,
        *,
        stop: threading.Event | None = None,
        record: RequestRecord | None = None,
    ) -> Fulfilment:
        """Plan a request anew and carry it out. If its plan needs approval for something that was not approved, it goes
        back to ``awaiting approval`` and nothing is changed. `record` is the request, where it was read a moment ago.

        Raises :class:`~provisioning.errors.RequestError` for a request that is not due (or that somebody else took
        first), and what planning raises; the request keeps its state then.
        """
        record = record or self.requested(request_id)
        _refuse_early(record, self.inventory)
        if is_in_waves(record.request):
            return _in_waves(self, record, listener, stop)
        try:
            plan = self.plan(from_plain(record.request))
            if not covers(record, plan.grounds):
                return _send_back(self, record, plan)
            run = plan.apply(listener, request_id=request_id, stop=stop)
        except LedgerError:
            raise
        except ProvisioningError as exc:
            fresh = self.ledger.request(request_id)
            if fresh.state == "scheduled":  # otherwise somebody else took it in the meantime
                key = f"request:{request_id}:cannot:{sha256(str(exc).encode()).hexdigest()[:16]}"
                self.ledger.log(Entry(f"Could not begin: {exc}.", request_id, key=key))
                self.messenger.request(fresh)
            raise
        return Fulfilment(self.ledger.request(request_id), run.id, interrupted=run.state == "interrupted")

    def due(
        self: SiteOfRequests,
        listener: Listener | None = None,
        *,
        stop: threading.Event | None = None,
        most: int = 1,
    ) -> Iterator[Fulfilment]:
        """Carry out every scheduled request whose time has come, of onboardings up to `most` at the same time; none
        stops the others.

        A request that cannot be planned now stays scheduled, so the next call tries it again.
        """
        records = self.ledger.due() if self.has_ledger else []
        leave = OwnStop(stop or threading.Event())

        def carry_out(number: int, leave: threading.Event) -> Fulfilment | None:
            return _fulfilment(self, number, listener, leave)

        for fulfilment in carried_out(records, self.inventory, carry_out, leave, most):
            if fulfilment is not None:
                yield fulfilment
                if fulfilment.interrupted:
                    leave.set()


def _fulfilment(
    site: SiteOfRequests, number: int, listener: Listener | None, stop: threading.Event
) -> Fulfilment | None:
    """``None``: somebody else took it in the meantime."""
    try:
        return site.carry_out(number, listener, stop=stop)
    except LedgerError:
        raise
    except ProvisioningError as exc:
        fresh = site.ledger.request(number)
        return Fulfilment(fresh, problem=str(exc)) if fresh.state == "scheduled" else None


def _in_waves(
    site: SiteOfRequests, record: RequestRecord, listener: Listener | None, stop: threading.Event | None
) -> Fulfilment:
    done = roll_out(site, record.id, listener=listener, stop=stop)
    runs = [wave.run for wave in done.waves if wave.run is not None]
    return Fulfilment(done.request, max(runs, default=None), done.stopped, done.interrupted)


def _send_back(site: SiteOfRequests, record: RequestRecord, plan: Planned) -> Fulfilment:
    news = [s for role, why in plan.grounds.items() for s in why if s not in record.grounds.get(role, ())]
    reason = f"the plan changed since it was approved: {'; '.join(news)}"
    log = [Entry(f"Sent back for approval: {reason}.", record.id)]
    again = site.ledger.ask_again(record.id, tuple(plan.grounds), plan.grounds, reason=reason, log=log)
    site.messenger.request(again)
    return Fulfilment(again, problem=reason)


def _refuse_too_late(record: RequestRecord) -> None:
    if record.state not in {*_WAITING, "partial"}:
        back = f"; `provision undo {record.runs[-1]}` takes back what it did" if record.state == "proven" else ""
        more = "; wait until it ends, or stop it with Ctrl-C where it runs" if record.state == "running" else back
        raise RequestError(f"request {record.id} is {record.state}, so there is nothing to give up any more{more}")


def _refuse_early(record: RequestRecord, inventory: Inventory) -> None:
    if record.state not in {"scheduled", "partial"}:
        raise RequestError(
            f"request {record.id} is {record.state}, so it cannot be carried out; "
            f"`provision show request {record.id}` tells its story"
        )
    if record.start > now():
        raise RequestError(f"request {record.id} may not begin before {start_words(record.start, inventory)}")


def _refuse_contradiction(ledger: Ledger, request: Request, start: datetime | None, inventory: Inventory) -> None:
    plain, begins = request.to_plain(), None if start is None else moment(start)
    if is_in_waves(plain):  # packages for people are asked for beside anything else that is
        return
    people = set(request.desks(inventory))
    for other in ledger.requests(_ALL, states=_WAITING):
        if other.request == plain and begins in {None, other.start}:
            continue
        shared = people & set(other.request.get("persons", ()))
        if shared:
            raise RequestError(
                f"{', '.join(sorted(shared))} has a request already: {other.id} ({other.title}, {other.state}, from "
                f"{start_words(other.start, inventory)}); `provision cancel {other.id}` first if this one replaces it"
            )


def who_may(inventory: Inventory, record: RequestRecord) -> str:
    """Who may still approve a request: ``security: anna, boris; network: nobody``."""
    policy = inventory.approvals
    users = {role: ", ".join(policy.who_may([role], but=record.who)) for role in record.missing}
    return "; ".join(f"{role}: {names or 'nobody (name somebody in the site)'}" for role, names in users.items())


def _short(user: str) -> str:
    """``CORP\\anna``, ``anna@corp.example`` and ``Anna`` may be one person, so they count as one."""
    return user.rpartition("\\")[2].partition("@")[0].casefold()


def _speak(site: SiteOfRequests, request_id: int, reason: str, verdict: Verdict) -> RequestRecord:
    policy, person = site.inventory.approvals, acting_user()
    if not reason.strip():
        what = "an approval" if verdict == "approved" else "a refusal"
        raise RequestError(f"{what} needs a reason: say why, the auditors will ask")
    record = site.requested(request_id)
    if record.state != "awaiting approval":
        raise RequestError(f"request {request_id} is {record.state}; it does not wait for approval")
    if _short(person) == _short(record.who):
        raise RequestError(
            f"request {request_id} was made by you ({person}), and it takes four eyes; who may decide about it: "
            f"{who_may(site.inventory, record)}"
        )
    mine = [role for role in record.missing if role in policy.roles_of(person)]
    if not mine:
        who = "; ".join(
            f"{role}: {', '.join(policy.who_may([role], but=record.who)) or 'nobody'}" for role in record.missing
        )
        raise RequestError(f"{person} has no role that request {request_id} still needs ({who})")
    for role in mine:
        record = site.ledger.approve(request_id, role, reason, verdict=verdict, who=person)
        if record.state == "refused":
            break
    site.messenger.request(record)
    return record
