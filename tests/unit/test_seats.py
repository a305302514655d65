"""Licence seats follow installs: taken, given back when one fails or is taken back, taken again on resume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.errors import RequestError
from provisioning.intake.seats import (
    give_back,
    give_back_unread,
    seats_before,
    seats_of_changes,
    shortages,
    take,
    take_again,
)
from provisioning.ledger import ChangeState, Ledger, RunRecord
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Address, Change, State
from provisioning.resources.windows.package import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.unit.cli_office import EXAMPLE

CRM = Address("windows.package", "windows:WS-0042", "Meridian CRM Client")
INSTALL: Change[State] = Change(CRM, None, InstalledPackage(version="4.2.0"))
REMOVE: Change[State] = Change(CRM, InstalledPackage(version="4.2.0"), None)
REQUEST = onboard("E1042")


@pytest.fixture(scope="module")
def site() -> Inventory:
    return load(EXAMPLE)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "l.sqlite")
    yield opened
    opened.close()


def run(ledger: Ledger, site: Inventory, state: ChangeState, change: Change[State] = INSTALL) -> RunRecord:
    """A run that takes its seats and ends with its install in `state`."""
    wanted = seats_of_changes(site, REQUEST, [change])
    begun = ledger.begin(
        "t", REQUEST.to_plain(), [change], asked=True, seats=[(s.pool, s.candidates, s.holder) for s in wanted]
    )
    ledger.attempt([begun.changes[0].id])
    ledger.settle({begun.changes[0].id: (state, None)})
    ledger.end(begun.id, "done" if state == "verified" else "partial")
    return ledger.run(begun.id)


def undo(ledger: Ledger, undone: RunRecord, state: ChangeState = "verified") -> RunRecord:
    begun = ledger.begin("undo", {"procedure": "undo", "run": undone.id}, [REMOVE], undoes=undone.id)
    ledger.attempt([begun.changes[0].id])
    ledger.settle({begun.changes[0].id: (state, None)})
    return ledger.run(begun.id)


def holders(ledger: Ledger) -> list[str]:
    return [allocation.holder for allocation in ledger.allocations("licence:crm")]


@pytest.mark.parametrize(
    ("state", "kept"), [("verified", True), ("failed", False), ("blocked", False), ("deferred", True)]
)
def test_a_seat_goes_with_the_install(ledger: Ledger, site: Inventory, state: ChangeState, kept: bool) -> None:
    done = run(ledger, site, state)
    assert holders(ledger) == ["E1042"]
    for _ in range(2):
        give_back(ledger, site, done, "partial")
    assert holders(ledger) == (["E1042"] if kept else [])


def test_a_run_that_waits_keeps_the_seat_of_a_failed_install(ledger: Ledger, site: Inventory) -> None:
    give_back(ledger, site, run(ledger, site, "failed"), "waiting")
    assert holders(ledger) == ["E1042"]


def test_an_undo_gives_back_the_seat_of_an_install_that_never_began(ledger: Ledger, site: Inventory) -> None:
    killed = run(ledger, site, "attempted")
    nothing = ledger.begin("undo", {"procedure": "undo", "run": killed.id}, [], undoes=killed.id)
    give_back(ledger, site, nothing, "waiting")
    assert holders(ledger) == ["E1042"]
    give_back(ledger, site, nothing, "done")
    assert holders(ledger) == []


def test_undo_gives_the_seat_of_somebody_back_who_is_not_in_the_site_any_more(ledger: Ledger, site: Inventory) -> None:
    done = run(ledger, site, "verified")
    without = site.model_copy(update={"people": {k: p for k, p in site.people.items() if k != "E1042"}})
    give_back(ledger, without, undo(ledger, done), "done")
    assert holders(ledger) == []


@pytest.mark.parametrize("over", ["given up", "taken back", "waits"])
def test_the_seat_for_a_pc_that_never_answered(ledger: Ledger, site: Inventory, over: str) -> None:
    wanted = [(s.pool, s.candidates, s.holder) for s in seats_of_changes(site, REQUEST, [INSTALL])]
    off = {"windows:WS-0042": "it is off"}
    waits = ledger.begin("t", REQUEST.to_plain(), [], asked=True, seats=wanted, unread=off)
    match over:
        case "given up":
            give_back(ledger, site, waits, "partial")
        case "taken back":
            give_back_unread(ledger, site, waits)
        case "waits":
            give_back(ledger, site, waits, "waiting")
    assert holders(ledger) == (["E1042"] if over == "waits" else [])


def test_undo_gives_it_back_and_a_failed_undo_does_not(ledger: Ledger, site: Inventory) -> None:
    done = run(ledger, site, "verified")
    give_back(ledger, site, undo(ledger, done, "failed"), "partial")
    assert holders(ledger) == ["E1042"]
    give_back(ledger, site, undo(ledger, done), "done")
    assert holders(ledger) == []


def test_a_seat_of_an_earlier_run_stays(ledger: Ledger, site: Inventory) -> None:
    ledger.allocate("licence:crm", ["1"], "E1042")
    give_back(ledger, site, run(ledger, site, "failed"), "partial")
    assert holders(ledger) == ["E1042"]


def test_a_resumed_install_takes_its_seat_again(ledger: Ledger, site: Inventory) -> None:
    failed = run(ledger, site, "failed")
    give_back(ledger, site, failed, "partial")
    take_again(ledger, site, failed)
    assert holders(ledger) == ["E1042"]
    give_back(ledger, site, failed, "partial")
    one = site.model_copy(update={"licences": {"crm": site.licences["crm"].model_copy(update={"seats": 1})}})
    ledger.allocate("licence:crm", ["1"], "E1043")
    with pytest.raises(RequestError, match=r"1 of 1 are taken \(by E1043\)"):
        take_again(ledger, one, failed)


def test_a_pc_that_answers_at_last_takes_its_seat(ledger: Ledger, site: Inventory) -> None:
    waits = ledger.begin("t", REQUEST.to_plain(), [], asked=True, unread={"windows:WS-0042": "it is off"})
    take(ledger, site, waits, [REMOVE])
    assert holders(ledger) == []
    for _ in range(2):
        take(ledger, site, waits, [INSTALL])
    assert holders(ledger) == ["E1042"]


def test_a_shortage_names_who_holds_the_seats(ledger: Ledger, site: Inventory) -> None:
    two = site.model_copy(update={"licences": {"crm": site.licences["crm"].model_copy(update={"seats": 2})}})
    wanted = seats_of_changes(two, REQUEST, [INSTALL])
    assert list(shortages(ledger, wanted)) == []
    for number, holder in enumerate(("E1003", "E1002"), 1):
        ledger.allocate("licence:crm", [str(number)], holder)
    (sentence,) = shortages(ledger, wanted)
    assert "0 of 2 seats left, 1 needed for E1042 (held by E1002, E1003)" in sentence
    ledger.release("licence:crm", holder="E1003")
    ledger.allocate("licence:crm", ["1"], "E1042")
    assert list(shortages(ledger, wanted)) == []


def test_no_run_begins_without_its_seat(ledger: Ledger, site: Inventory) -> None:
    ledger.allocate("licence:crm", ["1"], "E1003")
    with pytest.raises(RequestError, match="nothing is left of licence:crm for E1042"):
        ledger.begin("t", REQUEST.to_plain(), [INSTALL], asked=True, seats=[("licence:crm", ["1"], "E1042")])
    assert (ledger.runs(), ledger.requests()) == ([], [])


# ------------------------------------------------------------------------------------------------------------ removal

ELSEWHERE = Change[State](
    Address("windows.package", "windows:WS-0043", CRM.key), None, InstalledPackage(version="4.2.0")
)


def removal(ledger: Ledger, state: ChangeState = "verified") -> RunRecord:
    """A run that removes the package, by a request that knows no person."""
    begun = ledger.begin("remove", {"procedure": "of the site's own"}, [REMOVE])
    ledger.attempt([begun.changes[0].id])
    ledger.settle({begun.changes[0].id: (state, None)})
    ledger.end(begun.id, "done" if state == "verified" else "partial")
    return ledger.run(begun.id)


@pytest.mark.parametrize(("state", "kept"), [("verified", False), ("failed", True), ("blocked", True)])
def test_a_removal_frees_the_seat_of_whom_it_was_installed_for(
    ledger: Ledger, site: Inventory, state: ChangeState, kept: bool
) -> None:
    run(ledger, site, "verified")
    give_back(ledger, site, removal(ledger, state), "done")
    assert holders(ledger) == (["E1042"] if kept else [])


def test_a_removal_leaves_the_seat_to_the_other_pc_of_the_same_person(ledger: Ledger, site: Inventory) -> None:
    run(ledger, site, "verified")
    other = ledger.begin("t", REQUEST.to_plain(), [ELSEWHERE])
    ledger.settle({other.changes[0].id: ("verified", None)})
    ledger.allocate("licence:crm", ["2"], "WS-0043", run_id=other.id)  # nobody of the request sits at that PC
    give_back(ledger, site, removal(ledger), "done")
    assert holders(ledger) == ["WS-0043"]


def test_an_old_removal_does_not_free_the_seat_of_a_new_install(ledger: Ledger, site: Inventory) -> None:
    run(ledger, site, "verified")
    old = removal(ledger)
    give_back(ledger, site, old, "done")
    run(ledger, site, "verified")
    give_back(ledger, site, old, "done")
    assert holders(ledger) == ["E1042"]


def taken_back(ledger: Ledger, site: Inventory, removed: RunRecord, state: ChangeState) -> RunRecord:
    """A run that takes a removal back and ends with its install in `state`."""
    wanted = seats_before(ledger, site, removed.id, [INSTALL])
    begun = ledger.begin(
        "undo",
        {"procedure": "undo", "run": removed.id},
        [INSTALL],
        undoes=removed.id,
        seats=[(s.pool, s.candidates, s.holder) for s in wanted],
    )
    assert holders(ledger) == ["E1042"]
    ledger.attempt([begun.changes[0].id])
    ledger.settle({begun.changes[0].id: (state, None)})
    return ledger.run(begun.id)


def removed_again(ledger: Ledger, site: Inventory) -> RunRecord:
    run(ledger, site, "verified")
    gone = removal(ledger)
    give_back(ledger, site, gone, "done")
    assert holders(ledger) == []
    return gone


def test_taking_a_removal_back_takes_the_seat_again(ledger: Ledger, site: Inventory) -> None:
    back = taken_back(ledger, site, removed_again(ledger, site), "verified")
    give_back(ledger, site, back, "done")
    assert holders(ledger) == ["E1042"]
    give_back(ledger, site, removal(ledger), "done")
    assert holders(ledger) == [], "whoever it was installed for first is who has it now"


def test_a_removal_that_is_taken_back_in_vain_leaves_the_seat_free(ledger: Ledger, site: Inventory) -> None:
    back = taken_back(ledger, site, removed_again(ledger, site), "failed")
    give_back(ledger, site, back, "waiting")
    assert holders(ledger) == ["E1042"], "it is gone on with"
    give_back(ledger, site, back, "partial")
    assert holders(ledger) == []
    take_again(ledger, site, back)
    assert holders(ledger) == ["E1042"]


def test_a_pc_that_answers_an_undo_at_last_takes_its_seat_again(ledger: Ledger, site: Inventory) -> None:
    gone = removed_again(ledger, site)
    off = {"windows:WS-0042": "it is off"}
    undoing = ledger.begin("undo", {"procedure": "undo", "run": gone.id}, [], undoes=gone.id, unread=off)
    take(ledger, site, undoing, [INSTALL])
    assert holders(ledger) == ["E1042"]


def test_what_nobody_installed_through_the_ledger_takes_no_seat_when_it_comes_back(
    ledger: Ledger, site: Inventory
) -> None:
    assert seats_before(ledger, site, removal(ledger).id, [INSTALL]) == ()


def test_a_replaced_pc_keeps_the_seat_of_its_person(ledger: Ledger, site: Inventory) -> None:
    """They moved: one run removes it there and installs it here."""
    other = onboard("E1042", workplace="B-204-1")
    first = ledger.begin("t", other.to_plain(), [ELSEWHERE], seats=[("licence:crm", ["1"], "E1042")])
    ledger.settle({first.changes[0].id: ("verified", None)})
    moved = ledger.begin("t", REQUEST.to_plain(), [ELSEWHERE.inverse(), INSTALL])
    ledger.settle({moved.changes[0].id: ("verified", None)})
    assert [seat.holder for seat in seats_before(ledger, site, moved.id, [ELSEWHERE])] == ["E1042"]
    ledger.settle({moved.changes[1].id: ("verified", None)})
    give_back(ledger, site, ledger.run(moved.id), "done")
    assert holders(ledger) == ["E1042"]
