"""Licence seats in the books of custody: they follow the seats that runs take and give back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import site as api_site
from provisioning.errors import LedgerError, RejectedError
from provisioning.ledger import allocations, moment
from provisioning.resources.base import Address
from tests.unit.whole_office import WholeOffice, whole_office

SEAT = "licence:crm/E1042"
CRM = Address("windows.package", "windows:WS-0042", "Meridian CRM Client")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    for made in whole_office(tmp_path, monkeypatch):
        made.has_account("E1001", "hannah.brandt")
        yield made


def booked(office: WholeOffice) -> list[tuple[str, str, int | None]]:
    """From, to, run."""
    return [(one.former, one.to, one.run_id) for one in office.site.ledger.custody(SEAT)]


def test_onboarding_books_the_seat_and_its_undo_books_it_back(office: WholeOffice) -> None:
    office.ok("onboard", "E1042", "--yes")
    assert booked(office) == [("store", "E1042", 1)]
    assert SEAT in {one.asset for one in office.site.ledger.held_by("E1042")}
    assert "Everything is as it should be" in office.ok("onboard", "E1042", "--yes")
    assert booked(office) == [("store", "E1042", 1)]
    office.ok("undo", "1", "--yes")
    assert booked(office) == [("store", "E1042", 1), ("E1042", "store", 2)]


def test_another_job_without_the_software_gives_it_back_and_undo_takes_it_again(office: WholeOffice) -> None:
    office.ok("onboard", "E1042", "--yes")
    office.ok(*has_another_job(office))
    assert booked(office)[1:] == [("E1042", "store", 2)]
    office.ok("undo", "2", "--yes")
    assert booked(office)[2:] == [("store", "E1042", 3)]


def has_another_job(office: WholeOffice) -> tuple[str, ...]:
    office.has_account("E1015", "jean-luc.moreau")
    job = ("--profile", "accounting", "--department", "Accounting", "--manager", "E1015", "--yes")
    return ("reassign", "E1042", *job)


@pytest.mark.parametrize("last", [("resume", "2"), ("undo", "2", "--yes")])
def test_a_run_that_ends_between_seat_and_book_is_booked_when_it_is_gone_on_with_or_taken_back(
    office: WholeOffice, monkeypatch: pytest.MonkeyPatch, last: tuple[str, ...]
) -> None:
    office.ok("onboard", "E1042", "--yes")

    def killed(*_: Any) -> None:
        raise LedgerError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(api_site, "book_seats", killed)
        assert office.run(*has_another_job(office)).exit_code != 0
    ledger = office.site.ledger
    assert ([a.holder for a in ledger.allocations("licence:crm")], ledger.holders()[SEAT]) == ([], "E1042")
    office.ok(*last)
    seats = [a.holder for a in ledger.allocations("licence:crm")]
    assert (seats or ["store"]) == [ledger.holders()[SEAT]], "the books say what the seats say"


def test_a_worker_whose_clock_is_behind_books_the_seats_that_it_gives_back(
    office: WholeOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ok("onboard", "E1042", "--yes")
    monkeypatch.setattr(allocations, "now", lambda: moment(datetime.now(UTC) - timedelta(minutes=2)))
    office.ok(*has_another_job(office))
    assert booked(office)[1:] == [("E1042", "store", 2)]


def test_an_install_that_fails_hands_nothing_over(office: WholeOffice) -> None:
    office.store.refuses[CRM] = RejectedError("windows:WS-0042", "msiexec ended with 1603")
    assert office.run("onboard", "E1042", "--yes").exit_code == 3
    assert booked(office) == []
    assert office.site.ledger.holders()["NW-20042"] == "E1042"
    office.store.refuses.clear()
    office.ok("onboard", "E1042", "--yes")
    assert booked(office) == [("store", "E1042", 2)]
