"""Runs that are killed, targets that are off, systems that are busy: what is lost, what is done twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.engine import planner, retries
from provisioning.engine.events import Event, LockAwaited
from provisioning.engine.locks import FileLocks
from provisioning.engine.run import alone, carry_out
from provisioning.engine.undo import begun_to_undo, stop_for_undo, to_take_back
from provisioning.errors import InUseError, LedgerError, RejectedError, RequestError, TargetError, UnreachableError
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Change, Proof, Resource, State
from provisioning.resources.registry import KINDS, PROOFS
from provisioning.site.runs import Runs
from tests.memory import MemoryKind, MemoryProof, MemorySessions, MemorySystem, Thing, thing

THERE = Proof("memory.exists", "a", "x is there", {"key": "x"})


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def memory_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "memory.thing", MemoryKind())
    monkeypatch.setitem(PROOFS, "memory.exists", MemoryProof())
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.001)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger" / "l.sqlite")
    yield opened
    opened.close()


class Sessions(MemorySessions):
    """Sessions that break when they are told to: `breaks` holds how often an open session to a target is lost."""

    def __init__(self, systems: Mapping[str, MemorySystem]) -> None:
        super().__init__(dict(systems))
        self.breaks: dict[str, int] = {}
        self.after: Callable[[], None] = lambda: None

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        with super().session(target) as session:
            yield _Fragile(session, self, target) if self.breaks.get(target) else session


class _Fragile(MemorySystem):
    def __init__(self, system: MemorySystem, sessions: Sessions, target: str) -> None:
        self.__dict__ = system.__dict__
        self._sessions, self._target = sessions, target

    @property
    def on_apply(self) -> Callable[[], None]:  # type: ignore[override]
        return self._break

    def _break(self) -> None:
        self._sessions.breaks[self._target] -= 1
        self._sessions.after()
        raise UnreachableError(self._target, "the connection was lost")


class Office:
    """Three systems; what is wanted of them; a ledger that can die."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.systems = {name: MemorySystem() for name in "abc"}
        self.sessions = Sessions(self.systems)
        self.events: list[Event] = []
        self.settings = Runs(backoff=timedelta(hours=1), retries=2, lock_wait=timedelta(seconds=0.2))
        self.wanted: tuple[Resource, ...] = ()

    def off(self, *names: str) -> None:
        self.sessions.systems = {name: system for name, system in self.systems.items() if name not in names}

    def begin(self, *wanted: Resource, proofs: Sequence[Proof] = ()) -> RunRecord:
        self.wanted = wanted
        reading = planner.read(wanted, self.sessions)
        deadline = datetime.now(UTC) + self.settings.deadline
        return self.ledger.begin(
            "test",
            {"procedure": "test"},
            planner.compare(wanted, reading),
            proofs=proofs,
            unread={target: str(error) for target, error in reading.unread.items()},
            next_try=datetime.now(UTC) + timedelta(hours=1),
            deadlines=dict.fromkeys(reading.unread, deadline),
        )

    def go(self, run: RunRecord, *, resume: bool = True, now: bool = False) -> RunRecord:
        return carry_out(
            self.ledger, run.id, self.sessions, self.events.append, settings=self.settings, replan=self.replan,
            resume=resume, now=now,
        )  # fmt: skip

    def replan(
        self, run: RunRecord, targets: Collection[str]
    ) -> tuple[Sequence[Change[State]], Mapping[str, TargetError]]:
        reading = planner.read([r for r in self.wanted if r.target in targets], self.sessions)
        return planner.compare(self.wanted, reading), reading.unread

    def undo(self, run: RunRecord) -> RunRecord:
        """As the facade does it, up to the point where the undoing is written down."""
        begun, unread = to_take_back(run.changes, self.sessions, begun=begun_to_undo(self.ledger, run))
        assert not unread
        with alone(self.ledger, run.id):
            stop_for_undo(self.ledger, run)
            return self.ledger.begin("undo", {"procedure": "undo"}, planner.inverse(begun), undoes=run.id)

    def states(self, run: RunRecord) -> dict[str, str]:
        return {record.change.key: record.state for record in run.changes}

    def applied(self) -> list[str]:
        return sorted(change.key for system in self.systems.values() for change in system.applied)


