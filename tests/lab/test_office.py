"""The lab itself: up twice, cut off, up again, down twice; nothing of it stays. It runs beside every other lab."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from provisioning.lab.office import Office
from provisioning.lab.servers import ROOT
from provisioning.lab.site_copy import write_site
from tests.conftest import EXAMPLE

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

NUMBER = 44
PLACE = ROOT / str(NUMBER)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    site = tmp_path / "site"
    write_site(EXAMPLE, site, NUMBER)
    yield site
    Office(site, NUMBER).down(lambda _: None)


def lab(site: Path, *words: str) -> list[str]:
    """The words of ``provision lab …``."""
    return [sys.executable, "-m", "provisioning.cli", "--site", str(site), "lab", *words, "--number", str(NUMBER)]


def call(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(lab(site, *words), capture_output=True, text=True, timeout=100, check=False)


def stands(site: Path) -> bool:
    """Whether every server of the lab runs."""
    return all(part.running for part in Office(site, NUMBER).status())


def pid_files() -> dict[str, str]:
    """What the lab wrote down about its servers."""
    return {str(path): path.read_text() for path in PLACE.rglob("*.pid")}


def processes(sessions: Collection[int] = ()) -> dict[int, str]:
    """Every process that has to do with this lab: by its session, its words, its environment or its folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            where = os.readlink(entry / "cwd")
            session = os.getsid(int(entry.name))
        except OSError:
            continue
        if f"{PLACE}/".encode() in words or where.startswith(str(PLACE)) or session in sessions:
            found[int(entry.name)] = words.decode("utf-8", "replace")[:80]
    return found


def sessions_of(files: dict[str, str]) -> set[int]:
    return {os.getsid(int(text.split()[0])) for text in files.values()}


def remains(sessions: Collection[int]) -> dict[str, list[str]]:
    """What is there of this lab: processes, namespaces, devices, addresses, folders, mounts."""
    said = subprocess.run(["ip", "-j", "address"], capture_output=True, text=True, check=True).stdout
    names = [path.name for path in Path("/run/netns").glob(f"pl{NUMBER}*")]
    return {
        "processes": list(processes(sessions).values()),
        "namespaces": names,
        "devices": [path.name for path in Path("/sys/class/net").glob(f"pl{NUMBER}*")],
        "addresses": [
            address["local"]
            for link in json.loads(said)
            for address in link["addr_info"]
            if address["local"].startswith(f"127.77.{NUMBER}.")
        ],
        "folders": [str(path) for path in (PLACE,) if path.exists()],
        "mounts": [line for line in Path("/proc/mounts").read_text().splitlines() if str(PLACE) in line],
    }


NOTHING: dict[str, list[str]] = {
    "processes": [], "namespaces": [], "devices": [], "addresses": [], "folders": [], "mounts": [],
}  # fmt: skip


def test_up_cut_off_up_killed_up_down_down(folder: Path) -> None:
    assert not stands(folder)
    assert call(folder, "down").returncode == 0, "a lab that never was"

    starting = subprocess.Popen(
        lab(folder, "up"), start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    time.sleep(5)
    os.killpg(starting.pid, signal.SIGINT)
    output, _ = starting.communicate(timeout=90)
    assert starting.returncode == 130, output
    assert "Traceback" not in output

    up = call(folder, "up")
    assert up.returncode == 0, up.stdout + up.stderr
    assert stands(folder)
    before, sessions = pid_files(), sessions_of(pid_files())
    assert call(folder, "up").returncode == 0
    assert pid_files() == before, "the second up starts nothing"

    carried = call(folder, "plug", "WS-0042", "B2-05A")
    assert (carried.returncode, "sw-b2-2 GigabitEthernet1/0/2" in carried.stdout) == (0, True), carried.stderr
    for words, said in ((("WS-9", "B2-05A"), "no desk 'WS-9'"), (("WS-0042", "B2-9A"), "no outlet 'B2-9A'")):
        refused = call(folder, "plug", *words)
        assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr

    for pid in processes(sessions):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    status = call(folder, "status")
    assert (status.returncode, "yes" in status.stdout) == (3, False), status.stdout
    up = call(folder, "up")
    assert up.returncode == 0, up.stdout + up.stderr
    assert stands(folder)

    sessions |= sessions_of(pid_files())
    for _ in range(2):
        down = call(folder, "down")
        assert down.returncode == 0, down.stderr
        assert remains(sessions) == NOTHING
