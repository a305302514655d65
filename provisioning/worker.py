"""A site's worker: what an errand means for a site, and the engine that fits the site's ledger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from provisioning.api import Site
from provisioning.engine.alone import Alone
from provisioning.engine.errands import Engine, Errand, OwnStop, PutOffError, Watcher
from provisioning.engine.exclusive import Exclusive
from provisioning.engine.locks import locks_of
from provisioning.engine.outbox import deliver
from provisioning.engine.planner import TargetSessions
from provisioning.engine.run import alone
from provisioning.errors import InUseError, LedgerError, RequestError
from provisioning.site.workers import Workers

__all__ = ["Errands", "engine_of"]

_BUSY_SECONDS = 2.0
_STOPPED = "its worker was stopped; the next one goes on"


def engine_of(site: Site, watcher: Watcher, settings: Workers | None = None) -> Engine:
    """The engine for a site: many machines on PostgreSQL, else this process alone.

    Raises :class:`RequestError` when the ledger is on PostgreSQL and procrastinate is not installed.
    """
    settings = settings or site.inventory.workers
    site = WorkersSite(site.inventory)
    if not site.ledger.is_server:
        return Alone(site.ledger, Errands(site), watcher, settings)
    try:
        from provisioning.engine.workers import Queue  # noqa: PLC0415  (an extra; takes 0.3 s)
    except ModuleNotFoundError as exc:
        raise RequestError(
            f"workers on PostgreSQL need {exc.name}, which is not installed; "
            "`pip install 'provisioning[postgres]'` brings it"
        ) from exc
    return Queue(site.ledger, Errands(site), watcher, settings)


@dataclass(frozen=True)
class WorkersSite(Site):
    """A site as workers see it: whoever reads a device waits until nobody else is at work on it."""

    @contextmanager
    def reading(self) -> Iterator[TargetSessions]:
        with self.connect() as pool, closing(locks_of(self.ledger, "a plan")) as locks:
            yield Exclusive(pool, locks, self.inventory.runs.lock_wait)


@dataclass(frozen=True)
class Errands:
    """Runs errands for one site (a :data:`~provisioning.engine.errands.Carrier`)."""

    site: Site

    def __call__(self, errand: Errand, stop: threading.Event) -> None:
        stop = OwnStop(stop)
        try:
            match errand.what:
                case "request":
                    self._request(errand.number, stop)
                case "run":
                    self._run(errand.number, stop)
                case "outbox":
                    deliver(self.site.ledger, self.site.inventory, self.site.secrets)
        except InUseError as exc:
            raise PutOffError(_BUSY_SECONDS, str(exc)) from exc

    def _request(self, number: int, stop: threading.Event) -> None:
        request = self.site.ledger.request(number)
        if request.state == "running":  # its worker died, or it waits: its runs know how far it is
            for run_id in request.runs:
                if self.site.ledger.run(run_id).state == "running":
                    self._run(run_id, stop)
        elif request.state == "scheduled":
            try:
                self._carried(number, self.site.carry_out(number, stop=stop).run, stop)
            except LedgerError:
                self._left_open(number, None)
                raise
            except RequestError:
                if self.site.ledger.request(number).state == "scheduled":
                    raise
                # Otherwise somebody else was faster, or it was cancelled.

    def _run(self, number: int, stop: threading.Event) -> None:
        try:
            self.site.resume(number, stop=stop)
        except LedgerError:
            self._left_open(None, number)
            raise
        self._carried(None, number, stop)

    def _carried(self, request: int | None, run: int | None, stop: threading.Event) -> None:
        if stop.is_set() and self._left_open(request, run):
            raise PutOffError(0.0, _STOPPED)

    def _left_open(self, request: int | None, run: int | None) -> bool:
        """Let an interrupted run go on, and say whether it was one: a person who interrupts a run wants it to rest,
        what interrupts a worker does not."""
        ledger = self.site.ledger
        try:
            if run is None and request is not None:
                run = max(ledger.request(request).runs, default=None)
            if run is None:
                return False
            with alone(ledger, run):
                if ledger.run(run).state != "interrupted":
                    return False
                ledger.end(run, "running", error=_STOPPED)
                return True
        except (InUseError, LedgerError):  # somebody else has it, or it will be found: its owner is gone
            return False
