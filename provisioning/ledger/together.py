"""Writes of several threads in one transaction: a disk's sync takes as long for one change as for a hundred."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from provisioning.errors import LedgerError

T = TypeVar("T")


class _Waiting(Generic[T]):
    """One thread's wish."""

    def __init__(self, wish: T) -> None:
        self.wish = wish
        self.written = False
        self.error: LedgerError | None = None


class Together(Generic[T]):
    """Whoever comes while somebody else writes waits; the next of those that wait then writes for all of them.

    `write` writes several wishes in one transaction, or raises and writes nothing.
    """

    def __init__(self, write: Callable[[Sequence[T]], None]) -> None:
        self._write = write
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Waiting[T]] = []

    def do(self, wish: T) -> None:
        """Returns when `wish` is committed, not before. Raises :class:`LedgerError` when it was not written, for a
        reason of its own: another one's never prevents it."""
        mine = _Waiting(wish)
        with self._guard:
            self._waiting.append(mine)
        with self._turn:
            if not mine.written and mine.error is None:
                self._write_all(mine)
        if mine.error is not None:
            raise mine.error

    def _write_all(self, mine: _Waiting[T]) -> None:
        with self._guard:
            batch, self._waiting = self._waiting, []
        try:
            if not self._written(batch) and len(batch) > 1:
                for one in batch:
                    self._written([one])
        except BaseException:  # Ctrl-C here: the others are still to be written, by the next of them
            with self._guard:
                rest = [one for one in batch if one is not mine and not one.written and one.error is None]
                self._waiting = [*rest, *self._waiting]
            raise

    def _written(self, batch: Sequence[_Waiting[T]]) -> bool:
        try:
            self._write([one.wish for one in batch])
        except LedgerError as exc:
            if len(batch) == 1:
                batch[0].error = exc
            return False
        for one in batch:
            one.written = True
        return True
