"""What is installed on a PC: the Uninstall keys, 64-bit and 32-bit, and the versions of program files.

Source: Microsoft Learn, "Uninstall Registry Key" (DisplayName, DisplayVersion, Publisher, SystemComponent,
ParentKeyName, UninstallString). Names of values are the same in every language; DisplayName is the vendor's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.connections.tree_entries import GoneError, InUseError
from provisioning.errors import RejectedError, UnreachableError
from provisioning.resources.windows.exports import Exported, export
from provisioning.resources.windows.file_version import NotProgramError, Seekable, file_version
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.reg_file import RegistryValue
from provisioning.site import Inventory
from provisioning.site.software import Package
from provisioning.site.versions import numbers

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_BRANCH = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
_BRANCH_32 = "SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
UNINSTALL_KEYS = (f"HKEY_LOCAL_MACHINE\\{_BRANCH}", f"HKEY_LOCAL_MACHINE\\{_BRANCH_32}")
_PRODUCT_CODE = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_PROFILE = re.compile(r"^HKEY_USERS\\(S-1-(?:5-21|12-1)(?:-\d+){4})\s*$", re.MULTILINE)
"""Profiles of people that are loaded: accounts of a domain or the PC, and of Entra ID."""
_COPY_TIMEOUT = 120.0  # seconds for a program on another drive


@dataclass(frozen=True)
class Entry:
    """One key below Uninstall that has a DisplayName. `person` is the SID of whoever installed it for themselves only,
    `hidden` whether Windows leaves it out of its own list (parts and updates of other packages)."""

    name: str
    version: str
    key: str
    publisher: str = ""
    uninstall: str = ""
    quiet_uninstall: str = ""
    hidden: bool = False
    person: str | None = None

    @property
    def product_code(self) -> str | None:
        """The MSI product code, where the key is one."""
        return self.key.upper() if _PRODUCT_CODE.fullmatch(self.key) else None

    def state(self) -> InstalledPackage:
        """The entry as a package's state."""
        return InstalledPackage(version=self.version, product_code=self.product_code)


def entries(session: WindowsSession) -> list[Entry]:
    """Everything that is installed for everybody."""
    return [entry for exported in export(session, UNINSTALL_KEYS).values() for entry in _entries(exported)]


def entries_of_people(session: WindowsSession) -> list[Entry]:
    """What people installed for themselves only, as far as their profiles are loaded (somebody is signed in, or
    was not long ago)."""
    listed = session.run(["reg", "query", "HKU"])
    if listed.exit_code != 0:  # it is always there; a PC that is going down starts no programs any more
        raise RejectedError(session.target, f"cannot list its loaded profiles (reg query HKU: {listed.exit_code})")
    keys = {f"HKEY_USERS\\{sid}\\{_BRANCH}": sid for sid in _PROFILE.findall(listed.stdout.replace("\r\n", "\n"))}
    found = export(session, list(keys)) if keys else {}
    return [entry for key, exported in found.items() for entry in _entries(exported, keys[key])]


def is_of(package: Package, entry: Entry) -> bool:
    """Whether an entry is a package of the catalogue: by the Uninstall key that this names, else by its DisplayName or
    by a product code of one of its versions."""
    if package.detect is not None and package.detect.uninstall_key is not None:
        return entry.key.casefold() == package.detect.uninstall_key.casefold()
    codes = {one.product_code for one in package.versions if one.product_code}
    return entry.name.casefold() == package.display_name.casefold() or entry.product_code in codes


def find(package: Package | None, display_name: str, found: Iterable[Entry]) -> Entry | None:
    """The entry of a package (see :func:`is_of`), or of what no catalogue has, by its DisplayName. Of several, the one
    with the highest version counts."""
    if package is not None:
        fitting = [entry for entry in found if is_of(package, entry)]
    else:
        fitting = [entry for entry in found if entry.name.casefold() == display_name.casefold()]
    return max(fitting, key=lambda entry: numbers(entry.version), default=None)


def packages_by_name(inventory: Inventory) -> Mapping[str, Package]:
    """Display name, case folded → the catalogue's package."""
    return {package.display_name.casefold(): package for package in inventory.software.values()}


