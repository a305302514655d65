"""What a target shows before its turn is asked for at once, where its kinds can share their questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioning.engine import batches, planner
from provisioning.engine.run import carry_out
from provisioning.errors import RejectedError
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Address, Change, Resource, State
from provisioning.resources.registry import KINDS
from tests.memory import MemoryKind, MemorySessions, MemorySystem, Thing


class SharingKind(MemoryKind):
    """Keeps its things under names of its own. `log` has what was asked at once, and each read that asked by itself."""

    log: list[str] = []  # noqa: RUF012  (one for all kinds, as the system is)
    ahead_now = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.locked = False

    def questions(self, session: MemorySystem, keys: Sequence[str]) -> list[str]:
        return [f"{self.name} {key}" for key in keys]

    @contextmanager
    def ahead(self, session: MemorySystem, questions: Sequence[str]) -> Iterator[None]:
        SharingKind.log.append(f"at once: {', '.join(questions)}")
        SharingKind.ahead_now = True
        try:
            yield
        finally:
            SharingKind.ahead_now = False

    def read(self, session: MemorySystem, keys: Sequence[str]) -> dict[str, Thing]:
        if self.locked:
            raise RejectedError("a", f"{self.name} is locked")
        if not SharingKind.ahead_now:
            SharingKind.log.append(f"read: {self.name} {' '.join(keys)}")
        return super().read(session, keys)


class Office:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.a = ledger, MemorySystem()
        self.kinds = [SharingKind(name) for name in ("memory.one", "memory.two")]

    def apply(self, *wanted: Resource) -> RunRecord:
        """What is to be made where nothing is."""
        sessions = MemorySessions({"a": self.a})
        changes = planner.compare(wanted, planner.Reading({one.address: None for one in wanted}, {}))
        run = self.ledger.begin("test", {"procedure": "test"}, changes)
        SharingKind.log.clear()
        return carry_out(self.ledger, run.id, sessions, lambda _: None, resume=False)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    ledger = Ledger(tmp_path / "l.sqlite")
    made = Office(ledger)
    for kind in made.kinds:
        monkeypatch.setitem(KINDS, kind.name, kind)
    yield made
    ledger.close()


def wanted(kind: str, key: str, *requires: tuple[str, str]) -> Resource:
    return Resource(kind, "a", key, Thing(size=1), frozenset(Address(one, "a", other) for one, other in requires))


ONE, TWO = wanted("memory.one", "x"), wanted("memory.two", "y")


def test_kinds_of_one_turn_are_asked_once_and_each_is_read_again_behind_its_change(office: Office) -> None:
    assert office.apply(ONE, TWO).state == "done"
    assert SharingKind.log == ["at once: memory.one x, memory.two y", "read: memory.one x", "read: memory.two y"]


def test_what_moved_since_the_plan_is_seen_by_the_first_look(office: Office) -> None:
    office.a.things["y"] = Thing(size=5)
    run = office.apply(ONE, TWO)
    assert {record.change.key: record.state for record in run.changes} == {"x": "verified", "y": "failed"}
    assert office.a.things["y"] == Thing(size=5)


def test_a_kind_alone_reads_as_ever(office: Office) -> None:
    assert office.apply(ONE).state == "done"
    assert SharingKind.log == ["read: memory.one x"] * 2


def test_what_requires_another_change_of_its_target_is_looked_at_when_that_is_done(office: Office) -> None:
    assert office.apply(ONE, wanted("memory.two", "y", ("memory.one", "x"))).state == "done"
    assert SharingKind.log == ["read: memory.one x"] * 2 + ["read: memory.two y"] * 2


def test_a_first_look_that_is_old_does_not_stand(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "FRESH", -1.0)
    assert office.apply(ONE, TWO).state == "done"
    assert SharingKind.log == [
        "at once: memory.one x, memory.two y",
        *["read: memory.one x"] * 2,
        *["read: memory.two y"] * 2,
    ]


def test_a_kind_that_cannot_be_read_fails_alone(office: Office) -> None:
    office.kinds[1].locked = True
    run = office.apply(ONE, TWO)
    states: dict[str, str] = {record.change.key: record.state for record in run.changes}
    assert states == {"x": "verified", "y": "failed"}
    assert "memory.two is locked" in str(next(r.error for r in run.changes if r.change.key == "y"))


def test_what_is_left_of_a_broken_batch_is_read_anew(office: Office) -> None:
    """The second try sees what the first one did, not what there was before it."""
    looks = batches.FirstLook({"memory.one": _changes(ONE), "memory.two": _changes(TWO)})
    assert looks.read(KINDS["memory.one"], office.a, ["x"]) == {}
    office.a.things["x"] = Thing(size=1)
    assert looks.read(KINDS["memory.one"], office.a, ["x"]) == {"x": Thing(size=1)}
    assert looks.read(KINDS["memory.two"], office.a, ["y"]) == {}


def _changes(one: Resource) -> list[Change[State]]:
    return [Change(one.address, None, one.desired)]
