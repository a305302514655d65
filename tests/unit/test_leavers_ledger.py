"""What the ledger does when somebody leaves or comes back: seats, the deletion that is asked for, what is returned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioning.errors import RequestError
from provisioning.intake import leavers
from provisioning.intake.clearance import clearance
from provisioning.intake.leavers import offboardings, pools_given_up, settle, still_open, to_return
from provisioning.ledger import CustodyTransfer, Ledger, RunRecord, RunState
from provisioning.procedures.approvals import grounds
from provisioning.procedures.base import Request
from provisioning.procedures.erase import Erase
from provisioning.procedures.leaving_places import Home
from provisioning.procedures.leaving_record import things_of
from provisioning.procedures.licences import Seat
from provisioning.procedures.offboard import Offboard
from provisioning.procedures.reinstate import Reinstate
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.all_groups import AllGroups
from provisioning.resources.directory.password import Password
from provisioning.resources.directory.user import User
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.site.load import load

SITE = load(Path(__file__).parent.parent.parent / "inventories" / "example")
ANNA = Offboard("E1042", "anna.petrova", "Анна Петрова", "2026-12-31", home=Home("files", "homes$\\anna.petrova"))
BACK = Reinstate("E1042", "anna.petrova", "Анна Петрова", 1, (), pools=("crm",))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "l.sqlite")
    yield opened
    opened.close()


def ran(
    ledger: Ledger, request: Request, state: RunState = "done", *, changes: tuple[Change[State], ...] = ()
) -> RunRecord:
    """A run of `request` that ended in `state`."""
    run = ledger.begin(request.title, request.to_plain(), changes, asked=True)
    ledger.settle({record.id: ("verified", None) for record in run.changes})
    settle(ledger, SITE, ledger.run(run.id), state)
    ledger.end(run.id, state)
    return ledger.run(run.id)


def undone(ledger: Ledger, run: RunRecord) -> None:
    undo = ledger.begin("undo", {"procedure": "undo", "run": run.id}, (), undoes=run.id)
    settle(ledger, SITE, ledger.run(undo.id), "done")
    settle(ledger, SITE, ledger.run(undo.id), "done")  # whoever is killed in between does it again
    ledger.end(undo.id, "done")
    ledger.end(run.id, "undone")


def deletions(ledger: Ledger) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(r.state, r.start[:16], r.missing) for r in ledger.requests() if r.request["procedure"] == "erase"]


def seats(ledger: Ledger) -> list[tuple[str, str]]:
    return [(one.pool, one.holder) for one in ledger.allocations() if one.pool.startswith("licence:")]


def test_the_deletion_is_asked_for_once_and_waits_for_its_role(ledger: Ledger) -> None:
    run = ran(ledger, ANNA)
    assert deletions(ledger) == [("awaiting approval", "2027-03-31T16:00", ("security",))]  # 18:00 in Berlin
    settle(ledger, SITE, run, "done")
    assert len(deletions(ledger)) == 1
    assert "The deletion of what Анна Петрова (E1042) left behind is asked for" in ledger.worklog()[-1].sentence


def test_days_that_were_asked_for_count(ledger: Ledger) -> None:
    ran(ledger, replace(ANNA, keep=10))
    assert deletions(ledger)[0][1] == "2027-01-10T17:00"


def test_a_leaving_that_is_not_done_asks_for_no_deletion(ledger: Ledger) -> None:
    ran(ledger, ANNA, "partial")
    assert deletions(ledger) == []


def test_who_is_back_is_not_erased(ledger: Ledger) -> None:
    ran(ledger, ANNA)
    ran(ledger, BACK)
    assert deletions(ledger) == [("cancelled", "2027-03-31T16:00", ("security",))]
    assert offboardings(ledger, "E1042") == []
    assert "E1042 is back (run 2)" in str(ledger.request(2).reason or ledger.request(1).reason)


def test_undoing_the_leaving_gives_up_the_deletion_and_gives_the_seat_back(ledger: Ledger) -> None:
    ledger.allocate("licence:crm", ["1", "2"], "E1042")
    ledger.allocate("licence:crm", ["1", "2"], "E1001")
    run = ran(ledger, ANNA)
    assert seats(ledger) == [("licence:crm", "E1001")]
    undone(ledger, run)
    assert deletions(ledger)[0][0] == "cancelled"
    assert sorted(seats(ledger)) == [("licence:crm", "E1001"), ("licence:crm", "E1042")]


def test_a_seat_that_somebody_else_has_by_now_is_not_taken_away(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    pool = SITE.licences["crm"].seats
    ledger.allocate("licence:crm", ["1"], "E1042")
    run = ran(ledger, ANNA)
    for number in range(1, pool + 1):
        ledger.allocate("licence:crm", [str(number)], f"X{number}")
    undone(ledger, run)
    assert ("licence:crm", "E1042") not in seats(ledger)
    assert "E1042 does not get the licence seat back" in caplog.text


PACKAGE = Address("windows.package", "windows:WS-0042", SITE.software["crm-client"].display_name)


def test_a_seat_stays_with_the_software_that_could_not_be_removed(ledger: Ledger) -> None:
    ledger.allocate("licence:crm", ["1"], "E1042")
    removal = Change[State](PACKAGE, InstalledPackage(version="4.2.0"), None)
    run = ledger.begin(ANNA.title, ANNA.to_plain(), (removal,), asked=True)
    ledger.settle({run.changes[0].id: ("failed", "busy")})
    settle(ledger, SITE, ledger.run(run.id), "partial")
    assert seats(ledger) == [("licence:crm", "E1042")]
    ledger.settle({run.changes[0].id: ("verified", None)})
    settle(ledger, SITE, ledger.run(run.id), "done")
    assert seats(ledger) == []


def test_the_packages_of_somebodys_seats_are_known(ledger: Ledger) -> None:
    assert leavers.licensed_packages(SITE, ledger, "E1042") == ()
    ledger.allocate("licence:crm", ["1"], "E1042")
    assert leavers.licensed_packages(SITE, ledger, "E1042") == ("crm-client",)


def test_undoing_the_return_asks_for_the_deletion_anew(ledger: Ledger) -> None:
    ran(ledger, ANNA)
    back = ran(ledger, BACK)
    undone(ledger, back)
    assert [state for state, *_ in deletions(ledger)] == ["awaiting approval", "cancelled"]


def test_the_pools_of_the_last_leaving_are_known(ledger: Ledger) -> None:
    ledger.allocate("licence:crm", ["1"], "E1042")
    ledger.allocate("extension:staff", ["1042"], "E1042")
    run = ran(ledger, ANNA)
    assert pools_given_up(ledger, "E1042", [run]) == ("crm",)
    assert pools_given_up(ledger, "E1042", []) == ()


def test_what_several_runs_of_one_leaving_found_is_put_together(ledger: Ledger) -> None:
    groups = Address("directory.all_groups", "directory", "anna.petrova")
    user = Address("directory.user", "directory", "anna.petrova")
    first = Change[State](groups, AllGroups(groups=("Staff",)), AllGroups(groups=()))
    password = Change[State](user._replace(kind="directory.password"), Password(random=False), Password(random=True))
    ran(ledger, ANNA, "partial", changes=(first, password))
    again = Change[State](groups, AllGroups(groups=("Left over",)), AllGroups(groups=()))
    ran(ledger, ANNA, changes=(again, Change[State](user, User(enabled=True), User(enabled=False))))
    runs = offboardings(ledger, "E1042")
    assert [run.id for run in runs] == [1, 2]
    things = {thing.address: thing.state for thing in things_of(runs)}
    assert things == {groups: AllGroups(groups=("Staff",)), user: User(enabled=True)}


def test_no_plan_deletes_an_account_without_the_approved_request(ledger: Ledger) -> None:
    ran(ledger, ANNA)
    (request,) = (r for r in ledger.requests() if r.request["procedure"] == "erase")
    erase = Erase.from_plain(request.request)

    class Plan:
        title, request, seats, is_empty = erase.title, erase.to_plain(), (), False
        account = Address("directory.user", "directory", "anna.petrova")
        grounds = grounds(SITE, [Change[State](account, User(employee_id="E1042", enabled=False), None)], {})

    with pytest.raises(RequestError, match="needs approval"):
        clearance(ledger, Plan(), None)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="not approved"):
        clearance(ledger, Plan(), request.id)  # type: ignore[arg-type]
    ledger.approve(request.id, "security", "over", who="somebody else")
    assert clearance(ledger, Plan(), request.id) == request.id  # type: ignore[arg-type]


def test_everything_that_somebody_has_is_on_one_list(ledger: Ledger) -> None:
    assert [one.number for one in to_return(SITE, None, "E1042")] == ["NW-20042", "phone-204-3"]
    assert all(one.since is None for one in to_return(SITE, ledger, "E1042"))
    ledger.hand_over([CustodyTransfer("NW-20042", "E1042"), CustodyTransfer("projector-1", "E1042")])
    ledger.hand_over([CustodyTransfer("licence:crm/E1042", "E1042"), CustodyTransfer("phone-204-3", "E1042")])
    ledger.hand_over([CustodyTransfer("phone-204-3", "store")])
    ledger.allocate("licence:crm", ["1"], "E1042")
    ledger.allocate("extension:staff", ["1042"], "E1042")
    held = to_return(SITE, ledger, "E1042")
    assert [(one.sort, one.name) for one in held] == [  # the phone is back, the seat is there once
        ("pc", "WS-0042"), ("other", "projector-1"), ("licence", "crm"), ("extension", "1042"),
    ]  # fmt: skip
    assert held[0].sentence.startswith("to be returned: NW-20042 (WS-0042, EliteDesk 800 G9, booked since 20")
    assert [one.sentence for one in held[2:]] == [
        *("given back with this: a licence seat of crm", "given back with this: the extension 1042"),
    ]


def test_the_list_of_somebody_whom_the_site_does_not_know_is_what_the_ledger_booked(ledger: Ledger) -> None:
    ledger.hand_over([CustodyTransfer("NW-20090", "E0007")])
    assert [one.number for one in to_return(SITE, ledger, "E0007")] == ["NW-20090"]


def test_seats_of_a_leaving_come_back_as_seats(ledger: Ledger) -> None:
    ledger.allocate("licence:crm", ["1"], "E1042")
    run = ran(ledger, ANNA)
    (seat,) = leavers.seats_to_take_again(ledger, SITE, run)
    assert isinstance(seat, Seat)
    assert (seat.pool, seat.holder) == ("licence:crm", "E1042")


def test_what_else_was_asked_for_a_leaver_is_given_up(ledger: Ledger) -> None:
    later = Offboard("E1042", "anna.petrova", "Анна Петрова", "2027-01-31")
    ahead = ledger.ask(later.title, later.to_plain(), start=datetime(2027, 1, 31, tzinfo=UTC)).id
    others = ledger.ask("onboard two", {"procedure": "onboard", "persons": ["E1042", "E1001"]}).id
    assert list(still_open(ledger, "E1042")) == [
        f"request {ahead} ({later.title}, scheduled, from 2027-01-31) is given up with this"
    ]
    ran(ledger, ANNA, "partial")
    assert ledger.request(ahead).state == "scheduled"  # the leaving may still be taken back half done
    ran(ledger, ANNA)
    assert (ledger.request(ahead).state, ledger.request(ahead).reason) == ("cancelled", "E1042 has left (run 2)")
    assert ledger.request(others).state == "scheduled"


def test_a_run_that_waits_for_a_pc_is_named(ledger: Ledger) -> None:
    run = ledger.begin(
        "onboard E1042", {"procedure": "onboard", "persons": ["E1042"]}, (), asked=True,
        unread={"windows:WS-0042": "off"}, next_try=datetime.now(UTC), deadlines={"windows:WS-0042": datetime.now(UTC)},
    )  # fmt: skip
    ledger.end(run.id, "waiting")
    (said,) = still_open(ledger, "E1042")
    assert said.startswith("run 1 (onboard E1042) is not over: it waits for windows:WS-0042")
    assert list(still_open(ledger, "E1001")) == []


def test_who_was_offboarded_in_two_runs_is_not_back_when_one_is_undone(ledger: Ledger) -> None:
    ran(ledger, ANNA, "partial")
    second = ran(ledger, ANNA)
    undone(ledger, second)
    assert deletions(ledger)[0][0] == "awaiting approval"


def test_a_reinstatement_of_which_only_a_proof_failed_is_one(ledger: Ledger) -> None:
    account = Address("directory.user", "directory", "anna.petrova")
    change: Change[State] = Change(account, User(enabled=False), User(enabled=True))
    ran(ledger, ANNA)
    half = ledger.begin(BACK.title, BACK.to_plain(), (change,), asked=True)
    ledger.settle({record.id: ("failed", "refused") for record in half.changes})
    ledger.end(half.id, "partial")
    assert [run.id for run in offboardings(ledger, "E1042")] == [1]  # what failed can be given back yet
    ran(ledger, BACK, "partial", changes=(change,))
    assert offboardings(ledger, "E1042") == []


@pytest.mark.parametrize("request_", [ANNA, BACK], ids=["offboard", "reinstate"])
@pytest.mark.parametrize("state", ["running", "waiting", "interrupted"])
def test_nobody_goes_while_a_run_of_theirs_is_not_over(
    ledger: Ledger, request_: Offboard | Reinstate, state: RunState
) -> None:
    run = ledger.begin(request_.title, request_.to_plain(), (), asked=True)
    if state != "running":
        ledger.end(run.id, state)
    leavers.refuse_under_way(ledger, "E1001")
    with pytest.raises(RequestError, match=rf"run 1 \({request_.title[:8]}.*{state}, not over.*provision undo 1"):
        leavers.refuse_under_way(ledger, "E1042")
    ledger.end(run.id, "done")
    leavers.refuse_under_way(ledger, "E1042")


def test_what_was_erased_is_known_though_an_undo_made_an_account_again(ledger: Ledger) -> None:
    first = ran(ledger, ANNA)
    assert not leavers.was_erased(ledger, "E1042", first)
    gone: Change[State] = Change(ANNA.account, User(enabled=False), None)
    undone(ledger, ran(ledger, Erase("E1042", "anna.petrova", "Анна Петрова", 1), changes=(gone,)))
    assert leavers.was_erased(ledger, "E1042", first)
    assert not leavers.was_erased(ledger, "E1001", first)
    assert not leavers.was_erased(ledger, "E1042", ran(ledger, ANNA))  # hired anew, and gone again
