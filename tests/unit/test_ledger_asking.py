"""Asking once, asking again, and what runs do to their requests: on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.errors import RequestError
from provisioning.ledger import Ledger, RequestState, RunState
from tests.unit.conftest import Place

OPEN: set[RequestState] = {"awaiting approval", "scheduled", "running"}
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open()


def test_the_same_asked_for_at_once_is_one_request(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as threads:
        asked = list(threads.map(lambda _: ledger.ask("t", {"persons": ["E1"]}, unless=OPEN).id, range(24)))
    assert set(asked) == {1}
    assert ledger.ask("t", {"persons": ["E2"]}, unless=OPEN).id == 2
    assert ledger.ask("t", {"persons": ["E1"]}, start=LATER, unless=OPEN).id == 3
    ledger.move(1, "cancelled")
    assert ledger.ask("t", {"persons": ["E1"]}, start=LATER, unless=OPEN).id == 3
    assert ledger.same_request("t", {"persons": ["E1"]}, {"cancelled"}) == ledger.request(1)


def test_one_of_many_begins_a_request(ledger: Ledger) -> None:
    ledger.ask("t", {})

    def begin(_: int) -> bool:
        try:
            ledger.begin("t", {}, [], request_id=1)
        except RequestError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(begin, range(16))) == [False] * 15 + [True]
    assert ledger.request(1).runs == (1,)


def test_one_of_many_gets_the_last_seat_and_the_others_no_run(ledger: Ledger) -> None:
    def begin(number: int) -> bool:
        seat = ("licence:crm", ["1"], f"E{number}")
        try:
            ledger.begin(f"t{number}", {"n": number}, [], asked=True, seats=[seat])
        except RequestError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(begin, range(16))) == [False] * 15 + [True]
    assert (len(ledger.runs()), len(ledger.requests()), len(ledger.allocations())) == (1, 1, 1)


def test_approvals_that_do_not_fit_any_more_are_withdrawn(ledger: Ledger) -> None:
    ledger.ask("t", {}, needs=["a", "b"], grounds={"a": ["x"], "b": ["y"]}, who="anna")
    for role in ("a", "b"):
        ledger.approve(1, role, "yes", who="boris")
    again = ledger.ask_again(1, ["a", "b"], {"a": ["x"], "b": ["y", "z"]}, reason="more of it")
    assert (again.state, again.missing, again.reason) == ("awaiting approval", ("b",), "more of it")
    assert [(w.role, bool(w.withdrawn)) for w in again.approvals] == [("a", False), ("b", True)]
    done = ledger.approve(1, "b", "still", who="clara")
    assert (done.state, done.missing, dict(done.grounds)) == ("scheduled", (), {"a": ("x",), "b": ("y", "z")})
    ledger.move(1, "running")
    with pytest.raises(RequestError, match="is running"):
        ledger.ask_again(1, ["a"], {"a": ["q"]}, reason="late")
    assert not any(w.withdrawn for w in ledger.request(1).approvals if w.role == "a")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["done"], "proven"),
        (["partial"], "partial"),
        (["interrupted"], "partial"),
        (["waiting"], "running"),
        (["partial", "running", "done"], "proven"),
        (["done", "undone"], "undone"),
    ],
)
def test_a_request_follows_its_run(ledger: Ledger, states: list[RunState], expected: RequestState) -> None:
    run = ledger.begin("t", {}, [], asked=True)
    assert ledger.request(1).state == "running"
    for state in states:
        ledger.end(run.id, state)
    assert ledger.request(1).state == expected


def test_a_request_of_two_runs_is_undone_when_both_are(ledger: Ledger) -> None:
    ledger.end(ledger.begin("t", {}, [], asked=True).id, "partial")
    second = ledger.begin("t", {}, [], asked=True)
    assert second.request_id == 1
    ledger.end(second.id, "done")
    ledger.end(second.id, "undone")
    assert ledger.request(1).state == "partial"
    ledger.end(1, "undone")
    assert ledger.request(1).state == "undone"


def test_a_run_that_begins_now_does_not_take_over_what_waits(ledger: Ledger) -> None:
    ledger.ask("t", {}, start=LATER)
    ledger.ask("t", {}, needs=["a"], who="anna")
    assert ledger.begin("t", {}, [], asked=True).request_id == 3
