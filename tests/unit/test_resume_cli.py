"""``provision resume``, from words to exit code, on systems in memory; one run is killed for real."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.engine import planner
from provisioning.engine.locks import FileLocks
from provisioning.errors import RejectedError
from provisioning.ledger import Ledger
from provisioning.resources.base import Proof
from tests.unit.cli_office import Office, install, write_site

ROOT = Path(__file__).parent.parent.parent


class Shell:
    """Someone at the command line."""

    def __init__(self, office: Office, site: Path) -> None:
        self.office, self.site = office, site

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(self.site), *words])

    def off(self, *names: str) -> None:
        systems = {"a": self.office.a, "b": self.office.b}
        self.office.sessions.systems = {name: system for name, system in systems.items() if name not in names}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    opened: list[Site] = []
    load = Site.load

    def remember(folder: Path) -> Site:
        opened.append(load(folder))
        return opened[-1]

    monkeypatch.setattr(Site, "load", remember)
    office = Office()
    install(office, monkeypatch.setattr, monkeypatch.setitem)

    def replan(_: Site, __: Any, targets: Collection[str], *___: Any) -> Any:
        reading = planner.read([r for r in office.wanted if r.target in targets], office.sessions)
        return planner.compare(office.wanted, reading), reading.unread

    monkeypatch.setattr(Site, "_replan", replan)
    yield Shell(office, write_site(tmp_path))
    for site in opened:
        if "ledger" in vars(site):
            site.ledger.close()


def test_a_pc_that_is_off_is_waited_for_and_done_when_it_is_on(shell: Shell) -> None:
    shell.off("b")
    first = shell.run("onboard", "E1042", "--yes")
    assert first.exit_code == 3, first.output
    assert "! b: nobody answers" in first.stdout
    assert "comes back to it until it answers" in first.stdout
    assert "Run 1: waiting" in first.stdout
    assert "… b: nobody answers; is it switched on?\n      1 try in vain, next on 20" in first.stdout
    assert "given up on 20" in first.stdout
    assert "provision resume 1 (--now: all of it)" in first.stdout

    early = shell.run("resume")
    assert early.exit_code == 0
    assert "Nothing is due" in early.stderr
    assert "run 1 waits for b: next try on 20" in early.stderr

    vain = shell.run("resume", "--now")
    assert vain.exit_code == 3
    assert "2 tries in vain" in vain.stdout

    shell.off()
    done = shell.run("resume", "1", "--now")
    assert done.exit_code == 0, done.output
    assert "Run 1: done" in done.stdout
    assert "Proofs: 1 of 1 passed" in done.stdout
    assert set(shell.office.b.things) == {"far"}
    assert "Nothing to resume." in shell.run("resume").stderr


def test_when_all_else_is_done_a_run_waits_once(shell: Shell) -> None:
    assert shell.run("onboard", "E1042", "--yes").exit_code == 0
    shell.off("b")
    again = shell.run("onboard", "E1042", "--yes")
    assert (again.exit_code, "Run 2: waiting" in again.stdout) == (3, True)
    third = shell.run("onboard", "E1042", "--yes")
    assert (third.exit_code, "Run 3" in third.stdout) == (3, False)
    shell.off()
    assert shell.run("resume", "--now").exit_code == 0


def test_a_failed_run_is_tried_again_and_json_is_one_document(shell: Shell) -> None:
    shell.office.b.refuses["far"] = RejectedError("b", "the system says no")
    assert shell.run("apply", "--yes").exit_code == 3
    shell.office.b.refuses.clear()
    assert "Nothing to resume." in shell.run("resume").stderr
    result = shell.run("resume", "1", "--output", "json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "done")


def test_a_run_in_other_hands_is_left_alone(shell: Shell) -> None:
    shell.office.proofs.append(Proof("memory.exists", "b", "nowhere is there", {"key": "nowhere"}))
    shell.run("apply", "--yes")
    site = Site.load(shell.site)
    assert site.ledger.folder is not None
    with FileLocks(site.ledger.folder / "locks", "run 1").hold("run 1", seconds=0):
        result = shell.run("resume", "1")
    assert result.exit_code == 1
    assert "run 1 is in the hands of run 1 of" in result.stderr


def test_a_run_that_does_not_exist(shell: Shell) -> None:
    result = shell.run("resume", "7")
    assert (result.exit_code, "no run 7" in result.stderr) == (1, True)


def test_a_program_that_is_killed_is_resumed(tmp_path: Path) -> None:
    """kill -9 in the middle of the first batch; the systems of this scenario forget, so all is begun again."""
    site = write_site(tmp_path)
    words = [sys.executable, "-m", "tests.unit.cli_office"]
    killed = subprocess.run([*words, "kill", "--site", str(site), "apply", "--yes"], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    shown = subprocess.run(
        [*words, "fine", "--site", str(site), "resume"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "Run 1: done" in shown.stdout


def test_undo_called_again_goes_on_with_the_undo_that_waits(shell: Shell) -> None:
    assert shell.run("onboard", "E1042", "--yes").exit_code == 0
    shell.off("b")
    first = shell.run("undo", "1", "--yes")
    assert (first.exit_code, "Run 2: waiting" in first.stdout) == (3, True), first.output
    vain = shell.run("undo", "1", "--yes")
    assert vain.exit_code == 3
    assert "Run 2 is taking back run 1 already and is waiting: going on with it." in vain.stdout
    assert "2 tries in vain" in vain.stdout
    shell.off()
    done = shell.run("undo", "1", "--output", "json")
    assert (done.exit_code, json.loads(done.stdout)["state"]) == (0, "done")
    assert (dict(shell.office.b.things), set(shell.office.a.things)) == ({}, {"old"})
    assert "run 1 was undone already" in shell.run("undo", "1", "--yes").stderr


def test_a_run_that_only_waits_is_given_up_by_undo(shell: Shell) -> None:
    """Else the PC that is switched on on Monday would still get what was taken back."""
    shell.run("onboard", "E1042", "--yes")
    shell.off("b")
    assert "Run 2: waiting" in shell.run("onboard", "E1042", "--yes").stdout
    undone = shell.run("undo", "2", "--yes")
    assert (undone.exit_code, "Run 2 did nothing that is left to take back." in undone.stdout) == (0, True)
    assert "undone" in shell.run("show", "runs").stdout
    shell.off()
    assert "Nothing to resume." in shell.run("resume", "--now").stderr
    assert set(shell.office.b.things) == {"far"}


def test_undo_of_a_run_that_another_process_works_on(tmp_path: Path) -> None:
    site = write_site(tmp_path)
    words = [sys.executable, "-m", "tests.unit.cli_office"]
    slow = subprocess.Popen(
        [*words, "slow", "--site", str(site), "apply", "--yes"], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        ledger = Site.load(site).inventory.ledger
        assert isinstance(ledger, Path)
        deadline = time.monotonic() + 30
        while not (ledger.exists() and _is_under_way(ledger)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        refused = subprocess.run(
            [*words, "fine", "--site", str(site), "undo", "1", "--yes"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        slow.kill()
        slow.wait()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "run 1 is in the hands of run 1 of" in refused.stderr
    assert f"(process {slow.pid}); wait until it has ended" in refused.stderr


def _is_under_way(file: Path) -> bool:
    ledger = Ledger(file)
    try:
        return any(event.state == "attempted" for event in ledger.events(1))
    finally:
        ledger.close()
