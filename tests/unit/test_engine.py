"""Planner, executor, run and undo on systems in memory."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioning.engine import batches, planner
from provisioning.engine.events import ChangeSettled, Event, ProofSettled, Stopping
from provisioning.engine.run import carry_out
from provisioning.engine.undo import to_take_back
from provisioning.errors import RejectedError, RequestError
from provisioning.ledger import Ledger, RunRecord
from provisioning.reports import text
from provisioning.resources.base import Change, Outcome, Proof, Resource, State
from provisioning.resources.registry import KINDS, PROOFS
from tests.memory import MemoryKind, MemoryProof, MemorySessions, MemorySystem, Thing, thing


@pytest.fixture(autouse=True)
def memory_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "memory.thing", MemoryKind())
    monkeypatch.setitem(PROOFS, "memory.exists", MemoryProof())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger" / "l.sqlite")
    yield opened
    opened.close()


class Office:
    """Two systems and the few steps every test takes."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.a, self.b = MemorySystem(), MemorySystem()
        self.sessions = MemorySessions({"a": self.a, "b": self.b})
        self.events: list[Event] = []

    def plan(self, *resources: Resource) -> list[Change[State]]:
        return planner.compare(resources, planner.read(resources, self.sessions))

    def apply(self, changes: list[Change[State]], *proofs: Proof, undoes: int | None = None) -> RunRecord:
        run = self.ledger.begin("test", {"procedure": "test"}, changes, undoes=undoes, proofs=proofs)
        return carry_out(self.ledger, run.id, self.sessions, self.events.append, resume=False)

    def undo(self, run: RunRecord) -> RunRecord:
        begun, unread = to_take_back(run.changes, self.sessions)
        assert not unread
        return self.apply(planner.inverse(begun), undoes=run.id)


@pytest.fixture
def office(ledger: Ledger) -> Office:
    return Office(ledger)


def test_plan_apply_plan_again_undo(office: Office) -> None:
    office.b.things = {
        "old": Thing(colour="red", size=1, labels={"keep": "me", "x": "1"}),
        "gone": Thing(colour="grey"),
    }
    wanted = (
        thing("a", "new", Thing(colour="blue")),
        thing("b", "old", Thing(size=2, labels={"x": None, "y": "2"}), ("a", "new")),
        thing("b", "gone", None, ("b", "old")),
    )
    original = dict(office.b.things)
    run = office.apply(office.plan(*wanted))
    assert run.state == "done"
    assert office.b.things == {"old": Thing(colour="red", size=2, labels={"keep": "me", "y": "2"})}
    assert office.plan(*wanted) == []
    assert office.undo(run).state == "done"
    assert (office.a.things, office.b.things["old"]) == ({}, original["old"])
    assert office.b.things["gone"].colour == "grey"


def test_what_somebody_else_has_done_since_the_plan_is_told_as_such(office: Office) -> None:
    changes = office.plan(thing("a", "x", Thing(size=1)), thing("a", "y", Thing(size=1)))
    office.a.things["x"] = Thing(size=1)
    office.apply(changes)
    settled = {event.change.key: event for event in office.events if isinstance(event, ChangeSettled)}
    assert {key: event.already for key, event in settled.items()} == {"x": True, "y": False}
    lines = [text.settled(e.change, e.state, e.error, e.already).plain for e in settled.values()]
    assert lines == ["✓ a: memory thing x is so already", "✓ a: memory thing y created"]


def test_a_plan_is_the_same_whatever_the_order_of_resources(office: Office) -> None:
    wanted = [thing(t, f"k{i}", Thing(size=i)) for t in "ab" for i in range(6)]
    first = office.plan(*wanted)
    random.Random(7).shuffle(wanted)  # noqa: S311 # any other order will do
    assert office.plan(*wanted) == first


def test_one_session_and_one_read_for_a_batch(office: Office) -> None:
    office.plan(*(thing("a", f"k{i}", Thing(size=i)) for i in range(50)))
    assert (office.sessions.opened, office.a.reads) == (["a"], 1)


def test_a_target_that_does_not_answer_is_named_and_the_rest_is_planned(office: Office) -> None:
    wanted = [thing("a", "k", Thing(size=1)), thing("off", "k", Thing(size=1))]
    reading = planner.read(wanted, office.sessions)
    assert list(reading.unread) == ["off"]
    assert [c.target for c in planner.compare(wanted, reading)] == ["a"]


