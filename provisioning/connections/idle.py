"""Sessions that were used a moment ago and will be used again: a worker signs in to the directory once, not four times
a request.

Only sessions of servers are kept, which take many at once; a device is left as soon as nobody is at work on it.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from provisioning.site import Inventory

_LONGEST = 60.0
"""Seconds that a session waits here: AD itself ends one after 900 (MaxConnIdleTime, MS-ADTS 3.1.1.3.4.6)."""


@runtime_checkable
class Lasting(Protocol):
    """A session that may be used again by whoever comes next."""

    inventory: Inventory

    def is_there(self) -> bool:
        """Whether the other side has not ended it, as far as one can know without asking."""

    def close(self) -> None: ...


@dataclass
class IdleSessions:
    """Idle sessions of servers, at most `most` of each: never more than were in use at once. May be shared by threads;
    closed with the last reference to it."""

    most: int = 64
    _idle: dict[str, list[tuple[float, Lasting]]] = field(default_factory=lambda: defaultdict(list), init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        weakref.finalize(self, _close, self._idle)

    def take(self, target: str, inventory: Inventory) -> Any | None:
        """A session that was opened for this very `inventory`, if there is one."""
        while True:
            with self._guard:
                if not self._idle[target]:
                    return None
                since, session = self._idle[target].pop()
            if time.monotonic() - since < _LONGEST and session.inventory is inventory and session.is_there():
                return session
            session.close()

    def put(self, target: str, session: Any) -> bool:
        """Keep a session; whether that is done (else it is the caller's to close)."""
        if ":" in target or not isinstance(session, Lasting):
            return False
        with self._guard:
            if len(self._idle[target]) >= self.most:
                return False
            self._idle[target].append((time.monotonic(), session))
        return True


def _close(idle: dict[str, list[tuple[float, Lasting]]]) -> None:
    for some in idle.values():
        for _, session in some:
            session.close()
