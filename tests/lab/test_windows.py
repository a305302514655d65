"""A Windows PC of the lab: real WS-Management, real SMB, real registry, real Windows Installer (Wine's)."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.pool import Pool
from provisioning.connections.windows import WindowsSession, open_session
from provisioning.connections.winrm import WinRm
from provisioning.errors import CredentialError, RejectedError, RequestError, TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.office import Office
from provisioning.lab.windows import prefix as wine
from provisioning.resources.base import Address, Change, Proof, State
from provisioning.resources.windows.package import PACKAGE, InstalledPackage
from provisioning.resources.windows.proofs import PACKAGE_REGISTERED, POLICY_READS_BACK
from provisioning.resources.windows.registry import REGISTRY, RegistryKey, RegistryValue
from provisioning.secrets import Secrets
from provisioning.site import Inventory

pytestmark = pytest.mark.lab

NAME = "WS-0043"
TARGET = f"windows:{NAME}"
CRM = "Meridian CRM Client"
OLD = InstalledPackage(version="4.1.0", product_code="{0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E410}")
NEW = InstalledPackage(version="4.2.0", product_code="{0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E420}")


@pytest.fixture
def session(pool: Pool) -> Iterator[WindowsSession]:
    with pool.session(TARGET) as opened:
        yield opened


@pytest.fixture
def secrets(inventory: Inventory, tmp_path: Path) -> Secrets:
    return Secrets(inventory.folder, tmp_path)


def change(kind: str, key: str, before: State | None, after: State | None) -> Change[Any]:
    return Change(Address(kind, TARGET, key), before, after)


def with_windows(inventory: Inventory, **settings: object) -> Inventory:
    return inventory.model_copy(update={"windows": inventory.windows.model_copy(update=settings)})


def with_workstation(inventory: Inventory, **settings: object) -> Inventory:
    changed = inventory.workstations[NAME].model_copy(update=settings)
    return inventory.model_copy(update={"workstations": {**inventory.workstations, NAME: changed}})


def attempt(inventory: Inventory, secrets: Secrets) -> str:
    session = open_session(TARGET, inventory, secrets)
    try:
        return session.run(["hostname"]).stdout.strip()
    finally:
        session.close()


# -- the session ----------------------------------------------------------------------------------------------------


def test_the_pc_answers_by_its_name_in_utf_8(session: WindowsSession) -> None:
    assert session.run(["hostname"]).stdout.strip() == NAME
    assert session.run(["cmd", "/c", "echo", "Привет & é"]).stdout.strip() == '"Привет & é"'


@pytest.mark.parametrize(
    "settings", [{"transport": "ntlm"}, {"transport": "basic"}, {"transport": "ntlm", "scheme": "http", "port": 5985}]
)
def test_transports(inventory: Inventory, secrets: Secrets, settings: dict[str, object]) -> None:
    assert attempt(with_windows(inventory, **settings), secrets) == NAME


def test_basic_in_clear_is_refused_by_the_pc(inventory: Inventory, secrets: Secrets) -> None:
    with pytest.raises(CredentialError, match=r"port 5985 refuses the sign-in"):
        attempt(with_windows(inventory, transport="basic", scheme="http", port=5985), secrets)


@pytest.mark.parametrize("transport", ["ntlm", "basic"])
def test_wrong_password(inventory: Inventory, tmp_path: Path, transport: str) -> None:
    (tmp_path / "wrong").write_text("not-the-password")
    credential = inventory.windows.credential.model_copy(update={"password": f"file:{tmp_path / 'wrong'}"})
    wrong = with_windows(inventory, credential=credential, transport=transport)
    session = open_session(TARGET, wrong, Secrets(tmp_path, tmp_path))
    with pytest.raises(CredentialError, match=r"check windows\.credential") as caught:
        session.run(["hostname"])
    assert "not-the-password" not in repr(caught.value)
    with pytest.raises(CredentialError, match="SMB"):
        session.write("x", b"")
    session.close()


def test_certificate_of_another_authority(inventory: Inventory, secrets: Secrets, tmp_path: Path) -> None:
    other = LabAuthority(tmp_path).up()
    with pytest.raises(TrustError, match=r"not a trusted one .*check windows.trust"):
        attempt(with_windows(inventory, trust=other), secrets)
    with pytest.raises(TrustError):
        attempt(with_windows(inventory, trust=None), secrets)
    assert attempt(with_windows(inventory, trust=other, verify=False), secrets) == NAME


def test_certificate_of_another_pc(inventory: Inventory, secrets: Secrets) -> None:
    with pytest.raises(TrustError, match=r"ws-9999\.corp\.example"):
        attempt(with_workstation(inventory, host="ws-9999.corp.example"), secrets)


def test_nobody_there(inventory: Inventory, secrets: Secrets) -> None:
    nowhere = with_workstation(inventory, address=IPv4Address("127.77.254.254"))
    with pytest.raises(UnreachableError, match="is the PC switched on"):
        attempt(nowhere, secrets)
    session = open_session(TARGET, nowhere, secrets)
    with pytest.raises(UnreachableError, match="SMB"):
        session.write("x", b"")
    session.close()


def test_switched_off_and_on_again(office: Office, inventory: Inventory, secrets: Secrets) -> None:
    session = open_session(TARGET, inventory, secrets)
    assert session.run(["hostname"]).stdout.strip() == NAME
    session.write("left", b"behind")
    office.pcs.power_off(NAME)
    try:
        with pytest.raises(UnreachableError):
            session.run(["hostname"])
        session.close()
        with pytest.raises(UnreachableError):
            attempt(inventory, secrets)
    finally:
        office.pcs.power_on(NAME)
    assert attempt(inventory, secrets) == NAME


def test_a_wine_that_does_not_come_up_is_started_again(
    office: Office, inventory: Inventory, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wine boots with its first program: when that one ends in the middle, all later ones wait for ever."""
    began = []

    def boot(prefix: Path, name: str) -> bool:
        began.append(name)
        return real_boot(prefix, name, seconds=60 if len(began) > 1 else 0.05)

    real_boot = wine.boot
    monkeypatch.setattr(wine, "boot", boot)
    office.pcs.power_off(NAME)
    office.pcs.power_on(NAME)
    assert attempt(inventory, secrets) == NAME
    assert began == [NAME, NAME]


