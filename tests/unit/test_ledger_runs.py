"""Runs, their changes, proofs and open targets, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.errors import LedgerError, RequestError
from provisioning.ledger import Entry, Ledger
from provisioning.resources.base import Address, Change, Proof, ProofResult, State
from tests.memory import Thing
from tests.unit.conftest import Place

pytestmark = pytest.mark.usefixtures("memory_kinds")


def change(key: str, size: int = 1, target: str = "a") -> Change[State]:
    return Change(Address("memory.thing", target, key), None, Thing(size=size, labels={"ü": None}))


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open()


def test_a_run_is_read_as_it_was_written(ledger: Ledger) -> None:
    needed = Address("memory.thing", "a", "k")
    second = Change[State](Address("memory.thing", "b", "q"), Thing(size=1), None, frozenset({needed}))
    proof = Proof("memory.exists", "a", "k is there", {"key": "k"})
    begun = ledger.begin("onboard Ærøskøbing", {"persons": ["E1"]}, [change("k"), second], proofs=[proof])
    assert ledger.run(begun.id) == begun
    assert (begun.id, begun.state, begun.finished, begun.request) == (1, "running", None, {"persons": ["E1"]})
    assert [r.change for r in begun.changes] == [change("k"), second]
    assert begun.changes[1].change.requires == {needed}
    assert begun.to_prove == (proof,)
    assert [(r.state, r.attempted) for r in begun.changes] == [("planned", False)] * 2


def test_the_state_of_a_change_is_its_last_event(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [change("k"), change("q"), change("z")])
    one, two, three = (r.id for r in run.changes)
    ledger.attempt([one, two])
    ledger.settle({one: ("verified", None), two: ("failed", "a: no \0 \ud800"), three: ("deferred", "a is off")})
    ledger.settle({three: ("verified", None)})
    ledger.end(run.id, "partial")
    read = ledger.run(run.id)
    assert [(r.state, r.attempted, r.error) for r in read.changes] == [
        ("verified", True, None),
        ("failed", True, "a: no � ?"),
        ("verified", False, None),
    ]
    assert (read.state, read.finished is not None) == ("partial", True)
    states = [e.state for e in ledger.events(run.id)]
    assert states == [
        *("running", "planned", "planned", "planned", "attempted", "attempted"),
        *("verified", "failed", "deferred", "verified", "partial"),
    ]
    assert [e.state for e in ledger.events(run.id, after=9)] == ["verified", "partial"]
    assert [e.number for e in ledger.events(run.id)] == list(range(1, 12))


def test_a_run_that_goes_on_has_not_finished(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [])
    ledger.end(run.id, "interrupted")
    assert (ledger.reopen(run.id).state, ledger.run(run.id).finished) == ("running", None)
    ledger.end(run.id, "waiting")
    assert ledger.run(run.id).finished is None


def test_changes_are_added_behind_the_others(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [change("k")])
    added = ledger.add_changes(run.id, [change("q"), change("z")])
    assert [r.change.key for r in added] == ["k", "q", "z"]
    assert ledger.run(run.id).changes == added


def test_the_newest_result_of_a_proof_counts(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [])
    one, two = Proof("memory.exists", "a", "one", {"key": "k"}), Proof("memory.exists", "a", "two", {"key": "k"})
    ledger.prove(run.id, [ProofResult(one, False, "not yet"), ProofResult(two, True, "it is there")])
    ledger.prove(run.id, [ProofResult(one, True, "now")])
    assert [(p["name"], p["passed"]) for p in ledger.run(run.id).proofs] == [("one", True), ("two", True)]


def test_runs_are_listed_newest_first(ledger: Ledger) -> None:
    for number in range(5):
        ledger.end(ledger.begin(f"r{number}", {}, [change("k")]).id, "done" if number % 2 else "partial")
    assert [r.id for r in ledger.runs(limit=3)] == [5, 4, 3]
    assert [r.title for r in ledger.runs(states={"done"})] == ["r3", "r1"]


def test_there_is_no_such_run(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="has no run 7; `provision show runs`"):
        ledger.run(7)
    with pytest.raises(LedgerError, match="has no run 7"):
        ledger.end(7, "done")
    with pytest.raises(LedgerError, match="missing"):
        ledger.attempt([99])


def test_a_target_stays_open_until_it_is_closed(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [], unread={"b": "b: nobody answers"})
    assert [(t.target, t.why, t.attempts) for t in run.targets] == [("b", "unread", 1)]
    at = datetime.now(UTC)
    soon, late, never = (at + timedelta(hours=h) for h in (1, 2, 3))
    ledger.defer(run.id, "a", "off", next_try=soon, deadline=never)
    again = ledger.defer(run.id, "a", "still off", next_try=late, deadline=soon)
    assert (again.attempts, again.reason) == (2, "still off")
    assert again.deadline == never.isoformat(timespec="milliseconds"), "the first deadline stays"
    assert [t.target for t in ledger.open_targets(run.id)] == ["b", "a"]
    assert [t.target for t in ledger.open_targets(due=at + timedelta(minutes=1))] == ["b"]
    ledger.close_targets(run.id, ["b"])
    assert [t.target for t in ledger.run(run.id).targets] == ["a"]
    ledger.close_targets(run.id)
    assert ledger.open_targets() == []
    assert ledger.defer(run.id, "b", "off again", next_try=soon).attempts == 1


def test_a_run_takes_its_request_along_and_only_one_can(ledger: Ledger) -> None:
    request = ledger.ask("onboard E1042", {"procedure": "onboard"})
    run = ledger.begin("t", {}, [], request_id=request.id, log=[Entry("begun")])
    assert (run.request_id, ledger.request(request.id).state) == (request.id, "running")
    assert ledger.request(request.id).runs == (run.id,)
    assert [(e.request_id, e.run_id) for e in ledger.worklog()] == [(request.id, run.id)]
    with pytest.raises(RequestError, match="is running, so it cannot become running"):
        ledger.begin("t", {}, [], request_id=request.id)
    assert len(ledger.runs()) == 1, "no second run was begun"


def test_threads_write_one_chain(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [change(f"k{i}") for i in range(64)])

    def work(part: int) -> None:
        for record in run.changes[part::8]:
            ledger.attempt([record.id])
            ledger.settle({record.id: ("verified", None)})

    threads = [threading.Thread(target=work, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.end(run.id, "done")
    assert {r.state for r in ledger.run(run.id).changes} == {"verified"}
    found = ledger.verify()
    assert (found.breaks, found.events) == ((), 1 + 64 * 3 + 1)


def test_a_long_run_is_written_and_read_at_once(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [change(f"k{i}") for i in range(3000)])
    ledger.attempt([r.id for r in run.changes])
    ledger.settle({r.id: ("verified", None) for r in run.changes})
    assert {r.state for r in ledger.run(run.id).changes} == {"verified"}
