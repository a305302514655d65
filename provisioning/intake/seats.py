"""Licence seats between a plan and the ledger: short of them, taken, given back."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from provisioning.errors import RequestError
from provisioning.ledger import ChangeRecord, RunRecord, RunState, Turn
from provisioning.procedures.base import Request
from provisioning.procedures.licences import Passing, Seat, seats
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Address, Change, State
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_log = logging.getLogger(__name__)
_ENDED = frozenset({"done", "partial"})
_NOT_INSTALLED = frozenset({"failed", "blocked"})
_PACKAGE = "windows.package"
SHOWN = 10
"""Holders that are named when a pool is empty."""


def _owners(
    inventory: Inventory, request: Request, things: Iterable[tuple[Address, State | None]]
) -> Mapping[Address, str]:
    from provisioning.procedures.ownership import owners  # noqa: PLC0415  (a run that begins needs it at its end only)

    return owners(inventory, request, things)


def seats_of_changes(inventory: Inventory, request: Request, changes: Iterable[Change[State]]) -> tuple[Seat, ...]:
    """The seats of the packages that are among `changes`, installed or removed."""
    things = [(change.address, change.after or change.before) for change in changes]
    return seats(inventory, [address for address, _ in things], _owners(inventory, request, things))


def shortages(ledger: Ledger, wanted: Iterable[Seat]) -> Iterator[str]:
    """A sentence for each pool that has not enough seats left, with who holds them."""
    pools: dict[str, list[Seat]] = {}
    for seat in wanted:
        pools.setdefault(seat.pool, []).append(seat)
    for pool, of_pool in sorted(pools.items()):
        candidates = set(of_pool[0].candidates)
        held = {a.item: a.holder for a in ledger.allocations(pool) if a.item in candidates}
        holders = set(held.values())
        new = {seat.holder for seat in of_pool if not holders & {seat.holder, seat.former}}
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


def seats_before(
    ledger: Ledger, inventory: Inventory, run_id: int, changes: Iterable[Change[State]]
) -> tuple[Seat, ...]:
    """The seats that packages took before the run `run_id` removed them, each of whom it was installed for. What
    nobody installed through the ledger took none."""
    licensed = {seat.address for seat in seats(inventory, [change.address for change in changes], {})}
    if not licensed:
        return ()
    turns = ledger.turns(_PACKAGE, {address.key for address in licensed})
    return _seats_of_turns(inventory, (t for t in turns if t.address in licensed and t.run_id < run_id))


def take_again(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """Before a run is resumed: seats that were given back when an install failed. Raises :class:`RequestError`."""
    take(ledger, inventory, run, [r.change for r in run.changes if r.state in _NOT_INSTALLED])


def take(ledger: Ledger, inventory: Inventory, run: RunRecord, changes: Iterable[Change[State]]) -> None:
    """For changes that a run goes on to make: the seats that it was not given when it began, or gave back since.
    Raises :class:`RequestError`."""
    for seat in _taken_by(ledger, inventory, run, [change for change in changes if _installs(change)]):
        ledger.allocate(seat.pool, seat.candidates, seat.holder, run_id=run.id)


def give_back(ledger: Ledger, inventory: Inventory, run: RunRecord, state: RunState) -> None:
    """When a run ends in `state` (the ledger does not say so yet): the seats of installs that failed, of packages that
    it removed, and of installs that it took back. A run that is gone on with keeps its seats. Twice is once."""
    undone = None if run.undoes is None else ledger.run(run.undoes)
    try:
        if undone is not None:
            _taken_back(ledger, inventory, run, undone, state)
            if state == "done":
                _back_to_former(ledger, undone)
        elif state in _ENDED:
            _give_back_removed(ledger, inventory, run)
            _give_back_failed(ledger, inventory, run)
            give_back_unread(ledger, inventory, run)
    except RequestError as exc:  # the site does not know these people any more
        if undone is not None and state == "done":
            _release_all(ledger, undone.id)
        else:
            _log.warning("run %s keeps its licence seats: %s", run.id, exc)


def _taken_back(ledger: Ledger, inventory: Inventory, run: RunRecord, undone: RunRecord, state: RunState) -> None:
    if state in _ENDED:
        _give_back_failed(ledger, inventory, run)
    removed = {r.change.address for r in run.changes if r.change.after is None and r.state == "verified"}
    never = {r.change.address for r in undone.changes if not r.attempted and r.state != "verified"}
    # An install that was killed before it began has nothing to be taken back: when all is, it is not there either.
    whole = state == "done"
    gone = [r for r in undone.changes if _installs(r.change) and (whole or r.change.address in removed | never)]
    same_request = ledger.request(undone.request_id).runs if undone.request_id else ()
    _release_of(ledger, inventory, undone, gone, [undone.id, *same_request])


def _back_to_former(ledger: Ledger, undone: RunRecord) -> None:
    """The seats that `undone` passed on are again those of who had them, unless others were given them since."""
    request = from_plain(undone.request)
    former = request.passes_on if isinstance(request, Passing) else {}
    last: dict[tuple[str, str], str] = {}
    for one in ledger.allocations(released=True) if former else ():
        place, before = (one.pool, one.item), last.get((one.pool, one.item))
        last[place] = one.holder
        if one.run_id != undone.id or before is None or former.get(one.holder) != before:
            continue
        try:
            ledger.allocate(one.pool, [one.item], before, run_id=undone.id)
        except RequestError as exc:
            _log.warning("%s does not get its licence seat back: %s", before, exc)


def give_back_unread(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """The seats for PCs that a run is never going to come to: it waits for them, and is given up or taken back."""
    unread = [target.target for target in run.targets if target.why == "unread"]
    possible = [
        Address(_PACKAGE, target, package.display_name) for target in unread for package in inventory.software.values()
    ]
    if not possible:
        return
    try:
        whose = _owners(inventory, from_plain(run.request), [(address, None) for address in possible])
        there = [r.change for r in run.changes if _installs(r.change) and r.state not in _NOT_INSTALLED]
        kept = _taken_by(ledger, inventory, run, there)
    except RequestError as exc:  # the site does not know these people any more
        _log.warning("run %s keeps its licence seats: %s", run.id, exc)
        return
    _release(ledger, seats(inventory, possible, whose), kept, [run.id])


def _release_all(ledger: Ledger, run_id: int) -> None:
    for seat in ledger.allocations():
        if seat.run_id == run_id and seat.pool.startswith("licence:"):
            ledger.release(seat.pool, item=seat.item, run_id=run_id)


def _give_back_failed(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    gone = [r for r in run.changes if _installs(r.change) and r.state in _NOT_INSTALLED]
    _release_of(ledger, inventory, run, gone, [run.id])


def _give_back_removed(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """A removed package frees the seat of whoever it was installed for, unless they have it on another PC as well."""
    removed = [r.change for r in run.changes if r.change.after is None and r.state == "verified"]
    gone = seats_before(ledger, inventory, run.id, removed)
    kept = _in_use(ledger, inventory, {seat.pool for seat in gone}) if gone else set()
    for pool, holder in sorted({(seat.pool, seat.holder) for seat in gone} - kept):
        ledger.release(pool, holder=holder)


def _in_use(ledger: Ledger, inventory: Inventory, pools: Collection[str]) -> set[tuple[str, str]]:
    """Pool and holder of every package that is installed, as far as the ledger knows."""
    shown = {p.display_name for p in inventory.software.values() if f"licence:{p.licence}" in pools}
    turns = ledger.turns(_PACKAGE, shown)
    there = {turn.address for turn in {turn.address: turn for turn in turns}.values() if turn.made}
    found = _seats_of_turns(inventory, (turn for turn in turns if turn.address in there))
    return {(seat.pool, seat.holder) for seat in found}


def _seats_of_turns(inventory: Inventory, turns: Iterable[Turn]) -> tuple[Seat, ...]:
    """The seats of the last installs among `turns`. One that took a removal back is for whom the one before it was."""
    last = {turn.address: turn for turn in turns if turn.made and turn.undoes is None}
    of_run: dict[int, list[Turn]] = {}
    for turn in last.values():
        of_run.setdefault(turn.run_id, []).append(turn)
    found: list[Seat] = []
    for run_id, installs in sorted(of_run.items()):
        addresses = [turn.address for turn in installs]
        try:
            whose = _owners(inventory, from_plain(installs[0].request), [(address, None) for address in addresses])
        except RequestError as exc:  # the site does not know these people any more
            _log.warning("it cannot be told whose the licence seats of run %s are: %s", run_id, exc)
            continue
        found += seats(inventory, addresses, whose)
    return tuple(found)


def _installs(change: Change[State]) -> bool:
    return change.address.kind == _PACKAGE and change.before is None


def _taken_by(
    ledger: Ledger, inventory: Inventory, run: RunRecord, changes: Sequence[Change[State]]
) -> tuple[Seat, ...]:
    """The seats that installs of a run take."""
    if not changes:
        return ()
    if run.undoes is not None:
        return seats_before(ledger, inventory, run.undoes, changes)
    everything = [(r.change.address, r.change.after) for r in run.changes]
    everything += [(change.address, change.after) for change in changes]
    whose = _owners(inventory, from_plain(run.request), everything)
    return seats(inventory, [change.address for change in changes], whose)


def _release_of(
    ledger: Ledger, inventory: Inventory, run: RunRecord, gone: Sequence[ChangeRecord], runs: Iterable[int]
) -> None:
    """Release the seats of the installs `gone` of `run`, as far as one of `runs` gave them."""
    if not gone:
        return
    numbers = {record.id for record in gone}
    others = [r.change for r in run.changes if _installs(r.change) and r.id not in numbers]
    kept = _taken_by(ledger, inventory, run, others)
    _release(ledger, _taken_by(ledger, inventory, run, [record.change for record in gone]), kept, runs)


def _release(ledger: Ledger, gone: Iterable[Seat], kept: Iterable[Seat], runs: Iterable[int]) -> None:
    """A holder keeps the seat as long as another package of the same run needs it."""
    needed = {(seat.pool, seat.holder) for seat in kept}
    for pool, holder in sorted({(seat.pool, seat.holder) for seat in gone} - needed):
        for run_id in dict.fromkeys(runs):
            ledger.release(pool, holder=holder, run_id=run_id)
