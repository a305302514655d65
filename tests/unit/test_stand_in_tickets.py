"""Programs that work in somebody's name: what they print, and that they come to their end without us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioning.connections.stand_in_tickets import StandInTickets
from provisioning.errors import RejectedError, UnreachableError
from provisioning.site.files import VisitCheck

_CHILD = """
import sys
from pathlib import Path
from tests.unit.test_stand_in_tickets import tickets
tickets(Path(sys.argv[1])).run(["sh", "-c", "echo a; touch began; sleep 0.5; echo b; touch ended"], "FILE:own")
"""


def tickets(folder: Path) -> StandInTickets:
    check = VisitCheck.model_validate(
        {
            "kdc": {"host": "dc1.corp.example", "port": 88, "address": "127.77.255.1"},
            "principal": "FILES$",
            "keytab": "file:keytab",
            "outsider": "outsider",
        }
    )
    return StandInTickets("files:files", folder, "corp.example", check, folder / "keytab")


def test_both_outputs_and_the_exit_code_are_told(tmp_path: Path) -> None:
    done = tickets(tmp_path).run(["sh", "-c", "echo Grüße; echo $KRB5CCNAME >&2; exit 3"], "FILE:own")
    assert (done.returncode, done.stdout, done.stderr) == (3, "Grüße\n", "FILE:own\n")


def test_a_program_that_is_missing_or_silent_has_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="no-such-program is not installed"):
        tickets(tmp_path).run(["no-such-program"], "FILE:own")
    with pytest.raises(UnreachableError, match="sleep got no answer within 0 s"):
        tickets(tmp_path).run(["sleep", "60"], "FILE:own", timeout=0.05)


def test_a_program_comes_to_its_end_though_we_are_killed(tmp_path: Path) -> None:
    """Half a visit would leave its file in somebody's folder."""
    us = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path)], cwd=Path(__file__).parents[2])
    _until(tmp_path / "began")
    os.kill(us.pid, signal.SIGKILL)
    us.wait()
    _until(tmp_path / "ended")


def _until(file: Path) -> None:
    deadline = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} never came"
        time.sleep(0.02)
