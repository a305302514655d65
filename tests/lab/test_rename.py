"""Another name, and another job, on the office's real servers: mail of before is there, mail to every name arrives."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.connections.pool import Pool
from provisioning.lab.office import Office
from tests.lab.admin import Admin, admin_of, directory_entries

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

OLD, NEW = "thu-ha.nguyen", "thu-ha.tran"
UNIT = "OU=Sales,OU=Staff,DC=corp,DC=example"
HOME = r"\\dc1.corp.example\homes$\thu-ha.nguyen"


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    somebody.must("onboard", "E1043", "--desk", "B-204-2", "--yes")
    yield somebody
    somebody.take_all_back()


def values(office: Office, name: str, unit: str = UNIT) -> dict[str, set[str]]:
    """Attribute → values, by ldapsearch."""
    found: dict[str, set[str]] = {}
    for line in directory_entries(office)[f"CN={name},{unit}"]:
        attribute, _, value = line.partition(": ")
        found.setdefault(attribute, set()).add(value)
    return found


def test_another_name_and_login_then_another_job_and_all_of_it_back(office: Office, admin: Admin, pool: Pool) -> None:
    before = values(office, "Thu Hà Nguyễn")
    token = secrets.token_hex(16)
    with pool.session("mail") as mail:
        mail.send(f"{OLD}@corp.example", "Before the wedding", token)

    done = admin.must("rename", "E1043", "--family", "Trần", "--new-login", "--yes", "--output", "json").document
    assert done["state"] == "done"
    proven = {proof["name"]: proof["passed"] for proof in done["proofs"]}
    assert all(proven.values())
    for address in (
        f"{NEW}@corp.example",
        f"{NEW}@mail.corp.example",
        f"{OLD}@corp.example",
        f"{OLD}@mail.corp.example",
    ):
        assert f"mail to {address} arrives and is read" in proven
    assert {f"{NEW} signs in", f"{NEW} writes and reads in {HOME}"} <= set(proven)
    assert f"https://intranet.corp.example/sales/ opens for {NEW}" in proven

    after = values(office, "Thu Hà Trần")
    assert (after["sAMAccountName"], after["userPrincipalName"]) == ({NEW}, {f"{NEW}@corp.example"})
    assert (after["mail"], after["sn"]) == ({f"{NEW}@corp.example"}, {"Trần"})
    assert after["proxyAddresses"] == {
        f"SMTP:{NEW}@corp.example",
        *(f"smtp:{a}" for a in (f"{NEW}@mail.corp.example", f"{OLD}@corp.example", f"{OLD}@mail.corp.example")),
    }
    assert (after["homeDirectory"], after["objectSid"]) == ({HOME}, before["objectSid"])
    with pool.session("mail") as mail:
        assert mail.find(NEW, token, patience=5), "mail of before is still hers"
    waiting = [file.name for file in admin.handover.iterdir()]
    assert waiting == [f"{NEW}.initial-password"], "the password that waits goes with the login"
    assert "no changes" in admin.must("rename", "E1043", "--yes").out
    assert admin.run("plan", "onboard", "E1043", "--desk", "B-204-2").code == 0, "onboarding agrees"

    moved = admin.must("reassign", "E1043", "--profile", "accounting", "--department", "Accounting", "--yes")
    assert rf"✓ \\dc1.corp.example\departments\Sales is refused to {NEW}" in moved.out
    accountant = values(office, "Thu Hà Trần", "OU=Accounting,OU=Staff,DC=corp,DC=example")
    groups = {dn.partition(",")[0].removeprefix("CN=") for dn in accountant["memberOf"]}
    assert groups == {"Staff", "Accounting", "Intranet-Users"}
    assert accountant["title"] == {"Accountant"}

    admin.must("undo", "3", "--yes")
    admin.must("undo", "2", "--yes")
    assert values(office, "Thu Hà Nguyễn") == before
    taken = admin.must("names", "E1043").out
    assert f"{OLD}@corp.example" in taken
