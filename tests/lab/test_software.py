"""Approved software on a PC of the lab: setup programs, requirements, the one restart, hanging installers, licence
keys, strange paths, and the audit. The installers are real, and so is the restart."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site
from provisioning.connections.openers import OPENERS
from provisioning.connections.pool import Pool
from provisioning.connections.windows import WindowsSession
from provisioning.engine import planner
from provisioning.engine.run import carry_out
from provisioning.engine.undo import to_take_back
from provisioning.lab.office import Office
from provisioning.ledger import Ledger, RunRecord
from provisioning.procedures.packages import package_proofs, package_resources
from provisioning.resources.base import Address, Change, Outcome, Resource
from provisioning.resources.windows.entries import read_packages
from provisioning.resources.windows.package import PACKAGE, InstalledPackage
from provisioning.resources.windows.proofs import PACKAGE_REGISTERED
from provisioning.resources.windows.registry import REGISTRY, RegistryKey, RegistryValue
from provisioning.resources.windows.restart import RESTART, Restart
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from tests.canaries import Canaries
from tests.lab.admin import admin_of
from tests.unit.windows_session import with_software

pytestmark = pytest.mark.lab

NAME = "WS-0043"
TARGET = f"windows:{NAME}"
VIEWER, DRIVER = "Kestrel Viewer", "Osprey Label Driver"
PC_AREAS = ("software", "settings")
UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
BUILTIN_CMD = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/cmd.exe")


@pytest.fixture
def session(pool: Pool) -> Iterator[WindowsSession]:
    with pool.session(TARGET) as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "l.sqlite")
    yield opened
    opened.close()


def attempt(session: WindowsSession, name: str, before: str | None, after: str | None) -> Outcome:
    old, new = (None if v is None else InstalledPackage(version=v) for v in (before, after))
    return PACKAGE.apply(session, [Change(Address("windows.package", TARGET, name), old, new)])[0]


def run(ledger: Ledger, pool: Pool, changes: list[Change[Any]], undoes: int | None = None) -> RunRecord:
    begun = ledger.begin("software", {}, changes, undoes=undoes)
    done = carry_out(ledger, begun.id, pool, lambda _: None)
    assert {r.change.key: (r.state, r.error) for r in done.changes if r.state != "verified"} == {}
    return done


def read(resources: list[Resource], pool: Pool) -> list[Change[Any]]:
    reading = planner.read(resources, pool)
    assert not reading.unread
    return planner.compare(resources, reading)


def boots(pool: Pool) -> str:
    with pool.session(TARGET) as session:
        return str(session.boot_identity())


def test_requirements_first_one_restart_last_and_all_of_it_back(
    inventory: Inventory, pool: Pool, ledger: Ledger
) -> None:
    resources = list(package_resources(inventory, NAME, ["osprey-driver"]))
    changes = read(resources, pool)
    assert [change.key for change in changes] == [VIEWER, DRIVER, "restart"]
    first_boot = boots(pool)
    proofs = list(package_proofs(inventory, NAME, ["osprey-driver"]))
    assert [PACKAGE_REGISTERED.check(pool, proof).passed for proof in proofs] == [False, False]
    done = run(ledger, pool, changes)
    assert [PACKAGE_REGISTERED.check(pool, proof).detail for proof in proofs] == [
        f"{VIEWER} 2.1.0 is registered on {NAME}",
        f"{DRIVER} 1.0.0 is registered on {NAME}",
    ]
    second_boot = boots(pool)
    assert second_boot != first_boot
    assert [record.attempted for record in done.changes] == [True, True, True]
    assert read(resources, pool) == []

    begun, _ = to_take_back(done.changes, pool)
    back = planner.inverse(begun)
    assert [change.key for change in back] == [DRIVER, VIEWER, "restart"]
    run(ledger, pool, back, undoes=done.id)
    assert boots(pool) == second_boot, "nothing that was removed asked for a restart"
    with pool.session(TARGET) as session:
        assert read_packages(session, [VIEWER, DRIVER]) == {}
        assert RESTART.read(session, ["restart"]) == {"restart": Restart(pending=False)}


def test_without_3010_nobody_is_restarted(inventory: Inventory, pool: Pool, ledger: Ledger) -> None:
    before = boots(pool)
    done = run(ledger, pool, read(list(package_resources(inventory, NAME, ["kestrel-viewer"])), pool))
    assert [(r.change.key, r.attempted) for r in done.changes] == [(VIEWER, True), ("restart", False)]
    begun, _ = to_take_back(done.changes, pool)
    run(ledger, pool, planner.inverse(begun), undoes=done.id)
    assert boots(pool) == before


def hanging() -> set[str]:
    """Command lines of processes that a hanging installer left behind."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if "hangs-for-ever" in line:
            found.add(line)
    return found