def test_unknown_pc(inventory: Inventory, secrets: Secrets) -> None:
    with pytest.raises(RequestError, match=f"did you mean '{NAME}'"):
        open_session(f"{TARGET}X", inventory, secrets)


def test_exit_codes_are_whole_and_pretence_is_refused(session: WindowsSession) -> None:
    path = session.write("code.cmd", b"@echo off\r\nexit /b 3010\r\n")
    assert session.run([path]).exit_code == 3010
    refused = session.run(["netsh", "advfirewall", "set", "x"])
    assert refused.exit_code == 50
    assert refused.stderr.startswith("lab: Wine only pretends")
    inside = session.write("inside.cmd", b"@echo off\r\nicacls C:\\ /grant x\r\nexit /b %ERRORLEVEL%\r\n")
    assert session.run([inside]).exit_code == 9009
    missing = ["reg", "query", "HKLM\\nothing 100% there!"]
    assert session.run_all([["hostname"], ["cmd", "/c", inside], missing]) == [0, 9009, 1]
    assert session.run(missing).exit_code == 1


def test_a_command_that_hangs_is_ended(session: WindowsSession) -> None:
    loop = session.write("loop.cmd", b"@echo off\r\n:again\r\ngoto again\r\n")
    with pytest.raises(RejectedError, match="did not finish in its time"):
        session.run([loop], timeout=1.5)
    assert session.run(["hostname"]).exit_code == 0


def test_a_lost_shell_is_replaced(session: WindowsSession, monkeypatch: pytest.MonkeyPatch) -> None:
    session.run(["hostname"])
    commands: WinRm = session._commands
    assert commands._shell is not None
    commands._protocol.close_shell(commands._shell, close_session=False)
    assert session.run(["hostname"]).exit_code == 0


