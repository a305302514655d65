"""Home folders on the lab's smbd: hers, nobody else's, never lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from provisioning.connections.pool import Pool
from provisioning.lab.office import Office
from provisioning.resources.base import Address, Change, Proof
from provisioning.resources.files.folder import FOLDER, Folder
from provisioning.resources.registry import PROOFS
from tests.lab.admin import Admin, admin_of, directory_entries

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

HOME = r"homes$\anna.petrova"
ANNA = "CN=Анна Петрова,OU=Sales,OU=Staff,DC=corp,DC=example"


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    """Without a PC at the desk, which others test and which would take most of the time."""
    somebody = admin_of(office, tmp_path / "site")
    somebody.edit("workstations.csv", ",B-204-3", ",")
    yield somebody
    somebody.take_all_back()


def samba(office: Office, program: str, share: str, words: Sequence[str]) -> str:
    """What Samba's own tool says to the domain's administrator."""
    sign_in = office.folder / "administrator.smb"
    sign_in.touch(mode=0o600)
    password = office.dc.admin_password.read_text(encoding="utf-8")
    sign_in.write_text(f"username=Administrator\npassword={password}\ndomain=CORP\n", encoding="utf-8")
    done = subprocess.run(
        [program, "-A", str(sign_in), f"//{office.dc.address}/{share}", *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    sign_in.unlink()
    return done.stdout + done.stderr


def access(office: Office, share: str, folder: str) -> set[str]:
    return set(samba(office, "smbcacls", share, [folder]).splitlines())


def quota_of(office: Office, login: str) -> str:
    """``S-1-5-…: used / soft limit / hard limit``, by Samba's own tool as the account of the file servers."""
    sign_in = office.folder / "svc-files.smb"
    sign_in.touch(mode=0o600)
    password = (office.secrets / "svc-files").read_text(encoding="utf-8").strip()
    sign_in.write_text(f"username=svc-files\npassword={password}\ndomain=CORP\n", encoding="utf-8")
    done = subprocess.run(
        ["smbcquotas", "-A", str(sign_in), f"//{office.dc.address}/quota$", "-n", "-u", f"CORP\\{login}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    sign_in.unlink()
    return done.stdout + done.stderr


def test_a_new_colleague_has_a_home_that_is_hers_alone(office: Office, admin: Admin, tmp_path: Path) -> None:
    planned = admin.here("plan", "onboard", "E1042")
    assert planned.code == 2, planned.err
    assert HOME in planned.out
    assert "NT_STATUS_OBJECT_NAME_NOT_FOUND" in samba(office, "smbcacls", "homes$", ["anna.petrova"])
    report = tmp_path / "report.json"
    admin.must("onboard", "E1042", "--yes", "--report", str(report))

    found = access(office, "homes$", "anna.petrova")
    assert {"OWNER:CORP\\anna.petrova", "CONTROL:SR|PD|DP"} <= found, found
    assert {line for line in found if line.startswith("ACL:")} == {
        "ACL:CORP\\anna.petrova:ALLOWED/OI|CI/FULL",
        "ACL:CORP\\File-Admins:ALLOWED/OI|CI/FULL",
    }
    assert "ACL:CORP\\Sales:ALLOWED/OI|CI/RWXD" in access(office, "departments", "Sales")
    anna = directory_entries(office)[ANNA]
    assert "homeDirectory: \\\\dc1.corp.example\\homes$\\anna.petrova" in anna
    assert "homeDrive: H:" in anna
    assert "/10737418240" in quota_of(office, "anna.petrova").replace(" ", ""), "10 GiB"
    (room,) = (p for p in json.loads(report.read_text(encoding="utf-8"))["proofs"] if p["kind"] == "files.room")
    assert (room["passed"], room["detail"]) == (True, "anna.petrova is shown a disk of 10240 MiB; 10240 MiB are set")
    proofs = [p for p in json.loads(report.read_text(encoding="utf-8"))["proofs"] if p["kind"] == "files.visit"]
    assert [proof["passed"] for proof in proofs] == [True] * 4, proofs
    listed = samba(office, "smbclient", "homes$", ["-c", "ls anna.petrova\\*"])
    assert ".provisioning-check" not in listed, "a proof leaves nothing"
    assert admin.here("plan", "onboard", "E1042").code == 0, "a second plan has nothing to do"

    admin.must("undo", "1", "--yes")
    assert "NT_STATUS_OBJECT_NAME_NOT_FOUND" in samba(office, "smbcacls", "homes$", ["anna.petrova"])


def test_what_somebody_stored_is_never_deleted(office: Office, admin: Admin, pool: Pool) -> None:
    admin.must("onboard", "E1042", "--yes")
    samba(office, "smbclient", "homes$", ["-c", "put /etc/hostname anna.petrova\\letter.txt"])
    try:
        undone = admin.run("undo", "1", "--yes")
        assert undone.code != 0
        assert "it has contents, and nothing that has contents is ever deleted" in undone.out + undone.err
        assert "letter.txt" in samba(office, "smbclient", "homes$", ["-c", "ls anna.petrova\\*"])
    finally:
        samba(office, "smbclient", "homes$", ["-c", "deltree anna.petrova"])
        samba(office, "smbclient", "homes$", ["-c", "mkdir anna.petrova"])
        admin.run("resume", "2", "--yes")


def test_proofs_can_fail(office: Office, pool: Pool) -> None:
    """Somebody opened a home to everybody: the stranger's proof says so. A folder that its owner may not enter fails
    the other one."""
    key = r"homes$\hannah.brandt"
    address = Address("files.folder", "files:files", key)
    opened = Folder(owner="hannah.brandt", access=("full S-1-5-11", "full File-Admins"), inherits=False, archived=False)
    shut = opened.model_copy(update={"access": ("full File-Admins",)})

    def verdict(login: str, *, admitted: bool) -> tuple[bool, str]:
        parameters = {"login": login, "path": key, "admitted": admitted}
        result = PROOFS["files.visit"].check(pool, Proof("files.visit", "files:files", "visit", parameters))
        return result.passed, result.detail

    assert verdict("hannah.brandt", admitted=True) == (
        False,
        r"\\dc1.corp.example\homes$\hannah.brandt is not there; run the onboarding first",
    )
    with pool.session("files:files") as session:
        assert FOLDER.apply(session, [Change(address, None, opened)])[0].error is None
    try:
        assert verdict("hannah.brandt", admitted=True)[0]
        passed, said = verdict("svc-check", admitted=False)
        assert not passed
        assert "svc-check gets into" in said
        with pool.session("files:files") as session:
            assert FOLDER.apply(session, [Change(address, opened, shut)])[0].error is None
        assert verdict("svc-check", admitted=False)[0]
        passed, said = verdict("hannah.brandt", admitted=True)
        assert not passed
        assert "NT_STATUS_ACCESS_DENIED" in said
        assert not verdict("no.such.person", admitted=False)[0]
    finally:
        with pool.session("files:files") as session:
            FOLDER.apply(session, [Change(address, shut, None)])


def test_a_wrong_password_and_a_missing_share_are_said(office: Office, admin: Admin) -> None:
    admin.edit("files.yml", "share: homes$", "share: houses$")
    refused = admin.here("plan", "onboard", "E1042")
    assert "there is no such share; check files in the site" in refused.out + refused.err
    admin.edit("files.yml", "share: houses$", "share: homes$")
    wrong = admin.folder / "wrong"
    wrong.write_text("Falsch-4711", encoding="utf-8")
    wrong.chmod(0o600)
    admin.edit("files.yml", f"file:{office.secrets}/svc-files", f"file:{wrong}")
    refused = admin.here("plan", "onboard", "E1042")
    assert "refuses the sign-in of svc-files@corp.example" in refused.out + refused.err, refused.out
    assert "Falsch-4711" not in refused.out + refused.err
