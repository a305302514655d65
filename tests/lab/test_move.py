"""A colleague moves to another room: real directory, switches, DHCP, PC and telephones; then back by undo."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.lab.office import Office
from tests.lab.admin import Admin, Snapshot, admin_of, directory_entries, port_section

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

OLD, NEW = ("sw-b2-1", "GigabitEthernet1/0/12"), ("sw-b2-2", "GigabitEthernet1/0/6")
ANNA = "CN=Анна Петрова,OU=Sales,OU=Staff,DC=corp,DC=example"
FILE = "02005e104043.cfg"


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    """Anna sits at B-204-3, and B-206-2 is free."""
    somebody = admin_of(office, tmp_path / "site")
    somebody.edit("people.csv", ",E1019,B-206-2,", ",E1019,,")
    somebody.edit("profiles.yml", "software: [crm-client, office-fonts]", "software: []")  # it has no part in this
    assert somebody.here("onboard", "E1042", "--yes").code == 0
    yield somebody
    somebody.take_all_back()


def test_a_person_moves_with_pc_and_telephone_and_undo_brings_all_back(office: Office, admin: Admin) -> None:
    desk = next(name for name in ("WS-0042", "ws-0042") if name in office.network._desks)
    before, file = Snapshot.of(office, "WS-0042"), (office.phone_files / FILE).read_text(encoding="utf-8")
    report = admin.folder.parent / "move.json"
    office.network.move(desk, *NEW)  # the PC was carried over already
    try:
        done = admin.must("move", "Anna Petrova", "--to", "B-206-2", "--yes", "--report", str(report))
        assert "move E1042 from B-204-3 to B-206-2" in done.out
        anna = directory_entries(office)[ANNA]
        assert "physicalDeliveryOfficeName: B-206-2" in anna
        assert "ipPhone: 1042" in anna
        released = port_section(office, *OLD)
        assert " shutdown\n" in released
        assert "description" not in released
        assert "vlan" not in released
        now = port_section(office, *NEW)
        assert " description B-206-2 B2-06B WS-0042\n" in now
        assert " switchport access vlan 20\n" in now
        assert (office.phone_files / FILE).read_text(encoding="utf-8") == file, "the extension went along"
        proofs = {one["name"]: one["passed"] for one in json.loads(report.read_text(encoding="utf-8"))["proofs"]}
        assert all(proofs.values())
        assert {"WS-0042 has an address in VLAN staff", "WS-0042 is on GigabitEthernet1/0/6 in VLAN 20"} <= set(proofs)
        assert "port GigabitEthernet1/0/12 is released" in proofs
        assert any(re.match("extension 1042 registers", name) for name in proofs)
        assert admin.here("plan", "onboard", "E1042").code == 0, "everything else knows the new desk"
        assert admin.here("find", "petrova").code == 0, "it is where the site says"
        run = admin.last_run()
    finally:
        office.network.move(desk, *OLD)
    assert admin.here("undo", str(run), "--yes").code == 0
    assert Snapshot.of(office, "WS-0042") == before
    assert (office.phone_files / FILE).read_text(encoding="utf-8") == file
