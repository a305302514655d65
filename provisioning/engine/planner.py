"""From resources to changes: batched parallel reads, then a pure comparison in a deterministic order."""

from __future__ import annotations

import graphlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

from provisioning.errors import RequestError, TargetError
from provisioning.resources.base import Address, Change, Irreversible, Resource, Sessions, State, Typed, Unsettled
from provisioning.resources.registry import KINDS

MAX_TARGETS_AT_ONCE = 32
"""More sessions mean more memory (about 1 MB each: SSH, a device's whole configuration and its rows) and, with one
processor at work, no less time: a session computes a tenth of the time that a device needs to answer."""

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


def read(resources: Sequence[Resource], sessions: TargetSessions) -> Reading:
    """Read all resources: targets in parallel, one session a target, one batch a kind."""
    batches: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for resource in resources:
        batches[resource.target][resource.kind].append(resource.key)

    def read_target(target: str) -> dict[Address, State | None] | TargetError:
        found: dict[Address, State | None] = {}
        try:
            with sessions.session(target) as session:
                for kind, keys in batches[target].items():
                    states = KINDS[kind].read(session, keys)
                    found |= {Address(kind, target, key): states.get(key) for key in keys}
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
            for target, answer in zip(batches, workers.map(read_target, batches), strict=True):
                if isinstance(answer, TargetError):
                    unread[target] = answer
                else:
                    found |= answer
        finally:
            workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead target may take its whole timeout
    return Reading(found, dict(sorted(unread.items())))


def compare(resources: Iterable[Resource], reading: Reading) -> list[Change[State]]:
    """The changes that turn what was read into what is desired, in the order of :func:`waves`.

    Resources of targets that could not be read give no change. Raises :class:`RequestError` when two resources claim
    one address with different states.
    """
    wanted: dict[Address, Resource] = {}
    for resource in resources:
        other = wanted.setdefault(resource.address, resource)
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
    return [
        Change(resource.address, kind.unsettled(reading.found[resource.address]), resource.desired, resource.requires)
        for resource in resources
        if isinstance(kind := KINDS[resource.kind], Unsettled)
        and resource.address in reading.found.keys() - planned
        and resource.requires & planned
    ]


def is_unsettled(change: Change[State]) -> bool:
    """Whether a change follows from others and is never turned round (see :class:`Unsettled`)."""
    return isinstance(KINDS.get(change.address.kind), Unsettled)


def typed(inventory: Any, changes: Iterable[Change[State]]) -> dict[Address, tuple[str, ...]]:
    """The lines that will be typed on devices, by change. Raises :class:`RequestError` for what a device cannot be
    told."""
    found = {}
    for change in changes:
        kind: Any = KINDS[change.address.kind]
        if isinstance(kind, Typed):
            found[change.address] = tuple(kind.lines(inventory, change))
    return found


def lasting(changes: Sequence[Change[State]]) -> Iterator[str]:
    """What of `changes` no undo takes back, in sentences (see :class:`Irreversible`)."""
    for change in changes:
        kind = KINDS.get(change.address.kind)
        if isinstance(kind, Irreversible) and (said := kind.lasting(change, changes)) is not None:
            yield said


def waves(changes: Sequence[Change[State]]) -> list[list[Change[State]]]:
    """Changes in waves: each wave requires only earlier ones. Requirements outside `changes` are taken as met."""
    by_address = {change.address: change for change in changes}
    sorter: graphlib.TopologicalSorter[Address] = graphlib.TopologicalSorter(
        {address: {r for r in change.requires if r in by_address} for address, change in by_address.items()}
    )
    try:
        sorter.prepare()
    except graphlib.CycleError as exc:
        circle = " → ".join(str(address) for address in exc.args[1])
        raise RequestError(f"these require each other in a circle: {circle}") from exc
    ordered = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda a: (a.target, _KIND_ORDER.get(a.kind, 0), a.key))
        ordered.append([by_address[address] for address in ready])
        sorter.done(*ready)
    return ordered


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
