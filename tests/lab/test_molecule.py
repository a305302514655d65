"""Every role's molecule scenario on the lab of the other tests. Each verifies by the servers' own tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioning.lab.office import Office

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parent.parent.parent
SCENARIOS = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
ROLES = [name for name in SCENARIOS if name != "default"]
LOOK_ONLY = frozenset({"workplace_check"})
"""Roles that never change anything."""
_STEP = re.compile(r"\[(\w+) > (\w+)\] Executing\n")
_CHANGED = re.compile(r"^\S+ +: ok=\d+ +changed=(\d+) ", re.MULTILINE)


@dataclass(frozen=True)
class Molecule:
    """``molecule`` with a lab number and a folder for what it keeps between two calls."""

    number: int
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        programs = str(Path(sys.executable).parent)
        environment = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PROVISION_LAB_NUMBER": str(self.number),
            "MOLECULE_EPHEMERAL_DIRECTORY": str(self.folder),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "NO_COLOR": "1",
        }
        return subprocess.run(
            ["molecule", *words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300, check=False, cwd=ROOT,
        )  # fmt: skip


@pytest.fixture(scope="module")
def molecule(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Molecule]:
    """The lab runs already, so create only writes a site; what destroy leaves is nothing, and the lab."""
    found = Molecule(office.number, tmp_path_factory.mktemp("molecule"))
    yield found
    done = found.run("destroy", "-s", "default")
    assert done.returncode == 0, done.stdout
    shutil.rmtree(found.folder / "ansible", ignore_errors=True)
    assert not (found.folder / "site").exists()
    assert all(part.running for part in office.status()), "destroy took down a lab that create did not start"


def changes(said: str) -> dict[str, int]:
    """Step → how many tasks it says it changed (or would change)."""
    parts = _STEP.split(said)
    found: dict[str, int] = {}
    for step, text in zip(parts[2::3], parts[3::3], strict=True):
        found[step] = sum(map(int, _CHANGED.findall(text)))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_scenario(role: str, molecule: Molecule) -> None:
    done = molecule.run("test", "-s", role, "--destroy", "never")
    if done.returncode != 0:
        molecule.run("cleanup", "-s", role)  # so that one failure is not that of the next scenario
    assert done.returncode == 0, done.stdout
    changed = changes(done.stdout)
    assert {"check", "converge", "idempotence", "verify", "cleanup"} <= changed.keys()
    assert changed["check"] == changed["converge"], "check mode changed it, or did not say what it would change"
    if role not in LOOK_ONLY:
        assert changed["converge"] > 0
        assert changed["cleanup"] > 0
