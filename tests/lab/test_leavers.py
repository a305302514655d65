"""A leaver in the lab's office: shut out for real, given everything back, and at last erased."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from provisioning.connections.pool import Pool
from provisioning.errors import LabError
from provisioning.lab import directory_seed
from provisioning.lab.office import Office
from provisioning.resources.base import Proof
from provisioning.resources.registry import PROOFS
from provisioning.site import Inventory
from tests.lab.admin import Admin, admin_of, directory_entries, port_section
from tests.lab.test_home_folders import samba

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

LOGIN = "anna.petrova"
AT_SALES = "CN=Анна Петрова,OU=Sales,OU=Staff,DC=corp,DC=example"
AMONG_LEAVERS = "CN=Анна Петрова (E1042),OU=Leavers,DC=corp,DC=example"
HERS = f"(sAMAccountName={LOGIN})"
PORT = "GigabitEthernet1/0/12"
CHESS = "CN=Chess Club,OU=Groups,DC=corp,DC=example"


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    yield somebody
    with suppress(LabError):
        office.dc.samba_tool("group", "delete", "Chess Club")
    somebody.take_all_back()


def test_offboard_reinstate_erase(office: Office, admin: Admin, pool: Pool, inventory: Inventory) -> None:
    admin.must("onboard", "E1042", "--yes")
    groups = CHESS.partition(",")[2]
    directory_seed.plant(office.dc, [directory_seed.group("Chess Club", groups, [AT_SALES])])  # nobody manages that
    before = _account(office, AT_SALES)
    assert f"memberOf: {CHESS}" in before
    section = port_section(office, "sw-b2-1", PORT)

    said = admin.must(
        "offboard", LOGIN, "--reply", "Anna ist nicht mehr bei uns.", "--yes", "--output", "json"
    ).document
    assert {proof["name"]: proof["detail"] for proof in said["proofs"] if not proof["passed"]} == {}
    assert [one["number"] for one in said["to_return"] if one["sort"] in {"pc", "equipment"}] == [
        "NW-20042",
        "phone-204-3",
    ]
    after = _account(office, AMONG_LEAVERS)
    assert not [line for line in after if line.startswith(("memberOf", "telephoneNumber", "homeDirectory"))]
    assert "shutdown" in port_section(office, "sw-b2-1", PORT)
    shares = office.folder / "dc" / "shares" / "homes$"
    assert (shares / "Archive" / LOGIN).is_dir()
    assert not (shares / LOGIN).exists()
    _proofs_can_fail(office, pool, inventory)
    (asked,) = (one for one in admin.here("requests", "--output", "json").document if "erase" in one["asked"])
    assert asked["state"] == "awaiting approval"

    back = admin.must("reinstate", "E1042", "--yes", "--output", "json").document
    assert {proof["name"]: proof["detail"] for proof in back["proofs"] if not proof["passed"]} == {}
    assert LOGIN in back["handover"]
    new = _account(office, AT_SALES)
    stamps = ("pwdLastSet", "whenChanged", "uSNChanged", "userAccountControl", "accountExpires")
    assert [x for x in new if not x.startswith(stamps)] == [x for x in before if not x.startswith(stamps)]
    assert "userAccountControl: 512" in new
    assert port_section(office, "sw-b2-1", PORT) == section
    assert admin.here("requests", "--output", "json").document == []
    assert admin.here("plan", "onboard", "E1042", "--output", "json").document["changes"] == []

    _erased(office, admin, pool, shares)


def _erased(office: Office, admin: Admin, pool: Pool, shares: Path) -> None:
    letter = admin.folder / "site.yml"
    inside = f"mkdir {LOGIN}/Briefe; put {letter} {LOGIN}/Briefe/Brief.txt; setmode {LOGIN}/Briefe/Brief.txt +r"
    samba(office, "smbclient", "homes$", ["-c", inside])
    admin.must("offboard", "E1042", "--yes")
    assert (shares / "Archive" / LOGIN / "Briefe" / "Brief.txt").exists()
    with pool.session("mail") as mail:
        mail.send(f"{LOGIN}@corp.example", "Last one", "0" * 32)
    shown = admin.here("erase", "E1042", "--yes").out
    assert "no undo brings" in shown
    (asked,) = (one for one in admin.here("requests", "--output", "json").document if "erase" in one["asked"])
    assert "Nothing is due" in admin.here("due").out  # nobody has approved it
    admin_of_security = {"SUDO_USER": "hannah.brandt"}
    assert admin.run("approve", str(asked["request"]), "--reason", "over", **admin_of_security).code == 0
    with pool.session("doveadm") as server:
        assert server.messages(LOGIN) == 1
        assert f"Request {asked['request']}: proven" in admin.must("due").out
        assert server.messages(LOGIN) == 0
    assert directory_entries(office, HERS) == {}
    assert not (shares / "Archive" / LOGIN).exists()


def _proofs_can_fail(office: Office, pool: Pool, inventory: Inventory) -> None:
    """Somebody enables the account by hand: both proofs say so."""
    url = inventory.intranet.url
    shut_out = Proof("directory.shut_out", "directory", "shut out", {"login": LOGIN})
    no_ticket = Proof("directory.no_ticket", "intranet", "no ticket", {"login": LOGIN, "url": url})
    for word, passed in (("enable", False), ("disable", True)):
        office.dc.samba_tool("user", word, LOGIN)
        for proof in (shut_out, no_ticket):
            result = PROOFS[proof.kind].check(pool, proof)
            assert result.passed is passed, (word, result.detail)


def _account(office: Office, dn: str) -> list[str]:
    found = directory_entries(office, HERS)
    assert list(found) == [dn]
    return next(iter(found.values()))
