"""What became of the changes of one execution: in the ledger first, then told to whoever listens. Threads may share
it: each settles its own changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.engine.events import ChangeSettled, Listener
from provisioning.engine.verdicts import Result
from provisioning.ledger import ChangeRecord
from provisioning.resources.base import Address, Change, State

if TYPE_CHECKING:
    from provisioning.ledger import Ledger


class Journal:
    """`results` hold how changes ended; `attempted` are those that were begun, by us or by whoever had the run before
    us."""

    def __init__(self, records: Sequence[ChangeRecord], ledger: Ledger, listener: Listener) -> None:
        self.records = {record.change.address: record for record in records}
        self.results: dict[Address, Result] = {}
        self.attempted = {address for address, record in self.records.items() if record.attempted}
        self._tried_now: set[Address] = set()
        self._ledger, self._listener = ledger, listener

    def open(self, changes: Sequence[Change[State]]) -> list[Change[State]]:
        """Those of `changes` that did not come to their end."""
        return [change for change in changes if change.address not in self.results]

    def attempt(self, changes: Sequence[Change[State]]) -> None:
        """Write down that these are begun, before anything is sent."""
        self._ledger.attempt([self.records[change.address].id for change in changes])
        self.attempted |= {change.address for change in changes}
        self._tried_now |= {change.address for change in changes}

    def settle(self, results: Sequence[Result]) -> None:
        """Write down how changes ended, and tell."""
        if not results:
            return
        said = {
            self.records[r.change.address].id: (r.state, str(r.error) if r.error else None)
            for r in results
            if not self._is_written(r)
        }
        if said:
            self._ledger.settle(said)
        for result in results:
            address = result.change.address
            self.results[address] = result
            already = result.state == "verified" and address not in self.attempted
            self._listener(ChangeSettled(result.change, result.state, result.error, already))

    def _is_written(self, result: Result) -> bool:
        """Whether the ledger says so already: a change that still waits is not written again at every try."""
        address = result.change.address
        still = result.state in {"deferred", "abandoned", "blocked"} and address not in self._tried_now
        return still and self.records[address].state == result.state
