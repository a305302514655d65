"""The embedded engine: the errands of one process, straight from the ledger. Needs no PostgreSQL and no queue.

Several such processes may share one SQLite ledger on one machine: the locks of runs and targets keep them apart.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.engine.errands import Carrier, Errand, Happening, PutOffError, Watcher, due, failed, wait_after
from provisioning.errors import ProvisioningError
from provisioning.site.workers import Workers

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_log = logging.getLogger(__name__)


@dataclass
class Alone:
    """One process that does everything itself (an :class:`~provisioning.engine.errands.Engine`)."""

    ledger: Ledger
    carrier: Carrier
    watcher: Watcher
    settings: Workers
    _under_way: dict[Future[str | None], Errand] = field(default_factory=dict, init=False)
    _not_before: dict[Errand, float] = field(default_factory=dict, init=False)
    _failures: dict[Errand, int] = field(default_factory=dict, init=False)

    def work(self, stop: threading.Event, *, once: bool = False) -> None:
        threads = ThreadPoolExecutor(self.settings.concurrency, "errand")
        seen: set[Errand] = set()
        try:
            while not stop.is_set():
                new = self._ready(seen if once else set())
                for errand in new[: self.settings.concurrency - len(self._under_way)]:
                    seen.add(errand)
                    self.watcher(Happening(errand, "begun"))
                    self._under_way[threads.submit(self.carrier, errand, stop)] = errand
                if once and not self._under_way:
                    return
                self._rest(stop)
        finally:
            while self._under_way:
                self._collect(None)
            threads.shutdown(wait=False)

    def _ready(self, seen: set[Errand]) -> list[Errand]:
        """What is due, not under way, not put off and not `seen`. A ledger that is away for a while is asked again
        later."""
        if len(self._under_way) >= self.settings.concurrency:
            return []
        clock = time.monotonic()
        self._not_before = {errand: at for errand, at in self._not_before.items() if at > clock}
        known = seen.union(self._under_way.values(), self._not_before)
        try:
            found = due(self.ledger, every=self.settings.schedule, limit=self.settings.concurrency + len(known))
        except ProvisioningError as exc:
            _log.warning("the ledger cannot be read: %s", exc)
            return []
        return [errand for errand in dict.fromkeys(found) if errand not in known]

    def _rest(self, stop: threading.Event) -> None:
        """Until something ends, but no longer than the site says."""
        if self._under_way:
            self._collect(min(self.settings.look, self.settings.poll))
        else:
            soonest = min(self._not_before.values(), default=float("inf")) - time.monotonic()
            stop.wait(max(0.01, min(self.settings.look, soonest)))

    def _collect(self, seconds: float | None) -> None:
        done, _ = wait(self._under_way, seconds, FIRST_COMPLETED)
        for future in done:
            errand = self._under_way.pop(future)
            exc = future.exception()
            if exc is None:
                self._failures.pop(errand, None)
                self.watcher(Happening(errand, "finished", future.result() or ""))
            elif isinstance(exc, PutOffError):
                self._not_before[errand] = time.monotonic() + exc.seconds
                self.watcher(Happening(errand, "put off", str(exc)))
            else:
                self._failed(errand, exc)

    def _failed(self, errand: Errand, exc: BaseException) -> None:
        self._failures[errand] = self._failures.get(errand, 0) + 1
        seconds = wait_after(self._failures[errand])
        self._not_before[errand] = time.monotonic() + seconds
        self.watcher(failed(errand, exc, seconds))
