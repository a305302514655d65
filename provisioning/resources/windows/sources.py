"""winget and Chocolatey: packages that a PC fetches itself, where the site allows it.

Neither exists in the lab: what is here follows their documentation (Microsoft Learn, "winget install" and
"return codes"; docs.chocolatey.org, "choco install") and is on the list of things to check on a real PC.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from provisioning.errors import RejectedError, RequestError
from provisioning.resources.windows.exports import export
from provisioning.site.software import Installer
from provisioning.site.versions import numbers

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_APPS = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Appx\\AppxAllUserStore\\Applications"
_WINGET = re.compile(r"Microsoft\.DesktopAppInstaller_([0-9.]+)_[a-z0-9]+__8wekyb3d8bbwe")
_APPS_FOLDER = "C:\\Program Files\\WindowsApps"
CHOCO = "C:\\ProgramData\\chocolatey\\bin\\choco.exe"
_WINGET_OPTIONS = ("--exact", "--source", "winget", "--silent", "--disable-interactivity", "--accept-source-agreements")

_WINGET_RESTART = (0x8A150109, 0x8A15010B)
"""INSTALL_REBOOT_REQUIRED_TO_FINISH and INSTALL_REBOOT_INITIATED."""

Said = tuple[Sequence[str], Collection[int], Collection[int]]
"""The words, the exit codes that mean done, and those that mean done after a restart."""


def install_words(session: WindowsSession, installer: Installer) -> Said:
    """How to install (or bring up to date) a package of a source. Raises :class:`RequestError` for a source that the
    site does not allow, :class:`RejectedError` for a PC that does not have it."""
    package = _allowed(session, installer)
    if installer.type == "chocolatey":
        words = [CHOCO, "upgrade", package, "--version", installer.version, "--allow-downgrade", "--yes"]
        return [*words, "--no-progress", "--limit-output"], (0,), (3010, 1641)
    options = ["--id", package, "--version", installer.version, "--scope", "machine", "--force"]
    words = [winget(session), "install", *options, "--accept-package-agreements", *_WINGET_OPTIONS]
    return words, (0,), _WINGET_RESTART


def remove_words(session: WindowsSession, installer: Installer) -> Said:
    """How to remove a package of a source."""
    package = _allowed(session, installer)
    if installer.type == "chocolatey":
        return [CHOCO, "uninstall", package, "--yes", "--no-progress", "--limit-output"], (0, 1605, 1614), (3010, 1641)
    return [winget(session), "uninstall", "--id", package, *_WINGET_OPTIONS], (0,), _WINGET_RESTART


def _allowed(session: WindowsSession, installer: Installer) -> str:
    if installer.type not in session.inventory.windows.package_sources or installer.package_id is None:
        raise RequestError(
            f"{session.target}: the site does not allow {installer.type} (windows: package_sources); nothing was done"
        )
    return installer.package_id


def winget(session: WindowsSession) -> str:
    """The full path of winget.exe: its short name exists for people at the keyboard only. Every package that is
    there for all users has a key of its full name. Raises :class:`RejectedError` where there is none."""
    keys = (key.rpartition("\\")[2] for key in export(session, [_APPS])[_APPS])
    found = [match for match in map(_WINGET.fullmatch, keys) if match]
    if not found:
        raise RejectedError(
            session.target,
            "has no winget (App Installer) for all users; provision it there, or give the catalogue a file",
        )
    newest = max(found, key=lambda match: numbers(match[1]))
    return f"{_APPS_FOLDER}\\{newest[0]}\\winget.exe"
