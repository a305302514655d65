"""Reading devices while the directory is still being asked who the people are: what a request asks of a PC or a switch
does not depend on that, and both take a while to answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from provisioning.engine import planner
from provisioning.engine.planner import Reading, TargetSessions
from provisioning.procedures.base import Foretelling, Request
from provisioning.resources.base import Address, Resource
from provisioning.site import Inventory


@dataclass(frozen=True)
class Ahead:
    """What is being read already: the addresses, by target."""

    sessions: TargetSessions
    asked: dict[str, set[Address]]
    reading: Future[Reading] | None

    def read(self, resources: Sequence[Resource]) -> Reading:
        """As :func:`planner.read`. A target of which something else was read ahead than is asked now is read again."""
        wanted = _addresses(resources)
        done = {target for target, addresses in self.asked.items() if target in wanted and wanted[target] <= addresses}
        rest = planner.read([one for one in resources if one.target not in done], self.sessions)
        if self.reading is None:
            return rest
        ahead = self.reading.result()
        found = {address: ahead.found[address] for target in done for address in wanted[target] & ahead.found.keys()}
        unread = {target: error for target, error in ahead.unread.items() if target in done}
        return Reading({**found, **rest.found}, dict(sorted({**unread, **rest.unread}.items())))


@contextmanager
def reading_ahead(request: Request, site: Inventory, sessions: TargetSessions) -> Iterator[Ahead]:
    """Begin to read what `request` foretells; within the block the rest can be found out."""
    resources = request.foretold(site) if isinstance(request, Foretelling) else ()
    if not resources:
        yield Ahead(sessions, {}, None)
        return
    worker = ThreadPoolExecutor(1, "ahead")
    try:
        yield Ahead(sessions, _addresses(resources), worker.submit(planner.read, resources, sessions))
    finally:
        worker.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead target may take its whole timeout


def _addresses(resources: Sequence[Resource]) -> dict[str, set[Address]]:
    found: dict[str, set[Address]] = defaultdict(set)
    for resource in resources:
        found[resource.target].add(resource.address)
    return found
