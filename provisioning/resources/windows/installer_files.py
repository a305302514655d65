"""The installers of one batch of packages on their way to a PC: checked here, sent together, hashed there by one
command, removed again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.connections.parcel import Parcel
from provisioning.errors import ProvisioningError
from provisioning.resources.windows.signatures import check_installer
from provisioning.site.software import Installer

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_TOGETHER = 64 * 1024 * 1024  # octets that may lie on the PC before the first of them is needed


class InstallerFiles:
    """Files of `installers`, in the order in which they will be asked for; those that have none are passed over.

    The first one that is asked for takes those behind it along, as far as they are small and called otherwise.
    """

    def __init__(self, session: WindowsSession, installers: Sequence[Installer]) -> None:
        self._session = session
        self._waiting: dict[Path | None, Installer] = {one.file: one for one in installers if one.file is not None}
        self._places: dict[Path | None, str | ProvisioningError] = {}

    def place(self, installer: Installer) -> str:
        """Its Windows path. Raises :class:`~provisioning.errors.RejectedError` for one that is not the approved one, or
        that did not arrive."""
        if installer.file not in self._places:
            self._send(installer)
        found = self._places[installer.file]
        if isinstance(found, ProvisioningError):
            raise found
        return found

    def remove(self, installer: Installer) -> None:
        """Remove it from the PC, where it got that far."""
        if isinstance(self._places.pop(installer.file, None), str) and installer.file is not None:
            self._session.delete(pushed_name(installer.file))

    def forget(self, installer: Installer) -> None:
        """It is gone from the PC already."""
        self._places.pop(installer.file, None)

    def _send(self, first: Installer) -> None:
        """Send it, and what comes behind it."""
        queue = list(self._waiting.values())
        parcels: dict[Path, Parcel] = {}
        octets = 0
        for installer in queue[queue.index(first) :] if first in queue else [first]:
            octets += _size(installer)
            names = {parcel.name for parcel in parcels.values()}
            if parcels and (octets > _TOGETHER or (installer.file and pushed_name(installer.file) in names)):
                break
            self._waiting.pop(installer.file, None)
            try:
                file = check_installer(self._session.target, self._session.inventory, installer)
            except ProvisioningError as exc:
                self._places[installer.file] = exc
            else:
                parcels[file] = Parcel(file, pushed_name(file), installer.sha256)
        self._places.update(zip(parcels, self._session.put_all(list(parcels.values())), strict=True))


def pushed_name(file: Path) -> str:
    """What it is called on the PC. Windows Installer remembers the name: a later repair wants the same one."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", file.name).lstrip(".")


def _size(installer: Installer) -> int:
    try:
        return installer.file.stat().st_size if installer.file is not None else 0
    except OSError:  # whoever reads it says so
        return 0
