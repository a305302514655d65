"""From resources to changes: batched parallel reads, then a pure comparison in a deterministic order."""

from __future__ import annotations

import graphlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

from provisioning.errors import RequestError, TargetError
from provisioning.resources.base import (
    Address,
    Change,
    Irreversible,
    Kind,
    Resource,
    Sessions,
    Sharing,
    State,
    Typed,
    Unsettled,
)
from provisioning.resources.registry import KINDS
from provisioning.site.collection import no_collection, set_aside

MAX_TARGETS_AT_ONCE = 32
"""More sessions mean more memory (about 1 MB each: SSH, a device's whole configuration and its rows) and, with one
processor at work, no less time: a session computes a tenth of the time that a device needs to answer."""

_NO_CYCLES = frozenset({"directory"})
"""Targets whose sessions leave no cycles behind: where nothing else is read, the collector need not walk 10,000
accounts again and again."""

_KIND_ORDER = {name: i for i, name in enumerate(KINDS)}


@dataclass(frozen=True)
class Reading:
    """What the systems say: the state found at each address (``None``: nothing there), and the targets that could
    not be read, with the reason."""

    found: Mapping[Address, State | None]
    unread: Mapping[str, TargetError]


class TargetSessions(Sessions, Protocol):
    """Sessions that can be closed one by one: none stays open when its target is not being worked on, so that whoever
    comes next finds it free."""

    def drop(self, target: str) -> None: ...


Batches = Mapping[str, Mapping[str, Mapping[str, Address]]]
"""Target → kind → key → address."""


@no_collection()
def _batches(resources: Iterable[Resource]) -> Batches:
    batches: dict[str, dict[str, dict[str, Address]]] = defaultdict(lambda: defaultdict(dict))
    for resource in resources:
        batches[resource.target][resource.kind][resource.key] = resource.address
    return batches


def _kinds(things: Iterable[Resource | Address]) -> Mapping[str, Kind[Any, Any]]:
    """The kinds that occur: no other is loaded."""
    return {name: KINDS[name] for name in {thing.kind for thing in things} if name in KINDS}


def read(resources: Sequence[Resource], sessions: TargetSessions) -> Reading:
    """Read all resources: targets in parallel, one session a target, one batch a kind."""
    batches = _batches(resources)
    sharing = {name: kind for name, kind in _kinds(resources).items() if isinstance(kind, Sharing)}

    def read_target(target: str) -> dict[Address, State | None] | TargetError:
        found: dict[Address, State | None] = {}
        try:
            with sessions.session(target) as session, asked_at_once(session, sharing, batches[target]):
                for kind, addresses in batches[target].items():
                    states = KINDS[kind].read(session, list(addresses))
                    found |= {address: states.get(key) for key, address in addresses.items()}
        except TargetError as exc:
            return exc
        finally:
            sessions.drop(target)
        return found

    found: dict[Address, State | None] = {}
    unread: dict[str, TargetError] = {}
    if batches:
        workers = ThreadPoolExecutor(min(len(batches), MAX_TARGETS_AT_ONCE), "read")
        try:
            with no_collection() if _NO_CYCLES.issuperset(batches) else set_aside():
                for target, answer in zip(batches, workers.map(read_target, batches), strict=True):
                    if isinstance(answer, TargetError):
                        unread[target] = answer
                    else:
                        found |= answer
        finally:
            workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead target may take its whole timeout
    return Reading(found, dict(sorted(unread.items())))


def asked_at_once(
    session: Any, sharing: Mapping[str, Sharing], batch: Mapping[str, Iterable[str]]
) -> AbstractContextManager[None]:
    """Ask for what several kinds are about to read (`sharing`: see :class:`Sharing`). `batch`: kind → keys."""
    asking = [(sharing[name], list(keys)) for name, keys in batch.items() if name in sharing]
    if len(asking) < 2:
        return nullcontext()
    questions = [question for kind, keys in asking for question in kind.questions(session, keys)]
    return asking[0][0].ahead(session, questions)


@no_collection()
def compare(resources: Iterable[Resource], reading: Reading) -> list[Change[State]]:
    """The changes that turn what was read into what is desired, in the order of :func:`waves`.

    Resources of targets that could not be read give no change. Raises :class:`RequestError` when two resources claim
    one address with different states.
    """
    wanted: dict[Address, Resource] = {}
    for resource in resources:
        other = wanted.setdefault(resource.address, resource)
        if other is resource:
            continue
        if other.desired != resource.desired:
            raise RequestError(f"{resource.address} is asked to be two different things at once; correct the site")
        wanted[resource.address] = replace(resource, requires=other.requires | resource.requires)
    changes = [
        change
        for address, resource in wanted.items()
        if address in reading.found and (change := _change(resource, reading.found[address])) is not None
    ]
    changes += _unsettled(wanted.values(), reading, changes)
    return [change for wave in waves(changes) for change in wave]


