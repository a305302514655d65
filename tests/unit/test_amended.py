"""Amendments laid over what the site's files say."""

from __future__ import annotations

import pytest

from provisioning.api import Site
from provisioning.errors import LedgerError
from provisioning.intake.amended import amended, to_write
from provisioning.ledger import Amendment, AmendmentRecord, CustodyTransfer
from provisioning.procedures.base import Work
from provisioning.site import Inventory
from tests.servicedesk import EXAMPLE


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return Site.load(EXAMPLE).inventory


def record(field: str, was: str | None, value: str | None, key: str = "E1042") -> AmendmentRecord:
    return AmendmentRecord("people", key, field, value, was, 1, "2026-11-23T08:00:00.000+00:00", None)


def test_it_holds_while_the_files_say_what_they_said(inventory: Inventory) -> None:
    was = inventory.people["E1042"].workplace
    assert amended(inventory, [record("workplace", was, "B-204-9")]).people["E1042"].workplace == "B-204-9"
    assert amended(inventory, [record("workplace", was, None)]).people["E1042"].workplace is None
    assert inventory.people["E1042"].workplace == was


def test_the_files_win_as_soon_as_they_say_something_else(inventory: Inventory) -> None:
    assert amended(inventory, [record("workplace", "elsewhere", "B-204-9")]) is inventory
    assert amended(inventory, [record("workplace", "x", "y", key="E-gone")]) is inventory


def test_values_become_what_the_field_holds(inventory: Inventory) -> None:
    left = amended(inventory, [record("left", None, "2026-12-31")])
    assert str(left.people["E1042"].left) == "2026-12-31"
    assert left.people["E1042"].given_name == inventory.people["E1042"].given_name


def test_what_the_site_cannot_take_is_named(inventory: Inventory) -> None:
    with pytest.raises(LedgerError, match=r"amends people: E1042: left to something that the site cannot take"):
        amended(inventory, [record("left", None, "some day")])


def test_only_what_is_not_so_yet_is_written(inventory: Inventory) -> None:
    was = inventory.people["E1042"].workplace
    now = amended(inventory, [record("workplace", was, "B-204-9")])
    work = Work(
        (),
        (),
        amendments=(
            Amendment("people", "E1042", "workplace", "B-204-9"),
            Amendment("people", "E1042", "title", "Lead"),
        ),
        custody=(CustodyTransfer("PC-1", "E1042"), CustodyTransfer("PC-2", "E1042")),
    )
    books = to_write(inventory, now, work, {"PC-1": "E1042"})
    assert books.amendments == ((Amendment("people", "E1042", "title", "Lead"), inventory.people["E1042"].title),)
    assert books.custody == (CustodyTransfer("PC-2", "E1042"),)
    assert books.now == {}


def test_what_holds_now_is_shown_and_what_the_files_say_is_written(inventory: Inventory) -> None:
    back = Amendment("people", "E1042", "left", None)
    gone = amended(inventory, [record("left", None, "2026-12-31")])
    books = to_write(inventory, gone, Work((), (), amendments=(back,)), {})
    assert books.amendments == ((back, None),)
    assert books.now == {("people", "E1042", "left"): "2026-12-31"}
