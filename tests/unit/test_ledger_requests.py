"""Requests and approvals, on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest

from provisioning.errors import RequestError
from provisioning.ledger import Entry, Ledger, RequestState, acting_user
from provisioning.ledger.requests import NEXT
from tests.unit.conftest import Place

NOW = datetime.now(UTC)


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open()


def test_a_request_without_approvals_is_scheduled(ledger: Ledger) -> None:
    asked = ledger.ask("onboard E1042", {"persons": ["E1042"]}, log=[Entry("asked for")])
    assert (asked.id, asked.state, asked.who, asked.needs) == (1, "scheduled", acting_user(), ())
    assert ledger.request(1) == asked
    assert [(e.sentence, e.request_id) for e in ledger.worklog(request_id=1)] == [("asked for", 1)]


def test_what_is_due_comes_in_the_order_of_its_time(ledger: Ledger) -> None:
    later = ledger.ask("later", {}, start=NOW + timedelta(days=1))
    berlin = datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=1)))
    assert ledger.ask("berlin", {}, start=berlin).start == "2026-01-01T07:00:00.000+00:00"
    ledger.ask("now", {})
    ledger.ask("waits", {}, needs=["security"], start=berlin)
    assert [r.title for r in ledger.due()] == ["berlin", "now"]
    assert [r.title for r in ledger.due(NOW + timedelta(days=2))] == ["berlin", "now", "later"]
    ledger.move(later.id, "cancelled", reason="does not come")
    assert ledger.request(later.id).reason == "does not come"
    assert [r.title for r in ledger.requests(states={"scheduled"})] == ["now", "berlin"]


def test_the_last_approval_schedules(ledger: Ledger) -> None:
    asked = ledger.ask("t", {}, needs=["security", "budget", "security"], who="anna")
    assert (asked.state, asked.needs, asked.missing) == ("awaiting approval", *[("security", "budget")] * 2)
    after_one = ledger.approve(asked.id, "budget", "is paid for", who="boris")
    assert (after_one.state, after_one.missing) == ("awaiting approval", ("security",))
    after_two = ledger.approve(asked.id, "security", "needs it", who="clara")
    assert (after_two.state, after_two.missing) == ("scheduled", ())
    assert [(a.role, a.who, a.reason) for a in after_two.approvals] == [
        ("budget", "boris", "is paid for"),
        ("security", "clara", "needs it"),
    ]


def test_a_refusal_ends_it(ledger: Ledger) -> None:
    asked = ledger.ask("t", {}, needs=["security", "budget"], who="anna")
    refused = ledger.approve(asked.id, "security", "not her job", verdict="refused", who="boris")
    assert (refused.state, refused.reason) == ("refused", "security (boris): not her job")
    with pytest.raises(RequestError, match="does not wait for approval"):
        ledger.approve(asked.id, "budget", "paid", who="clara")


@pytest.mark.parametrize(
    ("role", "reason", "who", "message"),
    [
        ("security", "I want it", "anna", "four eyes"),
        ("security", "I want it", "ANNA", "four eyes"),
        ("security", " ", "boris", "needs a reason"),
        ("cooks", "why not", "boris", "needs security, budget, not cooks"),
        ("budget", "again", "boris", "budget has spoken already"),
    ],
)
def test_an_approval_is_refused(ledger: Ledger, role: str, reason: str, who: str, message: str) -> None:
    asked = ledger.ask("t", {}, needs=["security", "budget"], who="anna")
    ledger.approve(asked.id, "budget", "paid", who="clara")
    before = ledger.request(asked.id)
    with pytest.raises(RequestError, match=message):
        ledger.approve(asked.id, role, reason, who=who)
    assert ledger.request(asked.id) == before


def test_only_allowed_states_follow(ledger: Ledger) -> None:
    assert set(NEXT) == set(get_args(RequestState))
    states = set(get_args(RequestState)) - {"requested", "awaiting approval"}
    for state, wanted in itertools.product(sorted(states), get_args(RequestState)):
        asked = ledger.ask("t", {})
        for step in _way_to(state):
            ledger.move(asked.id, step)
        if wanted in NEXT[state]:
            assert ledger.move(asked.id, wanted).state == wanted
        else:
            with pytest.raises(RequestError, match=f"is {state}, so it cannot become {wanted}"):
                ledger.move(asked.id, wanted)


def _way_to(state: RequestState) -> list[RequestState]:
    """The shortest way from ``scheduled``."""
    ways: dict[str, list[RequestState]] = {"scheduled": []}
    queue = ["scheduled"]
    while queue:
        here = queue.pop(0)
        for following in NEXT[here]:
            if following not in ways:
                ways[following] = [*ways[here], following]
                queue.append(following)
    return ways[state]


def test_an_unknown_request_is_named(ledger: Ledger) -> None:
    for attempt in (lambda: ledger.request(3), lambda: ledger.move(3, "running"), lambda: ledger.set_ticket(3, "x")):
        with pytest.raises(RequestError, match="has no request 3"):
            attempt()


def test_the_ticket_is_remembered(ledger: Ledger) -> None:
    asked = ledger.ask("t", {})
    ledger.set_ticket(asked.id, "RT#17")
    assert ledger.request(asked.id).ticket == "RT#17"
