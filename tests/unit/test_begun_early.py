"""What does not wait for others: changes, proofs and reads begin as soon as they can."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioning.api.reading_ahead import reading_ahead
from provisioning.engine import planner
from provisioning.engine.events import Event, ProofSettled
from provisioning.engine.order import Order
from provisioning.engine.prover import prove
from provisioning.engine.run import carry_out
from provisioning.errors import RejectedError
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Change, Proof, ProofResult, Resource, Sessions, State
from provisioning.resources.registry import KINDS, PROOFS
from provisioning.resources.windows.domain_membership import KEY, DomainMembership
from provisioning.resources.windows.registry import RegistryKey
from tests.memory import MemoryKind, MemoryProof, MemorySessions, MemorySystem, Thing, thing
from tests.unit.test_windows_exports import EDGE, POLICIES, SYSTEM, Pc

PATIENCE = 20.0  # seconds, only ever waited for by a test that fails


class AloofProof(MemoryProof):
    """Changes on `a` have no bearing on it."""

    name = "memory.aloof"
    aloof_from = frozenset({"a"})

    def __init__(self) -> None:
        self.checks: list[str] = []

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        self.checks.append(proof.name)
        return super().check(sessions, proof)


@pytest.fixture
def aloof(monkeypatch: pytest.MonkeyPatch) -> AloofProof:
    kind = AloofProof()
    monkeypatch.setitem(KINDS, "memory.thing", MemoryKind())
    monkeypatch.setitem(PROOFS, "memory.exists", MemoryProof())
    monkeypatch.setitem(PROOFS, "memory.aloof", kind)
    return kind


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger" / "l.sqlite")
    yield opened
    opened.close()


def carried_out(
    ledger: Ledger, systems: dict[str, MemorySystem], wanted: Sequence[Resource], *proofs: Proof, listener: Any = None
) -> RunRecord:
    sessions = MemorySessions(systems)
    run = ledger.begin("test", {}, planner.compare(wanted, planner.read(wanted, sessions)), proofs=proofs)
    return carry_out(ledger, run.id, sessions, listener or (lambda _: None), resume=False)


@pytest.mark.usefixtures("aloof")
def test_what_requires_nothing_of_a_slow_target_does_not_wait_for_it(ledger: Ledger) -> None:
    second, seen = threading.Event(), []
    a, b = MemorySystem(), MemorySystem()
    a.on_apply = lambda: seen.append(second.wait(PATIENCE))
    b.on_apply = lambda: second.set() if b.applied else None
    wanted = [thing("a", "slow", Thing(size=1)), thing("b", "first", Thing(size=1))]
    wanted.append(thing("b", "second", Thing(size=1), ("b", "first")))
    assert carried_out(ledger, {"a": a, "b": b}, wanted).state == "done"
    assert seen == [True]


def test_a_proof_does_not_wait_for_changes_that_have_no_bearing_on_it(ledger: Ledger, aloof: AloofProof) -> None:
    proven, told = threading.Event(), list[str]()
    a, b = MemorySystem(), MemorySystem()
    a.on_apply = lambda: told.append(f"a, after the proof: {proven.wait(PATIENCE)}")

    def hear(event: Event) -> None:
        if isinstance(event, ProofSettled):
            told.append(event.result.proof.name)
            proven.set()

    early = Proof("memory.aloof", "b", "early", {"key": "k"})
    late = Proof("memory.exists", "a", "late", {"key": "k"})
    # What follows on `a` waits for `b`, so that something is still to be done when the proof can begin.
    wanted = [thing("b", "k", Thing(size=1)), thing("a", "k", Thing(size=1), ("b", "k"))]
    run = carried_out(ledger, {"a": a, "b": b}, wanted, late, early, listener=hear)
    assert run.state == "done"
    assert told == ["early", "a, after the proof: True", "late"]
    assert aloof.checks == ["early"]
    assert [(proof["name"], proof["passed"]) for proof in run.proofs] == [("late", True), ("early", True)]


def test_what_did_not_pass_early_is_proven_at_the_end(ledger: Ledger, aloof: AloofProof) -> None:
    a, b = MemorySystem(), MemorySystem()
    checked, told = threading.Event(), list[bool]()

    def apply() -> None:
        while not aloof.checks:
            assert not checked.wait(0.01)
        b.things["appears later"] = Thing(size=1)

    a.on_apply = apply
    proof = Proof("memory.aloof", "b", "early", {"key": "appears later"})
    wanted = [thing("b", "k", Thing(size=1)), thing("a", "k", Thing(size=1), ("b", "k"))]
    run = carried_out(
        ledger, {"a": a, "b": b}, wanted, proof,
        listener=lambda event: told.append(event.result.passed) if isinstance(event, ProofSettled) else None,
    )  # fmt: skip
    assert run.state == "done"
    assert aloof.checks == ["early", "early"]
    assert told == [True]


def test_nothing_is_proven_early_where_a_change_failed(ledger: Ledger, aloof: AloofProof) -> None:
    a, b = MemorySystem(), MemorySystem(refuses={"k": RejectedError("b", "no")})
    begun: list[list[str]] = []
    a.on_apply = lambda: begun.append(list(aloof.checks))
    wanted = [thing(target, "k", Thing(size=1)) for target in "ab"]
    run = carried_out(ledger, {"a": a, "b": b}, wanted, Proof("memory.aloof", "b", "early", {"key": "k"}))
    assert (run.state, begun, aloof.checks) == ("partial", [[]], ["early"])


def test_proofs_that_can_be_checked_by_asking_once_are(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gathered(MemoryProof):
        asked: list[int] = []  # noqa: RUF012

        def check_all(self, sessions: Sessions, proofs: Sequence[Proof]) -> list[ProofResult]:
            self.asked.append(len(proofs))
            return [self.check(sessions, proof) for proof in proofs]

    monkeypatch.setitem(PROOFS, "memory.exists", Gathered())
    sessions = MemorySessions({"a": MemorySystem({"x": Thing(size=1)})})
    proofs = [
        Proof("memory.exists", target, f"{target} {key}", {"key": key}) for target in ("a", "off") for key in "xy"
    ]
    results = prove(proofs, sessions, lambda _: None)
    assert [result.passed for result in results] == [True, False, False, False]
    assert "nobody answers" in results[2].detail == results[3].detail
    assert Gathered.asked == [2, 2]


class Guess:
    """A request that foretells `guessed`."""

    def __init__(self, *guessed: Resource) -> None:
        self.guessed = guessed

    def foretold(self, _: object) -> tuple[Resource, ...]:
        return self.guessed


@pytest.mark.usefixtures("aloof")
def test_devices_are_read_while_the_directory_is_asked() -> None:
    wanted = [thing(target, "k", Thing(size=1)) for target in ("a", "b", "off")]
    sessions = MemorySessions({"a": MemorySystem({"k": Thing(size=2)}), "b": MemorySystem()})
    request: Any = Guess(wanted[0], wanted[2])
    site: Any = None
    with reading_ahead(request, site, sessions) as ahead:
        assert ahead.reading is not None
        ahead.reading.result()  # before anybody knows what is wanted
        assert sorted(sessions.opened) == ["a", "off"]
        reading = ahead.read(wanted)
    assert sorted(sessions.opened) == ["a", "b", "off"]
    assert reading.found == planner.read(wanted, sessions).found
    assert list(reading.unread) == ["off"]


@pytest.mark.usefixtures("aloof")
def test_a_wrong_guess_is_read_again_and_what_nobody_wants_is_forgotten() -> None:
    systems = {"a": MemorySystem({"k": Thing(size=2), "l": Thing(size=3)}), "b": MemorySystem()}
    sessions = MemorySessions(systems)
    request: Any = Guess(thing("a", "other", None), thing("b", "k", None), thing("off", "k", None))
    site: Any = None
    wanted = [thing("a", "k", Thing(size=1)), thing("a", "l", Thing(size=1))]
    with reading_ahead(request, site, sessions) as ahead:
        reading = ahead.read(wanted)
    assert reading == planner.read(wanted, MemorySessions(systems))


def test_kinds_that_read_a_registry_ask_once() -> None:
    pc = Pc(POLICIES, EDGE, SYSTEM)

    class Sessions:
        @contextmanager
        def session(self, _: str) -> Iterator[Any]:
            yield pc

        def drop(self, _: str) -> None:
            pass

    keys = [Resource("windows.registry", pc.target, key, RegistryKey(values={})) for key in (EDGE, SYSTEM)]
    member = Resource("windows.domain_membership", pc.target, KEY, DomainMembership(domain=None))
    reading = planner.read([*keys, member], Sessions())
    assert len(pc.asked) == 1
    assert reading.found == {**planner.read(keys, Sessions()).found, **planner.read([member], Sessions()).found}
    state: Any = reading.found[keys[0].address]
    assert list(state.values) == ["n"]


def test_the_order_gives_each_target_one_batch_at_a_time() -> None:
    changes: list[Change[State]] = [
        Change(one.address, None, one.desired, one.requires)
        for one in (
            thing("a", "1", Thing(size=1)),
            thing("a", "2", Thing(size=1)),
            thing("b", "1", Thing(size=1), ("a", "2")),
            thing("a", "3", Thing(size=1), ("a", "1"), ("b", "1")),
            thing("a", "4", Thing(size=1), ("a", "1"), ("not", "ours")),
        )
    ]
    order = Order(changes)
    assert list(order.take()) == [("a", changes[:2])]
    order.ended([changes[1]])
    assert list(order.take()) == [("b", [changes[2]])]
    order.ended([changes[0]])
    assert list(order.take()) == []  # somebody is at work on `a`
    order.ended([changes[2]])
    order.idle("a")
    assert list(order.take()) == [("a", [changes[3], changes[4]])]