def test_files(session: WindowsSession, tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(range(256)) * 20_000)
    assert session.put(big, "big.bin").startswith("C:\\Windows\\provisioning-")
    assert session.read("big.bin") == big.read_bytes()
    session.delete("big.bin")
    session.delete("big.bin")
    assert session.read("big.bin") is None
    with pytest.raises(RejectedError, match="plain file name"):
        session.write("..\\evil", b"")


def test_what_killed_sessions_left_is_removed_after_a_day(office: Office, session: WindowsSession) -> None:
    windows = office.folder / "windows" / NAME / "prefix" / "drive_c" / "windows"
    left = {name: windows / f"provisioning-{name}" for name in ("0" * 16, "1" * 16, "of-somebody-else")}
    for folder in left.values():
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "setup.msi").write_bytes(b"x")
    for name in ("0" * 16, "of-somebody-else"):
        os.utime(left[name], (time.time() - 90_000, time.time() - 90_000))
    try:
        session.write("here", b"")
        assert [folder.exists() for folder in left.values()] == [False, True, True]
    finally:
        for folder in left.values():
            shutil.rmtree(folder, ignore_errors=True)


def test_two_sessions_at_once_do_not_meet(inventory: Inventory, secrets: Secrets) -> None:
    with ThreadPoolExecutor(2) as workers:
        names = list(workers.map(lambda _: attempt(inventory, secrets), range(4)))
    assert names == [NAME] * 4


# -- the registry ---------------------------------------------------------------------------------------------------


def test_registry_round_trip_and_proof(pool: Pool, session: WindowsSession) -> None:
    key, parent = "HKLM\\SOFTWARE\\Тест 100% & (é)!\\под", "HKLM\\SOFTWARE\\Тест 100% & (é)!"
    values: dict[str, RegistryValue | None] = {
        "": RegistryValue(type="REG_SZ", data="default"),
        'Имя "%PATH%" \\': RegistryValue(type="REG_SZ", data='Анна "Петрова" \\ %TEMP% ^&!'),
        "path": RegistryValue(type="REG_EXPAND_SZ", data="%SystemRoot%\\é"),
        "list": RegistryValue(type="REG_MULTI_SZ", data=("один", "two words")),
        "number": RegistryValue(type="REG_DWORD", data=2**32 - 1),
        "long": RegistryValue(type="REG_QWORD", data=2**64 - 1),
        "octets": RegistryValue(type="REG_BINARY", data="00" * 100 + "ff"),
        "lines": RegistryValue(type="REG_SZ", data="one\r\ntwo\\n"),
    }
    wanted = RegistryKey(values=values)
    before = REGISTRY.read(session, [key, parent])
    assert before[key].values == {}
    forth = change("windows.registry", key, wanted.view_of(before[key]), wanted)
    assert [outcome.error for outcome in REGISTRY.apply(session, [forth])] == [None]
    assert REGISTRY.read(session, [key])[key].values == values
    plain = wanted.to_plain()["values"]
    proof = Proof("windows.policy", TARGET, "p", {"key": key, "values": plain})
    assert POLICY_READS_BACK.check(pool, proof).detail.startswith("8 values of")
    printable = {name: value for name, value in plain.items() if name not in {"", "lines", "long"}}
    assert POLICY_READS_BACK.check(pool, Proof("windows.policy", TARGET, "p", {"key": key, "values": printable})).passed
    assert [outcome.error for outcome in REGISTRY.apply(session, [forth.inverse()])] == [None]
    assert REGISTRY.read(session, [key])[key].values == {}
    assert session.run_all([["reg", "query", key]]) == [1], "the key that we made is gone again"
    assert not POLICY_READS_BACK.check(pool, proof).passed
    session.run_all([["reg", "delete", parent, "/f"]])