def test_requirements_make_waves(office: Office) -> None:
    changes = office.plan(
        thing("a", "roof", Thing(size=1), ("a", "wall")),
        thing("a", "wall", Thing(size=1), ("b", "floor")),
        thing("b", "floor", Thing(size=1)),
    )
    assert [[c.key for c in wave] for wave in planner.waves(changes)] == [["floor"], ["wall"], ["roof"]]


def test_a_circle_of_requirements_is_refused(office: Office) -> None:
    with pytest.raises(RequestError, match="circle"):
        office.plan(thing("a", "x", Thing(size=1), ("a", "y")), thing("a", "y", Thing(size=1), ("a", "x")))


def test_one_thing_cannot_be_asked_to_be_two(office: Office) -> None:
    with pytest.raises(RequestError, match="two different things"):
        office.plan(thing("a", "x", Thing(size=1)), thing("a", "x", Thing(size=2)))


def test_a_failure_stops_what_requires_it_and_nothing_else(office: Office) -> None:
    office.a.refuses["x"] = RejectedError("a", "no")
    run = office.apply(
        office.plan(
            thing("a", "x", Thing(size=1)),
            thing("b", "needs", Thing(size=1), ("a", "x")),
            thing("b", "free", Thing(size=1)),
        )
    )
    assert run.state == "partial"
    assert {r.change.key: r.state for r in run.changes} == {"x": "failed", "needs": "blocked", "free": "verified"}
    assert next(r.error for r in run.changes if r.change.key == "x") == "a: no"


def test_silence_is_not_success(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "A_MOMENT", 0.0)
    office.a.ignores.add("x")
    run = office.apply(office.plan(thing("a", "x", Thing(size=1))))
    assert (run.changes[0].state, run.state) == ("failed", "partial")
    assert run.changes[0].error == "a: memory.thing x was applied, but reads back otherwise: it does not exist"
    assert office.a.reads == 4  # for the plan, before the change, behind it, a moment later


