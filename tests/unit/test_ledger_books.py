"""What is written down with a run: amendments of the site, custody, reserved names; on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from provisioning.ledger import Amendment, Books, CustodyTransfer, Ledger
from tests.unit.conftest import Place


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open()


def begun(ledger: Ledger, *amendments: tuple[Amendment, str | None], custody: tuple[CustodyTransfer, ...] = ()) -> int:
    return ledger.begin("move", {}, [], books=Books(amendments, custody)).id


def desk(value: str | None, person: str = "E1") -> Amendment:
    return Amendment("people", person, "workplace", value)


def in_force(ledger: Ledger) -> list[tuple[str, str | None, str | None]]:
    return [(one.key, one.was, one.value) for one in ledger.amendments()]


def test_one_amendment_of_a_field_is_in_force(ledger: Ledger) -> None:
    first = begun(ledger, (desk("B"), "A"), (desk("A", "E2"), "B"))
    second = begun(ledger, (desk("C"), "A"))
    assert in_force(ledger) == [("E2", "B", "A"), ("E1", "A", "C")]
    assert [one.run_id for one in ledger.amendments(withdrawn=True)] == [first, first, second]
    assert [one.key for one in ledger.amendments(withdrawn=True, run_id=first)] == ["E1", "E2"]


def test_taking_back_brings_the_former_one_into_force(ledger: Ledger) -> None:
    first = begun(ledger, (desk("B"), "A"))
    second = begun(ledger, (desk("C"), "A"))
    ledger.take_back_amendments(second)
    ledger.take_back_amendments(second)
    assert in_force(ledger) == [("E1", "A", "B")]
    ledger.take_back_amendments(first)
    assert in_force(ledger) == []


def test_taking_back_an_older_one_leaves_the_newer(ledger: Ledger) -> None:
    first = begun(ledger, (desk("B"), "A"))
    begun(ledger, (desk("C"), "A"))
    ledger.take_back_amendments(first)
    assert in_force(ledger) == [("E1", "A", "C")]


def test_whichever_is_taken_back_first_nothing_of_what_was_taken_back_holds(ledger: Ledger) -> None:
    runs = [begun(ledger, (desk(name), "A")) for name in ("B", "C", "D")]
    assert [one.value for one in ledger.replaced_amendments(runs[2])] == ["C"]
    ledger.take_back_amendments(runs[1])
    ledger.take_back_amendments(runs[1])
    assert in_force(ledger) == [("E1", "A", "D")]
    assert [one.value for one in ledger.replaced_amendments(runs[2])] == ["B"]
    ledger.take_back_amendments(runs[2])
    assert in_force(ledger) == [("E1", "A", "B")]
    ledger.take_back_amendments(runs[0])
    assert in_force(ledger) == []


def test_the_oldest_first(ledger: Ledger) -> None:
    for run in [begun(ledger, (desk(name), "A")) for name in ("B", "C")]:
        ledger.take_back_amendments(run)
    assert in_force(ledger) == []


def test_custody_is_booked_when_the_run_has_ended(ledger: Ledger) -> None:
    run = begun(ledger, custody=(CustodyTransfer("PC-1", "E1", "ticket 7"), CustodyTransfer("PH-1", "E1")))
    assert ledger.held_by("E1") == []
    ledger.book_custody(run)
    ledger.book_custody(run)
    assert [(one.asset, one.former, one.document, one.run_id) for one in ledger.held_by("E1")] == [
        ("PC-1", "store", "ticket 7", run),
        ("PH-1", "store", None, run),
    ]
    assert ledger.holders() == {"PC-1": "E1", "PH-1": "E1"}


def test_custody_goes_back_where_nobody_passed_it_on(ledger: Ledger) -> None:
    run = begun(ledger, custody=(CustodyTransfer("PC-1", "E1"), CustodyTransfer("PH-1", "E1")))
    ledger.book_custody(run)
    ledger.hand_over([CustodyTransfer("PH-1", "E2")])
    undo = ledger.begin("undo", {}, [], undoes=run).id
    ledger.take_back_custody(run, undo)
    ledger.take_back_custody(run, undo)
    assert ledger.holders() == {"PC-1": "store", "PH-1": "E2"}
    assert [(one.former, one.to, one.run_id) for one in ledger.custody("PC-1")] == [
        ("store", "E1", run),
        ("E1", "store", undo),
    ]


def test_custody_goes_back_through_moves_that_were_taken_back_themselves(ledger: Ledger) -> None:
    first, second = begun(ledger, custody=(CustodyTransfer("PH-1", "E1"),)), begun(ledger)
    ledger.book_custody(first)
    away = begun(ledger, custody=(CustodyTransfer("PH-1", "store"),))
    ledger.book_custody(away)
    ledger.take_back_custody(away, second)
    assert ledger.holders() == {"PH-1": "E1"}
    undo = ledger.begin("undo", {}, [], undoes=first).id
    ledger.take_back_custody(first, undo)
    assert ledger.holders() == {"PH-1": "store"}


def test_what_was_only_planned_is_never_booked_after_it_was_taken_back(ledger: Ledger) -> None:
    run = begun(ledger, custody=(CustodyTransfer("PC-1", "E1"),))
    ledger.take_back_custody(run, run)
    ledger.book_custody(run)
    assert ledger.custody() == []


def test_by_hand_only_what_changes_is_booked(ledger: Ledger) -> None:
    given = ledger.hand_over([CustodyTransfer("PC-1", "E1", note="loan"), CustodyTransfer("PC-2", "store")])
    assert [(one.asset, one.note) for one in given] == [("PC-1", "loan")]
    assert ledger.hand_over([CustodyTransfer("PC-1", "E1")]) == []
    assert [(one.former, one.to) for one in ledger.custody(holder="E1")] == [("store", "E1")]


def test_a_reserved_name_stays_whose_it_was(ledger: Ledger) -> None:
    ledger.begin("rename", {}, [], books=Books(reserved={"a.muller": "E1", "a.muller@x.example": "E1"}))
    ledger.begin("rename", {}, [], books=Books(reserved={"a.muller": "E2", "b": "E2"}))
    assert ledger.reserved() == {"a.muller": "E1", "a.muller@x.example": "E1", "b": "E2"}
