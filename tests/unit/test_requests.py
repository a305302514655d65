"""Requests from the wish to the proof, on systems in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site, onboard
from provisioning.errors import RejectedError, RequestError
from provisioning.intake import Fulfilment, permit_more
from provisioning.ledger import RequestRecord
from provisioning.ledger.who import acting_user
from provisioning.procedures.licences import Seat
from provisioning.resources.base import Address, Proof
from tests.https_server import Asked, serving
from tests.unit.requests_desk import GROUNDS, Desk, desk
from tests.unit.test_servicedesk_cli import Receiver as Taker

__all__ = ["desk"]


class Receiver(Taker):
    """A receiver that counts how often it was called."""

    calls = 0

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.calls += 1
        return super().answer(asked)


# ---------------------------------------------------------------------------------------------- now and later


def test_what_is_done_at_once_is_a_request_too(desk: Desk) -> None:
    desk.ok("onboard", "E1042", "--yes")
    record = desk.site.ledger.request(1)
    assert (record.state, record.runs, record.who, record.title) == ("proven", (1,), "requester", "onboard E1042")
    assert desk.site.ledger.run(1).request_id == 1


def test_what_was_left_partly_done_is_one_request_when_it_is_done_again(desk: Desk) -> None:
    desk.office.b.refuses["far"] = RejectedError("b", "no")
    assert desk.run("onboard", "E1042", "--yes").exit_code == 3
    assert desk.site.ledger.request(1).state == "partial"
    desk.office.b.refuses.clear()
    desk.ok("onboard", "E1042", "--yes")
    record = desk.site.ledger.request(1)
    assert (record.state, record.runs, len(desk.site.requests())) == ("proven", (1, 2), 1)


def test_undo_takes_the_request_back(desk: Desk) -> None:
    desk.ok("onboard", "E1042", "--yes")
    desk.ok("undo", "1", "--yes")
    assert desk.site.ledger.request(1).state == "undone"


def test_later_is_written_down_and_due_carries_it_out(desk: Desk) -> None:
    shown = desk.ok("onboard", "E1042", "--start", "2099-12-01T08:00", "--yes")
    assert "Request 1: scheduled for 2099-12-01 08:00" in shown
    assert "provision due" in shown
    assert not desk.touched
    assert desk.ok("due") == "Nothing is due.\n"
    assert "onboard E1042" in desk.ok("requests")
    desk.make_due(1)
    assert "Request 1: proven — onboard E1042 (run 1)" in desk.ok("due")
    assert desk.site.ledger.request(1).state == "proven"
    assert desk.ok("due") == "Nothing is due.\n"
    assert "none" in desk.ok("requests")
    assert "proven" in desk.ok("requests", "--all")


def test_the_same_twice_is_one_request(desk: Desk) -> None:
    for _ in range(2):
        desk.ok("onboard", "E1042", "--start", "2099-12-01T08:00", "--yes")
    assert [r.id for r in desk.site.requests()] == [1]
    said = desk.refused("onboard", "E1042", "--start", "2099-12-02T08:00", "--yes")
    assert "E1042 has a request already: 1 (onboard E1042, scheduled" in said
    assert "provision cancel 1" in said


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2020-01-01T08:00", "has passed"),
        ("tomorrow", "expected a time such as 2026-12-01T08:00"),
        ("2026-13-01T08:00", "there is no such time"),
        ("1764576000", "expected a time"),
        ("2099-03-29T02:30", "does not exist"),
    ],
)
def test_a_start_is_refused(desk: Desk, start: str, expected: str) -> None:
    (desk.folder / "zone.yml").write_text("time_zone: Europe/Berlin\n", encoding="utf-8")
    assert expected in desk.refused("onboard", "E1042", "--start", start, "--yes")
    assert not desk.touched


def test_the_site_says_what_eight_o_clock_is(desk: Desk) -> None:
    (desk.folder / "zone.yml").write_text("time_zone: Europe/Berlin\n", encoding="utf-8")
    shown = desk.ok("onboard", "E1042", "--start", "2098-07-01T08:00", "--yes")
    assert "2098-07-01 08:00 +02:00 (Europe/Berlin)" in shown
    assert desk.site.ledger.request(1).start == "2098-07-01T06:00:00.000+00:00"


def test_an_unknown_time_zone_is_a_fault_of_the_site(desk: Desk) -> None:
    (desk.folder / "zone.yml").write_text("time_zone: Europe/Atlantis\n", encoding="utf-8")
    assert "knows no time zone 'Europe/Atlantis'" in desk.refused("validate")


def test_without_a_yes_nothing_is_written_down(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.cli.carrying._may_ask", lambda: True)
    assert desk.run("onboard", "E1042", "--start", "2099-12-01T08:00", answer="n\n").exit_code == 1
    assert desk.site.requests() == []


def test_one_request_that_cannot_begin_does_not_stop_the_others(desk: Desk) -> None:
    desk.site.ledger.ask("onboard E9", {"procedure": "onboard", "persons": ["E9"], "workplace": None, "software": []})
    desk.site.ledger.ask("teleport", {"procedure": "teleport"})
    desk.site.ledger.ask("onboard E1042", onboard("E1042").to_plain())
    result = desk.run("due")
    assert result.exit_code == 3
    assert "Request 1: could not begin: the site has no person 'E9'" in result.stdout
    assert "Request 2: could not begin: this version knows no procedure 'teleport'" in result.stdout
    assert "Request 3: proven" in result.stdout
    assert [r.state for r in desk.site.requests()] == ["proven", "scheduled", "scheduled"]
    desk.run("due")
    sentences = [entry.sentence for entry in desk.site.ledger.worklog(request_id=1)]
    assert len([s for s in sentences if s.startswith("Could not begin")]) == 1


def test_somebody_else_who_was_faster_is_no_fault(desk: Desk) -> None:
    site = desk.site
    site.ledger.ask("onboard E1042", onboard("E1042").to_plain())
    plan = desk.office.plan(site, onboard("E1042"))
    desk.office.a.on_apply = lambda: pytest.fail("done twice")
    desk.site.ledger.begin(plan.title, plan.request, plan.changes, request_id=1)
    assert list(site.due()) == []
    with pytest.raises(RequestError, match="request 1 is running"):
        plan.begin(request_id=1)
    assert len(site.ledger.runs()) == 1


def test_requests_are_not_carried_out_before_their_time(desk: Desk) -> None:
    desk.site.request(onboard("E1042"), start=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(RequestError, match="may not begin before"):
        desk.site.carry_out(1)


def test_cancel(desk: Desk) -> None:
    desk.ok("onboard", "E1042", "--start", "2099-12-01T08:00", "--yes")
    assert "Request 1: cancelled" in desk.ok("cancel", "1", "--reason", "does not come")
    assert desk.site.ledger.request(1).reason == "given up by requester: does not come"
    assert "request 1 is cancelled, so there is nothing to give up any more" in desk.refused("cancel", "1")
    desk.make_due(1)
    assert desk.ok("due") == "Nothing is due.\n"
    assert "has no request 9" in desk.refused("cancel", "9")


def test_show_request(desk: Desk) -> None:
    desk.office.grounds = GROUNDS
    desk.ok("onboard", "E1002", "--yes")
    shown = json.loads(desk.ok("show", "request", "1", "--output", "json"))
    assert (shown["state"], shown["asked"]["persons"]) == ("awaiting approval", ["E1002"])
    assert shown["needs"] == [
        {"role": "security", "to_approve": [*GROUNDS["security"]], "approved": False,
         "may_approve": ["CORP\\clara", "anna", "boris"]},
    ]  # fmt: skip
    assert "IT-Support" in desk.ok("show", "request", "1")
    assert json.loads(desk.ok("show", "requests", "--output", "json"))[0]["needs"] == ["security"]
    assert "'one' is not the number of a request" in desk.refused("show", "request", "one")


def test_looking_at_requests_makes_no_ledger(desk: Desk) -> None:
    assert "none" in desk.ok("requests")
    assert "none" in desk.ok("show", "requests")
    assert not Path(str(desk.site.inventory.ledger)).exists()


# --------------------------------------------------------------------------------------------------- approvals


def asked(desk: Desk, *extra: str) -> RequestRecord:
    desk.office.grounds = GROUNDS
    desk.ok("onboard", "E1002", "--yes", *extra)
    return desk.site.ledger.request(1)


def test_what_needs_approval_says_who_may_and_changes_nothing(desk: Desk) -> None:
    desk.office.grounds = GROUNDS
    shown = desk.ok("onboard", "E1002", "--yes")
    assert "Request 1: awaiting approval — onboard E1002\n  Nothing was changed." in shown
    assert "The role security must approve: E1002 joins the group IT-Support." in shown
    assert "Who may: CORP\\clara, anna, boris." in shown
    assert "provision approve 1 --reason" in shown
    assert (desk.touched, desk.site.runs()) == (False, [])
    desk.ok("onboard", "E1002", "--yes")
    assert len(desk.site.requests()) == 1


def test_a_saved_plan_needs_it_too(desk: Desk, tmp_path: Path) -> None:
    """What needs approval is computed from the changes, so a file that says nothing of it permits nothing."""
    file = tmp_path / "p.json"
    assert desk.run("plan", "onboard", "E1042", "--save", str(file)).exit_code == 2
    grounds = {"security": ("memory",)}
    desk.monkeypatch.setattr("provisioning.api.saved.grounds", lambda *_, **__: grounds)
    shown = desk.ok("apply", str(file), "--yes")
    assert "Request 1: awaiting approval" in shown
    assert not desk.touched
    with pytest.raises(RequestError, match="needs approval"):
        desk.site.read_plan(file).apply()
    assert not desk.touched


def test_approved_by_another_it_is_carried_out_when_due(desk: Desk) -> None:
    asked(desk)
    desk.is_now("anna")
    assert "Request 1: scheduled" in desk.ok("approve", "1", "--reason", "IT asked for it")
    assert "Request 1: proven" in desk.ok("due")
    word = desk.site.ledger.request(1).approvals[0]
    assert (word.who, word.role, word.reason, word.verdict) == ("anna", "security", "IT asked for it", "approved")
    assert word.at.startswith("20")


def test_who_asked_again_after_the_approval_gets_it_at_once(desk: Desk) -> None:
    asked(desk)
    desk.is_now("anna")
    desk.ok("approve", "1", "--reason", "yes")
    desk.is_now("requester")
    assert "Run 1: done" in desk.ok("onboard", "E1002", "--yes")
    record = desk.site.ledger.request(1)
    assert (record.state, record.runs, len(desk.site.requests())) == ("proven", (1,), 1)


def test_an_approval_does_not_bring_the_start_forward(desk: Desk) -> None:
    asked(desk, "--start", "2099-12-01T08:00")
    desk.is_now("anna")
    desk.ok("approve", "1", "--reason", "yes")
    assert desk.ok("due") == "Nothing is due.\n"
    plan = desk.office.plan(desk.site, onboard("E1002"))
    with pytest.raises(RequestError, match="needs approval"):
        plan.apply()


@pytest.mark.parametrize(
    ("person", "words", "expected"),
    [
        ("requester", ("approve", "1", "--reason", "me"), "four eyes"),
        ("REQUESTER", ("approve", "1", "--reason", "me"), "four eyes"),
        ("CORP\\requester", ("approve", "1", "--reason", "me"), "four eyes"),
        ("requester", ("refuse", "1", "--reason", "me"), "four eyes"),
        ("dora", ("approve", "1", "--reason", "why not"), "dora has no role that request 1 still needs (security: "),
        ("anna", ("approve", "1"), "Missing option '--reason'"),
        ("anna", ("approve", "1", "--reason", " "), "needs a reason"),
        ("anna", ("approve", "7", "--reason", "x"), "has no request 7"),
        ("anna", ("approve", "1", "--as", "boris", "--reason", "x"), "No such option"),
    ],
)
def test_an_approval_is_refused(desk: Desk, person: str, words: tuple[str, ...], expected: str) -> None:
    asked(desk)
    desk.is_now(person)
    assert expected in desk.refused(*words)
    assert desk.site.ledger.request(1).state == "awaiting approval"


def test_every_role_approves_once_and_one_person_may_have_two(desk: Desk) -> None:
    desk.office.grounds = {**GROUNDS, "budget": ("E1002 takes a licence of crm",)}
    desk.ok("onboard", "E1002", "--yes")
    desk.is_now("anna")
    assert "awaiting approval" in desk.ok("approve", "1", "--reason", "fine with me")
    assert "has no role that request 1 still needs" in desk.refused("approve", "1", "--reason", "again")
    desk.is_now("boris")
    assert "scheduled" in desk.ok("approve", "1", "--reason", "paid for")
    assert [a.role for a in desk.site.ledger.request(1).approvals] == ["security", "budget"]
    assert "does not wait for approval" in desk.refused("approve", "1", "--reason", "again")


def test_a_refusal_is_final(desk: Desk) -> None:
    asked(desk)
    desk.is_now("boris")
    assert "Request 1: refused" in desk.ok("refuse", "1", "--reason", "not her job")
    assert desk.ok("due") == "Nothing is due.\n"
    assert not desk.touched


def test_a_plan_that_grew_goes_back_for_approval(desk: Desk) -> None:
    asked(desk)
    desk.is_now("anna")
    desk.ok("approve", "1", "--reason", "yes")
    desk.office.grounds = {"security": (*GROUNDS["security"], "E1002 joins the group Domain-Kings")}
    result = desk.run("due")
    assert result.exit_code == 3
    assert "the plan changed since it was approved: E1002 joins the group Domain-Kings" in result.stdout
    record = desk.site.ledger.request(1)
    assert (record.state, record.missing, desk.touched) == ("awaiting approval", ("security",), False)
    assert record.approvals[0].withdrawn
    desk.is_now("boris")
    desk.ok("approve", "1", "--reason", "still yes")
    assert "Request 1: proven" in desk.ok("due")


def test_a_plan_that_shrank_needs_nobody_again(desk: Desk) -> None:
    asked(desk)
    desk.is_now("anna")
    desk.ok("approve", "1", "--reason", "yes")
    desk.office.grounds = {}
    assert "Request 1: proven" in desk.ok("due")


def test_a_request_that_needed_nobody_when_it_was_asked_may_need_somebody_when_it_begins(desk: Desk) -> None:
    desk.ok("onboard", "E1002", "--start", "2099-12-01T08:00", "--yes")
    desk.make_due(1)
    desk.office.grounds = GROUNDS
    assert desk.run("due").exit_code == 3
    assert desk.site.ledger.request(1).state == "awaiting approval"


def test_a_request_permits_nothing_but_itself(desk: Desk) -> None:
    asked(desk)
    desk.is_now("anna")
    desk.ok("approve", "1", "--reason", "yes")
    other = desk.office.plan(desk.site, onboard("E1042"))
    with pytest.raises(RequestError, match="does not ask for this plan"):
        other.begin(request_id=1)


def test_the_user_is_the_operating_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "anna")
    assert acting_user() == "anna"
    monkeypatch.setattr("os.getuid", lambda: 65534)
    for name in ("LOGNAME", "USER", "SUDO_USER"):
        monkeypatch.setenv(name, "boss")
    assert acting_user() == "nobody"


# ------------------------------------------------------------------------------------------------- the service desk


@pytest.fixture
def receiver(desk: Desk, tmp_path: Path) -> Iterator[Receiver]:
    """A webhook on a real HTTPS server that takes every entry, unless it is busy."""
    taken = Receiver()
    with serving(tmp_path, taken.answer) as server:
        at = server.endpoint
        (tmp_path / "key").write_text("a key of the receiver\n")
        (desk.folder / "desk.yml").write_text(
            "service_desk:\n  kind: webhook\n  path: /hook\n"
            f"  server: {{host: {at.host}, port: {at.port}, address: {at.address}}}\n"
            f"  trust: {server.trust}\n  key: file:{tmp_path}/key\n"
        )
        yield taken


def test_the_desk_hears_of_every_step_of_a_request_that_only_waits(desk: Desk, receiver: Receiver) -> None:
    asked(desk)
    assert receiver.texts == ["requester asked to onboard Jörg Müller (E1002)."]
    desk.is_now("anna")
    desk.ok("approve", "1", "--reason", "IT asked for it")
    assert receiver.texts[1:] == ["anna approved it for the role security: IT asked for it."]
    desk.office.grounds = {"security": (*GROUNDS["security"], "E1002 joins the group Domain-Kings")}
    assert desk.run("due").exit_code == 3
    assert receiver.texts[2:] == [
        "Sent back for approval: the plan changed since it was approved: E1002 joins the group Domain-Kings."
    ]
    desk.ok("refuse", "1", "--reason", "too much")
    assert "anna refused it for the role security: too much." in receiver.texts[3:]
    assert receiver.texts[-1].startswith("The request was refused")
    assert not desk.touched


def test_the_desk_hears_of_what_is_given_up_and_of_what_cannot_begin(desk: Desk, receiver: Receiver) -> None:
    desk.ok("onboard", "E1042", "--start", "2099-12-01T08:00", "--yes")
    desk.ok("cancel", "1")
    assert receiver.texts[-1] == "The request was cancelled: given up by requester."
    desk.site.ledger.ask("onboard E9", {"procedure": "onboard", "persons": ["E9"], "workplace": None, "software": []})
    assert desk.run("due").exit_code == 3
    assert any(text.startswith("Could not begin: the site has no person 'E9'") for text in receiver.texts)


def test_a_desk_that_is_down_holds_up_no_file(desk: Desk, receiver: Receiver, tmp_path: Path) -> None:
    """It is tried once; then it has its rest, and gets everything afterwards."""
    receiver.busy = True
    file = tmp_path / "hires.csv"
    file.write_text("person,start\n" + "".join(f"E10{n},2099-12-01\n" for n in ("02", "03", "07", "11", "42", "43")))
    desk.ok("onboard", "--from", str(file), "--yes")
    assert (receiver.calls, receiver.texts, len(desk.site.requests())) == (1, [], 6)
    receiver.busy = False
    # On a machine that is busy the test's own server hangs up between two entries: then it is tried once more.
    assert any("still owed 0" in desk.run("worklog", "deliver").stdout for _ in range(10))
    assert len(receiver.texts) == 6


# -------------------------------------------------------------------------------------------------------- seats


def seat(holder: str, seats: int = 1) -> Seat:
    return Seat("licence:crm", seats, holder, Address("windows.package", "windows:WS-0042", "Meridian CRM Client"))


def test_a_run_takes_its_seats_and_an_empty_pool_refuses(desk: Desk) -> None:
    desk.office.seats = (seat("E1042"),)
    desk.ok("onboard", "E1042", "--yes")
    assert [(a.holder, a.run_id) for a in desk.site.ledger.allocations("licence:crm")] == [("E1042", 1)]
    desk.office.seats = (seat("E1043"),)
    desk.office.a.things.clear()
    said = desk.run("onboard", "E1043", "--yes").stderr
    assert "nothing is left of licence:crm for E1043: 1 of 1 are taken (by E1042)" in said
    assert len(desk.site.runs()) == 1
    assert [r.title for r in desk.site.requests()] == ["onboard E1042"]
    said = desk.refused("onboard", "E1043", "--start", "2099-12-01T08:00", "--yes")
    assert "the licence pool crm has 0 of 1 seats left, 1 needed for E1043 (held by E1042)" in said


def test_an_unproven_request_is_partial(desk: Desk) -> None:
    desk.office.proofs.append(Proof("memory.exists", "b", "nowhere is there", {"key": "nowhere"}))
    desk.site.ledger.ask("onboard E1042", onboard("E1042").to_plain())
    result = desk.run("due")
    assert result.exit_code == 3
    assert "Request 1: partial — onboard E1042 (run 1); `provision show run 1`" in result.stdout


def test_a_run_that_goes_on_does_nothing_that_was_not_approved(desk: Desk) -> None:
    desk.ok("onboard", "E1042", "--yes")
    site = desk.site
    run = site.ledger.run(1)
    permit_more(site.ledger, run, {})
    with pytest.raises(RequestError, match="what was not approved \\(security: E1002 joins"):
        permit_more(site.ledger, run, GROUNDS)


def test_an_interruption_ends_the_round(desk: Desk) -> None:
    for person in ("E1042", "E1043"):
        desk.site.ledger.ask(f"onboard {person}", onboard(person).to_plain())
    site = desk.site

    def interrupted(*_: Any, **__: Any) -> Fulfilment:
        return Fulfilment(site.ledger.request(1), 1, interrupted=True)

    desk.monkeypatch.setattr(Site, "carry_out", interrupted)
    assert len(list(site.due())) == 1