def test_one_bad_key_does_not_stop_the_others(session: WindowsSession) -> None:
    wanted = RegistryKey(values={"a": RegistryValue(type="REG_SZ", data="b")})
    good = change("windows.registry", "HKLM\\SOFTWARE\\Good", RegistryKey(values={"a": None}), wanted)
    bad = change("windows.registry", 'HKLM\\SOFTWARE\\Bad"', RegistryKey(values={"a": None}), wanted)
    outcomes = REGISTRY.apply(session, [bad, good])
    assert isinstance(outcomes[0].error, RequestError)
    assert outcomes[1].error is None
    assert good.done_in(REGISTRY.read(session, [good.key])[good.key])
    REGISTRY.apply(session, [good.inverse()])


# -- packages -------------------------------------------------------------------------------------------------------


def installed(session: WindowsSession) -> InstalledPackage | None:
    return PACKAGE.read(session, [CRM]).get(CRM)


def go(session: WindowsSession, before: InstalledPackage | None, after: InstalledPackage | None) -> None:
    outcomes = PACKAGE.apply(session, [change("windows.package", CRM, before, after)])
    assert [outcome.error for outcome in outcomes] == [None]
    assert installed(session) == after


def test_install_upgrade_undo_remove(pool: Pool, session: WindowsSession) -> None:
    proof = Proof("windows.package", TARGET, "p", {"display_name": CRM, "version": "4.2.0"})
    assert installed(session) is None
    assert "not registered" in PACKAGE_REGISTERED.check(pool, proof).detail
    go(session, None, OLD)
    assert "4.1.0" in PACKAGE_REGISTERED.check(pool, proof).detail
    go(session, OLD, NEW)
    assert PACKAGE_REGISTERED.check(pool, proof).passed
    server = session.run(["reg", "query", "HKLM\\SOFTWARE\\Meridian\\CRM Client", "/v", "Server"])
    assert "crm.corp.example" in server.stdout
    go(session, NEW, OLD)
    go(session, OLD, None)


def test_another_file_than_the_approved_one_is_never_sent(session: WindowsSession, tmp_path: Path) -> None:
    catalogue = session.inventory.software["crm-client"]
    forged = tmp_path / "crm-client-4.2.0.msi"
    approved_file = catalogue.versions[0].file
    assert approved_file is not None
    shutil.copyfile(approved_file, forged)
    with forged.open("ab") as file:
        file.write(b"\0")
    entry = catalogue.versions[0].model_copy(update={"file": forged})
    software = {"crm-client": catalogue.model_copy(update={"versions": (entry, *catalogue.versions[1:])})}
    approved, session.inventory = session.inventory, session.inventory.model_copy(update={"software": software})
    try:
        outcome = PACKAGE.apply(session, [change("windows.package", CRM, None, NEW)])[0]
    finally:
        session.inventory = approved
    assert isinstance(outcome.error, RejectedError)
    assert str(forged) in str(outcome.error)
    assert str(entry.sha256) in str(outcome.error)
    assert "nothing was sent" in str(outcome.error)
    assert installed(session) is None


def test_refusals_are_sentences(session: WindowsSession) -> None:
    gone = PACKAGE.apply(session, [change("windows.package", CRM, NEW, None)])[0]
    assert isinstance(gone.error, RejectedError)
    assert "exit code 1605, this product is not installed" in str(gone.error)
    unknown = InstalledPackage(version="9.9", product_code="{00000000-0000-0000-0000-000000000000}")
    outcome = PACKAGE.apply(session, [change("windows.package", "Anything", None, unknown)])[0]
    assert isinstance(outcome.error, RequestError)
    assert "not in the software catalogue" in str(outcome.error)


def test_a_renewed_pc_has_nothing_of_before(office: Office, inventory: Inventory, secrets: Secrets) -> None:
    session = open_session(TARGET, inventory, secrets)
    assert session.run(["reg", "add", "HKLM\\SOFTWARE\\Before", "/f"]).exit_code == 0
    (office.pcs.drive(NAME) / "before").touch()
    session.close()
    office.pcs.renew(NAME)
    session = open_session(TARGET, inventory, secrets)
    assert session.run_all([["hostname"], ["reg", "query", "HKLM\\SOFTWARE\\Before"]]) == [0, 1]
    assert not (office.pcs.drive(NAME) / "before").exists()
    session.close()