def test_an_installer_that_hangs_is_ended_with_all_that_it_started(session: WindowsSession, tmp_path: Path) -> None:
    file = tmp_path / "hangs-for-ever.exe"
    file.write_bytes(BUILTIN_CMD.read_bytes())  # "setup.exe" that starts itself again, which waits for a key
    entry = {
        "display_name": "Hanging Tool",
        "uninstall": {"arguments": ["/S"]},
        "versions": [{
            "version": "1", "type": "exe", "file": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "arguments": ["/c", session.path("hangs-for-ever.exe"), "/c", "pause"],
        }],
    }  # fmt: skip
    usual, session.inventory = session.inventory, with_software(session.inventory, "hangs", entry, install_timeout=10)
    begun = time.monotonic()
    try:
        outcome = attempt(session, "Hanging Tool", None, "1")
    finally:
        session.inventory = usual
    assert "installing Hanging Tool 1 did not end within 10 s" in str(outcome.error)
    assert time.monotonic() - begun < 60
    deadline = time.monotonic() + 10
    while hanging() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert hanging() == set()
    assert session.run(["hostname"]).stdout.strip() == NAME


@contextmanager
def pool_with(inventory: Inventory, *entries: tuple[str, dict[str, Any]]) -> Iterator[Pool]:
    """Sessions for a site whose catalogue has other entries."""
    for name, plain in entries:
        inventory = with_software(inventory, name, plain)
    with Pool(inventory, Secrets.of(inventory), OPENERS) as opened:
        yield opened


def entry_of(inventory: Inventory, name: str, **first: Any) -> tuple[str, dict[str, Any]]:
    """A package of the site, its first version changed."""
    plain = inventory.software[name].model_dump(mode="json", exclude_unset=True)
    plain["versions"][0] |= first
    return name, plain