def read_packages(session: WindowsSession, names: Sequence[str]) -> dict[str, InstalledPackage]:
    """The packages of these display names that are installed, each found the way that its catalogue entry says."""
    catalogue, files = packages_by_name(session.inventory), _known_by_file(session.inventory, names)
    states: dict[str, InstalledPackage] = {}
    if len(files) < len(names):
        found = entries(session)
        for name in names:
            if name not in files and (entry := find(catalogue.get(name.casefold()), name, found)) is not None:
                states[name] = entry.state()
    versions = program_versions(session, list(dict.fromkeys(files.values()))) if files else {}
    for name, path in files.items():
        if (version := versions.get(path)) is not None:
            states[name] = InstalledPackage(version=version, product_code=None)
    return states


def any_registered(inventory: Inventory, names: Sequence[str]) -> bool:
    """Whether an Uninstall key tells of one of these packages."""
    return len(_known_by_file(inventory, names)) < len(names)


def _known_by_file(inventory: Inventory, names: Sequence[str]) -> dict[str, str]:
    """Display name → the program file that tells of the package, where one does."""
    catalogue, files = packages_by_name(inventory), dict[str, str]()
    for name in names:
        package = catalogue.get(name.casefold())
        if package is not None and package.detect is not None and package.detect.file is not None:
            files[name] = package.detect.file
    return files


def program_versions(session: WindowsSession, paths: Sequence[str]) -> dict[str, str]:
    """Path → version of the program there; files that are not there are left out. Of a program on the share only its
    headers are read; one on another drive is copied by the PC to where we can read it."""
    tree, found = session.tree(), {}
    for path in paths:
        copy = None if session.shared(path) else session.path("program.bin")
        if copy is not None and not _copied(session, path, copy):
            continue
        try:
            with tree.reading(session.shared(copy or path) or "") as program:
                found[path] = _version(session, path, program)
        except GoneError:
            if copy is not None:
                raise RejectedError(session.target, f"{path} was copied on the PC, but the copy is not there") from None
        except InUseError as exc:
            raise UnreachableError(
                session.target, f"{path} is open in another program, so it tells no version"
            ) from exc
        finally:
            if copy is not None:
                session.delete("program.bin")
    return found


def _copied(session: WindowsSession, path: str, copy: str) -> bool:
    """Copy a file on the PC; ``False`` when there is none. ``copy`` has one exit code for that and for a refusal, but
    who may not read a file still sees it in its folder."""
    code = session.run(["cmd", "/c", "copy", "/b", "/y", path, copy], timeout=_COPY_TIMEOUT).exit_code
    if code == 0:
        return True
    session.delete(copy.rpartition("\\")[2])
    seen = session.run(["cmd", "/c", "dir", "/b", "/a", path]).stdout.casefold().splitlines()
    if code != 1 or path.rpartition("\\")[2].casefold() in seen:
        raise RejectedError(session.target, f"{path} cannot be copied to where it can be read (copy: {code})")
    return False


def _version(session: WindowsSession, path: str, program: Seekable) -> str:
    try:
        return file_version(program) or ""
    except NotProgramError as exc:
        message = f"{path} tells no version: {exc}; use another way to detect it"
        raise RejectedError(session.target, message) from exc


def _entries(exported: Exported, person: str | None = None) -> Iterable[Entry]:
    for path, values in exported.items():
        text = {name.casefold(): _text(value) for name, value in values.items()}
        name = text.get("displayname", "")
        if not name:
            continue
        component = next((v.data for n, v in values.items() if n.casefold() == "systemcomponent"), 0)
        yield Entry(
            name,
            text.get("displayversion", ""),
            path.rpartition("\\")[2],
            publisher=text.get("publisher", ""),
            uninstall=text.get("uninstallstring", ""),
            quiet_uninstall=text.get("quietuninstallstring", ""),
            hidden=component == 1 or bool(text.get("parentkeyname")),
            person=person,
        )


def _text(value: RegistryValue) -> str:
    return value.data.strip() if value.type in {"REG_SZ", "REG_EXPAND_SZ"} and isinstance(value.data, str) else ""