@pytest.fixture
def office(ledger: Ledger) -> Office:
    return Office(ledger)


@contextmanager
def killed(patch: pytest.MonkeyPatch, ledger: Ledger, method: str, *, after: bool) -> Iterator[None]:
    """The process dies at the first call of a method of the ledger: from then on it writes nothing."""
    with patch.context() as patched:
        original = getattr(ledger, method)

        def gone(*_: object, **__: object) -> None:
            raise Killed

        def die(*args: Any, **words: Any) -> None:
            if after:
                original(*args, **words)
            for name in ("attempt", "settle", "end", "prove", "defer", "add_changes", "close_targets"):
                patched.setattr(ledger, name, gone)
            raise Killed

        patched.setattr(ledger, method, die)
        with pytest.raises(Killed):
            yield


# ------------------------------------------------------------------------------------------------------- killed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", ["attempt", "settle", "prove", "end"])
def test_a_killed_run_is_finished_and_nothing_is_done_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch, method: str, after: bool
) -> None:
    wanted = [
        thing("a", "x", Thing(size=1)),
        thing("b", "y", Thing(size=1), ("a", "x")),
        thing("c", "z", Thing(size=1)),
    ]
    run = office.begin(*wanted, proofs=[THERE])
    with killed(monkeypatch, office.ledger, method, after=after):
        office.go(run, resume=False)
    done = office.go(run)
    assert done.state == "done"
    assert office.applied() == ["x", "y", "z"]
    assert [proof["passed"] for proof in done.proofs] == [True]
    assert office.ledger.verify().breaks == ()


def test_what_was_killed_half_way_is_carried_on_and_undo_restores_what_was_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.systems["a"].things["x"] = Thing(size=1, colour="red")
    run = office.begin(thing("a", "x", Thing(size=2, colour="blue")))
    with killed(monkeypatch, office.ledger, "attempt", after=True):
        office.go(run, resume=False)
    office.systems["a"].things["x"] = Thing(size=2, colour="red")
    run = office.go(run)
    assert (run.state, office.systems["a"].things["x"].colour) == ("done", "blue")
    assert office.systems["a"].applied[0].before == Thing(size=2, colour="red")
    office.go(office.undo(run))
    assert office.systems["a"].things["x"].agrees_with(Thing(size=1, colour="red"))


def test_what_was_never_attempted_and_moved_meanwhile_is_drift(office: Office) -> None:
    office.systems["a"].things["x"] = Thing(size=1)
    run = office.begin(thing("a", "x", Thing(size=2)), thing("b", "y", Thing(size=2)))
    office.systems["a"].things["x"] = Thing(size=5)
    run = office.go(run)
    assert office.states(run) == {"x": "failed", "y": "verified"}
    assert run.state == "partial"


def test_a_partial_run_can_be_tried_again(office: Office) -> None:
    office.systems["a"].refuses["x"] = RejectedError("a", "no")
    run = office.go(office.begin(thing("a", "x", Thing(size=1)), thing("b", "y", Thing(size=1), ("a", "x"))))
    assert office.states(run) == {"x": "failed", "y": "blocked"}
    office.systems["a"].refuses.clear()
    run = office.go(run)
    assert (run.state, office.states(run)) == ("done", {"x": "verified", "y": "verified"})


def test_a_ledger_that_cannot_be_written_stops_everything_before_it_is_sent(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)), thing("b", "y", Thing(size=1)))
    with monkeypatch.context() as full:

        def no_room(*_: object, **__: object) -> None:
            raise LedgerError("the ledger: the disk is full")

        full.setattr(office.ledger, "settle", no_room)
        full.setattr(office.ledger, "attempt", no_room)
        full.setattr(office.ledger, "end", no_room)
        with pytest.raises(LedgerError, match="disk is full"):
            office.go(run, resume=False)
    assert office.applied() == []
    assert office.go(run).state == "done"