def test_a_licence_key_arrives_and_is_found_nowhere(  # noqa: PLR0917  (fixtures)
    office: Office,
    inventory: Inventory,
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    canaries = Canaries({"licence key": "CANARY-7F3A-100%-Ключ & co"})
    monkeypatch.setenv("KESTREL_KEY", canaries.values["licence key"])
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "smbprotocol")  # every octet of every message would fill the memory
    with_key = {
        "keys": {"LICENCE": "env:KESTREL_KEY"},
        "arguments": ["/S", "/ANSWERS={answers}"],
        "answer_file": ["[licence]", "key={LICENCE}"],
    }
    entry = entry_of(inventory, "kestrel-viewer", **with_key, exit_codes=[7])  # what is said of a failure as well
    with pool_with(inventory, entry) as pool:
        changes = read(list(package_resources(inventory, NAME, ["kestrel-viewer"])), pool)
        with canaries.watched_processes() as seen:
            done = run(ledger, pool, changes)
        with pool.session(TARGET) as session:
            words = ["reg", "query", "HKLM\\Software\\Kestrel Imaging\\Viewer", "/v", "KeyLength"]
            assert "0x1a" in session.run(words).stdout, "the installer read the key from its answer file"
            session.run(["reg", "export", "HKLM\\SOFTWARE", session.path("all.reg"), "/y"])
            registry = session.read("all.reg")
        run(ledger, pool, planner.inverse(to_take_back(done.changes, pool)[0]), undoes=done.id)
    assert registry is not None
    assert "Kestrel Imaging".encode("utf-16-le") in registry
    assert canaries.in_bytes(registry) == []
    assert seen == []
    assert "exit code 0" in caplog.text, "the one that failed was told of"
    assert canaries.in_text(caplog.text) == []
    assert canaries.in_files(tmp_path) == [], "the ledger"
    folder = office.folder / "windows" / NAME
    ours = [path for path in folder.iterdir() if path.name != "prefix"]
    assert canaries.in_files(*(path for path in ours if path.is_dir())) == []
    assert [path for path in ours if path.is_file() and canaries.in_bytes(path.read_bytes())] == []
    drive = folder / "prefix/drive_c"
    new = [file for file in drive.rglob("*") if file.is_file() and file.stat().st_nlink == 1]  # no part of Wine
    assert new
    assert [file for file in new if canaries.in_bytes(file.read_bytes())] == []


