"""Installers on a PC in memory: command lines, exit codes, licence keys, deadlines, winget and Chocolatey."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import ProvisioningError, RejectedError, RequestError, UnreachableError
from provisioning.resources.base import Address, Change
from provisioning.resources.windows import package, restart
from provisioning.resources.windows.installer_files import InstallerFiles
from provisioning.resources.windows.package import PACKAGE, UNINSTALL_KEYS, InstalledPackage
from provisioning.resources.windows.sources import _APPS
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.unit.cli_office import EXAMPLE
from tests.unit.windows_session import FOLDER, FakePc, with_software

KEY = "CANARY-100%-Ключ & co"


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on this PC happens later."""
    monkeypatch.setattr(package, "_SETTLED_WITHIN", 0.0)


def setup_of(folder: Path, **more: Any) -> dict[str, Any]:
    """A catalogue entry of type exe, whose file has a name that no command line could carry."""
    file = folder / "Установка 100% & 'Tool'.exe"
    file.write_bytes(b"MZ")
    version = {"version": "1.0", "type": "exe", "file": str(file), "arguments": ["/S"]}
    version["sha256"] = hashlib.sha256(b"MZ").hexdigest()
    return {"display_name": "Tool", "versions": [{**version, **more}], "uninstall": {"arguments": ["/S"]}}


def attempt(
    pc: FakePc, before: str | None, after: str | None, name: str = "Tool", **more: Any
) -> ProvisioningError | None:
    old, new = (None if v is None else InstalledPackage(version=v, **more) for v in (before, after))
    change = Change(Address("windows.package", pc.target, name), old, new)
    return PACKAGE.apply(pc.session, [change])[0].error


def installing(pc: FakePc) -> list[str]:
    return [line for line in pc.ran if not line.startswith("reg ")]


def test_a_setup_program_runs_with_its_arguments_whatever_its_file_is_called(
    example: Inventory, tmp_path: Path
) -> None:
    entry = setup_of(tmp_path, arguments=["/S", "/D=C:\\Program Files\\100% Ключ"])
    pc = FakePc(with_software(example, "tool", entry), tmp_path)
    assert attempt(pc, None, "1.0") is None
    assert installing(pc) == [f'{FOLDER}\\__________100_____Tool_.exe /S "/D=C:\\Program Files\\100%% Ключ"']
    assert pc.files == {}


@pytest.mark.parametrize(
    ("code", "more", "expected", "noted"),
    [
        (0, {}, None, False),
        (3010, {}, None, True),
        (1641, {}, None, True),
        (17, {"restart_codes": [17]}, None, True),
        (3010, {"restart_codes": [17]}, "exit code 3010", False),
        (1, {"exit_codes": [0, 1]}, None, False),
        (0, {"exit_codes": [1]}, "exit code 0", False),
        (2, {}, "installing Tool 1.0 failed: exe ended with exit code 2", False),
        (112, {}, "the disk of the PC is full", False),
        (0xC0000005, {}, "it crashed", False),
        (1618, {}, "has to wait: another installation is under way", False),
    ],
)
def test_exit_codes(
    example: Inventory, tmp_path: Path, *, code: int, more: dict[str, Any], expected: str | None, noted: bool
) -> None:
    site = with_software(example, "tool", setup_of(tmp_path, **more))
    pc = FakePc(site, tmp_path, lambda line: code if "Tool_.exe" in line else 0)
    error: ProvisioningError | None
    try:
        error = attempt(pc, None, "1.0")
    except UnreachableError as exc:
        error = exc
    assert (expected in str(error)) if expected else error is None
    assert any("ProvisioningRestart" in line and line.startswith("reg add") for line in pc.ran) == noted


