"""Leavers between their runs and the ledger: licence seats, the deletion that is asked for, what is to be returned."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from provisioning.errors import RequestError
from provisioning.ledger import Entry, RequestRecord, RequestState, RunRecord, RunState
from provisioning.procedures.leaving_record import leaver_of
from provisioning.procedures.licences import Seat
from provisioning.reports.holdings import Held, held
from provisioning.resources.base import Address
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_log = logging.getLogger(__name__)
_ALL = 1_000_000
_SEATS = "licence:"
_WAITING: tuple[RequestState, ...] = ("requested", "awaiting approval", "scheduled")
_ENDED = frozenset({"done", "partial"})


def to_return(inventory: Inventory, ledger: Ledger | None, person: str) -> tuple[Held, ...]:
    """All that `person` has: what the ledger booked, what stands at the desk and was never booked, licence seats,
    extensions."""
    if ledger is None:
        return tuple(held(inventory, person, (), {}, ()))
    return tuple(held(inventory, person, ledger.held_by(person), ledger.holders(), ledger.allocations(holder=person)))


def offboardings(ledger: Ledger, person: str, *, undone: int | None = None) -> list[RunRecord]:
    """The runs that offboarded `person` the last time, oldest first; none when the person is back (or never left).
    `undone` is a run that was taken back, though the ledger does not say so yet."""
    found: list[RunRecord] = []
    for run in ledger.runs(_ALL, states={"done", "partial", "waiting", "interrupted", "running"}):
        if run.undoes is not None or run.id == undone:
            continue
        if leaver_of(run.request, "reinstate") == person and _gave_everything(run):
            break
        if leaver_of(run.request, "offboard") == person:
            found.append(run)
    return found[::-1]


def was_erased(ledger: Ledger, person: str, offboarding: RunRecord) -> bool:
    """Whether what `person` left was deleted after this offboarding, also when an undo has made an empty account."""
    since = (run for run in ledger.runs(_ALL) if run.id > offboarding.id and run.undoes is None)
    return any(leaver_of(run.request, "erase") == person and run.changes for run in since)


def refuse_under_way(ledger: Ledger, person: str) -> None:
    """Raises :class:`RequestError` when `person` is being offboarded or reinstated in a run that is not over: resumed
    after another one, it would do half of the opposite."""
    for run in ledger.runs(_ALL, states={"running", "waiting", "interrupted"}):
        if run.undoes is None and person in {leaver_of(run.request, verb) for verb in ("offboard", "reinstate")}:
            raise RequestError(
                f"run {run.id} ({run.title}) is {run.state}, not over; finish it: `provision resume {run.id} --now`, "
                f"or take it back: `provision undo {run.id}`"
            )


def _gave_everything(run: RunRecord) -> bool:
    """Whether a reinstatement left nothing to give back; a proof that did not pass is no matter here."""
    whole = not run.targets and all(record.state == "verified" for record in run.changes)
    return run.state == "done" or (run.state == "partial" and whole)


def pools_given_up(ledger: Ledger, person: str, runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """The licence pools of which `person` had a seat until these runs."""
    if not runs:
        return ()
    begun = runs[0].started
    given_up = ledger.allocations(holder=person, released=True)
    return tuple(
        sorted(
            {
                one.pool.removeprefix(_SEATS)
                for one in given_up
                if one.pool.startswith(_SEATS) and one.released is not None and one.released >= begun
            }
        )
    )


def licensed_packages(inventory: Inventory, ledger: Ledger, person: str) -> tuple[str, ...]:
    """The packages of the catalogue for which `person` has a licence seat."""
    pools = {one.pool.removeprefix(_SEATS) for one in ledger.allocations(holder=person) if one.pool.startswith(_SEATS)}
    return tuple(name for name, package in inventory.software.items() if package.licence in pools)


def settle(ledger: Ledger, inventory: Inventory, run: RunRecord, state: RunState) -> None:
    """When a run ends in `state` (the ledger does not say so yet). Twice is once.

    An offboarding gives the licence seats back (but those of software that it could not remove) and, once it is done,
    gives up what else is asked for the leaver and asks for the deletion. Whoever is back (by reinstatement or undo) is
    not erased, and a reinstatement that is undone asks for the deletion anew.
    """
    if run.undoes is not None:
        if state == "done":
            _undone(ledger, inventory, ledger.run(run.undoes))
        return
    if (person := leaver_of(run.request, "offboard")) is not None and state in _ENDED:
        theirs = {one.pool for one in ledger.allocations(holder=person) if one.pool.startswith(_SEATS)}
        for pool in sorted(theirs - _still_installed(inventory, run)):
            ledger.release(pool, holder=person)
        if state == "done":
            give_up_the_rest(ledger, person, run)
            ask_for_deletion(ledger, inventory, run)
    elif (person := leaver_of(run.request, "reinstate")) is not None and state in _ENDED:
        give_up_deletion(ledger, person, f"{person} is back (run {run.id})")


def _still_installed(inventory: Inventory, run: RunRecord) -> set[str]:
    """The pools of the packages that a run was to remove and did not."""
    there = {r.change.key for r in run.changes if r.change.address.kind == "windows.package" and r.state != "verified"}
    return {f"{_SEATS}{one.licence}" for one in inventory.software.values() if one.display_name in there}


def _undone(ledger: Ledger, inventory: Inventory, undone: RunRecord) -> None:
    if (person := leaver_of(undone.request, "offboard")) is not None:
        if not offboardings(ledger, person, undone=undone.id):  # an earlier one that was gone on with still holds
            give_up_deletion(ledger, person, f"{person} is back (run {undone.id} was undone)")
        for seat in seats_to_take_again(ledger, inventory, undone):
            try:
                ledger.allocate(seat.pool, seat.candidates, person, run_id=undone.id)
            except RequestError as exc:  # somebody else has it by now
                _log.warning("%s does not get the licence seat back: %s", person, exc)
    elif (person := leaver_of(undone.request, "reinstate")) is not None:
        for pool in undone.request.get("pools", ()):
            ledger.release(f"{_SEATS}{pool}", holder=person, run_id=undone.id)
        for run in offboardings(ledger, person, undone=undone.id)[-1:]:
            ask_for_deletion(ledger, inventory, run)


def seats_to_take_again(ledger: Ledger, inventory: Inventory, undone: RunRecord) -> tuple[Seat, ...]:
    """The seats that come back when the offboarding `undone` is taken back."""
    person = leaver_of(undone.request, "offboard")
    if person is None:
        return ()
    account = Address("directory.user", "directory", str(undone.request.get("login")))
    return tuple(
        Seat(f"{_SEATS}{pool}", inventory.licences[pool].seats, person, account)
        for pool in pools_given_up(ledger, person, [undone])
        if pool in inventory.licences
    )


def ask_for_deletion(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """Write down the request that erases what the leaver of this offboarding left behind. The same twice is one."""
    settings = inventory.leavers
    if settings is None:
        _log.warning("run %s: the site says no more how long leavers are kept; their deletion is not asked for", run.id)
        return
    from provisioning.procedures.erase import Erase  # noqa: PLC0415  (few runs are of leavers)
    from provisioning.procedures.offboard import Offboard  # noqa: PLC0415

    asked = Offboard.from_plain(run.request)
    erase = Erase(asked.person, asked.login, asked.name, run.id, asked.home)
    start = settings.erased_at(date.fromisoformat(asked.day), asked.keep, inventory.time_zone)
    if pending_deletions(ledger, asked.person):
        return
    grounds = erase.grounds(inventory)
    sentence = (
        f"The deletion of what {asked.name} ({asked.person}) left behind is asked for, not before {start:%Y-%m-%d}."
    )
    ledger.ask(
        erase.title,
        erase.to_plain(),
        start=start,
        needs=tuple(grounds),
        grounds=grounds,
        unless=_WAITING,
        log=[Entry(sentence, key=f"erase:{asked.person}:{run.id}")],
    )


def waiting_for(ledger: Ledger, person: str) -> tuple[RequestRecord, ...]:
    """The requests for `person` and nobody else that have not begun."""
    return tuple(one for one in ledger.requests(_ALL, states=_WAITING) if one.request.get("persons") == [person])


def give_up_the_rest(ledger: Ledger, person: str, run: RunRecord) -> None:
    """Cancel what else was asked for `person`, whom `run` offboarded: a move next week, a leaving that lies ahead."""
    for one in waiting_for(ledger, person):
        ledger.move(one.id, "cancelled", reason=f"{person} has left (run {run.id})")


def still_open(ledger: Ledger, person: str) -> Iterator[str]:
    """Sentences about what is under way or asked for `person`, for whoever is about to offboard them."""
    for one in waiting_for(ledger, person):
        yield f"request {one.id} ({one.title}, {one.state}, from {one.start[:10]}) is given up with this"
    for run in ledger.runs(_ALL, states={"waiting", "interrupted"}):
        procedure = run.request.get("procedure")
        if procedure != "offboard" and run.undoes is None and run.request.get("persons") == [person]:
            targets = ", ".join(target.target for target in run.targets)
            why = f"it waits for {targets}" if targets else f"it is {run.state}"
            yield f"run {run.id} ({run.title}) is not over: {why}; it plans nothing more for {person} after this"


def give_up_deletion(ledger: Ledger, person: str, why: str) -> None:
    """Cancel the deletions of `person` that have not begun."""
    for number in pending_deletions(ledger, person):
        ledger.move(number, "cancelled", reason=why)


def pending_deletions(ledger: Ledger, person: str) -> tuple[int, ...]:
    """The requests to erase what `person` left behind that have not begun."""
    return tuple(one.id for one in ledger.requests(_ALL, states=_WAITING) if leaver_of(one.request, "erase") == person)
