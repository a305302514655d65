"""Locks: one holder at a time, in threads and processes, free at once when the owner is dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from provisioning.engine.locks import AdvisoryLocks, FileLocks, HeldError, Locks, locks_of
from provisioning.errors import LedgerError
from provisioning.ledger import Ledger
from tests.unit.conftest import Place

HOLD = """
import os, sys
from pathlib import Path
from pydantic import SecretStr
from provisioning.engine.locks import locks_of
from provisioning.ledger import Ledger
where = sys.argv[1]
password = os.environ.get("LEDGER_PASSWORD")
ledger = Ledger(where if "://" in where else Path(where), password=SecretStr(password) if password else None)
locks = locks_of(ledger, "run 12")
with locks.hold("switch:sw", seconds=5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open()


@pytest.fixture
def locks(ledger: Ledger) -> Iterator[Locks]:
    opened = locks_of(ledger, "run 7")
    yield opened
    opened.close()


@pytest.fixture
def other(place: Place, ledger: Ledger) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds ``switch:sw`` for run 12."""
    password = {"LEDGER_PASSWORD": place.password.get_secret_value()} if place.password else {}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place.where)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | password,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_holds_it_and_is_named(locks: Locks, other: subprocess.Popen[str]) -> None:
    told: list[str] = []
    with pytest.raises(HeldError) as caught, locks.hold("switch:sw", seconds=0.2, on_wait=told.append):
        pass
    assert "run 12" in caught.value.holder
    assert str(other.pid) in told[0]
    with locks.hold("switch:other", seconds=0):
        pass


def test_the_lock_of_a_dead_owner_is_free_at_once(locks: Locks, other: subprocess.Popen[str]) -> None:
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    begun = time.monotonic()
    with locks.hold("switch:sw", seconds=5) as held:
        held.check()
    assert time.monotonic() - begun < 2


def test_a_stopped_owner_keeps_it(locks: Locks, other: subprocess.Popen[str]) -> None:
    os.kill(other.pid, signal.SIGSTOP)
    with pytest.raises(HeldError), locks.hold("switch:sw", seconds=0.2):
        pass


def test_threads_of_one_process_exclude_each_other(locks: Locks) -> None:
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(5):
            with locks.hold("directory", seconds=30):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.002)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_whoever_is_asked_to_stop_does_not_wait(locks: Locks, other: subprocess.Popen[str]) -> None:
    stop = threading.Event()
    stop.set()
    begun = time.monotonic()
    with pytest.raises(HeldError), locks.hold("switch:sw", seconds=60, stop=stop):
        pass
    assert time.monotonic() - begun < 5


def test_files_do_not_pile_up(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks", "run 1")
    for number in range(20):
        with locks.hold(f"run {number}", seconds=0):
            assert len(list((tmp_path / "locks").iterdir())) == 1
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file")
    with (
        pytest.raises(LedgerError, match="cannot be taken"),
        FileLocks(tmp_path / "locks", "run 1").hold("x", seconds=0),
    ):
        pass


def test_a_lost_connection_is_noticed_before_anything_is_sent(ledger: Ledger, locks: Locks) -> None:
    if not isinstance(locks, AdvisoryLocks):
        pytest.skip("only PostgreSQL: a file lock has no connection that could be lost")
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'run 7 on%'"
    with locks.hold("x", seconds=1) as held:
        held.check()
        with psycopg.connect(**ledger.server_arguments(), autocommit=True) as admin:
            admin.execute(kill)
        with pytest.raises(LedgerError, match="connection that holds the locks"):
            held.check()
