"""Licence seats between a plan and the ledger: short of them, taken, given back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from provisioning.errors import RequestError
from provisioning.ledger import ChangeRecord, Ledger, RunRecord
from provisioning.procedures.base import Request
from provisioning.procedures.licences import Seat, seats
from provisioning.procedures.ownership import owners
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Address, Change, State
from provisioning.site import Inventory

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


def ledger_exists(inventory: Inventory) -> bool:
    """Whether there is anything to look up: looking must not create a ledger."""
    return not isinstance(inventory.ledger, Path) or inventory.ledger.exists()


def take_again(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """Before a run is resumed: seats that were given back when an install failed. Raises :class:`RequestError`."""
    again = [r for r in run.changes if _takes_seat(r) and r.state in _NOT_INSTALLED]
    for seat in _seats_of(inventory, run, again):
        ledger.allocate(seat.pool, seat.candidates, seat.holder, run_id=run.id)


def give_back(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """After a run went as far as it could: the seats of installs that failed, or that it took back."""
    if run.undoes is None:
        gone = [r for r in run.changes if _takes_seat(r) and r.state in _NOT_INSTALLED]
        _release(ledger, _seats_of(inventory, run, gone), _seats_of(inventory, run, _others(run, gone)), [run.id])
        return
    undone = ledger.run(run.undoes)
    removed = {r.change.address for r in run.changes if r.change.after is None and r.state == "verified"}
    never = {r.change.address for r in undone.changes if not r.attempted and r.state != "verified"}
    gone = [r for r in undone.changes if _takes_seat(r) and r.change.address in removed | never]
    same_request = ledger.request(undone.request_id).runs if undone.request_id else ()
    kept = _seats_of(inventory, undone, _others(undone, gone))
    _release(ledger, _seats_of(inventory, undone, gone), kept, [undone.id, *same_request])


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