class LateKind(MemoryKind):
    """Shows what was done to `late` at the second reading behind it; an answer stands while a batch is attended to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self._hidden = 0
        self._stands: dict[str, Thing] | None = None

    @contextmanager
    def attend(self, session: MemorySystem, keys: Sequence[str], *, keeping: bool) -> Iterator[None]:
        self._stands = None
        yield

    def read(self, session: MemorySystem, keys: Sequence[str]) -> dict[str, Thing]:
        self.asked.append(list(keys))
        if self._stands is None:
            self._stands = super().read(session, keys)
            if self._hidden:
                self._hidden -= 1
                self._stands.pop("late", None)
        return {key: self._stands[key] for key in keys if key in self._stands}

    def apply(self, session: MemorySystem, changes: Sequence[Change[Thing]]) -> list[Outcome]:
        self._hidden, self._stands = 1, None
        return super().apply(session, changes)


def test_what_shows_a_moment_later_is_done(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "A_MOMENT", 0.0)
    monkeypatch.setitem(KINDS, "memory.thing", late := LateKind())
    changes = office.plan(thing("a", "late", Thing(size=1)), thing("a", "soon", Thing(size=1)))
    late.asked.clear()
    run = office.apply(changes)
    assert [record.state for record in run.changes] == ["verified", "verified"]
    assert late.asked == [["late", "soon"], ["late", "soon"], ["late"]]
    assert len(office.a.applied) == 2


def test_what_shows_at_once_is_read_once(office: Office) -> None:
    office.apply(office.plan(thing("a", "x", Thing(size=1))))
    assert office.a.reads == 3  # for the plan, before the change, behind it


def test_what_its_system_refused_is_not_read_again(office: Office) -> None:
    office.a.refuses["x"] = RejectedError("a", "no")
    office.apply(office.plan(thing("a", "x", Thing(size=1))))
    assert office.a.reads == 3


def test_a_thing_that_moved_since_the_plan_is_left_alone(office: Office) -> None:
    office.a.things["x"] = Thing(size=1)
    changes = office.plan(thing("a", "x", Thing(size=2)), thing("a", "y", Thing(size=2)))
    office.a.things["x"] = Thing(size=5)
    run = office.apply(changes)
    assert {r.change.key: r.state for r in run.changes} == {"x": "failed", "y": "verified"}
    assert "drifted since plan (size is now 5, was 1)" in str(run.changes[0].error)
    assert office.a.things["x"] == Thing(size=5)


def test_undo_never_touches_what_the_run_did_not_do(office: Office) -> None:
    changes = office.plan(thing("a", "x", Thing(size=1)), thing("a", "y", Thing(size=1)))
    office.a.things["x"] = Thing(size=1)  # somebody else was faster
    run = office.apply(changes)
    assert run.state == "done"
    office.undo(run)
    assert office.a.things == {"x": Thing(size=1)}


def test_undo_leaves_alone_what_moved_since_the_run(office: Office) -> None:
    office.a.things["x"] = Thing(size=1)
    run = office.apply(office.plan(thing("a", "x", Thing(size=2)), thing("b", "y", Thing(size=2))))
    office.a.things["x"] = Thing(size=9)
    undone = office.undo(run)
    assert undone.state == "partial"
    assert (office.a.things["x"], office.b.things) == (Thing(size=9), {})


def test_undo_takes_back_a_change_that_failed_half_way(office: Office) -> None:
    changes = office.plan(thing("a", "x", Thing(size=2, colour="red")))
    office.a.ignores.add("x")
    office.a.on_apply = lambda: office.a.things.update(x=Thing(size=2))
    run = office.apply(changes)
    assert run.changes[0].state == "failed"
    office.a.ignores.clear()
    office.a.on_apply = lambda: None
    assert office.undo(run).state == "done"
    assert office.a.things == {}


def test_undo_names_a_target_that_does_not_answer_and_takes_back_the_rest(office: Office) -> None:
    office.b.refuses["half"] = RejectedError("b", "no")
    changes = office.plan(thing("a", "new", Thing(size=1)), thing("b", "half", Thing(size=1)))
    run = office.apply(changes)
    office.sessions.systems = {"a": office.a}
    begun, unread = to_take_back(run.changes, office.sessions)
    assert [change.key for change in begun] == ["new"]
    assert [str(error) for error in unread.values()] == ["b: nobody answers; is it switched on?"]


def test_undo_goes_in_reverse_order(office: Office) -> None:
    run = office.apply(office.plan(thing("a", "wall", Thing(size=1)), thing("a", "roof", Thing(size=1), ("a", "wall"))))
    office.a.applied.clear()
    office.undo(run)
    assert [c.key for c in office.a.applied] == ["roof", "wall"]


def test_not_all_targets_are_asked_whenever_one_ends(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("provisioning.engine.executor.wait", asked.append)
    run = office.apply(office.plan(*(thing(target, f"n{i}", Thing(size=1)) for i in range(3) for target in "ab")))
    assert run.state == "done"
    assert asked == []


def test_ctrl_c_finishes_the_batch_and_abandons_the_rest(office: Office) -> None:
    def interrupted() -> None:
        office.a.on_apply = lambda: None
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        until = time.monotonic() + 10
        while not any(isinstance(e, Stopping) for e in office.events) and time.monotonic() < until:
            time.sleep(0.005)

    office.a.on_apply = interrupted
    wanted = (thing("a", "first", Thing(size=1)), thing("a", "second", Thing(size=1), ("a", "first")))
    run = office.apply(office.plan(*wanted), Proof("memory.exists", "a", "first is there", {"key": "first"}))
    assert run.state == "interrupted"
    assert {r.change.key: r.state for r in run.changes} == {"first": "verified", "second": "abandoned"}
    assert any(isinstance(e, Stopping) for e in office.events)
    assert not run.proofs
    assert office.apply(office.plan(*wanted)).state == "done"


def test_proofs_decide_whether_a_run_is_done(office: Office) -> None:
    there = Proof("memory.exists", "a", "x is there", {"key": "x"})
    missing = Proof("memory.exists", "b", "y is there", {"key": "y"})
    off = Proof("memory.exists", "off", "z is there", {"key": "z"})
    run = office.apply(office.plan(thing("a", "x", Thing(size=1))), there, missing, off)
    assert run.state == "partial"
    assert [(p["name"], p["passed"]) for p in run.proofs] == [
        ("x is there", True),
        ("y is there", False),
        ("z is there", False),
    ]
    assert "nobody answers" in run.proofs[2]["detail"]
    assert sum(isinstance(e, ProofSettled) for e in office.events) == 3


def test_everything_is_in_the_ledger_before_it_is_tried(office: Office) -> None:
    seen: list[str] = []
    office.a.on_apply = lambda: seen.extend(r.state for r in office.ledger.runs()[0].changes)
    office.apply(office.plan(thing("a", "x", Thing(size=1))))
    assert seen == ["attempted"]


def test_every_change_is_announced_once(office: Office) -> None:
    office.apply(office.plan(*(thing(t, f"k{i}", Thing(size=1)) for t in "ab" for i in range(5))))
    settled = [e for e in office.events if isinstance(e, ChangeSettled)]
    assert len({e.change.address for e in settled}) == len(settled) == 10
