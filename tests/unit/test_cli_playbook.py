"""``provision playbook``: words, exit codes, Ctrl-C, kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site
from provisioning.api.playbook_events import HostOutcome
from provisioning.api.playbook_folder import PREFIX, _place
from provisioning.api.playbooks import PlaybookRun
from provisioning.cli import playbook as verb
from provisioning.cli.program import PROGRAM
from provisioning.errors import RequestError
from provisioning.ledger.playbook_records import run_again
from tests.unit.cli_office import HOSTILE
from tests.unit.playbook_bench import Bench, task, wait_for

GOOD = HostOutcome("one", ok=2)
DONE = PlaybookRun(None, "x.yml", "done", False, {"one": GOOD})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def provision(bench: Bench, *words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        PROGRAM.main(["--site", str(bench.site), "playbook", *words])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (DONE, 0),
        (replace(DONE, hosts={"one": replace(GOOD, changed=1)}), 0),
        (replace(DONE, check=True), 0),
        (replace(DONE, check=True, hosts={"one": replace(GOOD, changed=1)}), 2),
        (replace(DONE, state="partial", check=True, hosts={"one": replace(GOOD, changed=1, failed=1)}), 3),
        (replace(DONE, state="interrupted"), 3),
    ],
)
def test_exit_codes(bench: Bench, monkeypatch: pytest.MonkeyPatch, run: PlaybookRun, code: int) -> None:
    monkeypatch.setattr(verb, "run_playbook", lambda *_, **__: run)
    assert provision(bench, "x") == code


def test_words_become_arguments(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def run(_site: Site, name: str, **given: Any) -> PlaybookRun:
        seen.append({"name": name, **given})
        return DONE

    monkeypatch.setattr(verb, "run_playbook", run)
    words = ["x", "--limit", "a:!b", "--tags", "t,u", "--tags", "v", "-e", "a=1 b='x y'", "-e", "@vars.yml"]
    words += ["-e", '{"c": [1]}', "--secret", "p=env:P", "--check", "--diff", "--forks", "9", "--timeout", "3.5"]
    assert provision(bench, *words, "-i", "one,", "--vault-password-file", "f", "--skip-tags", "w") == 0
    (given,) = seen
    del given["listener"]
    assert given == {
        "name": "x", "limit": "a:!b", "tags": ["t", "u", "v"], "skip_tags": ["w"],
        "extra_vars": {"a": "1", "b": "x y", "c": [1]}, "extra_vars_files": [Path("vars.yml")],
        "secrets": {"p": "env:P"}, "check": True, "diff": True, "forks": 9, "timeout": 3.5, "inventory": "one,",
        "vault_password_file": Path("f"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-e", "foo"], "-e foo: expected NAME=VALUE, @FILE or a mapping in braces"),
        (["-e", "a-b=1"], "-e a-b: expected NAME=VALUE"),
        (["-e", "a='1"], "-e: a quotation mark is not closed"),
        (["-e", "{a: ["], "this is not a mapping"),
        (
            ["--secret", "password=Kanarienvogel"],
            "--secret password: expected NAME=REFERENCE, with one of: env:VARIABLE",
        ),
        (["--secret", "Kanarienvogel!"], "--secret …: expected NAME=REFERENCE"),
        (["--timeout", "0"], "0.0 is not in the range x>0"),
        (["--forks", "0"], "--forks: 0 hosts at once makes no sense"),
    ],
)
def test_wrong_words_are_named(
    bench: Bench, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    bench.playbook("x")
    assert provision(bench, "x", *words) == 1
    printed = capsys.readouterr().err
    assert sentence in printed
    assert "Kanarienvogel" not in printed


def test_without_a_name_it_lists_them(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.playbook("canteen-card")
    bench.playbook("audit")  # the site's own stands for ours
    assert provision(bench, "--output", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["canteen-card"] == str(bench.site / "playbooks" / "canteen-card.yml")
    assert listed["audit"] == str(bench.site / "playbooks" / "audit.yml")


def test_a_real_one_is_shown_recorded_and_cannot_be_undone(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench.folder)
    bench.playbook(
        "x",
        task("Say", "debug", {"msg": HOSTILE}),
        task("Fail", "fail", {"msg": "no cards"}, when="inventory_hostname == 'two'"),
    )
    assert provision(bench, "x", "-i", str(bench.hosts)) == 3
    printed = capsys.readouterr()
    assert printed.err == ""
    assert all(line.isprintable() for line in printed.out.splitlines())
    assert "✗ two: Fail failed: no cards" in printed.out
    assert "Hosts: 1 of 2 without a failure\n  ✓ one: 1 ok, 1 skipped\n  ✗ two: 1 ok, 1 failed\n" in printed.out
    assert f"To run it again: provision playbook x --inventory {bench.hosts}\n" in printed.out
    for words, code, told in (
        (["show", "run", "1"], 0, "Run 1: partly done — run playbook x.yml\nHosts: 1 of 2 without a failure"),
        (["runs", "--all"], 0, "run playbook x.yml"),
        (["worklog", "1"], 0, "two: Fail: no cards"),
        (["undo", "1", "--yes"], 1, "run 1 ran a playbook and cannot be taken back as one"),
        (["resume", "1"], 1, "run 1 ran a playbook and has ended; to run it again: provision playbook x"),
        (["ledger", "verify"], 0, "The ledger is sound"),
    ):
        with pytest.raises(SystemExit) as ended:
            PROGRAM.main(["--site", str(bench.site), *words])
        both = capsys.readouterr()
        assert (int(ended.value.code or 0), told in both.out + both.err) == (code, True), both


def test_what_is_needed_to_run_it_again() -> None:
    request = {
        "playbook": "x", "limit": "a:!b", "inventory": "h.yml", "tags": ["t", "u"], "skip_tags": [], "check": True,
        "variables": ["password"], "variable_files": ["/v.yml"],
    }  # fmt: skip
    assert run_again(request) == (
        "provision playbook x --limit 'a:!b' --inventory h.yml --tags t,u -e @/v.yml -e password=… --check"
    )


# ----------------------------------------------------------------------------------------------- in its own process


@pytest.fixture
def started(bench: Bench) -> Iterator[subprocess.Popen[str]]:
    """``provision playbook``, waiting in its first task for the file ``go``."""
    bench.playbook(
        "long",
        task("First", "debug", {"msg": "here we are"}),
        wait_for("Wait", bench.folder / "go"),
        task("Last", "copy", {"content": "", "dest": str(bench.folder / "last"), "mode": "600"}),
    )
    words = [sys.executable, "-m", "provisioning.cli", "--site", bench.site, "playbook", "long", "-i", bench.hosts]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # type: ignore[arg-type]
    assert process.stdout is not None
    for line in process.stdout:
        if "two" in line or "one" in line:
            break
    time.sleep(1)
    yield process
    (bench.folder / "go").touch()
    process.kill()
    process.wait()
    process.stdout.close()


def test_ctrl_c_lets_the_task_finish(bench: Bench, started: subprocess.Popen[str]) -> None:
    started.send_signal(signal.SIGINT)
    time.sleep(1)
    (bench.folder / "go").touch()
    out, _ = started.communicate(timeout=60)
    assert started.returncode == 3
    assert "Stopping: what is under way will be finished." in out
    assert "✓ one: 2 ok" in out
    assert "it was interrupted" in out
    assert not (bench.folder / "last").exists()
    assert _left(started.pid) == []


def test_a_second_ctrl_c_waits_for_nothing(bench: Bench, started: subprocess.Popen[str]) -> None:
    for _ in range(2):
        started.send_signal(signal.SIGINT)
        time.sleep(1)
    out, _ = started.communicate(timeout=30)
    assert started.returncode == 3
    assert "✓ one: 1 ok" in out
    assert _left(started.pid) == []


def test_after_kill_9_the_next_one_clears_up(bench: Bench, started: subprocess.Popen[str]) -> None:
    started.kill()
    started.wait()
    assert len(_left(started.pid)) == 1
    (bench.folder / "go").touch()
    site = Site.load(bench.site)
    assert site.run(1).state == "running"
    assert site.run(1).holder is None
    resumed = site.resume(1)
    assert resumed.state == "partial"
    assert "its process was killed before it ended" in str(site.ledger.events(1)[-1].error)
    with pytest.raises(RequestError, match="has ended; to run it again: provision playbook long"):
        site.resume(1)
    site.ledger.close()
    bench.playbook("next")
    assert provision(bench, "next", "-i", str(bench.hosts)) == 0
    assert not (bench.folder / "last").exists(), "nobody sees what Ansible does, so it begins nothing more"
    assert _left(started.pid) == []


def _left(pid: int) -> list[str]:
    return [name for name in os.listdir(_place()) if name.startswith(f"{PREFIX}{pid}-")]
