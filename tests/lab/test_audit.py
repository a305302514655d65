"""A nightly audit on real servers: four sorts of drift by other people's hands, found, and repaired by one command."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.lab.office import Office
from tests.lab.admin import Admin, admin_of, at_switch, directory_entries, port_section

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

AREAS = "directory,mail,ports,phones,files"
WHO = "E1038"
LOGIN, DN = "william.hart", "CN=William Hart,OU=Sales,OU=Staff,DC=corp,DC=example"
SWITCH, PORT = "sw-b2-1", "GigabitEthernet1/0/10"
STRANGER = "CN=Nobody At All,OU=Sales,OU=Staff,DC=corp,DC=example"


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    yield somebody
    somebody.take_all_back()


def ldap(office: Office, ldif: str) -> None:
    """``ldapmodify`` as the domain's administrator."""
    directory = office.inventory.directory
    subprocess.run(
        [
            "ldapmodify", "-x", "-H", f"ldaps://{directory.server.connect_to}",
            "-D", f"Administrator@{directory.domain}", "-y", str(office.dc.admin_password),
        ],
        env={**os.environ, "LDAPTLS_CACERT": str(office.authority.certificate)}, input=ldif, text=True,
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip


def homes(office: Office) -> Path:
    """The home folders on the disk of the lab's smbd."""
    return office.folder / "dc" / "shares" / "homes$"


def break_four_things(office: Office) -> None:
    """Somebody disables the account, another one moves the port, one removes the home folder and one the telephone."""
    ldap(office, f"dn: {DN}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 514\n")
    lines = ("configure terminal", f"interface {PORT}", "switchport access vlan 90", "end")
    at_switch(office, SWITCH, *lines)
    (homes(office) / LOGIN).rmdir()
    with sqlite3.connect(office.telephony.database) as exchange:
        exchange.execute("DELETE FROM subscriber WHERE username = '1038'")
    exchange.close()


@pytest.fixture
def broken_by_hand(office: Office, admin: Admin) -> Iterator[None]:
    """What hands have broken is mended by hand, once the repair is undone: the office stays as it was."""
    port = port_section(office, SWITCH, PORT)
    yield
    admin.take_all_back()
    ldap(office, f"dn: {DN}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 512\n")
    lines = [line.strip() for line in port.splitlines() if line.startswith(" ")]
    at_switch(office, SWITCH, "configure terminal", f"default interface {PORT}", f"interface {PORT}", *lines, "end")
    assert port_section(office, SWITCH, PORT) == port


@pytest.mark.usefixtures("broken_by_hand")
def test_four_sorts_of_drift_one_command_and_a_clean_audit(office: Office, admin: Admin, tmp_path: Path) -> None:
    assert directory_entries(office, f"(sAMAccountName={LOGIN})").keys() == {DN}
    first = admin.run("audit", WHO, "--area", AREAS, "--repair", "--yes")
    assert first.code == 0, first.out + first.err  # colleagues of the lab have an account and nothing else
    clean = admin.here("audit", WHO, "--area", AREAS)
    assert clean.code == 0, clean.out
    assert "nothing was found. Nothing was changed." in clean.out

    break_four_things(office)
    numbers = tmp_path / "audit.prom"
    said = admin.here("audit", "--area", AREAS, "--output", "json", "--prometheus", str(numbers))
    assert said.code == 2, said.out + said.err
    hers = [f for f in said.document["findings"] if WHO in f["sentence"]]
    assert [(f["area"], f["sort"], f["severity"]) for f in hers] == [
        ("directory", "drift", "fault"),
        ("ports", "drift", "warning"),
        ("phones", "missing", "warning"),
        ("files", "missing", "warning"),
    ]
    assert (hers[1]["found"], hers[1]["expected"]) == ("90", "20")
    assert {f["repair"] for f in hers} == {f"provision audit {WHO} --repair"}
    written = re.search(r'^provisioning_audit_findings\{.*area="ports",severity="warning"\} (\d+)$',
                        numbers.read_text(encoding="utf-8"), re.MULTILINE)  # fmt: skip
    assert written is not None
    assert int(written[1]) == said.document["counts"]["ports"]["warning"]

    refused = admin.run("audit", WHO, "--repair")
    assert refused.code == 1
    assert "there is no terminal to ask on" in refused.err
    assert "vlan 90" in port_section(office, SWITCH, PORT)

    repaired = admin.run("audit", WHO, "--area", AREAS, "--repair", "--yes", "--output", "json")
    assert repaired.code == 0, repaired.out + repaired.err
    assert len(repaired.document["repair"]["changes"]) == 4
    assert "userAccountControl: 512" in directory_entries(office, f"(sAMAccountName={LOGIN})")[DN]
    assert "vlan 20" in port_section(office, SWITCH, PORT)
    clean = admin.here("audit", WHO, "--area", AREAS)
    assert clean.code == 0, clean.out


def test_an_account_of_nobody_is_for_people_to_decide(office: Office, admin: Admin) -> None:
    entry = (
        f"dn: {STRANGER}\nchangetype: add\nobjectClass: user\nsAMAccountName: nobody.at-all\nuserAccountControl: 544\n"
    )
    ldap(office, f"{entry}employeeID: X999\n")
    try:
        said = admin.here("audit", "--area", "directory", "--output", "json")
        [found] = [f for f in said.document["findings"] if f["subject"] == "nobody.at-all"]
        assert (found["sort"], found["severity"], found["repairable"]) == ("account without person", "fault", False)
        assert "the site has nobody with its number X999" in found["sentence"]
        assert said.document["looked"]["accounts"] >= 11
    finally:
        ldap(office, f"dn: {STRANGER}\nchangetype: delete\n")
    said = admin.here("audit", "--area", "directory", "--output", "json")
    assert "nobody.at-all" not in said.out


def test_folders_of_nobody_are_listed_over_smb(office: Office, admin: Admin) -> None:
    stranger = homes(office) / "nobody.at-all"
    stranger.mkdir()
    try:
        said = admin.here("audit", "--area", "files", "--output", "json").document
    finally:
        stranger.rmdir()
    assert said["unread"] == []
    assert [f["subject"] for f in said["findings"] if f["sort"] == "folder without person"] == ["homes$\\nobody.at-all"]
