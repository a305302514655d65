"""Workers as processes, on PostgreSQL and on SQLite: killed, stopped, cut off, asked to end. A far side in a process of
its own counts what reaches the targets (see :mod:`tests.many`)."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.many.office import Many
from tests.many.storm import Field, playing_field, storm
from tests.postgres import Cluster, running_cluster

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as started:
        yield started


@pytest.fixture
def field(cluster: Cluster, tmp_path: Path) -> Iterator[Field]:
    """Targets that take a second for everything, so that there is time to interfere."""
    with playing_field(cluster, tmp_path, latency=1.0) as played:
        yield played


@pytest.mark.timeout(420)
def test_three_workers_in_a_storm_lose_nothing_and_double_nothing(cluster: Cluster, tmp_path: Path) -> None:
    verdict = storm(cluster, tmp_path, requests=100, severity=0.15)  # `make workers` shows twice as many
    assert verdict.good, f"{verdict} {verdict.unfinished} {(tmp_path / 'workers.log').read_text()[-3000:]}"
    assert verdict.kills
    assert verdict.stops


@pytest.mark.timeout(420)
def test_workers_on_one_machine_need_no_postgresql(tmp_path: Path) -> None:
    verdict = storm(None, tmp_path, workers=2, requests=60, targets=20, severity=0.15)
    assert verdict.good, f"{verdict} {verdict.unfinished} {(tmp_path / 'workers.log').read_text()[-3000:]}"


@pytest.mark.timeout(120)
def test_a_worker_that_lost_its_locks_while_it_was_stopped_touches_nothing_any_more(
    field: Field, cluster: Cluster
) -> None:
    field.ask([Many(1, ("far:01", "far:02"))])
    old = field.start_worker(1)
    _until(lambda: "far:01 1a" in field.count()["created"])
    old.send_signal(signal.SIGSTOP)
    _cut_off(field, old)  # as the server does with a machine that is gone
    new = field.start_worker(1)
    _until(lambda: field.open_requests() == 0)
    before = len(field.site.ledger.events(1))
    old.send_signal(signal.SIGCONT)
    time.sleep(4)
    assert set(field.count()["created"].values()) == {1}
    assert field.site.ledger.run(1).state == "done"
    assert field.site.ledger.request(1).state == "proven"
    assert [e.state for e in field.site.ledger.events(1, after=before)] == []
    assert not field.site.ledger.verify().breaks
    field.stop(new)
    field.ask([Many(2, ("far:03",))])
    _until(lambda: field.open_requests() == 0)  # the old one is a worker again


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_a_worker_finishes_its_batch_and_another_one_the_rest(
    field: Field, number: signal.Signals
) -> None:
    field.ask([Many(1, ("far:01", "far:02"))])
    first = field.start_worker(1)
    _until(lambda: "far:01 1a" in field.count()["created"])
    first.send_signal(number)
    assert first.wait(30) == 0
    states = [record.state for record in field.site.ledger.run(1).changes]
    assert states == ["verified", "verified", "abandoned", "abandoned"]
    assert field.site.ledger.run(1).state == "running"
    said = (field.folder / "workers.log").read_text()
    assert "\nStopping: " in said
    assert said.endswith("is started again\nStopped.\n")
    field.start_worker(1)
    _until(lambda: field.open_requests() == 0)
    assert set(field.count()["created"].values()) == {1}


@pytest.mark.timeout(120)
def test_asked_twice_it_leaves_at_once_and_nothing_is_lost(field: Field) -> None:
    field.ask([Many(1, ("far:01", "far:02"))])
    first = field.start_worker(1)
    _until(lambda: "far:01 1a" in field.count()["created"])
    first.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    first.send_signal(signal.SIGTERM)
    assert first.wait(1.0) == 130
    field.start_worker(1)
    _until(lambda: field.open_requests() == 0)
    assert set(field.count()["created"].values()) == {1}


@pytest.mark.timeout(120)
def test_a_database_that_goes_away_in_the_middle_costs_time_and_nothing_else(field: Field, cluster: Cluster) -> None:
    field.ask([Many(1, ("far:01", "far:02"))])
    worker = field.start_worker(1)
    _until(lambda: "far:01 1a" in field.count()["created"])
    cluster.server.stop()
    try:
        time.sleep(3)
        assert worker.poll() is None
    finally:
        cluster.server.up()
    _until(lambda: field.open_requests() == 0)
    assert set(field.count()["created"].values()) == {1}
    assert not field.site.ledger.verify().breaks
    field.stop(worker)
    said = (field.folder / "workers.log").read_text()
    assert "request 1: not now: the connection that holds the locks was lost" in said
    assert "run 1: things 1 on far:01, far:02: done" in said
    assert "Traceback" not in said
    assert cluster.password not in said


def _cut_off(field: Field, worker: subprocess.Popen[bytes]) -> None:
    """End the connections that hold this worker's locks."""
    mine = f"%(process {worker.pid})"
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s"
    with psycopg.connect(**field.site.ledger.server_arguments()) as connection:
        assert connection.execute(query, [mine]).fetchall()


def _until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)