@contextmanager
def small_disk(place: Path, kib: int) -> Iterator[None]:
    """A disk of a few KiB in the place of a folder of the PC."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_named_and_nothing_of_ours_stays(office: Office, session: WindowsSession) -> None:
    name = session.path("x").split("\\")[-2]
    place = office.folder / "windows" / NAME / "prefix/drive_c/windows" / name
    with small_disk(place, 48):  # the setup has 94 KiB
        outcome = attempt(session, VIEWER, None, "2.1.0")
        assert [file for file in place.iterdir() if file.suffix == ".exe"] == []
    assert "cannot push kestrel-viewer-2.1.0.exe: its disk is full; make room there" in str(outcome.error)
    assert read_packages(session, [VIEWER]) == {}


def test_a_package_that_fails_does_not_keep_the_others_from_their_restart(inventory: Inventory, ledger: Ledger) -> None:
    """The altered installer is not sent; the driver is installed, and the PC restarts for it."""
    with pool_with(inventory, entry_of(inventory, "archive-tool", sha256="0" * 64)) as pool:
        changes = read(list(package_resources(inventory, NAME, ["archive-tool", "osprey-driver"])), pool)
        before = boots(pool)
        begun = ledger.begin("software", {}, changes)
        done = carry_out(ledger, begun.id, pool, lambda _: None)
        assert {record.change.key: record.state for record in done.changes} == {
            "Halden Archive Tool": "failed",
            VIEWER: "verified",
            DRIVER: "verified",
            "restart": "verified",
        }
        [failed] = [record for record in done.changes if record.state == "failed"]
        assert "is not the approved one: SHA-256 expected 000000" in str(failed.error)
        assert boots(pool) != before
        run(ledger, pool, planner.inverse(to_take_back(done.changes, pool)[0]), undoes=done.id)


def test_strange_paths(session: WindowsSession, tmp_path: Path) -> None:
    """The file's name here, the arguments, and the program that tells the version: spaces, Cyrillic, &, ', ! and %."""
    place = "C:\\Program Files\\Ключ 100% & 'Co'!"
    viewer = f"{place}\\viewer.exe"
    file = tmp_path / "Установка 100% & 'setup'.exe"
    file.write_bytes(BUILTIN_CMD.read_bytes())  # a "setup.exe" that copies what it is told to copy
    source = session.inventory.software["kestrel-viewer"].versions[0].file
    assert source is not None
    copied = session.put(source, "viewer-source.exe")
    session.run(["cmd", "/c", "mkdir", place])
    entry = {
        "display_name": "Strange Viewer",
        "detect": {"file": viewer},
        "uninstall": {"program": "C:\\windows\\system32\\cmd.exe", "arguments": ["/c", "del", viewer]},
        "versions": [{
            "version": "2.1.0", "type": "exe", "file": str(file), "arguments": ["/c", "copy", "/y", copied, viewer],
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }],
    }  # fmt: skip
    usual, session.inventory = session.inventory, with_software(session.inventory, "strange", entry)
    try:
        assert attempt(session, "Strange Viewer", None, "2.1.0").error is None
        found = read_packages(session, ["Strange Viewer"])
        assert found == {"Strange Viewer": InstalledPackage(version="2.1.0.0", product_code=None)}
        assert attempt(session, "Strange Viewer", "2.1.0.0", None).error is None
        assert read_packages(session, ["Strange Viewer"]) == {}
    finally:
        session.inventory = usual
        session.run(["cmd", "/c", "rmdir", place])


def test_audit_names_what_is_not_approved_and_removes_nothing(site: Site, pool: Pool) -> None:
    evil = f"{UNINSTALL}\\EvilToolbar"
    values = {
        "DisplayName": RegistryValue(type="REG_SZ", data="Evil Toolbar Ключ"),
        "DisplayVersion": RegistryValue(type="REG_SZ", data="6.6.6"),
    }
    absent = RegistryKey(values=dict.fromkeys(values))
    there = Change(Address("windows.registry", TARGET, evil), absent, RegistryKey(values=values))
    with pool.session(TARGET) as session:
        assert REGISTRY.apply(session, [there])[0].error is None
        assert attempt(session, VIEWER, None, "2.0.0").error is None
    report = site.audit(NAME, areas=PC_AREAS)
    found = {finding.sentence.partition(" (")[0]: finding for finding in report.findings}
    assert found[f"{NAME}: Evil Toolbar Ключ 6.6.6 is not approved"].address is None
    outdated = found[f"{NAME}: Kestrel Viewer 2.0.0 is outdated, expected >=2.1,<3"]
    assert (outdated.found, outdated.expected) == ("2.0.0", ">=2.1,<3")
    assert found[f"{NAME}: Meridian CRM Client is missing, expected 4.2.0"].repair == f"provision audit {NAME} --repair"
    assert any(finding.sort == "drift" for finding in report.findings)
    assert not report.is_clean
    with pool.session(TARGET) as session:
        assert set(read_packages(session, ["Evil Toolbar Ключ", VIEWER])) == {"Evil Toolbar Ключ", VIEWER}
        assert attempt(session, VIEWER, "2.0.0", None).error is None
        REGISTRY.apply(session, [there.inverse()])
    assert [f for f in site.audit(NAME, areas=PC_AREAS).findings if f.sort == "not approved"] == []


def test_audit_at_the_terminal_with_a_pc_that_is_off(office: Office, tmp_path: Path) -> None:
    admin = admin_of(office, tmp_path / "admin")
    office.pcs.power_off(NAME)
    try:
        said = admin.run("audit", "--area", "software,settings", "--output", "json")
    finally:
        office.pcs.power_on(NAME)
    assert said.code == 3
    unread = {one["what"]: one for one in said.document["unread"]}
    assert "is the PC switched on" in unread[f"windows:{NAME}"]["reason"]
    assert unread[f"windows:{NAME}"]["areas"] == ["settings", "software"]
    assert "windows:WS-0042" not in unread
    assert not admin.ledger.exists(), "looking makes no ledger"

    said = admin.run("audit", NAME, "--area", "software,settings")
    assert said.code == 2
    assert said.out.startswith("software: software on PCs, ")
    assert f"{NAME}: Meridian CRM Client is missing" in said.out
    assert said.out.splitlines()[-1].endswith("Nothing was changed.")
    said = admin.run("audit", "WS-0042", "WS-42")
    assert said.code == 1
    assert "the site has no person, PC, workplace, equipment or switch 'WS-42'; did you mean 'WS-0042'?" in said.err
    assert said.out == ""
