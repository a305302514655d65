"""The lab's DHCP host as an administrator sees it: SFTP, read-only, a few files at their usual paths."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh

from provisioning.lab.process import Daemon, listening, wait_for
from provisioning.lab.ssh_service import PasswordServer, ensure_host_key, ensure_password, known_hosts_line


class FileHost:
    """An SFTP server on ``address:port`` that shows `files` (path there → file here) and nothing else, to
    read only."""

    def __init__(
        self,
        folder: Path,
        host: str,
        address: str,
        files: Mapping[str, Path],
        *,
        user: str,
        password_file: Path,
        port: int = 22,
    ) -> None:
        self.folder = folder
        self.known_hosts = folder / "known_hosts"
        self._host = host
        self._address = address
        self._port = port
        self._user = user
        self._password_file = password_file
        self._files = files
        self._daemon = Daemon(folder, "file-host")

    def up(self) -> None:
        """Start the server. Raises :class:`LabError`."""
        if self.running():
            return
        self._daemon.stop()
        ensure_password(self._password_file)
        key = ensure_host_key(self.folder / "host_key")
        self.known_hosts.write_text(known_hosts_line(self._host, self._port, key))
        settings = self.folder / "file-host.json"
        settings.write_text(
            json.dumps(
                {
                    "address": self._address,
                    "port": self._port,
                    "user": self._user,
                    "key": str(key),
                    "password_file": str(self._password_file),
                    "files": {there: str(here) for there, here in self._files.items()},
                }
            )
        )
        self._daemon.start([sys.executable, "-m", "provisioning.lab.file_server", str(settings)])
        wait_for(f"file host {self._host} on {self._address}", lambda: listening(self._address, self._port))

    def down(self) -> None:
        """Stop the server."""
        self._daemon.stop()

    def running(self) -> bool:
        """Whether the process runs and accepts connections."""
        return self._daemon.pid is not None and listening(self._address, self._port)


class _Files(asyncssh.SFTPServer):
    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], files: Mapping[str, str]) -> None:
        super().__init__(chan)
        self._files = files

    def map_path(self, path: bytes) -> bytes:
        here = self._files.get(path.decode("utf-8", "replace"))
        if here is None:
            raise asyncssh.SFTPNoSuchFile("No such file")
        return here.encode()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC):
            raise asyncssh.SFTPPermissionDenied("read-only")
        return super().open(path, pflags, attrs)

    def _refuse(self, *_: object, **__: object) -> Any:
        raise asyncssh.SFTPPermissionDenied("read-only")

    open56 = remove = rename = posix_rename = mkdir = rmdir = setstat = lsetstat = fsetstat = symlink = link = _refuse


async def _serve(settings: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncssh.listen(
        settings["address"],
        settings["port"],
        server_host_keys=[settings["key"]],
        server_factory=lambda: PasswordServer(settings["user"], Path(settings["password_file"])),
        sftp_factory=lambda chan: _Files(chan, settings["files"]),
        allow_scp=False,
        agent_forwarding=False,
    )
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text())))
