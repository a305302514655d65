"""Requests that are due, several at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.intake.at_once import carried_out
from provisioning.ledger import RequestRecord
from provisioning.procedures.onboard import onboard
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.unit.requests_desk import Desk, desk  # noqa: F401  (a fixture)

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"


@pytest.fixture(scope="module")
def site() -> Inventory:
    return load(EXAMPLE)


def record(number: int, *persons: str, procedure: str = "onboard") -> RequestRecord:
    plain = onboard(*persons).to_plain() | {"procedure": procedure}
    return RequestRecord(number, "t", plain, "root", "scheduled", "", "", (), None, "", None, (), ())


class Carrier:
    """Remembers who was at work beside whom."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.at_work: set[int] = set()
        self.beside: set[frozenset[int]] = set()
        self.begun: list[int] = []
        self.slow = threading.Event()

    def __call__(self, number: int, stop: threading.Event) -> str:
        with self.guard:
            self.begun.append(number)
            self.beside |= {frozenset({number, other}) for other in self.at_work}
            self.at_work.add(number)
        self.slow.wait(0.05)
        with self.guard:
            self.at_work.discard(number)
        return f"done {number}"


def test_people_who_have_nothing_to_do_with_each_other_are_onboarded_at_once(site: Inventory) -> None:
    gate = threading.Barrier(3, timeout=10)

    def carry_out(number: int, stop: threading.Event) -> int:
        gate.wait()  # three at once, or this breaks
        return number

    records = [record(1, "E1042"), record(2, "E1015"), record(3, "E1001")]
    assert list(carried_out(records, site, carry_out, threading.Event(), 3)) == [1, 2, 3]


def test_a_manager_comes_before_those_who_report_to_her_and_nobody_is_worked_on_twice_at_once(site: Inventory) -> None:
    assert site.people["E1003"].manager == "E1002"
    carrier = Carrier()
    records = [record(1, "E1002"), record(2, "E1003"), record(3, "E1042"), record(4, "E1042")]
    done = list(carried_out(records, site, carrier, threading.Event(), 4))
    assert done == [f"done {number}" for number in (1, 2, 3, 4)]
    assert frozenset({1, 2}) not in carrier.beside
    assert frozenset({3, 4}) not in carrier.beside
    assert frozenset({1, 3}) in carrier.beside


@pytest.mark.parametrize("most", [1, 4])
def test_all_else_is_done_in_turn(site: Inventory, most: int) -> None:
    carrier = Carrier()
    records = [record(n, "E1042", procedure="move") for n in (1, 2)] + [record(3, "E1042"), record(4, "E1015")]
    assert len(list(carried_out(records, site, carrier, threading.Event(), most))) == 4
    assert carrier.beside == ({frozenset({3, 4})} if most > 1 else set())
    assert carrier.begun[:2] == [1, 2]


@pytest.mark.parametrize("procedure", ["onboard", "move"])
def test_nothing_more_is_begun_when_it_is_to_stop(site: Inventory, procedure: str) -> None:
    leave, begun = threading.Event(), list[int]()

    def carry_out(number: int, stop: threading.Event) -> int:
        begun.append(number)
        stop.set()
        return number

    records = [record(n, "E1042", procedure=procedure) for n in range(1, 6)]
    assert list(carried_out(records, site, carry_out, leave, 2)) == [1]
    assert begun == [1]


def test_an_error_ends_it(site: Inventory) -> None:
    def carry_out(number: int, stop: threading.Event) -> int:
        raise ValueError(number)

    leave = threading.Event()
    with pytest.raises(ValueError, match="1"):
        list(carried_out([record(1, "E1042"), record(2, "E1042")], site, carry_out, leave, 2))
    assert leave.is_set()


def test_the_verb_carries_out_as_many_at_once_as_the_site_says(
    desk: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def due(self: object, *, most: int) -> Iterator[None]:
        asked.append(most)
        yield from ()

    monkeypatch.setattr("provisioning.api.Site.due", due)
    (desk.folder / "workers.yml").write_text("workers: {concurrency: 7}\n", encoding="utf-8")
    assert desk.ok("due") == "Nothing is due.\n"
    assert asked == [7]
