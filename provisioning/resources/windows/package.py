"""Packages from the approved catalogue: Windows Installer packages, setup programs, and what winget or Chocolatey
bring."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome
from provisioning.resources.windows import restart, sources
from provisioning.resources.windows.entries import (
    UNINSTALL_KEYS,
    Entry,
    any_registered,
    entries,
    find,
    packages_by_name,
    read_packages,
)
from provisioning.resources.windows.exports import SharesExports
from provisioning.resources.windows.installer_files import InstallerFiles
from provisioning.resources.windows.installers import Deed, Ended, install, run
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.signatures import sha256_of
from provisioning.resources.windows.together import install_together, remove_together
from provisioning.site import Inventory
from provisioning.site.software import Installer, Package, Uninstall
from provisioning.site.versions import is_older, satisfies

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

__all__ = ["PACKAGE", "UNINSTALL_KEYS", "InstalledPackage", "PackageKind", "find_installer", "sha256_of"]

_MSI_RESTART = (3010, 1641)
_SETTLED_WITHIN = 60.0  # seconds
_POLL = 1.0  # seconds
_COMMAND = re.compile(r'\s*(?:"(?P<quoted>[^"]+)"|(?P<plain>[^"\s]+\.exe))(?P<rest>[^"]*)', re.IGNORECASE)


class PackageKind(SharesExports):
    """``windows.package``: target ``windows:NAME``, key the `display_name` of the catalogue, or the DisplayName of the
    Uninstall key of what is in no catalogue."""

    name = "windows.package"
    state = InstalledPackage

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, InstalledPackage]:
        """Each package the way that its catalogue entry says (see :mod:`provisioning.resources.windows.entries`)."""
        return read_packages(session, keys)

    def questions(self, session: WindowsSession, keys: Sequence[str]) -> tuple[str, ...]:
        """What :meth:`read` exports."""
        return UNINSTALL_KEYS if any_registered(session.inventory, keys) else ()

    def apply(self, session: WindowsSession, changes: Sequence[Change[InstalledPackage]]) -> list[Outcome]:
        """One package after the other (Windows Installer takes one at a time); one that fails does not stop the others.
        Windows Installer packages that replace nothing go by one command, those that only go by another. What needs a
        restart is noted for ``windows.restart``."""
        wanted = {change.key: one for change in changes if (one := _to_install(session, change)) is not None}
        files = InstallerFiles(session, list(wanted.values()))
        simple = {change.key: wanted[change.key] for change in changes if _is_simple(change, wanted.get(change.key))}
        errors: dict[str, ProvisioningError | None] = dict.fromkeys(change.key for change in changes)
        if simple:
            errors |= install_together(session, simple, files)
        going = _to_remove(session, changes)
        if going:
            errors |= remove_together(session, going)
        if others := [change for change in changes if change.key not in simple and change.key not in going]:
            errors |= _in_turn(session, others, files)
        return [Outcome(change.key, errors[change.key]) for change in changes]


def _in_turn(
    session: WindowsSession, changes: Sequence[Change[InstalledPackage]], files: InstallerFiles
) -> dict[str, ProvisioningError | None]:
    """What became of each, those that may settle later included."""
    before = restart.waiting(session)
    try:
        errors = {change.key: _attempt(session, change, files) for change in changes}
    except UnreachableError:  # another installation is under way, or the PC went away
        with suppress(ProvisioningError):
            restart.note_growth(session, before)
        raise
    restart.note_growth(session, before)
    return errors


def find_installer(inventory: Inventory, product_code: str | None) -> Installer | None:
    """The catalogue's installer with this product code, ``None`` when the catalogue does not have it."""
    for package in inventory.software.values():
        for installer in package.versions:
            if product_code is not None and installer.product_code == product_code.upper():
                return installer
    return None


def _attempt(
    session: WindowsSession, change: Change[InstalledPackage], files: InstallerFiles
) -> ProvisioningError | None:
    try:
        ended = _one(session, change, files)
        if ended.restart:
            restart.note(session)
    except UnreachableError:
        raise
    except ProvisioningError as exc:
        return exc
    return None


def _to_install(session: WindowsSession, change: Change[InstalledPackage]) -> Installer | None:
    """The installer that :func:`_one` will want, if it comes to that."""
    if change.after is None or _is_refused_downgrade(change):
        return None
    package = packages_by_name(session.inventory).get(change.key.casefold())
    return _wanted(session.inventory, package, change.after)


def _is_simple(change: Change[InstalledPackage], installer: Installer | None) -> bool:
    """An MSI before which nothing has to be removed (see :func:`_one`)."""
    before, after = change.before, change.after
    if installer is None or installer.type != "msi" or after is None:
        return False
    return before is None or not (is_older(after.version, before.version) or satisfies(before.version, after.version))


