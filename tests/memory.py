"""A system in memory: the smallest kind there can be, to test the engine without servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from provisioning.errors import ProvisioningError, UnreachableError
from provisioning.resources.base import Address, Change, Outcome, Proof, ProofResult, Resource, Sessions, State


class Thing(State):
    """Something with a colour, a size and labels."""

    colour: str | None = None
    size: int | None = None
    labels: dict[str, str | None] | None = None


@dataclass
class MemorySystem:
    """One target: its things, what it was asked to do, and the faults it shows."""

    things: dict[str, Thing] = field(default_factory=dict)
    applied: list[Change[Thing]] = field(default_factory=list)
    reads: int = 0
    refuses: dict[str, ProvisioningError] = field(default_factory=dict)
    ignores: set[str] = field(default_factory=set)
    on_apply: Callable[[], None] = lambda: None


class MemoryKind:
    """`memory.thing`: a thing in a :class:`MemorySystem`."""

    name = "memory.thing"
    state = Thing

    def read(self, session: MemorySystem, keys: Sequence[str]) -> dict[str, Thing]:
        session.reads += 1
        return {key: session.things[key] for key in keys if key in session.things}

    def apply(self, session: MemorySystem, changes: Sequence[Change[Thing]]) -> list[Outcome]:
        session.on_apply()
        return [Outcome(change.key, self._apply(session, change)) for change in changes]

    def _apply(self, session: MemorySystem, change: Change[Thing]) -> ProvisioningError | None:
        session.applied.append(change)
        if change.key in session.refuses:
            return session.refuses[change.key]
        if change.key in session.ignores:
            return None
        if change.after is None:
            del session.things[change.key]
            return None
        old = session.things.get(change.key, Thing(colour=None, size=None, labels={}))
        wanted = change.after.model_dump(exclude_unset=True)
        labels = {**(old.labels or {}), **wanted.pop("labels", {})}
        kept = {k: v for k, v in labels.items() if v is not None}
        session.things[change.key] = Thing(**{**old.model_dump(), **wanted, "labels": kept})
        return None


class MemoryProof:
    """`memory.exists`: passes when the thing is there."""

    name = "memory.exists"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        with sessions.session(proof.target) as session:
            there = proof.parameters["key"] in session.things
        return ProofResult(proof, there, "it is there" if there else "it is not there")


@dataclass
class MemorySessions:
    """Sessions to memory systems; a target that is not in `systems` does not answer."""

    systems: Mapping[str, MemorySystem]
    opened: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def drop(self, target: str) -> None:
        self.dropped.append(target)

    @contextmanager
    def session(self, target: str) -> Iterator[MemorySystem]:
        self.opened.append(target)
        if target not in self.systems:
            raise UnreachableError(target, "nobody answers; is it switched on?")
        yield self.systems[target]


def thing(target: str, key: str, desired: Thing | None, *requires: tuple[str, str]) -> Resource:
    """A resource of the memory kind."""
    return Resource(
        "memory.thing", target, key, desired, frozenset(Address("memory.thing", *pair) for pair in requires)
    )
