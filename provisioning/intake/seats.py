"""Licence seats between a plan and the ledger: short of them, taken, given back."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping

from provisioning.errors import RequestError
from provisioning.ledger import ChangeRecord, Ledger, RunRecord, RunState
from provisioning.procedures.base import Request
from provisioning.procedures.licences import Seat, seats
from provisioning.procedures.ownership import owners
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Address, Change, State
from provisioning.site import Inventory

_log = logging.getLogger(__name__)
_ENDED = frozenset({"done", "partial"})
_NOT_INSTALLED = frozenset({"failed", "blocked"})
SHOWN = 10
"""Holders that are named when a pool is empty."""


def seats_of_changes(inventory: Inventory, request: Request, changes: Iterable[Change[State]]) -> tuple[Seat, ...]:
    """The seats of the packages that are among `changes`, installed or removed."""
    things = [(change.address, change.after or change.before) for change in changes]
    return seats(inventory, [address for address, _ in things], owners(inventory, request, things))


def shortages(ledger: Ledger, wanted: Iterable[Seat]) -> Iterator[str]:
    """A sentence for each pool that has not enough seats left, with who holds them."""
    pools: dict[str, list[Seat]] = {}
    for seat in wanted:
        pools.setdefault(seat.pool, []).append(seat)
    for pool, of_pool in sorted(pools.items()):
        candidates = set(of_pool[0].candidates)
        held = {a.item: a.holder for a in ledger.allocations(pool) if a.item in candidates}
        new = {seat.holder for seat in of_pool} - set(held.values())
        if len(new) > len(candidates) - len(held):
            yield (
                f"the licence pool {pool.partition(':')[2]} has {len(candidates) - len(held)} of {len(candidates)} "
                f"seats left, {len(new)} needed for {', '.join(sorted(new))}{_held_by(held)}; free one or buy more"
            )


def _held_by(held: Mapping[str, str]) -> str:
    names = sorted(set(held.values()))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f" (held by {', '.join(names[:SHOWN])}{more})" if names else ""


def refuse_shortage(ledger: Ledger, wanted: Iterable[Seat]) -> None:
    """Raises :class:`RequestError` when a pool has not enough seats left. (The ledger makes sure when a run begins;
    this says so before anybody is asked anything.)"""
    found = list(shortages(ledger, wanted))
    if found:
        raise RequestError("; ".join(found))


def take_again(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """Before a run is resumed: seats that were given back when an install failed. Raises :class:`RequestError`."""
    again = [r for r in run.changes if _takes_seat(r) and r.state in _NOT_INSTALLED]
    for seat in _seats_of(inventory, run, again):
        ledger.allocate(seat.pool, seat.candidates, seat.holder, run_id=run.id)


def take(ledger: Ledger, inventory: Inventory, run: RunRecord, changes: Iterable[Change[State]]) -> None:
    """For changes that a run goes on to make: the seats that it was not given when it began, or gave back since.
    Raises :class:`RequestError`."""
    new = [change for change in changes if change.before is None and change.address.kind == "windows.package"]
    for seat in seats_of_changes(inventory, from_plain(run.request), new) if new else ():
        ledger.allocate(seat.pool, seat.candidates, seat.holder, run_id=run.id)


def give_back(ledger: Ledger, inventory: Inventory, run: RunRecord, state: RunState) -> None:
    """When a run ends in `state` (the ledger does not say so yet): the seats of installs that failed, or that it took
    back. A run that is gone on with keeps its seats. Doing it twice is once."""
    undone = None if run.undoes is None else ledger.run(run.undoes)
    try:
        if undone is not None:
            _taken_back(ledger, inventory, run, undone, state)
        elif state in _ENDED:
            gone = [r for r in run.changes if _takes_seat(r) and r.state in _NOT_INSTALLED]
            _release(ledger, _seats_of(inventory, run, gone), _seats_of(inventory, run, _others(run, gone)), [run.id])
            give_back_unread(ledger, inventory, run)
    except RequestError as exc:  # the site does not know these people any more
        if undone is not None and state == "done":
            _release_all(ledger, undone.id)
        else:
            _log.warning("run %s keeps its licence seats: %s", run.id, exc)


def _taken_back(ledger: Ledger, inventory: Inventory, run: RunRecord, undone: RunRecord, state: RunState) -> None:
    removed = {r.change.address for r in run.changes if r.change.after is None and r.state == "verified"}
    never = {r.change.address for r in undone.changes if not r.attempted and r.state != "verified"}
    # An install that was killed before it began has nothing to be taken back: when all is, it is not there either.
    whole = state == "done"
    gone = [r for r in undone.changes if _takes_seat(r) and (whole or r.change.address in removed | never)]
    same_request = ledger.request(undone.request_id).runs if undone.request_id else ()
    kept = _seats_of(inventory, undone, _others(undone, gone))
    _release(ledger, _seats_of(inventory, undone, gone), kept, [undone.id, *same_request])


def give_back_unread(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """The seats for PCs that a run is never going to come to: it waits for them, and is given up or taken back."""
    unread = [target.target for target in run.targets if target.why == "unread"]
    possible = [
        Address("windows.package", target, package.display_name)
        for target in unread
        for package in inventory.software.values()
    ]
    if not possible:
        return
    try:
        whose = owners(inventory, from_plain(run.request), [(address, None) for address in possible])
        kept = _seats_of(inventory, run, (r for r in run.changes if _takes_seat(r) and r.state not in _NOT_INSTALLED))
    except RequestError as exc:  # the site does not know these people any more
        _log.warning("run %s keeps its licence seats: %s", run.id, exc)
        return
    _release(ledger, seats(inventory, possible, whose), kept, [run.id])


def _release_all(ledger: Ledger, run_id: int) -> None:
    for seat in ledger.allocations():
        if seat.run_id == run_id and seat.pool.startswith("licence:"):
            ledger.release(seat.pool, item=seat.item, run_id=run_id)


def _takes_seat(record: ChangeRecord) -> bool:
    return record.change.address.kind == "windows.package" and record.change.before is None


def _seats_of(inventory: Inventory, run: RunRecord, records: Iterable[ChangeRecord]) -> tuple[Seat, ...]:
    changes = [record.change for record in records]
    if not changes:
        return ()
    everything: list[tuple[Address, State | None]] = [(r.change.address, r.change.after) for r in run.changes]
    whose = owners(inventory, from_plain(run.request), everything)
    return seats(inventory, [change.address for change in changes], whose)


def _others(run: RunRecord, records: Iterable[ChangeRecord]) -> list[ChangeRecord]:
    gone = {record.id for record in records}
    return [record for record in run.changes if _takes_seat(record) and record.id not in gone]


def _release(ledger: Ledger, gone: Iterable[Seat], kept: Iterable[Seat], runs: Iterable[int]) -> None:
    """A holder keeps the seat as long as another package of the same run needs it."""
    needed = {(seat.pool, seat.holder) for seat in kept}
    for pool, holder in sorted({(seat.pool, seat.holder) for seat in gone} - needed):
        for run_id in dict.fromkeys(runs):
            ledger.release(pool, holder=holder, run_id=run_id)