def _to_remove(
    session: WindowsSession, changes: Sequence[Change[InstalledPackage]]
) -> dict[str, tuple[Deed, Sequence[str]]]:
    """How Windows Installer removes what only goes, by name: for two or more, as a fresh read shows them."""
    going = {change.key: change.before for change in changes if change.after is None and change.before is not None}
    if len(going) < 2:
        return {}
    catalogue, installed = packages_by_name(session.inventory), entries(session)
    removals: dict[str, tuple[Deed, Sequence[str]]] = {}
    for name, before in going.items():
        package = catalogue.get(name.casefold())
        if (one := _msi_removal(name, package, before, find(package, name, installed))) is not None:
            removals[name] = one
    return removals


def _is_refused_downgrade(change: Change[InstalledPackage]) -> bool:
    before, after = change.before, change.after
    return before is not None and after is not None and not after.downgrade and is_older(after.version, before.version)


def _one(session: WindowsSession, change: Change[InstalledPackage], files: InstallerFiles) -> Ended:
    package = packages_by_name(session.inventory).get(change.key.casefold())
    if change.after is None:
        return _remove(session, change.key, package, change.before) if change.before is not None else Ended(False)
    installer = _wanted(session.inventory, package, change.after)
    if installer is None:
        raise RequestError(
            f"{session.target}: {change.key} {change.after.version} ({change.after.product_code or 'no product code'}) "
            "is not in the software catalogue, "
            "so it cannot be installed; add its installer under software:"
        )
    removed = Ended(False)
    if change.before is not None and is_older(change.after.version, change.before.version):
        if _is_refused_downgrade(change):
            raise RequestError(
                f"{session.target}: {change.key} {change.before.version} is newer than {change.after.version}, and "
                "nobody asked for a downgrade; it was left alone (--allow-downgrade asks for it)"
            )
        removed = _remove(session, change.key, package, change.before)  # installers do not go back to an older version
    elif change.before is not None and satisfies(change.before.version, change.after.version):
        removed = _remove(session, change.key, package, change.before)  # the same version under another product code
    ended = install(session, change.key, installer, files)
    wanted = change.after
    _settle(lambda: (seen := read_packages(session, [change.key]).get(change.key)) and wanted.agrees_with(seen))
    return Ended(ended.restart or removed.restart)


def _wanted(inventory: Inventory, package: Package | None, wanted: InstalledPackage) -> Installer | None:
    """By the product code, where one is named; else the first of the package's versions that fits."""
    if wanted.product_code is not None:
        return find_installer(inventory, wanted.product_code)
    return package.installer(wanted.version) if package is not None else None


# ------------------------------------------------------------------------------------------------------------ removal


def _remove(session: WindowsSession, name: str, package: Package | None, before: InstalledPackage) -> Ended:
    """Remove what a fresh read shows, the way that suits it."""
    entry = find(package, name, entries(session))
    if (removal := _msi_removal(name, package, before, entry)) is not None:
        return run(session, *removal)
    deed = _removing(name, before)
    if (source := _source(package, entry)) is not None:
        words, good, restart_codes = sources.remove_words(session, source)
        return run(session, Deed(deed.words, source.type, good, restart_codes), words)
    own = (package.uninstall if package is not None else None) or Uninstall()
    words = _uninstaller(session, name, entry, own)
    ended = run(session, Deed(deed.words, "exe", own.exit_codes, own.restart_codes), words)
    _settle(lambda: not read_packages(session, [name]))
    return ended


def _msi_removal(
    name: str, package: Package | None, before: InstalledPackage, entry: Entry | None
) -> tuple[Deed, list[str]] | None:
    """What Windows Installer removes, and how; ``None`` for what goes another way. `entry`: what there is now."""
    code = entry.product_code if entry is not None else before.product_code
    own = package.uninstall if package is not None else None
    if code is None or own is not None or _source(package, entry) is not None:
        return None
    return _removing(name, before), ["msiexec", "/x", code, "/qn", "/norestart"]


def _removing(name: str, before: InstalledPackage) -> Deed:
    return Deed(f"removing {name} {before.version}", "msiexec", (0,), _MSI_RESTART)


def _source(package: Package | None, entry: Entry | None) -> Installer | None:
    """The winget or Chocolatey package that this one came as."""
    if package is None:
        return None
    installer = (package.installer(entry.version) if entry is not None else None) or package.versions[0]
    return installer if installer.type in {"winget", "chocolatey"} else None


def _uninstaller(session: WindowsSession, name: str, entry: Entry | None, own: Uninstall) -> list[str]:
    """The package's own uninstaller and its silent arguments."""
    if own.program is not None:
        return [own.program, *own.arguments]
    for command, arguments in (
        (entry.uninstall if entry and own.arguments else "", list(own.arguments)),
        (entry.quiet_uninstall if entry else "", None),
    ):
        if match := _COMMAND.fullmatch(command):
            program = match["quoted"] or match["plain"]
            return [program, *(match["rest"].split() if arguments is None else arguments)]
    raise RequestError(
        f"{session.target}: {name} says no way to remove it silently; give the catalogue its uninstall arguments, or "
        "remove it by hand"
    )


def _settle(done: Callable[[], object]) -> None:
    """Many setup programs and uninstallers copy themselves, return at once and work on: give them a moment."""
    deadline = time.monotonic() + _SETTLED_WITHIN
    while not done() and time.monotonic() < deadline:
        time.sleep(_POLL)


PACKAGE = PackageKind()
