"""A request from the wish to the proof on the real office: asked for, approved by another, due, taken back."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.api import Site
from provisioning.lab.office import Office
from tests.lab.admin import Admin, Snapshot, admin_of, left_as_found

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

POLICY = """
approvals:
  roles: {security: [hannah.brandt, joerg.mueller]}
  profiles: {sales: security}
"""


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    (somebody.folder / "approvals.yml").write_text(POLICY, encoding="utf-8")
    yield somebody
    somebody.take_all_back()


def test_approved_by_another_a_request_is_carried_out_when_due_and_taken_back(office: Office, admin: Admin) -> None:
    with left_as_found(office, "WS-0042") as before:
        asked = admin.run("onboard", "E1042", "--yes", SUDO_USER="joerg.mueller")
        assert asked.code == 0, asked.err
        assert "Request 1: awaiting approval — onboard E1042" in asked.out
        assert "The role security must approve: E1042 gets the profile sales." in asked.out
        assert "Who may: hannah.brandt." in asked.out
        assert admin.must("due").out == "Nothing is due.\n"
        assert Snapshot.of(office, "WS-0042") == before

        for who, sentence in (("joerg.mueller", "four eyes"), ("uenal.yilmaz", "has no role"), ("root", "has no role")):
            said = admin.run("approve", "1", "--reason", "please", SUDO_USER=who)
            assert (said.code, sentence in said.err) == (1, True), said
        said = admin.run("approve", "1", "--reason", "starts on Monday", SUDO_USER="hannah.brandt")
        assert "Request 1: scheduled" in said.out, said.err
        assert Snapshot.of(office, "WS-0042") == before

        assert "Request 1: proven — onboard E1042 (run 1)" in admin.must("due").out
        story = admin.must("show", "request", "1", "--output", "json").document
        assert (story["state"], story["runs"], story["words"][0]["who"]) == ("proven", [1], "hannah.brandt")
        assert holders(admin) == ["E1042"]

        admin.must("undo", "1", "--yes")
        assert admin.must("show", "request", "1", "--output", "json").document["state"] == "undone"
        assert holders(admin) == []


def test_a_file_of_new_colleagues(office: Office, admin: Admin, tmp_path: Path) -> None:
    (admin.folder / "approvals.yml").unlink()
    (admin.folder / "leavers.yml").unlink()  # names a role that approves
    file = tmp_path / "hires.csv"
    file.write_bytes("\ufeffperson;desk;start\r\nE1042;;\r\nE1043;B-204-2;2099-01-04T08:00\r\nНиктов;;\r\n".encode())
    with left_as_found(office, "WS-0042"):
        said = admin.run("onboard", "--from", str(file), "--yes")
        assert said.code == 3, said.err
        with (tmp_path / "hires.results.csv").open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened, delimiter=";"))
        assert [(row["person"], row["state"]) for row in rows] == [
            ("E1042", "proven"),
            ("E1043", "scheduled"),
            ("Никтов", "failed"),
        ]
        assert admin.run("onboard", "--from", str(file), "--yes").code == 3
        assert [r["request"] for r in admin.must("requests", "--all", "--output", "json").document] == [2, 1]
        admin.must("undo", "1", "--yes")


def holders(admin: Admin) -> list[str]:
    ledger = Site.load(admin.folder).ledger
    try:
        return [allocation.holder for allocation in ledger.allocations("licence:crm")]
    finally:
        ledger.close()
