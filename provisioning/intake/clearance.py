"""What may be carried out: whether a request covers all that a plan needs approval for."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from provisioning.engine.events import Listener
from provisioning.errors import RequestError
from provisioning.ledger import RequestRecord, RunRecord, now

if TYPE_CHECKING:
    from provisioning.ledger import Ledger
    from provisioning.procedures.approvals import Grounds
    from provisioning.procedures.licences import Seat

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
    def changes(self) -> Collection[Any]: ...
    @property
    def proofs(self) -> Collection[Any]: ...
    @property
    def is_empty(self) -> bool: ...
    def apply(
        self, listener: Listener | None = None, *, request_id: int | None = None, stop: threading.Event | None = None
    ) -> Begun: ...


def clearance(ledger: Ledger, plan: Planned, request_id: int | None) -> int | None:
    """The request that permits `plan` to be carried out; ``None`` when it needs none.

    Raises :class:`RequestError` when something in it needs approval that was not given.
    """
    if request_id is not None:
        record = ledger.request(request_id)
        if record.request != whole(plan.request):
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
    raise RequestError(
        f"this needs approval ({wanted}); ask for it (`site.request(…)`, or the verb of `provision`), and once it is "
        "approved it is carried out. Nothing was changed"
    )


def whole(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was asked for, where `request` is one wave of it."""
    return {name: value for name, value in request.items() if name != "wave"}


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
