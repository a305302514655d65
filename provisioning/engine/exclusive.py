"""Sessions that are open only while their target's lock is held: for reads and proofs, as the executor does for
batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from provisioning.engine.events import Listener, LockAwaited
from provisioning.engine.locks import HeldError, Locks
from provisioning.engine.planner import TargetSessions
from provisioning.errors import UnreachableError


@dataclass(frozen=True)
class Exclusive:
    """`sessions`, of which a device (``switch:…``, ``windows:…``) gets one at a time from all machines together;
    servers (``directory``, ``mail``) take many. Not to be nested, and not to be used while the target's lock is held
    already. `listener` is told whom a device is waited for."""

    sessions: TargetSessions
    locks: Locks
    patience: timedelta
    stop: threading.Event | None = None
    listener: Listener = lambda _: None

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        """Raises :class:`UnreachableError` when somebody else keeps the target for longer than `patience`."""
        if ":" not in target:
            with self.sessions.session(target) as session:
                yield session
            return
        seconds = self.patience.total_seconds()

        def say(holder: str) -> None:
            self.listener(LockAwaited(target, holder))

        try:
            with self.locks.hold(target, seconds=seconds, on_wait=say, stop=self.stop):
                try:
                    with self.sessions.session(target) as session:
                        yield session
                finally:
                    self.sessions.drop(target)
        except HeldError as exc:
            raise UnreachableError(target, f"{exc.holder} is still at work on it after {seconds:g} s") from exc

    def drop(self, target: str) -> None:
        """Close the session of a server; of devices none stays open between two uses."""
        if ":" not in target:
            self.sessions.drop(target)
