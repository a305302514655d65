"""A defective PC is replaced, and packages come in waves, on two PCs of the lab: Windows Installer, SMB, the domain
controller and the switch are the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provisioning.api import Site
from provisioning.connections.pool import Pool
from provisioning.lab.office import Office
from provisioning.resources.base import Address, Change
from provisioning.resources.directory.computer import COMPUTER, Computer
from provisioning.resources.windows.package import PACKAGE
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.reg_file import RegistryValue
from provisioning.resources.windows.registry import REGISTRY, RegistryKey
from tests.lab.admin import Admin, admin_of, directory_entries, registry

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

OLD, NEW, TOOL = "WS-0043", "WS-0042", "Halden Archive Tool"
SID, LOGIN = "S-1-5-21-7-8-9-1138", "william.hart"
ELSEWHERE = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\HaldenFromElsewhere"


def programs(office: Office, pc: str) -> str:
    return registry(office, pc, ELSEWHERE.rpartition("\\")[0])


@pytest.fixture(scope="module")
def admin(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    """William (E1038) sits at B-204-1 with WS-0043; WS-0042 is in store."""
    made = admin_of(office, tmp_path_factory.mktemp("admins") / "admin")
    address = office.inventory.workstations[NEW].address
    made.edit("workstations.csv", f"{address},B-204-3", f"{address},")
    made.edit("profiles.yml", "[crm-client, office-fonts]      #", "[office-fonts]  #")  # one is enough
    yield made
    made.take_all_back()


@contextmanager
def registered(pool: Pool, version: str) -> Iterator[None]:
    """The old PC has the tool in this version, which somebody else installed."""
    words = {"DisplayName": TOOL, "DisplayVersion": version}
    values = {name: RegistryValue(type="REG_SZ", data=text) for name, text in words.items()}
    absent = RegistryKey(values=dict.fromkeys(values))
    there = Change(Address("windows.registry", f"windows:{OLD}", ELSEWHERE), absent, RegistryKey(values=values))
    _write(pool, there)
    try:
        yield
    finally:
        _write(pool, there.inverse())


def _write(pool: Pool, change: Change[RegistryKey]) -> None:
    with pool.session(f"windows:{OLD}") as session:
        assert REGISTRY.apply(session, [change])[0].error is None


def test_two_waves_and_a_pc_that_fails(office: Office, admin: Admin, pool: Pool) -> None:
    """On the first PC a newer version is there already, which nothing may replace: nobody else is tried."""
    words = ("install", "archive-tool", "--for", OLD, "--for", NEW, "--wave", "1", "--yes")
    with registered(pool, "99.0"):
        stopped = admin.here(*words)
    assert stopped.code == 3, stopped.out + stopped.err
    assert "Wave 1 of 2 (1 PC), run 1: 1 failed" in stopped.out
    assert "Stopped before wave 2: 1 of 1 PCs failed, and the limit is 10 %." in stopped.out
    assert TOOL not in programs(office, NEW)

    done = admin.must(*words, "--output", "json").document
    assert (done["request"], done["state"], [w["done"] for w in done["waves"]]) == (1, "proven", [[OLD], [NEW]])
    assert TOOL in programs(office, NEW)
    assert admin.here("undo", "2", "--yes").code == 0, "the second wave alone"
    assert (TOOL in programs(office, OLD), TOOL in programs(office, NEW)) == (True, False)
    admin.take_all_back()
    with pool.session(f"windows:{OLD}") as session:  # undo leaves it: it took the place of the other one
        left = PACKAGE.read(session, [TOOL])[TOOL]
        gone: Change[InstalledPackage] = Change(Address("windows.package", f"windows:{OLD}", TOOL), left, None)
        assert PACKAGE.apply(session, [gone])[0].error is None
    assert TOOL not in programs(office, OLD)


def test_the_new_pc_is_ready_and_undo_brings_the_old_one_back(office: Office, admin: Admin, pool: Pool) -> None:
    with pool.session("directory") as session:
        account = Computer(ou=office.inventory.directory.computers_ou)
        made: Change[Computer] = Change(Address("directory.computer", "directory", OLD), None, account)
        assert COMPUTER.apply(session, [made])[0].error is None
    folders = {pc: office.pcs.make_profile(pc, SID, LOGIN) for pc in (OLD, NEW)}
    (folders[OLD] / "Documents").mkdir(exist_ok=True)
    (folders[OLD] / "Documents/квартал.txt").write_bytes("важно".encode())
    brought = folders[NEW] / "Documents/квартал.txt"
    office.network.swap(OLD, NEW)
    try:
        with registered(pool, "23.1.0"):
            said = admin.here("replace", "NW-20043", NEW, "--reason", "fan is dead", "--yes")
        assert said.code == 0, said.out + said.err
        assert f"optional packages that {OLD} has now come along: archive-tool" in said.out
        assert f"✓ {NEW} signs in to the domain with its own account" in said.out
        assert brought.read_bytes() == "важно".encode()
        assert all(name in programs(office, NEW) for name in (TOOL, "Corporate Fonts"))
        assert _disabled(office, OLD)
        assert not _disabled(office, NEW)
        site = Site.load(admin.folder)
        assert site.wired.workstation_at["B-204-1"] == NEW
        assert site.ledger.holders()["NW-20043"] == "repair"
        site.ledger.close()
        assert admin.here("undo", str(admin.last_run()), "--yes").code == 0
        assert not _disabled(office, OLD)
        assert not brought.exists()
        assert (folders[OLD] / "Documents/квартал.txt").exists()
        assert TOOL not in programs(office, NEW)
    finally:
        office.network.swap(OLD, NEW)
        for pc in folders:
            office.pcs.remove_profile(pc, SID, LOGIN)
        with pool.session("directory") as session:
            COMPUTER.apply(session, [made.inverse()])


def _disabled(office: Office, pc: str) -> bool:
    [entry] = directory_entries(office, f"(sAMAccountName={pc}$)").values()
    control = next(int(line.partition(": ")[2]) for line in entry if line.startswith("userAccountControl: "))
    return bool(control & 2)
