"""PCs that can be switched on and off: each a Wine prefix, a WS-Management endpoint and a file server at
one address."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.windows import power
from provisioning.lab.windows import prefix as wine
from provisioning.lab.windows.machine import Machine
from provisioning.lab.windows.pc import Pc


@dataclass(frozen=True)
class WindowsPc:
    """One PC: its computer name, the DNS name that its certificate proves, and its loopback address."""

    name: str
    host: str
    address: IPv4Address


class WindowsPcs:
    """The PCs of one lab, in ``<folder>/<NAME>``. `user` and the `password` file (mode 0600, made by the
    caller) are the one account that administers them all, as the site writes it."""

    def __init__(
        self, folder: Path, pcs: Sequence[WindowsPc], *, user: str, password: Path, authority: LabAuthority
    ) -> None:
        self._pcs = {
            pc.name: Pc(
                Machine(
                    name=pc.name,
                    host=pc.host,
                    address=str(pc.address),
                    folder=folder / pc.name,
                    user=user,
                    password=password,
                    authority=authority.certificate.parent,
                )
            )
            for pc in pcs
        }
        self._folder = folder

    def up(self) -> None:
        """Make what is missing and switch every PC on. Idempotent."""
        source = wine.template()
        self._folder.mkdir(parents=True, exist_ok=True)
        for pc in self._pcs.values():
            pc.make(source)
            pc.power_on()

    def down(self) -> None:
        """Switch every PC off and remove it."""
        for pc in self._pcs.values():
            pc.power_off()
            pc.remove()
        shutil.rmtree(self._folder, ignore_errors=True)

    def renew(self, name: str) -> None:
        """Give a PC that is switched on a new drive C and registry."""
        self._pc(name).renew(wine.template())

    def running(self) -> bool:
        """Whether every PC answers on its ports."""
        return all(pc.running() for pc in self._pcs.values())

    def power_on(self, name: str) -> None:
        """Switch one PC on. Raises :class:`LabError` for a name that the lab does not have."""
        self._pc(name).power_on()

    def power_off(self, name: str) -> None:
        """Switch one PC off, as by its button: nobody answers at its address any more."""
        self._pc(name).power_off()

    def sign_in(self, name: str, sid: str, login: str, domain: str = "CORP") -> None:
        """Let somebody sign in at a PC: as a restart sees it, by the registry."""
        power.sign_in(self._pc(name).machine, sid, login, domain)

    def sign_out(self, name: str, sid: str) -> None:
        """Let them sign out again."""
        power.sign_out(self._pc(name).machine, sid)

    def make_profile(self, name: str, sid: str, login: str) -> Path:
        """Leave what a first sign-in leaves: a folder and its entry in the ProfileList. Gives the folder here."""
        machine = self._pc(name).machine
        folder = self.drive(name) / "users" / login
        for below in ("Desktop", "Documents", "Favorites"):
            (folder / below).mkdir(parents=True, exist_ok=True)
        key = rf"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{sid}"
        machine.reg("add", key, "/v", "ProfileImagePath", "/t", "REG_EXPAND_SZ", "/d", rf"C:\users\{login}", "/f")
        return folder

    def remove_profile(self, name: str, sid: str, login: str) -> None:
        """Remove a profile with all that is in it."""
        key = rf"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{sid}"
        self._pc(name).machine.reg("delete", key, "/f", check=False)
        shutil.rmtree(self.drive(name) / "users" / login, ignore_errors=True)

    def drive(self, name: str) -> Path:
        """Where drive C of a PC lies on this machine."""
        return self._pc(name).machine.prefix / "drive_c"

    def _pc(self, name: str) -> Pc:
        try:
            return self._pcs[name]
        except KeyError:
            raise LabError(f"the lab has no PC {name}; it has {', '.join(self._pcs) or 'none'}") from None
