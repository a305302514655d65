"""``provision offboard``, ``reinstate`` and ``erase``: what is refused before anything is touched, and later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.api import Site, leaving, returning
from provisioning.cli import offboard
from provisioning.cli.matching import match_person
from provisioning.procedures.offboard import Offboard
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.user import User
from provisioning.resources.mail.mailbox import Mailbox
from tests.unit.requests_desk import Desk, desk

__all__ = ["desk"]

ANNA = Account("anna.petrova", "E1042", "CN=Anna,OU=Sales,DC=x", "Anna")
DROPPED = Account("old.timer", "E0007", "CN=Old Timer,OU=Sales,DC=x", "Old Timer")
STRANGER = Account("nobodys", "", "CN=Nobodys,OU=Sales,DC=x", "Nobodys")


class Directory:
    """What the directory says of people, without one."""

    accounts: tuple[Account, ...] = (ANNA, DROPPED, STRANGER)

    def __init__(self) -> None:
        self.users = {
            one.login: User(
                employee_id=one.employee_id or None, display_name=one.name, ou="OU=Sales,DC=x", enabled=True
            )
            for one in self.accounts
        }
        self.managed: dict[str, str] = {}

    def find(self, _: Any, name: str) -> list[Account]:
        return [one for one in self.accounts if name in {one.login, one.employee_id}]

    def read(self, _: Any, logins: list[str]) -> dict[str, User]:
        return {login: self.users[login] for login in logins if login in self.users}


@pytest.fixture
def directory(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Directory:
    made = Directory()
    boxes = {one.login: Mailbox(mail=f"{one.login}@corp.example") for one in made.accounts}
    roles = (desk.folder / "approvals.yml").read_text(encoding="utf-8")
    assert "security" in roles
    monkeypatch.setattr(leaving, "find_account", made.find)
    monkeypatch.setattr(leaving, "managed_by", lambda *_: made.managed)
    monkeypatch.setattr(leaving, "USER", made)
    monkeypatch.setattr(leaving, "MAILBOX", SimpleNamespace(read=lambda _, logins: {x: boxes[x] for x in logins}))
    monkeypatch.setattr(leaving, "signed_in", lambda *_: iter(()))
    monkeypatch.setattr("provisioning.cli.offboard.signed_in", lambda *_: iter(()))

    @contextmanager
    def reading(*_: Any, **__: Any) -> Iterator[Any]:
        @contextmanager
        def session(_: str) -> Iterator[None]:
            yield None

        yield SimpleNamespace(session=session)

    monkeypatch.setattr(Site, "reading", reading)
    return made


def last_request(desk: Desk) -> Any:
    return desk.site.ledger.requests()[0].request


def last_asked(desk: Desk, *words: str) -> Offboard | None:
    """The request that these words came to."""
    if desk.run(*words, "--yes").exit_code:
        return None
    return Offboard.from_plain(last_request(desk))


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("E1024",), "neither the site nor the directory has a person 'E1024'; did you mean"),
        (("nobodys",), "has no employeeID"),
        (("E1001",), "E1001 has no account in the directory"),
        (("E1042", "--forward-to", "E104X"), "no person 'E104X'; did you mean"),
        (("E1042", "--forward-to", "E1001"), "E1001 has no mailbox"),
        (("E1042", "--forward-to", "E1042"), "--forward-to E1042: that is the leaver; name somebody else"),
        (("E1042", "--manager-of-reports", "E1"), "'E1' fits 13 things"),
        (("E1042", "--manager-of-reports", "E104X"), "no person 'E104X'; did you mean"),
        (("petrov",), "'petrov' may be E1042 Анна Петрова"),
        (("müler",), "E1002"),
        (("E1042", "--forward-to", "mülle"), "with --yes nobody confirms that, so give a whole name: E1002"),
        (("E1042", "--on", "31.12.2099"), "expected a date such as 2026-12-31"),
        (("E1042", "--on", "2099-02-30"), "expected a date such as 2026-12-31"),
        (("E1042", "--on", "2020-12-31"), "leave --on out to do it now"),
        (("E1042", "--reply", "x", "--reply-file", "y"), "the same thing"),
        (("E1042", "--reply-file", "/nowhere/to/be/found"), "cannot be read"),
        (("E1042", "--reply", " "), "the reply is empty"),
        (("E1042", "--reply-subject", "Weg"), "there is none"),
    ],
)
def test_refused_before_anything_is_touched(desk: Desk, words: tuple[str, ...], said: str) -> None:
    assert said in desk.refused("offboard", *words, "--yes")
    assert not desk.touched
    assert not Path(str(desk.site.inventory.ledger)).exists()


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("verb", ["offboard", "reinstate", "erase"])
def test_a_site_without_leavers_says_what_to_add(desk: Desk, verb: str) -> None:
    (desk.folder / "leavers.yml").unlink()
    assert "add `leavers:` with ou and erase_approval" in desk.refused(verb, "E1042", "--yes")


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("verb", ["reinstate", "erase"])
def test_whoever_did_not_leave_is_neither_reinstated_nor_erased(desk: Desk, verb: str) -> None:
    assert "E1042 has not left" in desk.refused(verb, "E1042", "--yes")
    assert "no person 'E1024'; did you mean" in desk.refused(verb, "E1024", "--yes")


def test_what_is_asked_for_is_in_the_request(desk: Desk, directory: Directory, tmp_path: Path) -> None:
    (desk.folder / "zone.yml").write_text("time_zone: Europe/Berlin\n", encoding="utf-8")
    (tmp_path / "r.txt").write_bytes("\ufeffAnna ist weg.\r\nGruß\n".encode())
    directory.managed = {"report": "E1043", "robot": ""}
    desk.ok(
        *("offboard", "anna.petrova", "--on", "2099-12-31", "--keep-mail-days", "30", "--reply-file"),
        *(str(tmp_path / "r.txt"), "--yes"),
    )
    asked = Offboard.from_plain(last_request(desk))
    assert (asked.person, asked.login, asked.day, asked.keep) == ("E1042", "anna.petrova", "2099-12-31", 30)
    assert (asked.desk, asked.reports, asked.addresses) == ("B-204-3", ("E1043",), ("anna.petrova@corp.example",))
    assert asked.reply == "Anna ist weg.\r\nGruß\n"
    (record,) = desk.site.ledger.requests()
    assert record.start == "2099-12-31T17:00:00.000+00:00"  # 18:00 in Berlin
    assert not desk.touched


@pytest.mark.usefixtures("directory")
def test_whom_the_personnel_file_has_dropped_is_found_by_number_and_login(desk: Desk) -> None:
    for name in ("E0007", "old.timer"):
        asked = leaving.offboarding(desk.site, name)
        assert (asked.person, asked.login, asked.desk) == ("E0007", "old.timer", None)


@pytest.mark.usefixtures("directory")
def test_a_part_of_a_name_is_said_and_confirmed(desk: Desk) -> None:
    shown = desk.run("offboard", "petrov", answer="y\n")
    assert "no terminal to ask on" in shown.output
    asked = last_asked(desk, "offboard", "Анна Петрова", "--on", "2099-12-31", "--forward-to", "E1001")
    assert asked is None, "a forward to somebody without a mailbox is refused"
    asked = last_asked(desk, "offboard", "Анна Петрова", "--on", "2099-12-31")
    assert asked is not None
    assert asked.person == "E1042"


@pytest.mark.usefixtures("directory")
def test_a_login_of_the_directory_goes_before_a_part_of_a_name(desk: Desk, directory: Directory) -> None:
    """Nobody means Jörg Müller by the login of somebody whom the personnel file has dropped."""
    dropped = Account("muller", "E0008", "CN=Muller,OU=Sales,DC=x", "Muller")
    directory.accounts = (*directory.accounts, dropped)
    assert offboard.whom(desk.site, "muller") == "muller"
    assert offboard.whom(desk.site, "nobody-at-all") == "nobody-at-all"
    assert offboard.whom(desk.site, "Jörg Müller") == "E1002"


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("verb", ["offboard", "reinstate"])
def test_a_leaving_that_is_under_way_is_finished_first(desk: Desk, verb: str) -> None:
    desk.ok("offboard", "E1042", "--yes")
    desk.site.ledger.end(1, "waiting")
    said = desk.refused(verb, "E1042", "--yes")
    assert "is waiting, not over; finish it: `provision resume 1 --now`, or take it back: `provision undo 1`" in said


@pytest.mark.usefixtures("directory")
def test_who_has_left_is_meant_when_somebody_is_reinstated(desk: Desk) -> None:
    site = desk.site
    gone = site.inventory.people["E1042"].model_copy(update={"given_name": "Jörg", "left": date(2026, 6, 30)})
    people = {**site.inventory.people, "E1042": gone}
    site = replace(site, inventory=site.inventory.model_copy(update={"people": people}))
    assert match_person(site, "Jörg") == "E1002"
    assert match_person(site, "Jörg", left=True) == "E1042"
    assert match_person(site, "Zoé", left=True) == "E1003"


@pytest.mark.usefixtures("directory")
def test_the_return_list_is_in_the_plan_and_in_both_results(desk: Desk) -> None:
    shown = desk.ok("offboard", "E1042", "--yes")
    assert shown.count("to be returned: NW-20042 (WS-0042, EliteDesk 800 G9") == 2  # plan, result
    assert "to be returned: phone-204-3 (telephone SIP-T46U" in shown
    assert shown.count("provision custody take NUMBER") == 2
    assert desk.site.ledger.custody() == [], "nothing is booked before it is back"
    desk.ok("undo", "1", "--yes")
    document = json.loads(desk.ok("offboard", "E1042", "--yes", "--output", "json"))
    assert [one["number"] for one in document["to_return"] if one["sort"] != "extension"] == ["NW-20042", "phone-204-3"]
    assert (document["state"], document["title"]) == ("done", "offboard E1042 (Anna)")


def test_who_has_left_is_not_offboarded_twice(desk: Desk, directory: Directory) -> None:
    directory.users["anna.petrova"] = User(
        employee_id="E1042", display_name="Anna", ou="ou=leavers,DC=corp,DC=example", enabled=False
    )
    assert "`provision onboard E1042` opens the account again" in desk.refused("offboard", "E1042", "--yes")
    directory.users["old.timer"] = User(display_name="Old", ou="OU=Leavers,DC=corp,DC=example", enabled=False)
    assert "E0007 has left already" in (said := desk.refused("offboard", "E0007", "--yes"))
    assert "reinstate" not in said  # nothing here knows of it
    directory.users["anna.petrova"] = User(employee_id="E1042", display_name="Anna", ou="OU=Sales,DC=x", enabled=True)
    text = (desk.folder / "people.csv").read_text(encoding="utf-8")
    lines = [line + (",left" if line.startswith("person,") else ",") for line in text.splitlines()]
    lines = [line + "2026-06-30" if line.startswith("E1042") else line for line in lines]
    (desk.folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert desk.site.inventory.people["E1042"].left == date(2026, 6, 30)
    assert "the ledger knows of no offboarding" in desk.refused("reinstate", "E1042", "--yes")
    assert "E1042 has left on 2026-06-30" in desk.refused("offboard", "old.timer", "--forward-to", "E1042", "--yes")
    desk.ok("offboard", "E1042", "--yes")  # the files say it, but nobody has done it yet
    assert "E1042 has left on 2026-06-30" in desk.refused("offboard", "E1042", "--yes")


@pytest.mark.usefixtures("directory")
def test_somebody_with_another_request_waits_for_that_one(desk: Desk) -> None:
    desk.ok("offboard", "E1042", "--on", "2099-12-31", "--yes")
    said = desk.refused("offboard", "E1042", "--on", "2099-11-30", "--yes")
    assert "E1042 has a request already" in said
    assert "provision cancel 1" in said


@pytest.mark.usefixtures("directory")
def test_erasing_at_once_replaces_the_deletion_that_lies_ahead(desk: Desk) -> None:
    desk.ok("offboard", "E1042", "--yes")
    ahead = next(r for r in desk.site.ledger.requests() if r.request["procedure"] == "erase")
    assert ahead.missing == ("security",)
    desk.office.grounds = {"security": ("x",)}
    assert "awaiting approval" in desk.ok("erase", "anna.petrova", "--yes")
    states = [r.state for r in desk.site.ledger.requests() if r.request["procedure"] == "erase"]
    assert states == ["awaiting approval", "cancelled"]
    assert returning.pending_deletions(desk.site, "E1042") != (ahead.id,)


@pytest.mark.usefixtures("directory")
def test_help_names_the_way_back(desk: Desk) -> None:
    assert "provision reinstate PERSON" in desk.ok("offboard", "--help")