def test_licence_keys_travel_in_files_that_are_removed(
    example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOL_KEY", KEY)
    entry = setup_of(
        tmp_path,
        keys={"LICENCE": "env:TOOL_KEY"},
        arguments=["/S", "/KEY={LICENCE}", "/ANSWERS={answers}"],
        answer_file=["[licence]", "key={LICENCE}"],
    )
    pc = FakePc(with_software(example, "tool", entry), tmp_path)
    assert attempt(pc, None, "1.0") is None
    answers = dict(pc.written)["answers-__________100_____Tool_.exe.txt"]
    assert answers == f"[licence]\r\nkey={KEY}\r\n".encode()
    assert f'"/KEY={KEY.replace("%", "%%")}"' in installing(pc)[0]
    assert f"/ANSWERS={FOLDER}\\answers-" in installing(pc)[0]
    assert pc.files == {}


def test_a_key_of_an_msi_is_a_property(example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOL_KEY", KEY)
    entry = example.software["crm-client"]
    first = entry.versions[0].model_copy(update={"keys": {"PIDKEY": "env:TOOL_KEY"}})
    software = {"crm-client": entry.model_copy(update={"versions": (first,)})}
    pc = FakePc(example.model_copy(update={"software": software}), tmp_path)
    assert attempt(pc, None, "4.2.0", "Meridian CRM Client") is None
    batch = dict(pc.written)["steps.cmd"].decode("utf-8")
    assert f'CRM_SERVER=crm.corp.example PIDKEY="{KEY.replace("%", "%%")}" 2>nul\r\n' in batch
    assert pc.files == {}


@pytest.mark.parametrize("key", ['CANARY"x', "CANARY\nx", ""])
def test_a_key_that_cannot_be_said_is_not_repeated(
    example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("TOOL_KEY", key)
    entry = setup_of(tmp_path, keys={"LICENCE": "env:TOOL_KEY"}, arguments=["/KEY={LICENCE}"])
    pc = FakePc(with_software(example, "tool", entry), tmp_path)
    error = attempt(pc, None, "1.0")
    assert error is not None
    assert "CANARY" not in str(error)
    assert installing(pc) == []


def test_an_installer_that_hangs_is_named(example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def answer(line: str) -> int | Exception:
        if "Tool_.exe" not in line:
            return 0
        clock[0] += 1000
        return RejectedError("windows:WS-0042", "install.cmd did not finish in its time and was ended")

    pc = FakePc(with_software(example, "tool", setup_of(tmp_path), install_timeout=900), tmp_path, answer)
    error = attempt(pc, None, "1.0")
    assert "installing Tool 1.0 did not end within 900 s" in str(error)
    assert "install_timeout" in str(error)
    assert pc.files == {}


@pytest.mark.parametrize(("allowed", "removals"), [(True, 1), (False, 0)])
def test_a_downgrade_wants_to_be_asked_for(example: Inventory, tmp_path: Path, allowed: bool, removals: int) -> None:
    pc = FakePc(with_software(example, "tool", setup_of(tmp_path)), tmp_path)
    pc.exported = dict([uninstall_entry("Tool", "2.0")])
    pc.answer = goes(pc)
    error = attempt(pc, "2.0", "1.0", downgrade=allowed)
    assert len([line for line in pc.ran if "uninst.exe" in line]) == removals
    assert (error is None) == allowed
    if not allowed:
        assert "2.0 is newer than 1.0, and nobody asked for a downgrade" in str(error)
        assert installing(pc) == []


def uninstall_entry(name: str, version: str) -> tuple[str, str]:
    """An exported Uninstall key with one program that has an uninstaller in a path with spaces, and goes when asked."""
    key = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
    uninstaller = '\\"C:\\\\Program Files\\\\Tool & Co\\\\uninst.exe\\"'
    values = f'"DisplayName"="{name}"\r\n"DisplayVersion"="{version}"\r\n"UninstallString"="{uninstaller}"\r\n'
    return key, f"[{key}]\r\n\r\n[{key}\\{name}]\r\n{values}\r\n"


def goes(pc: FakePc) -> Callable[[str], int]:
    """The uninstaller does what it should."""

    def answer(line: str) -> int:
        if "uninst.exe" in line:
            pc.exported = {}
        return 0

    return answer


def test_removal_runs_the_own_uninstaller_and_waits_for_it(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(with_software(example, "tool", setup_of(tmp_path)), tmp_path)
    pc.exported = dict([uninstall_entry("Tool", "1.0")])
    pc.answer = goes(pc)
    assert attempt(pc, "1.0", None) is None
    assert installing(pc) == ['start "" /wait "C:\\Program Files\\Tool & Co\\uninst.exe" /S']


def test_what_says_no_silent_way_is_left_to_people(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(example, tmp_path)
    pc.exported = dict([uninstall_entry("Toolbar", "1.0")])
    error = attempt(pc, "1.0", None, "Toolbar")
    assert isinstance(error, RequestError)
    assert "says no way to remove it silently" in str(error)
    assert installing(pc) == []


# -- several at once ------------------------------------------------------------------------------------------------

NAMES = ("Meridian CRM Client", "Halden Archive Tool", "Corporate Fonts")
VERSIONS = ("4.2.0", "23.1.0", "1.0.0")


def apply_all(pc: FakePc, *names: str) -> dict[str, ProvisioningError | None]:
    wanted = dict(zip((*NAMES, "Tool"), (*VERSIONS, "1.0"), strict=True))
    changes = [
        Change(Address("windows.package", pc.target, name), None, InstalledPackage(version=wanted[name]))
        for name in names
    ]
    return {outcome.key: outcome.error for outcome in PACKAGE.apply(pc.session, changes)}


def test_several_msis_are_sent_together_and_installed_by_one_command(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(example, tmp_path)
    assert apply_all(pc, *NAMES) == dict.fromkeys(NAMES)
    assert pc.sent == [["crm-client-4.2.0.msi", "archive-tool-23.1.0.msi", "office-fonts-1.0.0.msi"]]
    assert [line.split()[2].rpartition("\\")[2] for line in installing(pc)] == pc.sent[0]
    assert [name for name, _ in pc.written if name.endswith(".cmd")] == ["steps.cmd"]
    assert [line.split()[1] for line in pc.ran] == ["query"] * 2 + ["/i"] * 3 + ["query"] * 2 + ["export"] * 2
    assert pc.files == {}, "the batch file removes what it installed"


def test_what_is_installed_is_read_back_by_the_command_that_installed(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(example, tmp_path)
    apply_all(pc, *NAMES)
    begun = pc.commands_begun
    PACKAGE.read(pc.session, NAMES)
    assert pc.commands_begun == begun + 1, "without an export there is nothing to go by"
    pc.exported = dict.fromkeys(UNINSTALL_KEYS, "")
    apply_all(pc, *NAMES)
    begun = pc.commands_begun
    assert PACKAGE.read(pc.session, NAMES) == {}
    assert pc.commands_begun == begun


def test_one_msi_that_fails_stops_no_other(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(example, tmp_path, lambda line: 1603 if "archive-tool" in line else 3010 if "fonts" in line else 0)
    errors = apply_all(pc, *NAMES)
    assert [name for name, error in errors.items() if error] == [NAMES[1]]
    assert "installing Halden Archive Tool 23.1.0 failed: msiexec ended with exit code 1603" in str(errors[NAMES[1]])
    assert pc.ran[-1].startswith("reg add"), "3010 of another one is noted all the same"


def test_an_msi_that_is_not_the_approved_one_stops_no_other(example: Inventory, tmp_path: Path) -> None:
    entry = example.software["archive-tool"]
    forged = entry.versions[0].model_copy(update={"sha256": "0" * 64})
    software = {**example.software, "archive-tool": entry.model_copy(update={"versions": (forged,)})}
    pc = FakePc(example.model_copy(update={"software": software}), tmp_path)
    errors = apply_all(pc, *NAMES)
    assert [name for name, error in errors.items() if error] == [NAMES[1]]
    assert pc.sent == [["crm-client-4.2.0.msi", "office-fonts-1.0.0.msi"]]


def test_an_msi_that_hangs_is_named_and_those_behind_it_are_installed(example: Inventory, tmp_path: Path) -> None:
    def answer(line: str) -> int | Exception:
        return RejectedError("windows:WS-0042", "hangs") if "archive-tool" in line else 0

    pc = FakePc(example, tmp_path, answer)
    errors = apply_all(pc, *NAMES)
    assert [name for name, error in errors.items() if error] == [NAMES[1]]
    assert "installing Halden Archive Tool 23.1.0 did not end within 300 s; msiexec and all" in str(errors[NAMES[1]])
    assert [line.rpartition("-")[0].rpartition("\\")[2] for line in installing(pc) if "fonts" in line]
    assert len([line for line in installing(pc) if "crm-client" in line]) == 1, "nothing is installed twice"
    assert pc.files == {}


def test_another_installation_under_way_is_waited_for_after_what_could_be_done(
    example: Inventory, tmp_path: Path
) -> None:
    pc = FakePc(example, tmp_path, lambda line: 1618 if "archive-tool" in line else 3010 if "fonts" in line else 0)
    with pytest.raises(UnreachableError, match=r"Halden Archive Tool .* has to wait"):
        apply_all(pc, *NAMES)
    assert pc.ran[-1].startswith("reg add"), "what needs a restart is noted before"


def test_setup_programs_are_run_one_by_one_beside_them(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(with_software(example, "tool", setup_of(tmp_path)), tmp_path)
    assert apply_all(pc, "Tool", *NAMES) == {"Tool": None, **dict.fromkeys(NAMES)}
    batches = [name for name, _ in pc.written if name.endswith(".cmd")]
    assert batches == ["steps.cmd", "install.cmd"]


def test_files_of_the_same_name_are_not_sent_together(example: Inventory, tmp_path: Path) -> None:
    site = example
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = folder / "setup.msi"
        file.write_bytes(bytes([number]))
        code = f"{{0000000{number}-0000-0000-0000-000000000000}}"
        version = {"version": "1.0", "product_code": code, "file": str(file)}
        version["sha256"] = hashlib.sha256(bytes([number])).hexdigest()
        site = with_software(site, f"p{number}", {"display_name": f"P{number}", "versions": [version]})
    pc = FakePc(site, tmp_path)
    files = InstallerFiles(pc.session, [site.software[f"p{number}"].versions[0] for number in (1, 2)])
    for number in (1, 2):
        installer = site.software[f"p{number}"].versions[0]
        files.place(installer)
        assert pc.files == {"setup.msi": bytes([number])}
        files.remove(installer)
    assert pc.sent == [["setup.msi"], ["setup.msi"]]


# -- winget and Chocolatey ------------------------------------------------------------------------------------------

WINGET = "Microsoft.DesktopAppInstaller_{}_x64__8wekyb3d8bbwe"
FIREFOX = {
    "display_name": "Mozilla Firefox",
    "versions": [{"version": "130.0", "type": "winget", "package_id": "Mozilla.Firefox"}],
}
SEVEN = {"display_name": "7-Zip", "versions": [{"version": "24.8", "type": "chocolatey", "package_id": "7zip"}]}


def source_pc(example: Inventory, tmp_path: Path, plain: dict[str, Any], code: int = 0, *allowed: str) -> FakePc:
    site = with_software(example, "thing", plain, package_sources=allowed or ("winget", "chocolatey"))
    pc = FakePc(site, tmp_path, lambda line: 0 if line.startswith("reg ") else code)
    keys = [WINGET.format(version) for version in ("1.9.25200.0", "1.22.10861.0")]
    pc.exported = {
        _APPS: "".join(f"[{_APPS}\\{key}]\r\n\r\n" for key in [*keys, "Microsoft.Paint_1_x64__8wekyb3d8bbwe"])
    }
    return pc


def test_winget_is_called_by_its_full_path(example: Inventory, tmp_path: Path) -> None:
    pc = source_pc(example, tmp_path, FIREFOX)
    assert attempt(pc, None, "130.0", "Mozilla Firefox") is None
    program = f'start "" /wait "C:\\Program Files\\WindowsApps\\{WINGET.format("1.22.10861.0")}\\winget.exe"'
    assert installing(pc)[0].startswith(f"{program} install --id Mozilla.Firefox --version 130.0 --scope machine")
    assert attempt(pc, "130.0", None, "Mozilla Firefox") is None
    assert installing(pc)[1].startswith(f"{program} uninstall --id Mozilla.Firefox")


@pytest.mark.parametrize(
    ("plain", "code", "expected"),
    [
        (FIREFOX, 0x8A150109, None),
        (FIREFOX, 0x8A150014, "winget knows no package of this id and version"),
        (FIREFOX, 0x8A15010A, "the PC must restart before"),
        (FIREFOX, 0x8A15FFFF, "see winget's list of return codes"),
        (FIREFOX, 0x8A150102, "has to wait"),
        (SEVEN, 3010, None),
        (SEVEN, 1, "see chocolatey.log"),
    ],
)
def test_exit_codes_of_sources(
    example: Inventory, tmp_path: Path, plain: dict[str, Any], code: int, expected: str | None
) -> None:
    pc = source_pc(example, tmp_path, plain, code)
    error: ProvisioningError | None
    try:
        error = attempt(pc, None, plain["versions"][0]["version"], plain["display_name"])
    except UnreachableError as exc:
        error = exc
    assert (expected in str(error)) if expected else error is None


def test_a_source_that_the_site_does_not_allow_is_not_used(example: Inventory, tmp_path: Path) -> None:
    pc = source_pc(example, tmp_path, SEVEN, 0, "winget")
    assert "does not allow chocolatey" in str(attempt(pc, None, "24.8", "7-Zip"))
    assert installing(pc) == []


def test_a_pc_without_winget_says_so(example: Inventory, tmp_path: Path) -> None:
    pc = source_pc(example, tmp_path, FIREFOX)
    pc.exported = {}
    assert "has no winget" in str(attempt(pc, None, "130.0", "Mozilla Firefox"))


# -- restarts -------------------------------------------------------------------------------------------------------

RENAMES = "    PendingFileRenameOperations    REG_MULTI_SZ    {}\r\n"


@pytest.mark.parametrize(
    ("before", "after", "noted"),
    [
        ("", "", False),
        ("", "\\??\\C:\\temp\\a\\0\\0", False),  # a file to be deleted: tidying up
        ("", "\\??\\C:\\temp\\a\\0!\\??\\C:\\Program Files\\x.dll", True),
        ("\\??\\C:\\a\\0\\??\\C:\\b", "\\??\\C:\\a\\0\\??\\C:\\b", False),  # somebody else's, from before
        ("\\??\\C:\\a\\0\\??\\C:\\b", "\\??\\C:\\a\\0\\??\\C:\\b\\0\\??\\C:\\c\\0\\??\\C:\\d", True),
    ],
)
def test_files_that_wait_for_a_restart_since_our_installation_count(
    example: Inventory, tmp_path: Path, before: str, after: str, noted: bool
) -> None:
    shown = [before, after]

    def answer(line: str) -> int | str:
        if "Session Manager" in line:
            pairs = shown.pop(0)
            return RENAMES.format(pairs) if pairs else 1
        return 0

    pc = FakePc(with_software(example, "tool", setup_of(tmp_path)), tmp_path, answer)
    assert attempt(pc, None, "1.0") is None
    assert any(line.startswith("reg add") and restart.NOTE_VALUE in line for line in pc.ran) == noted


# -- signatures -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, and the viewer's setup signed by a certificate of it."""
    folder = tmp_path_factory.mktemp("signed")

    def run(*words: str) -> None:
        subprocess.run(words, cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-nodes", "-days", "3")
    run("openssl", "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA")
    run("openssl", "req", *key, "-keyout", "kestrel.key", "-out", "kestrel.csr", "-subj", "/CN=Kestrel Imaging")
    (folder / "extensions").write_text("keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n")
    run("openssl", "x509", "-req", "-in", "kestrel.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "extensions", "-out", "kestrel.pem")  # fmt: skip
    source = EXAMPLE / "packages/kestrel-viewer-2.1.0.exe"
    run("osslsigncode", "sign", "-certs", "kestrel.pem", "-key", "kestrel.key", "-in", str(source), "-out", "setup.exe")
    run("openssl", "x509", "-in", "kestrel.pem", "-outform", "DER", "-out", "kestrel.der")
    shutil.copyfile(source, folder / "unsigned.exe")
    return folder


@pytest.mark.parametrize(
    ("file", "signer", "trusted", "expected"),
    [
        ("setup.exe", None, True, None),
        ("setup.exe", "kestrel", True, None),
        ("setup.exe", "other", True, "is not signed by the certificate 00000000"),
        ("setup.exe", None, False, "is not signed in a way that"),
        ("unsigned.exe", None, True, "is not signed in a way that"),
    ],
)
def test_signatures(
    example: Inventory,
    tmp_path: Path,
    signed: Path,
    *,
    file: str,
    signer: str | None,
    trusted: bool,
    expected: str | None,
) -> None:
    trust = signed / ("ca.pem" if trusted else "kestrel.pem")
    if not trusted:
        trust = tmp_path / "other.pem"
        words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Other", "-keyout", "k.key"]
        subprocess.run([*words, "-out", str(trust)], cwd=tmp_path, check=True, capture_output=True)
    leaf = hashlib.sha256((signed / "kestrel.der").read_bytes()).hexdigest()
    entry = setup_of(tmp_path, file=str(signed / file), sha256=hashlib.sha256((signed / file).read_bytes()).hexdigest())
    if signer is not None:
        entry["versions"][0]["signer"] = leaf if signer == "kestrel" else "0" * 64
    pc = FakePc(with_software(example, "tool", entry, signed=True, signing_trust=trust), tmp_path)
    error = attempt(pc, None, "1.0")
    assert (expected in str(error)) if expected else error is None
    assert bool(installing(pc)) == (expected is None)


def test_a_disk_that_becomes_full_leaves_no_key_behind(
    example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written of the file is there, whatever the error."""
    monkeypatch.setenv("TOOL_KEY", KEY)
    entry = setup_of(tmp_path, keys={"LICENCE": "env:TOOL_KEY"}, arguments=["/KEY={LICENCE}"])
    pc = FakePc(with_software(example, "tool", entry), tmp_path)
    write = pc.write

    def full(name: str, content: bytes) -> str:
        place = write(name, content)
        if name == "install.cmd":
            raise RejectedError(pc.target, "cannot write install.cmd: its disk is full; make room there")
        return place

    monkeypatch.setattr(pc, "write", full)
    error = attempt(pc, None, "1.0")
    assert "its disk is full" in str(error)
    assert KEY not in str(error)
    assert pc.files == {}


# -- several removed at once ----------------------------------------------------------------------------------------

CODES = {name: f"{{0000000{number}-0000-0000-0000-00000000000{number}}}" for number, name in enumerate(NAMES)}


def remove_all(pc: FakePc, *names: str) -> dict[str, ProvisioningError | None]:
    versions = dict(zip((*NAMES, "Tool"), (*VERSIONS, "1.0"), strict=True))
    changes = [
        Change(
            Address("windows.package", pc.target, name),
            InstalledPackage(version=versions[name], product_code=CODES.get(name)),
            None,
        )
        for name in names
    ]
    return {outcome.key: outcome.error for outcome in PACKAGE.apply(pc.session, changes)}


def test_several_msis_are_removed_by_one_command(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(example, tmp_path)
    assert remove_all(pc, *NAMES) == dict.fromkeys(NAMES)
    assert installing(pc) == [f"msiexec /x {CODES[name]} /qn /norestart" for name in NAMES]
    assert [name for name, _ in pc.written if name.endswith(".cmd")] == ["steps.cmd"]
    assert pc.sent == []


def test_one_msi_that_cannot_be_removed_stops_no_other(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(example, tmp_path, lambda line: 1603 if CODES[NAMES[1]] in line else 3010 if "/x" in line else 0)
    errors = remove_all(pc, *NAMES)
    assert [name for name, error in errors.items() if error] == [NAMES[1]]
    assert "removing Halden Archive Tool 23.1.0 failed: msiexec ended with exit code 1603" in str(errors[NAMES[1]])
    assert pc.ran[-1].startswith("reg add"), "3010 of another one is noted all the same"


def test_a_removal_that_hangs_is_named_and_those_behind_it_are_removed(example: Inventory, tmp_path: Path) -> None:
    def answer(line: str) -> int | Exception:
        return RejectedError("windows:WS-0042", "hangs") if CODES[NAMES[1]] in line else 0

    pc = FakePc(example, tmp_path, answer)
    errors = remove_all(pc, *NAMES)
    assert [name for name, error in errors.items() if error] == [NAMES[1]]
    assert len([line for line in installing(pc) if CODES[NAMES[2]] in line]) == 1
    assert len([line for line in installing(pc) if CODES[NAMES[0]] in line]) == 1, "nothing is removed twice"


def test_an_own_uninstaller_is_run_by_itself_beside_them(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(with_software(example, "tool", setup_of(tmp_path)), tmp_path)
    pc.exported = dict([uninstall_entry("Tool", "1.0")])
    pc.answer = goes(pc)
    assert remove_all(pc, "Tool", *NAMES) == {"Tool": None, **dict.fromkeys(NAMES)}
    assert [name for name, _ in pc.written if name.endswith(".cmd")] == ["steps.cmd", "install.cmd"]