def test_a_run_is_carried_out_by_one_process_at_a_time(office: Office) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)))
    with alone(office.ledger, run.id), pytest.raises(InUseError, match=f"run {run.id} is in the hands of"):
        office.go(run)
    assert office.go(run).state == "done"
    assert office.go(run).state == "done"
    assert office.applied() == ["x"]


def test_what_follows_from_the_end_is_done_again_by_whoever_goes_on_after_a_kill(office: Office) -> None:
    """Such as giving back the licence seats of installs that failed."""
    office.systems["a"].refuses["x"] = RejectedError("a", "no")
    run = office.begin(thing("a", "x", Thing(size=1)))
    told: list[tuple[str, str]] = []

    def die(record: RunRecord, state: str) -> None:
        told.append((record.changes[0].state, state))
        if len(told) == 1:
            raise Killed

    def go(*, resume: bool) -> RunRecord:
        return carry_out(
            office.ledger, run.id, office.sessions, office.events.append, settings=office.settings, before_end=die,
            resume=resume,
        )  # fmt: skip

    with pytest.raises(Killed):
        go(resume=False)
    assert office.ledger.run(run.id).state == "running", "so `provision resume` and every worker come back to it"
    assert go(resume=True).state == "partial"
    assert told == [("failed", "partial")] * 2


# ---------------------------------------------------------------------------------------------------------- off


def test_a_target_that_is_off_makes_the_run_wait_and_is_tried_when_due(office: Office) -> None:
    run = office.begin(
        thing("a", "x", Thing(size=1)),
        thing("b", "y", Thing(size=1), ("a", "x")),
        thing("c", "z", Thing(size=1), ("b", "y")),
        proofs=[THERE],
    )
    office.off("b")
    run = office.go(run, resume=False)
    assert run.state == "waiting"
    assert office.states(run) == {"x": "verified", "y": "deferred", "z": "deferred"}
    assert "waits for memory.thing[b/y]" in str(run.changes[2].error)
    assert run.proofs == ()
    [waiting] = run.targets
    assert (waiting.target, waiting.why, waiting.attempts) == ("b", "deferred", 1)
    assert "nobody answers" in waiting.reason
    assert waiting.deadline is not None
    assert waiting.next_try < waiting.deadline

    office.off()
    events = len(office.ledger.events(run.id))
    assert office.go(run).state == "waiting"
    assert len(office.ledger.events(run.id)) == events, "nothing is due, so nothing is written"
    run = office.go(run, now=True)
    assert (run.state, run.targets, len(run.proofs)) == ("done", (), 1)
    assert office.applied() == ["x", "y", "z"]


def test_waits_grow_and_one_try_is_one_connection(office: Office) -> None:
    run = office.begin(thing("b", "y", Thing(size=1)), thing("b", "z", Thing(size=1), ("b", "y")))
    office.off("b")
    waits = []
    for attempt in range(1, 4):
        office.sessions.opened.clear()
        run = office.go(run, now=True)
        assert office.sessions.opened == ["b"]
        [waiting] = run.targets
        assert waiting.attempts == attempt
        waits.append(datetime.fromisoformat(waiting.next_try) - datetime.now(UTC))
    assert [round(wait / timedelta(hours=1)) for wait in waits] == [1, 1, 1]  # the longest wait is one hour
    quick = Runs(backoff=timedelta(seconds=10))
    assert [quick.wait_after(n).total_seconds() for n in (1, 2, 3, 12)] == [10, 20, 40, 3600]


def test_after_the_deadline_it_fails_and_what_requires_it_is_blocked(office: Office) -> None:
    office.settings = Runs(deadline=timedelta(seconds=0.1))
    run = office.begin(thing("b", "y", Thing(size=1)), thing("c", "z", Thing(size=1), ("b", "y")))
    office.off("b")
    run = office.go(run)
    assert run.state == "waiting"
    time.sleep(0.1)
    run = office.go(run, now=True)
    assert (run.state, office.states(run)) == ("partial", {"y": "failed", "z": "blocked"})
    assert "its deadline is over" in str(run.changes[0].error)
    assert run.targets == ()


