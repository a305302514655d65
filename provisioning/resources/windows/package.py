"""MSI packages from the approved catalogue, seen through the Uninstall keys and handled by Windows
Installer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from provisioning.connections.windows import WindowsSession
from provisioning.errors import ProvisioningError, RejectedError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows.exports import export
from provisioning.resources.windows.reg_file import RegistryValue
from provisioning.site import Inventory
from provisioning.site.software import Installer

UNINSTALL_KEYS = (
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
)
_PRODUCT_CODE = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_BLOCK = 1024 * 1024  # octets

SUCCESS = frozenset({0, 3010, 1641})
"""Exit codes of msiexec that mean "done": plain, with a restart to come, with a restart begun."""

ALREADY_RUNNING = 1618
"""ERROR_INSTALL_ALREADY_RUNNING (Windows Installer error messages): one installation at a time on a PC."""

_MEANINGS = {
    2: "the package file was not found on the PC",
    1601: "the Windows Installer service could not be reached; is it disabled on this PC?",
    1602: "somebody cancelled the installation",
    1603: (
        "the package itself failed (a fatal error, or a newer version is already there); its log on the PC says more"
    ),
    1605: "this product is not installed",
    1612: (
        "the source of the installed product is gone, so it cannot be removed; reinstall the same version and try again"
    ),
    1618: "another installation is running there; try again when it has finished",
    1619: "the package file could not be opened",
    1620: "the file is not a Windows Installer package",
    1625: "a policy of this PC forbids the installation",
    1627: "the installer could not begin",
    1633: "the package is for another processor type",
    1638: "another version of this product is already installed and the package does not replace it",
    1639: ("the installer did not understand its command line; check the package's properties in the catalogue"),
}
"""Windows Installer's error codes (Microsoft Learn, "MsiExec.exe and InstMsi.exe error messages")."""


class InstalledPackage(State):
    """A package as its Uninstall key shows it. The installer is found in the catalogue by its product
    code."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"product_code"})
    version: str
    product_code: str | None = None

    @classmethod
    def _same(cls, name: str, one: Any, other: Any) -> bool:
        if name == "version" and isinstance(one, str) and isinstance(other, str):
            return _numbers(one) == _numbers(other) if _numbers(one) and _numbers(other) else one == other
        return super()._same(name, one, other)


class PackageKind:
    """``windows.package``: target ``windows:NAME``, key the DisplayName of the Uninstall key."""

    name = "windows.package"
    state = InstalledPackage

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, InstalledPackage]:
        """Of two entries with the same name, the one with the higher version counts."""
        found = {name.casefold(): package for name, package in installed(session).items()}
        return {key: found[key.casefold()] for key in keys if key.casefold() in found}

    def apply(self, session: WindowsSession, changes: Sequence[Change[InstalledPackage]]) -> list[Outcome]:
        """One package after the other (Windows Installer takes one at a time); one that fails does not
        stop the others."""
        return [Outcome(change.key, _attempt(session, change)) for change in changes]


def installed(session: WindowsSession) -> dict[str, InstalledPackage]:
    """Everything that the Uninstall keys show, 64-bit and 32-bit."""
    found: dict[str, InstalledPackage] = {}
    for exported in export(session, UNINSTALL_KEYS).values():
        for key, values in exported.items():
            name, version = _text(values, "DisplayName"), _text(values, "DisplayVersion")
            if name is None:
                continue
            code = key.rpartition("\\")[2]
            package = InstalledPackage(
                version=version or "", product_code=code.upper() if _PRODUCT_CODE.fullmatch(code) else None
            )
            if name not in found or _numbers(package.version) > _numbers(found[name].version):
                found[name] = package
    return found


def find_installer(inventory: Inventory, product_code: str | None) -> Installer | None:
    """The catalogue's installer with this product code, ``None`` when the catalogue does not have it."""
    for package in inventory.software.values():
        for installer in package.versions:
            if product_code is not None and installer.product_code == product_code.upper():
                return installer
    return None


def sha256_of(path: Path) -> str:
    """Lower-case hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _attempt(session: WindowsSession, change: Change[InstalledPackage]) -> ProvisioningError | None:
    try:
        _one(session, change)
    except UnreachableError:
        raise
    except ProvisioningError as exc:
        return exc
    return None


def _one(session: WindowsSession, change: Change[InstalledPackage]) -> None:
    if change.after is None:
        if change.before is not None:
            _remove(session, change.key, change.before)
        return
    installer = find_installer(session.inventory, change.after.product_code)
    if installer is None:
        raise RequestError(
            f"{session.target}: {change.key} {change.after.version} ({change.after.product_code}) "
            "is not in the software catalogue, "
            "so it cannot be installed; add its installer under software:"
        )
    _check(session.target, installer)
    # Windows Installer remembers the name of the file: a later repair wants the same one
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", installer.file.name).lstrip(".")
    try:
        pushed = session.put(installer.file, name)
        if change.before is not None and _numbers(change.before.version) >= _numbers(change.after.version):
            _remove(session, change.key, change.before)  # Windows Installer does not go back to an older version
        properties = [f"{name}={value}" for name, value in installer.properties.items()]
        _msiexec(
            session,
            f"installing {change.key} {installer.version}",
            ["/i", pushed, "/qn", "/norestart", *properties],
        )
    finally:
        session.delete(name)


def _check(target: str, installer: Installer) -> None:
    """The local file is the one that the catalogue approves: checked before it leaves this machine."""
    try:
        found = sha256_of(installer.file)
    except OSError as exc:
        raise RejectedError(
            target, f"the installer {installer.file} cannot be read ({exc.strerror}); nothing was sent"
        ) from exc
    if found != installer.sha256:
        raise RejectedError(
            target,
            f"the installer {installer.file} is not the approved one: SHA-256 expected "
            f"{installer.sha256}, found {found}; "
            "nothing was sent. Fetch the file anew, or approve it in the software catalogue",
        )


def _remove(session: WindowsSession, name: str, package: InstalledPackage) -> None:
    code = package.product_code
    if code is None or not _PRODUCT_CODE.fullmatch(code):
        raise RequestError(
            f"{session.target}: {name} {package.version} is not a Windows Installer product; remove it by hand"
        )
    _msiexec(session, f"removing {name} {package.version}", ["/x", code, "/qn", "/norestart"])


def _msiexec(session: WindowsSession, deed: str, arguments: Sequence[str]) -> None:
    result = session.run(["msiexec", *arguments], timeout=session.inventory.windows.install_timeout)
    if result.exit_code == ALREADY_RUNNING:
        raise UnreachableError(session.target, f"{deed} has to wait: another installation is under way on the PC")
    if result.exit_code not in SUCCESS:
        meaning = _MEANINGS.get(result.exit_code, "see Microsoft's list of Windows Installer error codes")
        raise RejectedError(
            session.target, f"{deed} failed: msiexec ended with exit code {result.exit_code}, {meaning}"
        )


def _text(values: dict[str, RegistryValue], name: str) -> str | None:
    found = next((value.data for key, value in values.items() if key.casefold() == name.casefold()), None)
    return found.strip() if isinstance(found, str) and found.strip() else None


def _numbers(version: str) -> tuple[int, ...]:
    """``4.2.0`` → (4, 2): numbers for comparison, final zeros left out; empty for what is not a row of
    numbers."""
    if not re.fullmatch(r"\d+(\.\d+)*", version):
        return ()
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


PACKAGE = PackageKind()
