"""Thirty new people from one file on the real office: from the personnel office's export to accounts that sign in."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from provisioning.api import Site
from provisioning.lab.office import Office
from tests.lab.admin import Admin, admin_of

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

PEOPLE = 30
GIVEN = ("Zoé", "Noël", "Aimée", "Jörg", "José", "Åsa")
FAMILY = ("Dubois", "Müller-Roth", "Lefèvre-Roy", "O'Hara", "Çelik", "Peña")
RULES = """
hires:
  columns: {person: Matricule, given_name: Prénom, family_name: Nom, department: Service, profile: Poste}
  profiles: {Ingénieur: engineer}
"""


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    """An office without telephones and file shares for engineers, so that it is about accounts."""
    somebody = admin_of(office, tmp_path / "site")
    (somebody.folder / "hires.yml").write_text(RULES, encoding="utf-8")
    engineer = "    pages: [engineering]\n"
    somebody.edit("profiles.yml", f"{engineer}    phone_class: office", engineer)
    yield somebody
    somebody.take_all_back()


def export(file: Path) -> None:
    """As Excel in Paris saves it."""
    names = list(product(GIVEN, FAMILY))[:PEOPLE]
    lines = [f"{2000 + n},0;{given};{family};Études;INGENIEUR;2 500,50;" for n, (given, family) in enumerate(names, 1)]
    text = "\r\n".join(["Matricule;Prénom;Nom;Service;Poste;Salaire;", *lines, ";;;;;;", ""])
    file.write_bytes(text.encode("cp1252"))


def test_thirty_people_of_an_export_killed_in_the_middle(office: Office, admin: Admin, tmp_path: Path) -> None:
    file = tmp_path / "rh.csv"
    export(file)
    added = admin.must("hires", "import", str(file), "--yes", "--output", "json").document
    assert len(added["added"]) == PEOPLE
    assert "nothing stands against them" in admin.must("onboard", "--from", str(file), "--check").out

    begin_and_kill(admin, file)
    admin.must("onboard", "--from", str(file), "--yes")
    with (tmp_path / "rh.results.csv").open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened, delimiter=";"))
    assert [row["state"] for row in rows] == ["proven"] * PEOPLE, rows
    assert {row["run"] for row in rows} == {"1"}

    found = office.dc.samba_tool("group", "listmembers", "Engineering")
    assert found.count("dubois") == sum(family == "Dubois" for _, family in list(product(GIVEN, FAMILY))[:PEOPLE])
    runs = json.loads(admin.must("show", "runs", "--output", "json").out)
    assert [run["state"] for run in runs] == ["done"]
    assert len(list(admin.handover.iterdir())) == PEOPLE

    admin.must("onboard", "--from", str(file), "--yes")
    assert (tmp_path / "rh.results.csv").read_text(encoding="utf-8-sig").count(";unchanged;") == PEOPLE
    admin.must("undo", "1", "--yes")
    assert "dubois" not in office.dc.samba_tool("group", "listmembers", "Engineering")


def begin_and_kill(admin: Admin, file: Path) -> None:
    """Kill -9 as soon as the first change was attempted."""
    process = admin.start("onboard", "--from", str(file), "--yes")
    site, deadline = Site.load(admin.folder), time.monotonic() + 60
    try:
        while not (site.has_ledger and any(change.attempted for run in site.runs() for change in run.record.changes)):
            assert time.monotonic() < deadline, "nothing was begun"
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)
        if site.has_ledger:
            site.ledger.close()
