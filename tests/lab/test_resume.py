"""Runs on real systems that go away: a switch that drops the session in the middle of a batch, a domain controller that
stops and starts, a disk that is full."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.pool import Pool
from provisioning.engine import planner
from provisioning.engine.run import carry_out
from provisioning.engine.undo import to_take_back
from provisioning.errors import LedgerError
from provisioning.lab.office import Office
from provisioning.lab.switch import Faults, misbehaving
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Resource
from provisioning.resources.directory.user import User
from provisioning.resources.registry import KINDS
from provisioning.resources.switch.port import PORT, SwitchPort
from provisioning.site import Inventory
from provisioning.site.runs import Runs
from tests.lab.network_bench import PORTS, Bench
from tests.memory import MemoryKind, MemorySessions, MemorySystem, Thing, thing

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

SETTINGS = Runs(backoff=timedelta(hours=1), retries=3)
SWITCH = "switch:sw-a"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger" / "l.sqlite")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench.make(tmp_path_factory.mktemp("bench"), 45)
    try:
        made.up()
        yield made
    finally:
        made.down()


def _begin(ledger: Ledger, pool: Pool, resources: Sequence[Resource]) -> RunRecord:
    reading = planner.read(resources, pool)
    assert not reading.unread
    return ledger.begin("test", {}, planner.compare(resources, reading))


def _go(ledger: Ledger, run: RunRecord, pool: Pool, **words: Any) -> RunRecord:
    return carry_out(ledger, run.id, pool, lambda _: None, settings=SETTINGS, **words)


def _ports(vlan: int) -> list[Resource]:
    state = SwitchPort(description=f"desk in {vlan}", enabled=True, mode="access", access_vlan=vlan)
    return [Resource("switch.port", SWITCH, port, state) for port in PORTS[10:14]]


def test_a_switch_that_drops_the_session_is_asked_again(bench: Bench, ledger: Ledger) -> None:
    faults = bench.switches.faults_file("sw-a")
    with bench.pool() as pool:
        run = _begin(ledger, pool, _ports(20))
        with misbehaving(faults, Faults(drop=f"^interface {PORTS[12]}")):
            # What it does before the third port has arrived; then the line is cut, until somebody mends it.
            threading.Timer(0.7, faults.unlink).start()
            run = _go(ledger, run, pool)
        assert (run.state, {record.state for record in run.changes}) == ("done", {"verified"})


def test_a_switch_that_keeps_dropping_it_is_waited_for_and_saved_in_the_end(bench: Bench, ledger: Ledger) -> None:
    with bench.pool() as pool:
        run = _begin(ledger, pool, _ports(30))
        with misbehaving(bench.switches.faults_file("sw-a"), Faults(drop="^copy running|^write")):
            run = _go(ledger, run, pool)
        assert run.state == "waiting"
        assert {record.state for record in run.changes} == {"deferred"}
        assert [target.target for target in run.targets] == [SWITCH]
        run = _go(ledger, run, pool, now=True)
        assert run.state == "done"
        with pool.session(SWITCH) as session:
            found = PORT.read(session, [PORTS[12]])
            startup = "\n".join(session.show("show startup-config").splitlines())
        assert found[PORTS[12]].access_vlan == 30
        assert startup.count("desk in 30") == 4, "it was changed before the cut, and saved after it"


def test_a_domain_controller_that_stops_in_the_middle_of_a_batch(
    office: Office, inventory: Inventory, pool: Pool, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = inventory.profiles[next(iter(inventory.profiles))].ou
    users = [
        Resource("directory.user", "directory", f"dir.resume{n}", User(ou=unit, name=f"Resume {n}", enabled=True))
        for n in range(5)
    ]
    run = _begin(ledger, pool, users)
    attempt = ledger.attempt

    def stop_then_attempt(ids: Sequence[int]) -> None:
        attempt(ids)
        office.dc._daemon.stop()

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "attempt", stop_then_attempt)
        run = _go(ledger, run, pool)
    try:
        assert run.state == "waiting"
        assert {record.state for record in run.changes} == {"deferred"}
        assert "does not answer" in run.targets[0].reason
    finally:
        office.dc.up()
    run = _go(ledger, run, pool, now=True)
    assert (run.state, {record.state for record in run.changes}) == ("done", {"verified"})
    begun, _ = to_take_back(run.changes, pool)
    undo = ledger.begin("undo", {}, planner.inverse(begun), undoes=run.id)
    assert _go(ledger, undo, pool).state == "done"
    assert ledger.run(run.id).state == "undone"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("room", [0, 40, 100, 200], ids=lambda kib: f"{kib} KiB left")
def test_a_disk_that_is_full(small_disk: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Whatever fits before it is full: nothing is sent that the ledger does not know of, and resuming finishes."""
    monkeypatch.setitem(KINDS, "memory.thing", MemoryKind())
    systems = {f"s{n:02}": MemorySystem() for n in range(30)}
    sessions = MemorySessions(systems)
    ledger = Ledger(small_disk / "ledger" / "l.sqlite")
    wanted = [
        thing(target, key, Thing(colour="x" * 300, size=n)) for target in systems for n, key in enumerate(("k", "l"))
    ]
    run = ledger.begin("test", {}, planner.compare(wanted, planner.read(wanted, sessions)))
    statvfs = subprocess.run(
        ["df", "--output=avail", "-k", str(small_disk)], check=True, capture_output=True, text=True
    )
    free = int(statvfs.stdout.split()[-1])
    (small_disk / "ballast").write_bytes(b"\0" * 1024 * max(0, free - room))
    said = ""
    try:
        carry_out(ledger, run.id, sessions, lambda _: None, settings=SETTINGS, resume=False)
    except LedgerError as exc:
        said = str(exc)
    assert "disk is full" in said or (room >= 200 and not said)
    sent = {change.address for system in systems.values() for change in system.applied}
    (small_disk / "ballast").unlink()
    ledger.close()
    ledger = Ledger(small_disk / "ledger" / "l.sqlite")
    known = {record.change.address for record in ledger.run(run.id).changes if record.attempted}
    assert sent <= known
    assert carry_out(ledger, run.id, sessions, lambda _: None, settings=SETTINGS).state == "done"
    applied = [change.address for system in systems.values() for change in system.applied]
    assert sorted(applied) == sorted(resource.address for resource in wanted)
    assert ledger.verify().breaks == ()
    ledger.close()


def test_a_ledger_that_somebody_keeps_locked_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3  # noqa: PLC0415

    monkeypatch.setitem(KINDS, "memory.thing", MemoryKind())
    system = MemorySystem()
    sessions = MemorySessions({"a": system})
    ledger = Ledger(tmp_path / "l.sqlite")
    wanted = [thing("a", "k", Thing(size=1))]
    run = ledger.begin("test", {}, planner.compare(wanted, planner.read(wanted, sessions)))
    held = threading.Event()

    def hold() -> None:
        with sqlite3.connect(tmp_path / "l.sqlite", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(2)
            other.execute("ROLLBACK")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    begun = datetime.now(UTC)
    assert carry_out(ledger, run.id, sessions, lambda _: None, settings=SETTINGS).state == "done"
    assert datetime.now(UTC) - begun > timedelta(seconds=1)
    thread.join()
    assert [change.key for change in system.applied] == ["k"]
    ledger.close()
