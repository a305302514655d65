"""Whole procedures as tasks: asked for twice, in check mode, too early, without approval, cut off and gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioning.ansible_door import naming
from provisioning.ansible_door.arguments import validated
from provisioning.ansible_door.definition import Result, Task
from provisioning.ansible_door.registry import MODULES
from provisioning.api import Site
from provisioning.errors import LedgerError, RejectedError, RequestError
from tests.unit.moving_office import Bench, bench
from tests.unit.requests_desk import GROUNDS, Desk, desk

__all__ = ["desk"]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return bench(tmp_path, monkeypatch)


def task(site: Site, module: str, given: Mapping[str, Any], *, check: bool = False) -> Result:
    """What Ansible is told of a task of `module`."""
    definition = MODULES[module]
    options = validated(given, definition.options, module)
    return definition.carry(Task(options, site, "localhost", {}, check, True))


def move(office: Bench, *, check: bool = False, **given: Any) -> Result:
    return task(office.site, "move", given, check=check)


# -- moves


def test_check_mode_is_the_plan_and_leaves_nothing_behind(office: Bench) -> None:
    before = office.state()
    looked = move(office, check=True, who="E1042", to="B-204-2")
    assert looked["changed"] is True
    assert office.state() == before
    assert not office.site.has_ledger
    done = move(office, who="E1042", to="B-204-2")
    assert looked["diff"] == done["diff"]
    places = {one["before_header"]: one for one in done["diff"]}
    anna = places["directory.user[directory/anna.petrova]"]
    assert (anna["before"], anna["after"]) == ("office: B-204-3\n", "office: B-204-2\n")
    assert any("site" in header and "E1042" in header for header in places), "what is written down of the site as well"


def test_a_move_asked_for_again_is_how_it_should_be(office: Bench) -> None:
    assert move(office, who="E1042", to="B-204-2")["changed"] is True
    again = move(office, who="Anna Petrova", to="B-204-2")
    assert (again["changed"], again["msg"]) == (False, "E1042 is at B-204-2 already")
    assert "failed" not in again
    assert len(office.site.runs()) == 1


def test_a_swap_asked_for_again_does_not_swap_back(office: Bench) -> None:
    swap: dict[str, Any] = {"who": "E1042", "to": "B-204-1", "swap": True}
    assert move(office, **swap)["changed"] is True
    assert move(office, **swap)["changed"] is False
    assert office.user("william.hart").office == "B-204-3"


def test_two_lines_that_cross_are_a_swap(office: Bench) -> None:
    ways = [{"who": "E1042", "to": "B-204-1"}, {"who": "E1038", "to": "B-204-3"}]
    done = move(office, moves=ways)
    assert [one["from"] for one in done["moves"]] == ["B-204-3", "B-204-1"]
    assert move(office, moves=ways)["changed"] is False
    half = [ways[0], {"who": "E1003", "to": "B-204-2"}]
    assert move(office, moves=half)["changed"] is True, "who is there already does not keep the others"
    assert office.user("zoe.lefevre").office == "B-204-2"


def test_what_a_machine_that_is_off_leaves_to_do_is_no_success_and_is_gone_on_with(office: Bench) -> None:
    office.off.add("windows:WS-0042")
    done = move(office, who="E1042", to="B-204-2")
    assert done["failed"] is True
    assert "`provision resume 1`" in done["msg"]
    assert "nobody answers; is it switched on?" in done["msg"]
    again = move(office, check=True, who="E1042", to="B-204-2")
    assert "did not come to its end (waiting)" in again["warnings"][0]
    assert "failed" not in again
    office.off.clear()
    after = move(office, who="E1042", to="B-204-2")
    assert "failed" not in after
    assert (after["run"], office.site.run(1).state) == (1, "done")
    assert move(office, who="E1042", to="B-204-2")["msg"] == "E1042 is at B-204-2 already"


def test_a_machine_that_is_off_may_be_fine(office: Bench) -> None:
    office.off.add("windows:WS-0042")
    done = move(office, who="E1042", to="B-204-2", allow_waiting=True)
    assert "failed" not in done
    assert done["waiting"] == {"run": 1, "targets": {"windows:WS-0042": "nobody answers; is it switched on?"}}


def test_a_move_that_was_taken_back_is_made_again(office: Bench) -> None:
    move(office, who="E1042", to="B-204-2")
    assert task(office.site, "undo", {"run": 1})["changed"] is True
    assert task(office.site, "undo", {"run": 1})["changed"] is False
    assert office.user("anna.petrova").office == "B-204-3"
    assert move(office, who="E1042", to="B-204-2")["changed"] is True


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"who": "E1042"}, "say `who` goes `to` which workplace"),
        ({"who": "E1042", "to": "B-204-9"}, "the site has no workplace 'B-204-9'; did you mean 'B-204-"),
        ({"who": "E104", "to": "B-204-2"}, "the site has no person 'E104'; did you mean 'E104"),
        ({"who": "B-204-3", "to": "B-204-2"}, "the site has no person 'B-204-3'"),
        ({"who": "E1042", "to": "B-204-1"}, "`swap: true` exchanges the two desks, or move E1038 first"),
        ({"who": "E1042", "to": "B-204-2", "moves": [{"who": "E1038", "to": "B-204-3"}]}, "leave `who` and `to` out"),
        ({"moves": [{"who": "E1042", "to": "B-204-2"}, {"who": "E1038", "to": "B-204-2"}]}, "is given to E1042 and"),
        ({"who": "E1042", "to": "B-204-2", "start": "soon"}, "expected a time such as 2026-12-01T08:00"),
        ({"moves": [{"who": "E1042"}]}, "to: missing"),
        ({"who": ["E1042"], "to": {}, "swapp": True}, "there is no such option; did you mean 'swap'?"),
    ],
)
def test_wrong_moves_are_sentences_and_change_nothing(office: Bench, given: Mapping[str, Any], said: str) -> None:
    before = office.state()
    with pytest.raises(RequestError) as refused:
        task(office.site, "move", given)
    assert said in str(refused.value)
    assert "--" not in str(refused.value), "a playbook has no command line options"
    assert office.state() == before
    assert not office.site.runs()


def test_a_start_in_the_future_is_written_down_once(office: Bench) -> None:
    given: dict[str, Any] = {"who": "E1042", "to": "B-204-2", "start": "2099-01-04T08:00"}
    looked = move(office, check=True, **given)
    assert (looked["changed"], looked["waiting"]["state"]) == (True, "scheduled")
    assert not office.site.has_ledger
    first, second = move(office, **given), move(office, **given)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["waiting"]["request"] == second["waiting"]["request"] == 1
    assert office.user("anna.petrova").office == "B-204-3"
    assert "failed" not in first


# -- approvals


def test_what_needs_approval_is_asked_for_once_and_carried_out_when_it_has_it(desk: Desk) -> None:
    desk.office.grounds = GROUNDS
    looked = task(desk.site, "publish", {}, check=True)
    assert looked["waiting"]["needs"][0]["role"] == "security"
    assert not desk.site.has_ledger
    first, second = task(desk.site, "publish", {}), task(desk.site, "publish", {})
    assert (first["changed"], second["changed"]) == (True, False)
    assert (first["waiting"]["request"], first["waiting"]["state"]) == (1, "awaiting approval")
    assert "Who may: CORP\\clara, anna, boris." in first["msg"]
    assert not desk.touched
    desk.is_now("anna")
    desk.site.approve(1, "fine with me")
    desk.is_now("requester")
    done = task(desk.site, "publish", {})
    assert (done["changed"], desk.site.ledger.request(1).state) == (True, "proven")
    assert "waiting" not in done


def test_what_was_refused_is_not_asked_for_every_night(desk: Desk) -> None:
    desk.office.grounds = GROUNDS
    task(desk.site, "publish", {})
    desk.is_now("anna")
    desk.site.refuse(1, "no")
    desk.is_now("requester")
    with pytest.raises(RequestError, match="request 1 asked for just this and was refused"):
        task(desk.site, "publish", {})
    assert len(desk.site.requests()) == 1


# -- runs


def test_a_run_that_is_partly_done_fails_with_sentences_and_goes_on(desk: Desk) -> None:
    desk.office.b.refuses["far"] = RejectedError("b", "the system says no")
    done = task(desk.site, "publish", {})
    assert done["failed"] is True
    assert "the system says no" in done["msg"]
    assert "run 1 is partly done: `provision resume 1` goes on with it, `provision undo 1` takes it back" in done["msg"]
    assert {one["state"] for one in done["resources"]} == {"verified", "failed"}
    desk.office.b.refuses.clear()
    again = task(desk.site, "publish", {})
    assert (again["changed"], "failed" in again, len(again["resources"])) == (True, False, 1)
    assert task(desk.site, "publish", {})["changed"] is False


def test_a_ledger_that_cannot_be_opened_is_a_sentence(desk: Desk) -> None:
    place = desk.site.inventory.ledger
    assert isinstance(place, Path)
    place.mkdir(parents=True)
    with pytest.raises(LedgerError, match=str(place)):
        task(desk.site, "publish", {})
    assert not desk.touched


@pytest.mark.parametrize(
    ("module", "given", "said"),
    [
        ("undo", {"run": 7}, "there is no run 7"),
        ("undo", {"run": 0}, "there is no run 0"),
        ("check", {"names": []}, "`names` is empty"),
        ("check", {"names": ["E1042", "E1043"], "desk": "B-204-2"}, "cannot seat 2 people"),
        ("check", {"names": ["E9999"]}, "E9999"),
        (
            "proof",
            {"proofs": [{"kind": "directory.sign_im", "target": "directory"}]},
            "did you mean 'directory.sign_in'",
        ),
        ("proof", {"proofs": [{"kind": "directory.sign_in", "target": "directry"}]}, "did you mean 'directory'?"),
        ("reinstate", {"person": "E9999"}, "the site has no person 'E9999'"),
        ("onboard", {"persons": ["E9999"]}, "the site has no person 'E9999'"),
        ("connect", {"equipment": ["printer-sale"]}, "did you mean 'printer-sales'?"),
        ("transfer_data", {"source": "WS-0042", "target": "WS-0042", "profile": "x"}, "both the old and the new PC"),
        ("install", {"packages": ["crm-clent"], "targets": ["E1042"]}, "did you mean 'crm-client'?"),
        ("install", {"packages": ["crm-client"], "targets": ["E1042"], "waves": ["many"]}, "`waves`"),
        ("patch", {"outlet": "B2-99X", "to": "guest"}, "the site has no outlet 'B2-99X'"),
        ("replace", {"old": "WS-0042", "new": "WS-0042", "reason": "x"}, "cannot take its own place"),
        ("reassign", {"person": "E1042"}, "`profile`, `department`, `title` or `manager`"),
        ("offboard", {"person": "E1042", "day": "31.12.2026"}, "expected a date such as 2026-12-31"),
        ("audit", {"areas": ["prots"]}, "areas"),
    ],
)
def test_wrong_words_are_sentences(desk: Desk, module: str, given: Mapping[str, Any], said: str) -> None:
    with pytest.raises((RequestError, LedgerError)) as refused:
        task(desk.site, module, given)
    assert said in str(refused.value)
    assert not desk.touched


def test_check_never_changes_and_names_what_did_not_pass(desk: Desk) -> None:
    for check in (False, True):
        done = task(desk.site, "check", {"names": ["E1042"]}, check=check)
        assert (done["changed"], done["failed"]) == (False, True)
        assert done["msg"] == "not proven: the new thing is there: it is not there"
    assert not desk.touched
    assert not desk.site.has_ledger


def test_who_is_here_need_not_come_back(desk: Desk) -> None:
    done = task(desk.site, "reinstate", {"person": "E1042"})
    assert (done["changed"], done["msg"]) == (False, "E1042 is here: nobody offboarded them, or they are back")
    assert not desk.site.has_ledger


def test_who_has_left_need_not_leave(desk: Desk) -> None:
    people = desk.folder / "people.csv"
    head, *rows = [line for line in people.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    lines = [f"{row},2026-01-31" if row.startswith("E1038") else f"{row}," for row in rows]
    people.write_text("\n".join([f"{head},left", *lines, ""]), encoding="utf-8")
    done = task(desk.site, "offboard", {"person": "E1038"})
    assert done["changed"] is False
    assert done["msg"].startswith("E1038 has left on 2026-01-31, as the site's files say; `provision audit E1038`")


# -- names


def test_names_of_people_count_in_whole_only(office: Bench) -> None:
    site = office.site
    assert naming.person(site, "Anna Petrova") == naming.person(site, "Анна Петрова") == "E1042"
    assert naming.person(site, "Anna") == "Anna"
    assert naming.person(site, "B-204-3") == "B-204-3", "whoever sits there today"
    assert naming.person(site, "ws-0042") == "ws-0042"


def test_commands_in_a_sentence_are_left_alone() -> None:
    said = "--swap exchanges them; `provision move E1042 --to B-204-2` moves one, --whatever stays"
    wanted = "`swap: true` exchanges them; `provision move E1042 --to B-204-2` moves one, --whatever stays"
    assert naming.in_options(said) == wanted
