"""Requests: asked for, approved, due, carried out. What :class:`~provisioning.api.Site` inherits of it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from provisioning.engine.events import Listener
from provisioning.errors import LedgerError, ProvisioningError, RequestError
from provisioning.ledger import Entry, Ledger, RequestRecord, RequestState, RunRecord, acting_user, moment, now
from provisioning.ledger.records import Verdict
from provisioning.procedures.approvals import Grounds
from provisioning.procedures.base import Request
from provisioning.procedures.licences import Seat
from provisioning.procedures.registry import from_plain
from provisioning.seats import refuse_shortage
from provisioning.site import Inventory
from provisioning.site.clock import start_words

OPEN: tuple[RequestState, ...] = ("requested", "awaiting approval", "scheduled", "running")
"""States of requests that still have their work before them, or under way."""

_WAITING: tuple[RequestState, ...] = ("requested", "awaiting approval", "scheduled")
_ALL = 1_000_000


class Begun(Protocol):
    """A run, as far as requests care."""

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> str: ...


class Planned(Protocol):
    """A plan, as far as requests care."""

    @property
    def title(self) -> str: ...
    @property
    def request(self) -> Mapping[str, Any]: ...
    @property
    def grounds(self) -> Grounds: ...
    @property
    def seats(self) -> Collection[Seat]: ...
    @property
    def is_empty(self) -> bool: ...
    def apply(
        self, listener: Listener | None = None, *, request_id: int | None = None, stop: threading.Event | None = None
    ) -> Begun: ...


class SiteOfRequests(Protocol):
    """A site, as far as requests care."""

    @property
    def inventory(self) -> Inventory: ...
    @property
    def ledger(self) -> Ledger: ...
    def plan(self, request: Request | None = None) -> Planned: ...
    def carry_out(
        self, request_id: int, listener: Listener | None = None, *, stop: threading.Event | None = None
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
        return self.ledger.ask(
            request.title,
            request.to_plain(),
            start=start,
            needs=tuple(plan.grounds),
            grounds=plan.grounds,
            unless=OPEN,
            log=[Entry(note)] if note else (),
        )

    def requests(
        self: SiteOfRequests, limit: int = 50, *, states: Collection[RequestState] = ()
    ) -> list[RequestRecord]:
        """The latest requests, newest first; only those in `states`, where these are given."""
        return self.ledger.requests(limit, states=states)

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
        why = f"{acting_user()}: {reason}" if reason else acting_user()
        return self.ledger.move(request_id, "cancelled", reason=why)

    def carry_out(
        self: SiteOfRequests, request_id: int, listener: Listener | None = None, *, stop: threading.Event | None = None
    ) -> Fulfilment:
        """Plan a request anew and carry it out. If its plan needs approval for something that was not approved, it goes
        back to ``awaiting approval`` and nothing is changed.

        Raises :class:`~provisioning.errors.RequestError` for a request that is not due (or that somebody else took
        first), and what planning raises; the request keeps its state then.
        """
        record = self.ledger.request(request_id)
        _refuse_early(record, self.inventory)
        plan = self.plan(from_plain(record.request))
        if not covers(record, plan.grounds):
            news = [s for role, why in plan.grounds.items() for s in why if s not in record.grounds.get(role, ())]
            reason = f"the plan changed since it was approved: {'; '.join(news)}"
            log = [Entry(f"Sent back for approval: {reason}.", request_id)]
            again = self.ledger.ask_again(request_id, tuple(plan.grounds), plan.grounds, reason=reason, log=log)
            return Fulfilment(again, problem=reason)
        run = plan.apply(listener, request_id=request_id, stop=stop)
        return Fulfilment(self.ledger.request(request_id), run.id, interrupted=run.state == "interrupted")

    def due(
        self: SiteOfRequests, listener: Listener | None = None, *, stop: threading.Event | None = None
    ) -> Iterator[Fulfilment]:
        """Carry out every scheduled request whose time has come, one after the other; none stops the others.

        A request that cannot be planned now stays scheduled, so the next call tries it again.
        """
        for record in self.ledger.due():
            if stop is not None and stop.is_set():
                return
            try:
                fulfilment = self.carry_out(record.id, listener, stop=stop)
                yield fulfilment
                if fulfilment.interrupted:
                    return
            except LedgerError:
                raise
            except ProvisioningError as exc:
                fresh = self.ledger.request(record.id)
                if fresh.state == "scheduled":
                    key = f"request:{record.id}:cannot:{sha256(str(exc).encode()).hexdigest()[:16]}"
                    self.ledger.log(Entry(f"Could not begin: {exc}.", record.id, key=key))
                    yield Fulfilment(fresh, problem=str(exc))
                # Otherwise somebody else took it in the meantime.


def clearance(ledger: Ledger, plan: Planned, request_id: int | None) -> int | None:
    """The request that permits `plan` to be carried out; ``None`` when it needs none.

    Raises :class:`RequestError` when something in it needs approval that was not given.
    """
    if request_id is not None:
        record = ledger.request(request_id)
        if record.request != plan.request:
            raise RequestError(f"request {request_id} ({record.title}) does not ask for this plan ({plan.title})")
        if not covers(record, plan.grounds):
            raise RequestError(f"request {request_id} is not approved for all that this plan does; plan it again")
        return request_id
    if not plan.grounds:
        return None
    for record in ledger.requests(_ALL, states={"scheduled", "partial"}):
        if record.request == plan.request and record.start <= now() and covers(record, plan.grounds):
            return record.id
    wanted = "; ".join(f"{role}: {', '.join(why)}" for role, why in plan.grounds.items())
    raise RequestError(f"this needs approval ({wanted}); ask for it with `provision onboard …`. Nothing was changed")


def permit_more(ledger: Ledger, run: RunRecord, more: Grounds) -> None:
    """Raises :class:`RequestError` when a run that goes on would do what nobody approved (the site changed since)."""
    if not more or (run.request_id is not None and covers(ledger.request(run.request_id), more)):
        return
    wanted = "; ".join(f"{role}: {', '.join(why)}" for role, why in more.items())
    raise RequestError(f"run {run.id} would now do what was not approved ({wanted}); ask for it with a new request")


def covers(record: RequestRecord, grounds: Grounds) -> bool:
    """Whether everything in `grounds` was put to its role in this request, and approved."""
    return all(
        role in record.needs and role not in record.missing and set(why) <= set(record.grounds.get(role, ()))
        for role, why in grounds.items()
    )


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
    record = site.ledger.request(request_id)
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
    return record
