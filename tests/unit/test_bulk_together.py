"""Long files of new colleagues, on systems in memory: up to a hundred rows share a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.api import Plan, Site
from provisioning.errors import RequestError, UnreachableError
from provisioning.intake import RowResult
from provisioning.intake.row_results import rows_of_run
from provisioning.ledger import RequestRecord
from provisioning.ledger.records import ChangeRecord, RunRecord
from provisioning.procedures.base import Request
from provisioning.procedures.hires_rows import Row
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.user import User
from tests.memory import Thing, thing
from tests.unit.cli_office import Office, write_site
from tests.unit.requests_desk import Desk, desk
from tests.unit.test_cli_process import program

__all__ = ["desk"]

PEOPLE = ("E1001", "E1002", "E1003", "E1007", "E1011", "E1015", "E1019", "E1023", "E1028", "E1033", "E1038", "E1042")
ROWS = [Row(number, person) for number, person in enumerate(PEOPLE, 2)]

Refuses = Callable[[tuple[str, ...]], None]


class Everybody(Office):
    """Wants one thing on each system for each person; `plans` are the people of each plan that was made."""

    def __init__(self) -> None:
        super().__init__()
        self.proofs = []
        self.plans: list[tuple[str, ...]] = []
        self.refuses: Refuses = lambda _: None
        self.asks: tuple[str, ...] = ()

    def plan(self, site: Site, request: Request | None = None) -> Plan:
        assert request is not None
        people = tuple(request.desks(site.inventory))
        self.plans.append(people)
        self.refuses(people)
        self.wanted = [thing("a", person, Thing(colour="blue")) for person in people] + [
            thing("b", person, Thing(colour="red"), ("a", person)) for person in people
        ]
        asking = tuple(f"{person} joins the group IT" for person in people if person in self.asks)
        self.grounds = {"security": asking} if asking else {}
        return super().plan(site, request)


@pytest.fixture
def office(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Everybody:
    made = Everybody()
    monkeypatch.setattr(desk.office, "plan", made.plan)
    monkeypatch.setattr(desk.office, "sessions", made.sessions)
    return made


def done(site: Site, rows: Sequence[Row] = ROWS) -> dict[str, RowResult]:
    return {result.row.person: result for result in site.onboard_all(rows)}


def test_a_long_file_is_one_run_and_doing_it_again_does_nothing(desk: Desk, office: Everybody) -> None:
    found = done(desk.site)
    assert {r.state for r in found.values()} == {"proven"}
    assert {(r.request, r.run) for r in found.values()} == {(1, 1)}
    assert len(office.plans) == 1
    assert sorted(change.key for change in office.a.applied) == sorted(PEOPLE)
    again = done(desk.site)
    assert {r.state for r in again.values()} == {"unchanged"}
    assert len(office.a.applied) == len(PEOPLE)


def test_at_most_so_many_rows_share_a_run_and_managers_go_first(desk: Desk, office: Everybody) -> None:
    found = list(desk.site.onboard_all(ROWS, at_once=5))
    assert [len(people) for people in office.plans] == [5, 5, 1, 1]  # two are not worth a run together
    assert found[0].row.person == "E1001"  # whom all the others report to
    assert {r.run for r in found} == {1, 2, 3, 4}


def test_a_short_file_has_a_run_for_each_row(desk: Desk, office: Everybody) -> None:
    assert [r.run for r in desk.site.onboard_all(ROWS[:3])] == [1, 2, 3]


def test_who_needs_approval_is_asked_for_alone(desk: Desk, office: Everybody) -> None:
    office.asks = ("E1028",)
    found = done(desk.site)
    assert found["E1028"].state == "awaiting approval"
    assert "security must approve: E1028 joins the group IT" in found["E1028"].message
    assert {r.state for p, r in found.items() if p != "E1028"} == {"proven"}
    assert len(office.plans) == 3
    assert "E1028" not in office.a.things


def test_who_cannot_be_planned_is_named_and_the_others_go_on(desk: Desk, office: Everybody) -> None:
    def refuses(people: tuple[str, ...]) -> None:
        if "E1015" in people:
            raise RequestError("login 'x' of person E1015 belongs to another account")

    office.refuses = refuses
    found = done(desk.site)
    assert (found["E1015"].state, found["E1015"].message) == (
        "failed", "login 'x' of person E1015 belongs to another account",
    )  # fmt: skip
    assert {r.state for p, r in found.items() if p != "E1015"} == {"proven"}
    assert [len(people) for people in office.plans] == [12, 11, 1]


def test_where_nobody_can_tell_whose_fault_it_is_halves_are_tried(desk: Desk, office: Everybody) -> None:
    def refuses(people: tuple[str, ...]) -> None:
        if "E1042" in people:
            raise RequestError("something is wrong")

    office.refuses = refuses
    found = done(desk.site)
    assert [p for p, r in found.items() if r.state == "failed"] == ["E1042"]
    assert len(office.plans) < 10


def test_a_directory_that_does_not_answer_is_asked_once_a_block(desk: Desk, office: Everybody) -> None:
    def refuses(_: tuple[str, ...]) -> None:
        raise UnreachableError("directory", "nobody answers")

    office.refuses = refuses
    assert {r.state for r in done(desk.site).values()} == {"failed"}
    assert len(office.plans) == 1


def test_rows_that_begin_later_are_requests_of_their_own_and_planned_once(desk: Desk, office: Everybody) -> None:
    rows = [replace(row, start="2099-01-04") for row in ROWS]
    found = done(desk.site, rows)
    assert {r.state for r in found.values()} == {"scheduled"}
    assert sorted(r.request or 0 for r in found.values()) == list(range(1, 13))
    assert len(office.plans) == 1
    assert not office.a.applied
    assert [r.request for r in done(desk.site, rows).values()] == [r.request for r in found.values()]


def test_a_run_whose_process_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    """As processes of their own: the first is killed in the middle of its first run."""
    site, file = write_site(tmp_path), tmp_path / "hires.csv"
    file.write_text("\n".join(["person", *PEOPLE, ""]), encoding="utf-8")
    assert program(site, "kill", "onboard", "--from", str(file), "--yes").returncode == -9
    again = program(site, "fine", "onboard", "--from", str(file), "--yes", "--output", "json")
    assert again.returncode == 0, again.stderr
    states = program(site, "fine", "show", "runs", "--output", "json")
    assert [run["state"] for run in json.loads(states.stdout)] == ["done"]


def test_ctrl_c_stops_and_the_same_command_goes_on(tmp_path: Path) -> None:
    site, file = write_site(tmp_path), tmp_path / "hires.csv"
    file.write_text("\n".join(["person", *PEOPLE, ""]), encoding="utf-8")
    stopped = program(site, "interrupt", "onboard", "--from", str(file), "--yes", "--output", "json")
    assert stopped.returncode == 3, stopped.stderr
    assert {(row["state"], row["run"]) for row in json.loads(stopped.stdout)} == {("partial", 1)}
    again = program(site, "fine", "onboard", "--from", str(file), "--yes", "--output", "json")
    assert again.returncode == 0, again.stderr
    assert {(row["state"], row["request"]) for row in json.loads(again.stdout)} == {("proven", 1)}


def test_each_row_is_told_what_is_its_own(desk: Desk) -> None:
    """A run of two: the account of one failed, a proof of the other did not pass, a page opens for nobody."""

    def account(number: int, login: str, person: str, error: str | None) -> ChangeRecord:
        state = User(ou="OU=x", name=login, employee_id=person)
        change: Change[State] = Change(Address("directory.user", "directory", login), None, state)
        return ChangeRecord(number, change, "failed" if error else "verified", True, error)

    def proof(name: str, passed: bool, **parameters: str) -> dict[str, object]:
        return {"target": "mail", "name": name, "parameters": parameters, "passed": passed, "detail": "no", "kind": "x"}

    run = RunRecord(
        1, "t", {}, "w", "partial", "s", None, None,
        (account(1, "anna", "E1042", "the name is taken"), account(2, "thu", "E1043", None)),
        (proof("thu reads mail", False, login="thu"), proof("anna reads mail", True, login="anna")), 7,
    )  # fmt: skip
    record = RequestRecord(
        id=7, title="t", request={}, who="w", state="partial", at="a", start="a", needs=(), reason=None, changed="a",
        ticket=None, approvals=(), runs=(1,), grounds={},
    )  # fmt: skip
    rows, request = [Row(2, "E1042"), Row(3, "E1043"), Row(4, "E1038")], onboard("E1042", "E1043", "E1038")
    found = rows_of_run(desk.site.inventory, request, record, run, rows)
    assert [(r.state, r.message) for r in found] == [
        ("partial", "directory: the name is taken"),
        ("partial", "not proven: thu reads mail: no"),
        ("proven", "0 changes, 0 proofs passed"),
    ]