def _change(resource: Resource, found: State | None) -> Change[State] | None:
    desired = resource.desired
    if desired is None:
        return None if found is None else Change(resource.address, found, None, resource.requires)
    if found is not None and desired.agrees_with(found):
        return None
    return Change(resource.address, None if found is None else desired.view_of(found), desired, resource.requires)


def _unsettled(
    resources: Iterable[Resource], reading: Reading, changes: Sequence[Change[State]]
) -> list[Change[State]]:
    """Changes of what is as it should be, but will be upset by changes that it requires (see :class:`Unsettled`)."""
    planned = {change.address for change in changes}
    follow = {name: kind for name, kind in _kinds(reading.found).items() if isinstance(kind, Unsettled)}
    return [
        Change(address, follow[resource.kind].unsettled(reading.found[address]), resource.desired, resource.requires)
        for resource in resources
        if resource.kind in follow
        and (address := resource.address) in reading.found
        and address not in planned
        and not resource.requires.isdisjoint(planned)
    ]


def is_unsettled(change: Change[State]) -> bool:
    """Whether a change follows from others and is never turned round (see :class:`Unsettled`)."""
    kind: Any = type(KINDS.get(change.address.kind))
    return _is_unsettled(kind)


@cache
def _is_unsettled(kind: type[object]) -> bool:
    return issubclass(kind, Unsettled)  # looking for a protocol's methods takes as long as comparing two states


def typed(inventory: Any, changes: Iterable[Change[State]]) -> dict[Address, tuple[str, ...]]:
    """The lines that will be typed on devices, by change. Raises :class:`RequestError` for what a device cannot be
    told."""
    changes = list(changes)
    of = _kinds(change.address for change in changes)
    kinds = {name: kind for name, kind in of.items() if isinstance(kind, Typed)}
    return {
        change.address: tuple(kinds[change.address.kind].lines(inventory, change))
        for change in changes
        if change.address.kind in kinds
    }


def lasting(changes: Sequence[Change[State]]) -> Iterator[str]:
    """What of `changes` no undo takes back, in sentences (see :class:`Irreversible`)."""
    # isinstance with a protocol takes as long as comparing two states, so each kind is asked once
    of = _kinds(change.address for change in changes)
    kinds = {name: kind for name, kind in of.items() if isinstance(kind, Irreversible)}
    for change in changes:
        kind = kinds.get(change.address.kind)
        if kind is not None and (said := kind.lasting(change, changes)) is not None:
            yield said


def waves(changes: Sequence[Change[State]]) -> list[list[Change[State]]]:
    """Changes in waves: each wave requires only earlier ones. Requirements outside `changes` are taken as met."""
    by_address = {change.address: change for change in changes}
    waits_for: dict[Address, int] = {}
    followers: dict[Address, list[Address]] = defaultdict(list)
    for address, change in by_address.items():
        if required := [one for one in change.requires if one in by_address]:
            waits_for[address] = len(required)
            for one in required:
                followers[one].append(address)
    ready = [address for address in by_address if address not in waits_for]
    ordered = []
    while ready:
        ready.sort(key=lambda a: (a.target, _KIND_ORDER.get(a.kind, 0), a.key))
        ordered.append([by_address[address] for address in ready])
        following: list[Address] = []
        for address in ready:
            for follower in followers.get(address, ()):
                waits_for[follower] -= 1
                if not waits_for[follower]:
                    del waits_for[follower]
                    following.append(follower)
        ready = following
    if waits_for:
        raise RequestError(f"these require each other in a circle: {_circle(waits_for, by_address)}")
    return ordered


def _circle(stuck: Iterable[Address], by_address: Mapping[Address, Change[State]]) -> str:
    """A circle among changes of which none can ever be the first."""
    within = set(stuck)
    try:
        graphlib.TopologicalSorter({one: by_address[one].requires & within for one in stuck}).prepare()
    except graphlib.CycleError as exc:
        return " → ".join(str(address) for address in exc.args[1])
    raise AssertionError("changes wait for each other without a circle")


def inverse(changes: Sequence[Change[State]]) -> list[Change[State]]:
    """The changes that take `changes` back: each one turned round, and what was required now waits for what required
    it. What follows from others (see :class:`Unsettled`) follows from taking them back as well."""
    required_by: dict[Address, set[Address]] = defaultdict(set)
    for change in changes:
        if not is_unsettled(change):
            for address in change.requires:
                required_by[address].add(change.address)
    turned = [
        change if is_unsettled(change) else replace(change.inverse(), requires=frozenset(required_by[change.address]))
        for change in changes
    ]
    return [change for wave in waves(turned) for change in wave]
