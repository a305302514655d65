"""Which changes can begin: each as soon as all that it requires came to its end, whatever else is still under way.

A target is worked on by one thread at a time; what became ready meanwhile is its next batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from provisioning.resources.base import Address, Change, State


class Order:
    """Changes that are to be carried out, given in an order in which each comes after what it requires. Requirements
    outside of them are taken as met. For one thread."""

    def __init__(self, changes: Sequence[Change[State]]) -> None:
        self._place = {change.address: place for place, change in enumerate(changes)}
        self._followers: dict[Address, list[Change[State]]] = defaultdict(list)
        self._unmet: dict[Address, int] = {}
        self._ready: dict[str, list[Change[State]]] = defaultdict(list)
        self._busy: set[str] = set()
        self.targets = frozenset(change.target for change in changes)
        for change in changes:
            required = [address for address in change.requires if address in self._place]
            for address in required:
                self._followers[address].append(change)
            if required:
                self._unmet[change.address] = len(required)
            else:
                self._ready[change.target].append(change)

    def take(self) -> Iterator[tuple[str, list[Change[State]]]]:
        """What can begin now, by target. These targets are busy until :meth:`idle`."""
        for target in [target for target in self._ready if target not in self._busy]:
            self._busy.add(target)
            yield target, sorted(self._ready.pop(target), key=lambda change: self._place[change.address])

    def ended(self, changes: Iterable[Change[State]]) -> None:
        """These came to their end, a good one or not: what requires nothing else can begin."""
        for change in changes:
            for follower in self._followers.pop(change.address, ()):
                self._unmet[follower.address] -= 1
                if not self._unmet[follower.address]:
                    del self._unmet[follower.address]
                    self._ready[follower.target].append(follower)

    def idle(self, target: str) -> None:
        """Nobody works on the target any more."""
        self._busy.discard(target)
