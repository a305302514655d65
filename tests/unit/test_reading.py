"""Reading for plans: a device is left to whoever is at work on it, and looking makes no ledger."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.api import Site, planning
from provisioning.cli.invocation import console
from provisioning.cli.progress import waits
from provisioning.connections.openers import OPENERS
from provisioning.engine.events import Event, LockAwaited
from provisioning.engine.locks import FileLocks
from provisioning.errors import UnreachableError
from provisioning.site.ledger import LedgerServer
from provisioning.site.load import load
from provisioning.site.runs import Runs
from tests.unit.cli_office import EXAMPLE


class Open:
    """A session that is counted."""

    now = 0

    def __init__(self) -> None:
        Open.now += 1

    def close(self) -> None:
        Open.now -= 1


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setitem(OPENERS, "switch", lambda *_: Open())
    monkeypatch.setitem(OPENERS, "directory", lambda *_: Open())
    place = tmp_path / "ledger" / "l.sqlite"
    made = Site(load(EXAMPLE).model_copy(update={"ledger": place, "runs": Runs(lock_wait="1 s")}))
    yield made
    assert Open.now == 0
    if "ledger" in vars(made):
        made.ledger.close()


def test_without_a_ledger_nothing_is_locked_and_none_is_made(site: Site, tmp_path: Path) -> None:
    with site.reading() as sessions, sessions.session("switch:sw-b2-1"):
        assert Open.now == 1
    assert list(tmp_path.iterdir()) == []


def test_a_device_in_other_hands_is_waited_for_by_name(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.ledger.folder is not None
    others = FileLocks(site.ledger.folder / "locks", "run 7")
    held, let_go = threading.Event(), threading.Event()

    def work() -> None:
        with others.hold("switch:sw-b2-1", seconds=0):
            held.set()
            let_go.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    held.wait(10)
    say = waits(console())

    def told(event: Event) -> None:
        assert isinstance(event, LockAwaited)
        say(event)
        assert Open.now == 0
        let_go.set()

    with site.reading(told) as sessions:
        with sessions.session("switch:sw-b2-1"):
            assert not thread.is_alive() or others._try(others.folder / "x") is not None
        assert Open.now == 0, "of devices none stays open without the lock"
        with sessions.session("directory"):
            pass
    thread.join()
    assert capsys.readouterr().out.startswith("… switch:sw-b2-1: waiting for run 7 of ")


def test_a_device_that_stays_in_other_hands_could_not_be_read(site: Site) -> None:
    assert site.ledger.folder is not None
    with (
        FileLocks(site.ledger.folder / "locks", "run 7").hold("switch:sw-b2-1", seconds=0),
        site.reading() as sessions,
        pytest.raises(UnreachableError, match=r"run 7 of .* is still at work on it after 1 s"),
        sessions.session("switch:sw-b2-1"),
    ):
        pass


def test_who_may_not_write_beside_the_ledger_reads_without_locks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.ledger.folder is not None
    assert planning.locks(site.inventory, lambda: site.ledger, "a plan") is not None
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert planning.locks(site.inventory, lambda: site.ledger, "a plan") is None


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://p@db.corp.example/ledger", None),
        ("postgresql://p@db.corp.example/ledger?sslmode=verify-full", None),
        ("postgresql://p@db.corp.example/ledger?sslmode=verify-ca", None),
        ("postgresql://p@db.corp.example/ledger?sslmode=disable", "disable"),
        ("postgresql://p@db.corp.example:5433/ledger?connect_timeout=3&sslmode=prefer", "prefer"),
        ("postgresql://p@db.corp.example/ledger?sslmode=require", "require"),
        ("postgresql://p@10.1.2.3/ledger?sslmode=allow", "allow"),
        ("postgresql:///ledger?host=db.corp.example&sslmode=disable", "disable"),
        ("postgresql://p@127.evil.example/ledger?sslmode=disable", "disable"),
        ("postgresql://p@127.0.0.1/ledger?sslmode=disable", None),
        ("postgresql://p@[::1]/ledger?sslmode=disable", None),
        ("postgresql://p@localhost/ledger?sslmode=disable", None),
        ("postgresql:///ledger?host=/run/postgresql&sslmode=disable", None),
    ],
)
def test_a_plan_warns_of_a_ledger_server_that_may_be_anybody(url: str, mode: str | None) -> None:
    site = load(EXAMPLE).model_copy(update={"ledger": LedgerServer(url=url)})
    said = [line for line in planning.warnings(site) if "ledger" in line]
    assert len(said) == (mode is not None)
    assert mode is None or f"(`sslmode={mode}` in the ledger's url)" in said[0]
