"""``provision runs``: what is told of runs that somebody else carries out, on both databases."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.cli.runs import Feed
from provisioning.ledger import Ledger
from provisioning.reports.following import row
from provisioning.resources.base import Address, Change, Proof, ProofResult, State
from tests.memory import Thing
from tests.unit.cli_office import write_site
from tests.unit.conftest import Place

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def ledger(place: Place, memory_kinds: None) -> Ledger:
    return place.open()


def _changes(*keys: str) -> list[Change[State]]:
    return [Change(Address("memory.thing", "a", key), None, Thing(colour="red")) for key in keys]


def _lines(feed: Feed) -> list[str]:
    return [line.plain for line in feed.lines()]


def test_follows_a_run_from_its_begin_to_its_end(ledger: Ledger) -> None:
    feed = Feed(ledger)
    proof = Proof("memory.exists", "a", "the new thing is there", {"key": "x"})
    run = ledger.begin("a desk", {}, _changes("x", "y"), proofs=[proof])
    one, two = (change.id for change in run.changes)
    ledger.attempt([one, two])
    assert _lines(feed) == ["run 1  begins: a desk (2 changes)"]
    assert feed.live[1].under_way == "a: memory thing (2)"
    assert (feed.live[1].done, feed.live[1].total) == (0, 3)
    ledger.settle({one: ("verified", None), two: ("failed", "a: the system says no")})
    assert _lines(feed) == [
        "run 1  ✓ a: memory thing x created",
        "run 1  ✗ a: memory thing y failed: the system says no",
    ]
    assert (feed.live[1].done, feed.live[1].under_way) == (2, "")
    ledger.prove(1, [ProofResult(proof, False, "it is not there")])
    ledger.end(1, "partial")
    assert _lines(feed) == [
        "run 1  ended, partly done",
        "run 1  ✗ the new thing is there\n    a: it is not there",
    ]
    assert not feed.live
    assert not _lines(feed)


def test_tells_nothing_old_and_does_not_miss_what_is_over_quickly(ledger: Ledger) -> None:
    ledger.end(ledger.begin("long ago", {}, []).id, "done")
    begun = ledger.begin("going on", {}, _changes("x"))
    feed = Feed(ledger)
    assert list(feed.live) == [begun.id]
    assert not _lines(feed)
    for _ in range(2):
        ledger.end(ledger.begin("quick", {}, []).id, "done")
    assert _lines(feed) == [
        "run 3  begins: quick (0 changes)",
        "run 3  is done",
        "run 4  begins: quick (0 changes)",
        "run 4  is done",
    ]


def test_a_run_that_waits_and_gets_more_changes_goes_on(ledger: Ledger) -> None:
    run = ledger.begin("a PC", {}, _changes("x"))
    feed = Feed(ledger)
    ledger.settle({run.changes[0].id: ("deferred", "switched off")})
    ledger.defer(run.id, "a", "switched off", next_try=datetime.now(UTC) + timedelta(hours=1))
    ledger.end(run.id, "waiting")
    assert _lines(feed) == ["run 1  … a: memory thing x waits", "run 1  waits for a"]
    ledger.reopen(run.id)
    ledger.settle({c.id: ("verified", None) for c in ledger.add_changes(run.id, _changes("y"))})
    assert _lines(feed) == [
        "run 1  goes on",
        "run 1  ✓ a: memory thing x created",
        "run 1  ✓ a: memory thing y created",
    ]
    ledger.end(run.id, "interrupted")
    assert _lines(feed) == ["run 1  was interrupted"]
    ledger.reopen(run.id)
    assert not _lines(feed)  # it is followed again, from now on
    ledger.end(run.id, "done")
    assert _lines(feed) == ["run 1  is done"]


def test_what_ctrl_c_left_is_not_counted_as_done(ledger: Ledger) -> None:
    feed = Feed(ledger)
    run = ledger.begin("a PC", {}, _changes("x", "y"))
    one, two = (change.id for change in run.changes)
    ledger.settle({one: ("verified", None), two: ("abandoned", None)})
    _lines(feed)
    assert (feed.live[1].done, feed.live[1].total) == (1, 2)
    assert row(ledger.run(1))["changes"] == "1 of 2"


def test_a_hostile_title_is_shown_harmless(ledger: Ledger) -> None:
    feed = Feed(ledger)
    ledger.begin("evil\x1b]0;owned\x07", {}, [])
    assert _lines(feed) == ["run 1  begins: evil\\x1b]0;owned\\x07 (0 changes)"]


def _provision(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "provisioning.cli", "--site", str(site), *words]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_lists_runs_without_making_a_ledger(tmp_path: Path) -> None:
    site = write_site(tmp_path)
    shown = _provision(site, "runs")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == "No run is under way. `provision runs --all` shows those that ended.\n"
    assert not (tmp_path / "lab").exists()
    assert json.loads(_provision(site, "runs", "--output", "json").stdout) == []
    assert "--watch shows lines for people" in _provision(site, "runs", "--watch", "--output", "json").stderr


def test_watches_in_plain_lines_until_ctrl_c(tmp_path: Path) -> None:
    site = write_site(tmp_path)
    (tmp_path / "lab").mkdir()
    ledger = Ledger(tmp_path / "lab" / "ledger.sqlite")
    program = [sys.executable, "-u", "-m", "provisioning.cli", "--site", str(site), "runs", "--watch"]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        assert watch.stderr is not None
        assert watch.stderr.readline().startswith("Following the runs")
        ledger.end(ledger.begin("a desk", {}, []).id, "done")
        ledger.close()
        assert watch.stdout.readline() == "run 1  begins: a desk (0 changes)\n"
        assert watch.stdout.readline() == "run 1  is done\n"
        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == 0
