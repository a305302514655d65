"""One PC of the lab that can be switched on and off: a Wine prefix, a WS-Management endpoint and a file server at one
address."""

from __future__ import annotations

import os
import shutil
import sys
from ipaddress import IPv4Address
from pathlib import Path

from spnego._ntlm_raw.crypto import ntowfv1  # MD4 of the password; OpenSSL 3 has none

import provisioning
from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.process import Daemon, listening, run, wait_for
from provisioning.lab.windows import power
from provisioning.lab.windows import prefix as wine
from provisioning.lab.windows.endpoint import Settings
from provisioning.lab.windows.machine import Machine
from provisioning.lab.windows.smb import SmbServer

_BOOTS = 3  # before a PC counts as broken


class Pc:
    """One PC, in its `machine`'s folder."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._folder = folder = machine.folder
        self._address = IPv4Address(machine.address)
        self._user = machine.user
        self._password = machine.password
        self._authority = LabAuthority(machine.authority)
        self._prefix = machine.prefix
        self._endpoint = Daemon(folder, "winrm")
        self._wineserver = Daemon(folder, "wineserver")
        self._smb = SmbServer(folder / "smb", machine.name, self._address, self._prefix / "drive_c")
        self._own_address = folder / "address"  # there when we added the address to lo

    def make(self, source: Path) -> None:
        """The prefix, cloned from the template, unless it is there."""
        if not self._prefix.exists():
            building = self._folder / "prefix.partial"
            shutil.rmtree(building, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            wine.clone(source, building)
            building.rename(self._prefix)
        self.machine.save()

    def renew(self, source: Path) -> None:
        """Give it a new drive C and registry while it is switched on; nobody may be at work on it."""
        self._stop_wine()
        shutil.rmtree(self._prefix)
        self.make(source)
        self._boot()

    def running(self) -> bool:
        """Whether it answers on its ports."""
        address = str(self._address)
        return (
            self._endpoint.pid is not None
            and self._wineserver.pid is not None
            and self._smb.running
            and listening(address, 5985)
            and listening(address, 5986)
        )

    def power_on(self) -> None:
        """Switch it on; returns when it answers."""
        if self.running():
            return
        self._take_address()
        self._boot()
        self._smb.up(self._user, self._password.read_text(encoding="utf-8").rstrip("\r\n"))
        self._start_endpoint()
        address = str(self._address)
        wait_for(
            f"WinRM of {self.machine.name}",
            lambda: listening(address, 5985) and listening(address, 5986),
            seconds=60,
        )

    def power_off(self) -> None:
        """Switch it off by its button; a restart that is planned is given up."""
        power.pending(self._folder).stop()
        self.stop()
        if self._own_address.exists():
            run(["ip", "address", "del", f"{self._address}/32", "dev", "lo"], check=False)
            self._own_address.unlink()

    def stop(self) -> None:
        """Stop everything that answers at its address."""
        self._endpoint.stop()
        self._smb.down()
        self._stop_wine()

    def remove(self) -> None:
        """Remove it with all that is on it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take_address(self) -> None:
        """smbd only binds addresses that an interface carries."""
        if f" {self._address}/" not in run(["ip", "-4", "address", "show", "dev", "lo"]).stdout:
            run(["ip", "address", "add", f"{self._address}/32", "dev", "lo"])
            self._own_address.touch()

    def _boot(self) -> None:
        """Start Wine and let it come up, before anything answers at the PC's address."""
        for _ in range(_BOOTS):
            environment = wine.wine_environment(self._prefix)
            self._wineserver.start(wine.wineserver_command("-f", "-p"), env=environment, cwd=self._prefix)
            if wine.boot(self._prefix, self.machine.name):
                return
            self._stop_wine()
        raise LabError(f"Wine of {self.machine.name} did not come up; see {self._wineserver.log}")

    def _stop_wine(self) -> None:
        if self._wineserver.pid is not None:
            run(wine.wineserver_command("-k"), env=wine.wine_environment(self._prefix), timeout=30, check=False)
        self._wineserver.stop()
        wine.remove_server_folder(self._prefix)

    def _start_endpoint(self) -> None:
        certificate = self._authority.issue(
            [self.machine.host, self.machine.name.lower()], [str(self._address)], self._folder, "winrm"
        )
        settings = Settings(
            name=self.machine.name,
            address=str(self._address),
            prefix=self._prefix,
            scratch=self._folder / "scratch",
            certificate=certificate.certificate,
            key=certificate.key,
            user=self._user,
            password=self._password,
            machine=self.machine.save(),
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
                "NETBIOS_COMPUTER_NAME": self.machine.name,
                "PYTHONPATH": str(Path(provisioning.__file__).parents[1]),
            },
            cwd=self._folder,
        )

    def _ntlm_users(self) -> str:
        """The account in smbpasswd format, under each form of the name in which a client may give it."""
        account = self._user.rpartition("\\")[2].partition("@")[0]
        nt_hash = ntowfv1(self._password.read_text(encoding="utf-8").rstrip("\r\n")).hex().upper()
        names = {self._user, account, f"{self.machine.name}\\{account}", f".\\{account}"}
        return "".join(f"{name}:0:{'0' * 32}:{nt_hash}:[U]:LCT-0\n" for name in sorted(names))


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
