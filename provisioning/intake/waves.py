"""A request that is carried out in waves, each a run of its own; the next one only as long as few PCs failed.

The ledger knows how far it got, so after a kill, Ctrl-C or a stop the same request goes on where it was, and nothing is
done twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from provisioning.engine.events import Listener
from provisioning.engine.locks import HeldError, locks_of
from provisioning.errors import InUseError, RequestError
from provisioning.intake.clearance import Begun, Planned, covers
from provisioning.ledger import Entry, RequestRecord, RequestState
from provisioning.ledger.records import is_in_waves
from provisioning.procedures.base import Request
from provisioning.procedures.install import Install
from provisioning.procedures.registry import from_plain
from provisioning.procedures.waves import Wave, wave_of, why_stop

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

Watch = Callable[[Wave, int, int], AbstractContextManager[Listener | None]]
"""``watch(wave, changes, proofs)``: who listens while a wave is carried out, and how much there is to come."""

UNFINISHED: Collection[RequestState] = ("scheduled", "running", "partial")
"""States in which such a request can be gone on with."""

_ALL = 1_000_000


class SiteOfWaves(Protocol):
    """A site, as far as waves care."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def has_ledger(self) -> bool: ...
    def requested(self, request_id: int) -> RequestRecord: ...
    def plan(self, request: Request | None = None) -> Planned: ...
    def resume(
        self, run_id: int, listener: Listener | None = None, *, now: bool = False, stop: threading.Event | None = None
    ) -> Begun: ...


@dataclass(frozen=True)
class RolledOut:
    """How far a request in waves got. `stopped` says why no further wave was begun; `interrupted`: by Ctrl-C."""

    request: RequestRecord
    waves: tuple[Wave, ...]
    stopped: str | None = None
    interrupted: bool = False

    @property
    def is_good(self) -> bool:
        """Whether every wave is done and proven."""
        return all(wave.is_good for wave in self.waves)


def standing(ledger: Ledger, record: RequestRecord) -> tuple[Wave, ...]:
    """How each wave of a request stands. Raises :class:`RequestError` for one that has none."""
    request = _install(record)
    newest = {int(run.request.get("wave", 0)): run for run in map(ledger.run, record.runs)}
    return tuple(wave_of(number, pcs, newest.get(number)) for number, pcs in enumerate(request.waves, 1))


def asked_before(site: SiteOfWaves, request: Install) -> RequestRecord | None:
    """The request for just the same that was not brought to its end, if there is one."""
    if not site.has_ledger:
        return None
    return site.ledger.same_request(request.title, request.to_plain(), UNFINISHED)


def unfinished(site: SiteOfWaves) -> list[RequestRecord]:
    """Requests of which a wave has not begun though nothing stopped it: whoever was at it was killed or interrupted.
    Oldest first."""
    if not site.has_ledger:
        return []
    records = site.ledger.requests(_ALL, states=("running", "partial"))
    return [one for one in reversed(records) if goes_on(site.ledger, one)]


def roll_out(
    site: SiteOfWaves,
    request_id: int,
    *,
    again: bool = True,
    listener: Listener | None = None,
    watch: Watch | None = None,
    told: Callable[[Wave], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> RolledOut:
    """Carry on a request in waves as far as it goes today. With `again`, waves that are not done are gone on with first
    (what failed and what waits is tried again); then the next wave, as long as :func:`why_stop` has nothing against it.

    `told` gets every wave that was carried out. Raises :class:`~provisioning.errors.InUseError` when somebody is at it,
    and what planning raises; waves that were done stay done.
    """
    watching = watch or (lambda _wave, _changes, _proofs: nullcontext(listener))
    with _alone(site.ledger, request_id):
        work = _RollOut(site, request_id, watching, told, stop)
        try:
            if again and not work.go_on_with_begun():
                return work.result(interrupted=True)
            return work.begin_others()
        except _NeedsApprovalError as exc:
            return work.result(str(exc))


class _NeedsApprovalError(Exception):
    pass


@dataclass(frozen=True)
class _RollOut:
    site: SiteOfWaves
    request_id: int
    watch: Watch
    told: Callable[[Wave], None]
    stop: threading.Event | None

    @property
    def waves(self) -> tuple[Wave, ...]:
        return standing(self.site.ledger, self.site.requested(self.request_id))

    def result(self, stopped: str | None = None, *, interrupted: bool = False) -> RolledOut:
        return RolledOut(self.site.requested(self.request_id), self.waves, stopped, interrupted)

    def go_on_with_begun(self) -> bool:
        """Whether nobody interrupted it."""
        for wave in self.waves:
            if wave.run is None or not wave.can_go_on:
                continue
            record = self.site.ledger.run(wave.run)
            left = sum(one.state != "verified" for one in record.changes)
            with self.watch(wave, left, len(record.to_prove)) as listener:
                run = self.site.resume(wave.run, listener, now=True, stop=self.stop)
            self.told(self.waves[wave.number - 1])
            if run.state == "interrupted":
                return False
        return True

    def begin_others(self) -> RolledOut:
        while True:
            waves = self.waves
            coming = next((wave for wave in waves if wave.run is None), None)
            if coming is None:
                return self.result()
            limit = _install(self.site.requested(self.request_id)).stop_at
            if (why := why_stop(waves, limit)) is not None:
                self._log(coming, why)
                return self.result(why)
            if self.stop is not None and self.stop.is_set():
                return self.result(interrupted=True)
            run = self._begin(coming)
            self.told(self.waves[coming.number - 1])
            if run.state == "interrupted":
                return self.result(interrupted=True)

    def _begin(self, wave: Wave) -> Begun:
        record = self.site.requested(self.request_id)
        plan = self.site.plan(_install(record).of_wave(wave.number))
        if not covers(record, plan.grounds):
            news = "; ".join(f"{role}: {', '.join(why)}" for role, why in plan.grounds.items())
            raise _NeedsApprovalError(f"it would now do what was not approved ({news}); ask for it with a new request")
        with self.watch(wave, len(plan.changes), len(plan.proofs)) as listener:
            return plan.apply(listener, request_id=self.request_id, stop=self.stop)

    def _log(self, coming: Wave, why: str) -> None:
        key = f"request:{self.request_id}:stopped:{coming.number}:{sha256(why.encode()).hexdigest()[:16]}"
        self.site.ledger.log(Entry(f"Stopped before wave {coming.number}: {why}.", self.request_id, key=key))


def goes_on(ledger: Ledger, record: RequestRecord) -> bool:
    """Whether a wave of a request has not begun though nothing stopped it, and none was taken back."""
    if not is_in_waves(record.request) or not record.runs:
        return False
    waves = standing(ledger, record)
    taken_back = any(ledger.run(number).state == "undone" for number in record.runs)
    return any(wave.run is None for wave in waves) and not taken_back and not why_stop(waves, _install(record).stop_at)


def _install(record: RequestRecord) -> Install:
    request = from_plain(record.request)
    if not isinstance(request, Install):
        raise RequestError(f"request {record.id} ({record.title}) has no waves")
    return request


@contextmanager
def _alone(ledger: Ledger, request_id: int) -> Iterator[None]:
    with closing(locks_of(ledger, f"request {request_id}")) as locks:
        try:
            with locks.hold(f"request {request_id}", seconds=1.0 if ledger.is_server else 0.0):
                yield
        except HeldError as exc:
            raise InUseError(f"request {request_id} is in the hands of {exc.holder}; wait until it has ended") from exc
