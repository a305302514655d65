"""``provision due`` in two processes at once, on both databases: each request is carried out exactly once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from provisioning.api import Site, onboard
from tests.unit.cli_office import write_site
from tests.unit.conftest import Place

ROOT = Path(__file__).parent.parent.parent
PEOPLE = ("E1042", "E1043", "E1002", "E1003", "E1023", "E1038")


def site_with_ledger(folder: Path, place: Place) -> Path:
    """The example site with its ledger at `place`."""
    site = write_site(folder)
    where = str(place.where)
    if place.password is not None:
        (site / "ledger-password").write_text(place.password.get_secret_value())
        where = f"{{url: {place.where}, password: file:ledger-password}}"
    lines = [line for line in (site / "site.yml").read_text(encoding="utf-8").splitlines() if line[:7] != "ledger:"]
    (site / "site.yml").write_text("\n".join([*lines, f"ledger: {where}", ""]), encoding="utf-8")
    return site


@pytest.mark.usefixtures("memory_kinds")
def test_two_at_once_carry_out_each_request_once(place: Place, tmp_path: Path) -> None:
    folder, far_side = site_with_ledger(tmp_path, place), tmp_path / "far-side"
    ledger = Site.load(folder).ledger
    asked = [ledger.ask(f"onboard {person}", onboard(person).to_plain()).id for person in PEOPLE]
    environment = {**os.environ, "PROVISION_SITE": str(folder)}
    environment |= {"FAR_SIDE": str(far_side), "FAR_SIDE_PROCESSES": "2"}
    words = [sys.executable, "-m", "tests.unit.cli_office", "counted", "due", "--output", "json"]
    both = [
        subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]
    try:
        assert [process.returncode for process in both] == [0, 0], said
        assert [err for _, err in said] == ["", ""]
        lines = [line.split() for line in far_side.read_text(encoding="utf-8").splitlines()]
        assert Counter(thing for _, thing in lines) == dict.fromkeys((f"{s}:{p}" for s in "ab" for p in PEOPLE), 1)
        assert {int(pid) for pid, _ in lines} == {process.pid for process in both}, "they were not at work together"
        told = [request["request"] for out, _ in said for request in json.loads(out)]
        assert sorted(told) == asked, "each request is told of by whoever carried it out, and by nobody else"
        records = [ledger.request(number) for number in asked]
        assert [(record.state, len(record.runs)) for record in records] == [("proven", 1)] * len(PEOPLE)
        assert len(ledger.runs()) == len(PEOPLE)
        assert not ledger.verify().breaks
    finally:
        ledger.close()
