"""PCs that can be switched on and off: each a Wine prefix, a WS-Management endpoint and a file server at
one address."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from spnego._ntlm_raw.crypto import ntowfv1  # MD4 of the password; OpenSSL 3 has none

import provisioning
from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.process import Daemon, listening, run, wait_for
from provisioning.lab.windows import prefix as wine
from provisioning.lab.windows.endpoint import Settings
from provisioning.lab.windows.smb import SmbServer


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
        self._pcs = {pc.name: _Pc(folder / pc.name, pc, user, password, authority) for pc in pcs}
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

    def running(self) -> bool:
        """Whether every PC answers on its ports."""
        return all(pc.running() for pc in self._pcs.values())

    def power_on(self, name: str) -> None:
        """Switch one PC on. Raises :class:`LabError` for a name that the lab does not have."""
        self._pc(name).power_on()

    def power_off(self, name: str) -> None:
        """Switch one PC off, as by its button: nobody answers at its address any more."""
        self._pc(name).power_off()

    def _pc(self, name: str) -> _Pc:
        try:
            return self._pcs[name]
        except KeyError:
            raise LabError(f"the lab has no PC {name}; it has {', '.join(self._pcs) or 'none'}") from None


class _Pc:
    def __init__(self, folder: Path, pc: WindowsPc, user: str, password: Path, authority: LabAuthority) -> None:
        self._folder = folder
        self._pc = pc
        self._user = user
        self._password = password
        self._authority = authority
        self._prefix = folder / "prefix"
        self._endpoint = Daemon(folder, "winrm")
        self._wineserver = Daemon(folder, "wineserver")
        self._smb = SmbServer(folder / "smb", pc.name, pc.address, self._prefix / "drive_c")
        self._own_address = folder / "address"  # there when we added the address to lo

    def make(self, source: Path) -> None:
        """The prefix, cloned from the template, unless it is there."""
        if not self._prefix.exists():
            building = self._folder / "prefix.partial"
            shutil.rmtree(building, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            wine.clone(source, building)
            building.rename(self._prefix)

    def running(self) -> bool:
        address = str(self._pc.address)
        return (
            self._endpoint.pid is not None
            and self._wineserver.pid is not None
            and self._smb.running
            and listening(address, 5985)
            and listening(address, 5986)
        )

    def power_on(self) -> None:
        if self.running():
            return
        self._take_address()
        environment = wine.wine_environment(self._prefix)
        self._wineserver.start(wine.wineserver_command("-f", "-p"), env=environment, cwd=self._prefix)
        self._smb.up(self._user, self._password.read_text(encoding="utf-8").rstrip("\r\n"))
        self._start_endpoint()
        address = str(self._pc.address)
        wait_for(
            f"WinRM of {self._pc.name}",
            lambda: listening(address, 5985) and listening(address, 5986),
            seconds=60,
        )

    def power_off(self) -> None:
        self._endpoint.stop()
        self._smb.down()
        if self._wineserver.pid is not None:
            run(
                wine.wineserver_command("-k"),
                env=wine.wine_environment(self._prefix),
                timeout=30,
                check=False,
            )
        self._wineserver.stop()
        wine.remove_server_folder(self._prefix)
        if self._own_address.exists():
            run(["ip", "address", "del", f"{self._pc.address}/32", "dev", "lo"], check=False)
            self._own_address.unlink()

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take_address(self) -> None:
        """smbd only binds addresses that an interface carries."""
        if f" {self._pc.address}/" not in run(["ip", "-4", "address", "show", "dev", "lo"]).stdout:
            run(["ip", "address", "add", f"{self._pc.address}/32", "dev", "lo"])
            self._own_address.touch()

    def _start_endpoint(self) -> None:
        certificate = self._authority.issue(
            [self._pc.host, self._pc.name.lower()], [str(self._pc.address)], self._folder, "winrm"
        )
        settings = Settings(
            name=self._pc.name,
            address=str(self._pc.address),
            prefix=self._prefix,
            scratch=self._folder / "scratch",
            certificate=certificate.certificate,
            key=certificate.key,
            user=self._user,
            password=self._password,
        )
        settings.save(self._folder / "winrm.json")
        users = self._folder / "ntlm.users"
        _write_private(users, self._ntlm_users())
        self._endpoint.start(
            [
                "unshare",
                "--uts",
                sys.executable,
                "-m",
                "provisioning.lab.windows",
                str(self._folder / "winrm.json"),
            ],
            env={
                "NTLM_USER_FILE": str(users),
                "NETBIOS_COMPUTER_NAME": self._pc.name,
                "PYTHONPATH": str(Path(provisioning.__file__).parents[1]),
            },
            cwd=self._folder,
        )

    def _ntlm_users(self) -> str:
        """The account in smbpasswd format, under each form of the name in which a client may give it."""
        account = self._user.rpartition("\\")[2].partition("@")[0]
        nt_hash = ntowfv1(self._password.read_text(encoding="utf-8").rstrip("\r\n")).hex().upper()
        names = {self._user, account, f"{self._pc.name}\\{account}", f".\\{account}"}
        return "".join(f"{name}:0:{'0' * 32}:{nt_hash}:[U]:LCT-0\n" for name in sorted(names))


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
