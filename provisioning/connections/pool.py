"""One open session per target, opened on first use, locked while it is in use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from provisioning.connections.idle import IdleSessions
from provisioning.secrets import Secrets
from provisioning.site import Inventory


class Session(Protocol):
    """What the pool needs of a session; kinds know the rest of their own system's session."""

    def close(self) -> None: ...


Opener = Callable[[str, Inventory, Secrets], Session]
"""``open_session(target, inventory, secrets)``: one a system, in ``connections/<system>.py``."""


@dataclass
class _Slot:
    lock: threading.RLock = field(default_factory=threading.RLock)
    session: Session | None = None
    kept: bool = False


class Pool:
    """The sessions of one run. A target is ``system`` or ``system:name``; `openers` is keyed by system. So many targets
    as `keeps` says are left open when they are dropped, to be used again. What `idle` keeps is taken from there, and
    left there for others instead of being closed.

    Use as a context manager: leaving it closes everything.
    """

    def __init__(
        self,
        inventory: Inventory,
        secrets: Secrets,
        openers: Mapping[str, Opener],
        keeps: int = 0,
        idle: IdleSessions | None = None,
    ) -> None:
        self._inventory = inventory
        self._secrets = secrets
        self._openers = openers
        self._keeps = keeps
        self._idle = idle
        self._slots: dict[str, _Slot] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After a second Ctrl-C a worker may still hang in its session: nobody waits for it.
        self.close(wait=kind is not KeyboardInterrupt)

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        """The session of `target`, for this thread alone while the block runs.

        A session that an :class:`~provisioning.errors.UnreachableError` left is dropped, so the next use opens a new
        one.
        """
        with self._guard:
            if (slot := self._slots.get(target)) is None:
                slot = self._slots[target] = _Slot(kept=len(self._slots) < self._keeps)
        with slot.lock:
            if slot.session is None:
                slot.session = self._open(target)
            try:
                yield slot.session
            except Exception:
                slot.session.close()
                slot.session = None
                raise

    def drop(self, target: str) -> None:
        """Close the session of `target`, if there is one and nobody is using it; the next use opens a new one."""
        with self._guard:
            slot = self._slots.get(target)
        if slot is None or slot.kept or not slot.lock.acquire(blocking=False):
            return
        try:
            self._leave(target, slot)
        finally:
            slot.lock.release()

    def close(self, *, wait: bool = True) -> None:
        """Close every session; without `wait`, only those that nobody is using."""
        with self._guard:
            slots, self._slots = self._slots, {}
        for target, slot in slots.items():
            if not slot.lock.acquire(blocking=wait):
                continue
            try:
                self._leave(target, slot)
            finally:
                slot.lock.release()

    def _open(self, target: str) -> Session:
        if self._idle is not None and (waiting := self._idle.take(target, self._inventory)) is not None:
            session: Session = waiting
            return session
        return self._openers[target.partition(":")[0]](target, self._inventory, self._secrets)

    def _leave(self, target: str, slot: _Slot) -> None:
        session, slot.session = slot.session, None
        if session is not None and not (self._idle is not None and self._idle.put(target, session)):
            session.close()
