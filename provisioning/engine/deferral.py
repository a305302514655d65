"""Targets that are off: who waits for what, until when.

A target that does not answer is no failure. Its changes are ``deferred``, the run is ``waiting``, and the target is
tried again, at growing intervals, until the deadline that the site sets.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioning.ledger import OpenTarget, RunRecord, moment
from provisioning.ledger.records import OpenReason
from provisioning.site.runs import Runs

if TYPE_CHECKING:
    from provisioning.ledger import Ledger


@dataclass
class Deferrals:
    """The open targets of one run, while it is carried out. `now`: try also those that are not due yet.

    `given_up` tells of which targets nobody expects anything any more, and why.
    """

    ledger: Ledger
    run: RunRecord
    settings: Runs
    now: bool = False
    given_up: dict[str, str] = field(default_factory=dict, init=False)
    _open: dict[str, OpenTarget] = field(default_factory=dict, init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._open = {target.target: target for target in self.run.targets}
        self._tried: set[str] = set()

    def due(self, why: OpenReason) -> list[str]:
        """The open targets to be tried now."""
        return [name for name, target in self._open.items() if target.why == why and self._is_due(target)]

    def resting(self, target: str) -> OpenTarget | None:
        """The open target that is not due yet (or was tried in vain a moment ago), if this is one."""
        found = self._open.get(target)
        return None if found is None or (self._is_due(found) and target not in self._tried) else found

    def is_unread(self, target: str) -> bool:
        """Whether nobody knows yet what there is to do on a target."""
        found = self._open.get(target)
        return found is not None and found.why == "unread"

    def put_off(self, target: str, reason: str, why: OpenReason = "deferred") -> None:
        """Leave a target alone for a while; after its deadline it is given up instead (see `given_up`)."""
        at = datetime.now(UTC)
        with self._guard:
            old = self._open.get(target)
            deadline = at + self.settings.deadline if old is None or old.deadline is None else _time(old.deadline)
            if at >= deadline:
                since = "" if old is None else f" since {old.since[:16].replace('T', ' ')} UTC"
                self.give_up(target, f"{reason}; the run waited for it{since}, its deadline is over")
                return
            next_try = min(at + self.settings.wait_after(1 if old is None else old.attempts + 1), deadline)
            self._open[target] = self.ledger.defer(
                self.run.id, target, reason, next_try=next_try, deadline=deadline, why=why
            )
            self._tried.add(target)

    def give_up(self, target: str, reason: str) -> None:
        """Expect nothing of this target any more. One that was never read has no change to remember that by: it stays
        open, so that the run does not end as if all were done, whoever carries it on or tries it again."""
        self.given_up[target] = reason
        if self.is_unread(target):
            del self._open[target]
            later = datetime.now(UTC) + self.settings.longest_wait
            self.ledger.defer(self.run.id, target, reason, next_try=later, why="unread")
        else:
            self.close([target])

    def expire(self) -> None:
        """Give up what could not be read by its deadline."""
        over = moment(datetime.now(UTC))
        for name, target in list(self._open.items()):
            if target.why == "unread" and target.deadline is not None and target.deadline <= over:
                self.give_up(name, target.reason)

    def close(self, targets: Collection[str]) -> None:
        """Nothing is open on these targets any more."""
        known = [name for name in targets if self._open.pop(name, None) is not None]
        if known:
            self.ledger.close_targets(self.run.id, known)

    def settle(self, waiting: Collection[str]) -> bool:
        """At the end: close what has nothing left to do. Whether the run has to wait; `waiting` are the targets with
        deferred changes."""
        self.close([name for name, target in self._open.items() if target.why == "deferred" and name not in waiting])
        return bool(self._open)

    def _is_due(self, target: OpenTarget) -> bool:
        """One that was given up and is open all the same (see :meth:`give_up`) is tried whenever somebody goes on."""
        at = moment(datetime.now(UTC))
        return self.now or target.next_try <= at or (target.deadline is not None and target.deadline <= at)


def _time(written: str) -> datetime:
    return datetime.fromisoformat(written)
