"""Changes that follow from others (a restart after installations): done for what worked, whatever else failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.engine import planner
from provisioning.engine.run import carry_out
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Address, Change, Outcome, Resource, State
from provisioning.resources.registry import KINDS
from tests.memory import MemoryKind, MemorySessions, MemorySystem, Thing, thing


class Settled(State):
    """Whether the system has calmed down."""

    calm: bool


class SettlingKind:
    """`memory.settling`: anything that was made upsets the system until it is calmed."""

    name = "memory.settling"
    state = Settled

    def read(self, session: MemorySystem, keys: Sequence[str]) -> dict[str, Settled]:
        return {key: Settled(calm=session.things.keys() <= {"calmed", *session.ignores}) for key in keys}

    def apply(self, session: MemorySystem, changes: Sequence[Change[Settled]]) -> list[Outcome]:
        session.things["calmed"] = Thing(size=(session.things["calmed"].size or 0) + 1)
        session.ignores |= session.things.keys()
        return [Outcome(change.key) for change in changes]

    def unsettled(self, state: Settled | None) -> Settled:
        return Settled(calm=False)


@pytest.fixture(autouse=True)
def memory_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "memory.thing", MemoryKind())
    monkeypatch.setitem(KINDS, "memory.settling", SettlingKind())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger" / "l.sqlite")
    yield opened
    opened.close()


SYSTEM = "a"
CALM = Address("memory.settling", SYSTEM, "calm")


def begin(ledger: Ledger, system: MemorySystem) -> RunRecord:
    made = [thing(SYSTEM, name, Thing(size=1)) for name in ("one", "two")]
    made.append(replace(thing(SYSTEM, "three", Thing(size=1)), requires=frozenset({made[1].address})))
    follows = Resource(CALM.kind, SYSTEM, CALM.key, Settled(calm=True), frozenset(one.address for one in made))
    reading = planner.read([*made, follows], MemorySessions({SYSTEM: system}))
    return ledger.begin("t", {}, planner.compare([*made, follows], reading))


def go_on(ledger: Ledger, system: MemorySystem, run: RunRecord) -> dict[str, str]:
    done = carry_out(ledger, run.id, MemorySessions({SYSTEM: system}), lambda _: None)
    return {record.change.key: record.state for record in done.changes}


def calmings(system: MemorySystem) -> int:
    return system.things["calmed"].size or 0


def test_what_failed_does_not_keep_the_others_waiting(ledger: Ledger) -> None:
    system = MemorySystem({"calmed": Thing(size=0)}, refuses={"two": RejectedError(SYSTEM, "no")})
    run = begin(ledger, system)
    assert go_on(ledger, system, run) == {"one": "verified", "two": "failed", "three": "blocked", "calm": "verified"}
    assert calmings(system) == 1

    system.refuses.clear()
    assert set(go_on(ledger, system, run).values()) == {"verified"}
    assert calmings(system) == 2, "what was made at the second try upset it again"
    assert set(go_on(ledger, system, run).values()) == {"verified"}
    assert calmings(system) == 2
    assert ledger.verify().breaks == ()


def test_where_all_failed_nothing_follows(ledger: Ledger) -> None:
    refused: dict[str, ProvisioningError] = dict.fromkeys(("one", "two"), RejectedError(SYSTEM, "no"))
    system = MemorySystem({"calmed": Thing(size=0)}, refuses=refused)
    states = go_on(ledger, system, begin(ledger, system))
    assert states == {"one": "failed", "two": "failed", "three": "blocked", "calm": "blocked"}
    assert calmings(system) == 0