def test_a_target_that_was_never_read_is_not_forgotten_when_it_is_given_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no change that could fail, so a kill, or another target that is waited for, must not end it as done."""
    office.settings = Runs(deadline=timedelta(seconds=0.2), backoff=timedelta(seconds=0.01))
    office.off("b")
    run = office.begin(thing("a", "x", Thing(size=1)), thing("b", "y", Thing(size=1)), thing("c", "z", Thing(size=1)))
    office.settings = Runs()
    office.off("b", "c")
    time.sleep(0.2)
    run = office.go(run)
    assert (run.state, office.states(run)) == ("waiting", {"x": "verified", "z": "deferred"})
    assert {target.target for target in run.targets} == {"b", "c"}
    office.off("b")
    with killed(monkeypatch, office.ledger, "end", after=False):
        office.go(run, now=True)
    run = office.go(run, now=True)
    assert (run.state, office.states(run)) == ("partial", {"x": "verified", "z": "verified"})
    assert office.ledger.open_targets(due=datetime.now(UTC) + timedelta(days=1)) == [], "nothing comes back by itself"
    assert office.go(run, now=True).state == "partial"
    office.off()
    run = office.go(run, now=True)
    assert (run.state, office.applied(), run.targets) == ("done", ["x", "y", "z"], ())


def test_what_requires_a_target_that_was_never_read_is_blocked_when_it_is_given_up(office: Office) -> None:
    office.settings = Runs(deadline=timedelta())
    office.off("b")
    run = office.begin(thing("a", "x", Thing(size=1), ("b", "y")), thing("b", "y", Thing(size=1)))
    run = office.go(run, resume=False)
    assert (run.state, office.states(run)) == ("partial", {"x": "blocked"})
    assert office.go(run).state == "partial", "somebody went on before it answered"
    office.off()
    run = office.go(run)
    assert (run.state, office.states(run)) == ("done", {"x": "verified", "y": "verified"}), "not due, but gone on with"


def test_a_target_that_could_not_be_read_is_planned_when_it_answers(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = (
        thing("a", "x", Thing(size=1), ("b", "y")),
        thing("b", "y", Thing(size=1)),
        thing("c", "z", Thing(size=1)),
    )
    office.off("b")
    run = office.go(office.begin(*wanted, proofs=[THERE]), resume=False)
    assert (run.state, office.states(run)) == ("waiting", {"x": "deferred", "z": "verified"})
    assert office.go(run, now=True).targets[0].attempts == 2
    office.off()
    with killed(monkeypatch, office.ledger, "add_changes", after=True):
        office.go(run, now=True)
    run = office.go(run, now=True)
    assert (run.state, office.states(run)) == ("done", {"x": "verified", "z": "verified", "y": "verified"})
    assert office.applied() == ["x", "y", "z"]


def test_a_request_that_cannot_be_planned_any_more_ends_partial(office: Office) -> None:
    office.off("b")
    run = office.go(office.begin(thing("b", "y", Thing(size=1))), resume=False)

    def refuse(*_: object) -> Any:
        raise RequestError("the person left")

    run = carry_out(office.ledger, run.id, office.sessions, office.events.append, replan=refuse, now=True)
    assert run.state == "partial"
    assert "the person left" in str(office.ledger.events(run.id)[-1].error)


# ---------------------------------------------------------------------------------------------------- transient


def test_a_connection_that_breaks_is_opened_again_and_what_arrived_is_not_repeated(office: Office) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)), thing("a", "y", Thing(size=1)))
    office.sessions.breaks["a"] = 1
    office.sessions.after = lambda: office.systems["a"].things.update(x=Thing(size=1))
    assert office.go(run).state == "done"
    assert office.applied() == ["y"]


def test_a_connection_that_keeps_breaking_waits(office: Office) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)))
    office.sessions.breaks["a"] = 99
    run = office.go(run)
    assert (run.state, office.sessions.breaks["a"]) == ("waiting", 99 - 3)
    office.sessions.breaks.clear()
    assert office.go(run, now=True).state == "done"


def test_only_what_was_busy_is_tried_again(office: Office) -> None:
    office.systems["a"].refuses = {"x": UnreachableError("a", "busy"), "y": RejectedError("a", "no")}
    run = office.go(office.begin(*(thing("a", key, Thing(size=1)) for key in "xyz")))
    assert office.states(run) == {"x": "deferred", "y": "failed", "z": "verified"}
    assert office.applied() == ["x", "x", "x", "y", "z"]


# -------------------------------------------------------------------------------------------------------- locks


def test_a_target_in_other_hands_is_waited_for_then_read_again(office: Office) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)))
    office.settings = Runs(lock_wait=timedelta(seconds=5))
    assert office.ledger.folder is not None
    others = FileLocks(office.ledger.folder / "locks", "run 99")
    with others.hold("a", seconds=0) as _:

        def listen(event: Event) -> None:
            if isinstance(event, LockAwaited):
                assert "run 99" in event.holder
                office.systems["a"].things["x"] = Thing(size=1)
                (others.folder / next(iter(_files(others, "a")))).unlink()  # the other run ends

        run = carry_out(office.ledger, run.id, office.sessions, listen, settings=office.settings)
    assert (run.state, office.applied()) == ("done", [])


def _files(locks: FileLocks, name: str) -> list[str]:
    from hashlib import sha256  # noqa: PLC0415

    return [sha256(name.encode()).hexdigest()[:32]]


def test_waiting_for_another_run_is_bounded(office: Office) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)), thing("b", "y", Thing(size=1)))
    assert office.ledger.folder is not None
    with FileLocks(office.ledger.folder / "locks", "run 99").hold("a", seconds=0):
        run = office.go(run)
    assert (run.state, office.states(run)) == ("waiting", {"x": "deferred", "y": "verified"})
    assert "run 99" in run.targets[0].reason
    assert office.go(run, now=True).state == "done"


def test_no_session_stays_open_when_the_lock_is_given_back(office: Office) -> None:
    office.go(office.begin(thing("a", "x", Thing(size=1))))
    assert office.sessions.dropped.count("a") == 2  # after planning, and after the batch


# --------------------------------------------------------------------------------------------------------- undo


def test_an_undo_that_is_killed_can_be_resumed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.systems["a"].things["x"] = Thing(size=1)
    run = office.go(office.begin(thing("a", "x", Thing(size=2)), thing("b", "y", Thing(size=2), ("a", "x"))))
    undo = office.undo(run)
    with killed(monkeypatch, office.ledger, "settle", after=False):
        office.go(undo, resume=False)
    with pytest.raises(RequestError, match=f"run {undo.id} is taking back run {run.id} already"):
        office.undo(office.ledger.run(run.id))
    with pytest.raises(RequestError, match=f"`provision undo {run.id}` goes on with that"):
        office.go(office.ledger.reopen(run.id))
    assert office.go(undo).state == "done"
    assert office.ledger.run(run.id).state == "undone"
    assert (office.systems["a"].things["x"].size, office.systems["b"].things) == (1, {})
    assert office.applied() == ["x", "x", "y", "y"]


def test_a_run_that_waits_can_be_taken_back_and_does_not_come_back(office: Office) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)), thing("b", "y", Thing(size=1)))
    office.off("b")
    run = office.go(run)
    undo = office.go(office.undo(run))
    assert undo.state == "done"
    run = office.ledger.run(run.id)
    assert (run.state, run.targets, office.states(run)) == ("undone", (), {"x": "verified", "y": "abandoned"})
    office.off()
    assert office.go(run, now=True).state == "undone"
    assert office.systems["a"].things == office.systems["b"].things == {}


def test_an_undo_waits_for_targets_that_are_off(office: Office) -> None:
    run = office.go(office.begin(thing("a", "x", Thing(size=1)), thing("b", "y", Thing(size=1), ("a", "x"))))
    undo = office.undo(run)
    office.off("b")
    undo = office.go(undo)
    assert (undo.state, office.states(undo)) == ("waiting", {"x": "deferred", "y": "deferred"})
    assert office.ledger.run(run.id).state == "done"
    office.off()
    assert office.go(undo, now=True).state == "done"
    assert office.ledger.run(run.id).state == "undone"


def test_a_second_undo_goes_on_where_the_first_one_failed(office: Office) -> None:
    office.systems["a"].things["x"] = Thing(size=1, colour="red")
    run = office.go(office.begin(thing("a", "x", Thing(size=2, colour="blue")), thing("b", "y", Thing(size=1))))
    first = office.undo(run)
    office.systems["a"].ignores.add("x")
    office.systems["a"].on_apply = lambda: office.systems["a"].things.update(x=Thing(size=1, colour="blue"))
    assert office.go(first).state == "partial"
    office.systems["a"].ignores.clear()
    office.systems["a"].on_apply = lambda: None
    assert office.go(office.undo(office.ledger.run(run.id))).state == "done"
    assert office.systems["a"].things["x"].agrees_with(Thing(size=1, colour="red"))


# ----------------------------------------------------------------------------------------------------- requests


def test_a_request_follows_its_run(office: Office) -> None:
    request = office.ledger.ask("test", {"procedure": "test"})
    wanted = [thing("b", "y", Thing(size=1))]
    run = office.ledger.begin(
        "test", {}, planner.compare(wanted, planner.read(wanted, office.sessions)), request_id=request.id
    )
    office.off("b")
    assert office.go(run).state == "waiting"
    assert office.ledger.request(request.id).state == "running"
    office.off()
    run = office.go(run, now=True)
    assert office.ledger.request(request.id).state == "proven"
    office.go(office.undo(run))
    assert office.ledger.request(request.id).state == "undone"


# ----------------------------------------------------------------------------------------------------- finishing


def test_a_kind_that_does_more_than_a_read_shows_finishes_what_was_killed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished: list[str] = []

    class Saving(MemoryKind):
        def finish(self, session: MemorySystem, changes: Sequence[Change[Thing]]) -> None:
            finished.extend(change.key for change in changes)

    monkeypatch.setitem(KINDS, "memory.thing", Saving())
    run = office.begin(thing("a", "x", Thing(size=1)), thing("a", "y", Thing(size=1)))
    with killed(monkeypatch, office.ledger, "attempt", after=True):
        office.go(run, resume=False)
    office.systems["a"].things["x"] = Thing(size=1)
    assert office.go(run).state == "done"
    assert finished == ["x"]


def test_who_answers_but_not_to_us_is_not_waited_for(office: Office) -> None:
    """A target that could not be read for another reason than silence has its deadline at once."""
    run = office.ledger.begin(
        "test", {}, [], unread={"b": "the certificate is not trusted"}, deadlines={"b": datetime.now(UTC)}
    )
    run = office.go(run, resume=False)
    assert run.state == "partial"
    assert office.ledger.open_targets(due=datetime.now(UTC) + timedelta(days=1)) == []
    assert office.ledger.events(run.id)[-1].error == "b: the certificate is not trusted"


def test_a_run_that_somebody_else_found_first_is_reported_when_it_has_ended(office: Office) -> None:
    run = office.begin(thing("a", "x", Thing(size=1)))
    office.settings = Runs(lock_wait=timedelta(seconds=20))
    with alone(office.ledger, run.id) as locks:
        ended: list[RunRecord] = []
        thread = threading.Thread(target=lambda: ended.append(office.go(run, resume=False)))
        thread.start()
        time.sleep(0.2)
        office.ledger.end(run.id, "done")  # the worker's work
        del locks
    thread.join()
    assert [one.state for one in ended] == ["done"]
    assert office.applied() == []
