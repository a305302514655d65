"""The file server of one PC: its own smbd on ADDRESS:445, serving the prefix's C$ to the PC's
administrator."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from pathlib import Path

from provisioning.lab.process import Daemon, listening, run, wait_for

PORT = 445


class SmbServer:
    """smbd with a folder of its own for everything that Samba otherwise keeps in /var and /run."""

    def __init__(self, folder: Path, name: str, address: IPv4Address, drive_c: Path) -> None:
        self._folder = folder
        self._name = name
        self._address = address
        self._drive_c = drive_c
        self._configuration = folder / "smb.conf"
        self._daemon = Daemon(folder, "smbd")

    @property
    def running(self) -> bool:
        return self._daemon.pid is not None and listening(str(self._address), PORT)

    def up(self, user: str, password: str) -> None:
        """Start it; `user` (as the site writes it, with or without a domain) signs in with `password`."""
        if self.running:
            return
        for name in ("private", "lock", "state", "cache", "run", "ncalrpc", "winbindd"):
            (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        account = user.rpartition("\\")[2].partition("@")[0]
        (self._folder / "users.map").write_text(f'root = "{account}" "{user}"\n')
        self._configuration.write_text(self._settings())
        run(
            ["pdbedit", "-s", str(self._configuration), "-a", "-u", "root", "-t"],
            stdin=f"{password}\n{password}\n",
        )
        # _NO_WINBINDD keeps Samba's libraries from asking the machine's own winbindd, or another lab's
        self._daemon.start(
            ["smbd", "--foreground", "--no-process-group", "-s", str(self._configuration)],
            env={"_NO_WINBINDD": "1"},
        )
        wait_for(f"smbd of {self._name}", lambda: self.running, seconds=20)

    def down(self) -> None:
        self._daemon.stop()

    def _settings(self) -> str:
        folder = self._folder
        settings = {
            "server role": "standalone server",
            "netbios name": re.sub(r"[^A-Za-z0-9-]", "", self._name)[:15],
            "workgroup": "LAB",
            "interfaces": f"{self._address}/32",
            "bind interfaces only": "yes",
            "smb ports": PORT,
            "disable netbios": "yes",
            "server min protocol": "SMB3",
            "server signing": "mandatory",
            "map to guest": "never",
            "username map": folder / "users.map",
            "passdb backend": f"tdbsam:{folder / 'private/passdb.tdb'}",
            "private dir": folder / "private",
            "lock directory": folder / "lock",
            "state directory": folder / "state",
            "cache directory": folder / "cache",
            "pid directory": folder / "run",
            "ncalrpc dir": folder / "ncalrpc",
            "winbindd socket directory": folder / "winbindd",
            "log file": folder / "smbd.messages",
            "load printers": "no",
            "printcap name": "/dev/null",
            "disable spoolss": "yes",
            "host msdfs": "no",
        }
        share = {
            "path": self._drive_c,
            "valid users": "root",
            "force user": "root",
            "read only": "no",
            "browseable": "no",
            "map archive": "no",
            "wide links": "no",
        }
        lines = ["[global]", *(f"    {key} = {value}" for key, value in settings.items())]
        lines += ["[C$]", *(f"    {key} = {value}" for key, value in share.items()), ""]
        return "\n".join(lines)
