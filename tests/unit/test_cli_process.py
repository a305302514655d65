"""The program as a process of its own: exit codes, pipes, signals, and how soon help is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cli_office import write_site

ROOT = Path(__file__).parent.parent.parent


def program(site: Path | None, scenario: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``provision WORDS`` on the systems of one scenario (see ``tests.unit.cli_office``)."""
    where = {} if site is None else {"PROVISION_SITE": str(site)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.unit.cli_office", scenario, *words],
        cwd=ROOT, env={**os.environ, **where, **environment}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, encoding="utf-8", timeout=50, check=False,
    )  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path)


@pytest.mark.parametrize(
    ("scenario", "words", "code"),
    [
        ("fine", "plan", 2),
        ("off", "plan", 1),
        ("fine", "apply --yes", 0),
        ("fine", "apply", 1),
        ("partial", "onboard E1042 --yes", 3),
        ("unproven", "onboard E1042 --yes", 3),
        ("off", "onboard E1042 --yes", 3),
        ("unproven", "check E1042", 3),
        ("bug", "plan", 1),
        ("fine", "plna", 1),
        ("fine", "undo 7 --yes", 1),
        ("fine", "validate", 0),
        ("fine", "--help", 0),
        ("fine", "--version", 0),
        ("fine", "", 1),
    ],
)
def test_exit_codes(site: Path, scenario: str, words: str, code: int) -> None:
    result = program(site, scenario, *words.split())
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_first_ctrl_c_finishes_the_batch_and_says_how_to_go_on(site: Path) -> None:
    result = program(site, "interrupt", "apply", "--yes")
    assert result.returncode == 3
    assert "Stopping: what is under way will be finished" in result.stdout
    assert "✓ a: memory thing new created" in result.stdout
    assert "· b: memory thing far not begun" in result.stdout
    assert "Run 1: interrupted" in result.stdout
    assert "provision undo 1" in result.stdout


def test_second_ctrl_c_leaves_at_once(site: Path) -> None:
    begun = time.monotonic()
    result = program(site, "hang", "apply", "--yes")
    assert time.monotonic() - begun < 30, "the worker hangs for 60 s"
    assert result.returncode == 130
    assert "Left at once. What was done is kept" in result.stderr
    assert json.loads(program(site, "fine", "show", "run", "1", "--output", "json").stdout)["state"] == "interrupted"


def test_ctrl_c_while_planning_leaves_at_once(site: Path) -> None:
    begun = time.monotonic()
    for words in ("plan", "apply --yes"):
        result = program(site, "dead", *words.split())
        assert (result.returncode, result.stderr.strip()) == (130, "Interrupted.")
    assert time.monotonic() - begun < 30, "the worker hangs for 60 s"


def test_json_alone_is_on_stdout(site: Path) -> None:
    result = program(site, "partial", "apply", "--yes", "--output", "json")
    assert json.loads(result.stdout)["state"] == "partial"
    assert "memory thing far failed" in result.stderr


def test_a_reader_that_leaves_early_does_not_stop_the_run(site: Path) -> None:
    script = f'"{sys.executable}" -m tests.unit.cli_office fine apply --yes | head -n 1'
    environment = {**os.environ, "PROVISION_SITE": str(site)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert "Traceback" not in done.stderr
    shown = program(site, "fine", "show", "run", "1", "--output", "json").stdout
    assert not shown or json.loads(shown)["state"] != "running"


def test_a_terminal_without_unicode_gets_question_marks(site: Path) -> None:
    result = program(site, "fine", "show", "person", "E1042", PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert "???? ????????" in result.stdout.replace("family name", "") or "given name" in result.stdout


def test_help_loads_no_library_of_the_systems() -> None:
    code = (
        "import sys; from provisioning.cli.program import PROGRAM\n"
        "try: PROGRAM.main(['--help'], 'provision')\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'netmiko', 'sqlalchemy', 'rich', 'ldap3', 'yaml'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
