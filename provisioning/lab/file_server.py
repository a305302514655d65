"""A Unix host of the lab as an administrator sees it: SFTP, files to read, folders to write, a few commands."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncssh

from provisioning.lab.process import Daemon, listening, wait_for
from provisioning.lab.ssh_service import PasswordServer, ensure_host_key, ensure_password, known_hosts_line


class FileHost:
    """An SSH server on ``address:port`` with nothing but `files` (path there → file here, to read), `folders` (path
    there → folder here, to read and write) and `commands` (what is asked for → the words that are run here)."""

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
        folders: Mapping[str, Path] | None = None,
        commands: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self.known_hosts = folder / "known_hosts"
        self._host = host
        self._address = address
        self._port = port
        self._user = user
        self._password_file = password_file
        self._files = files
        self._folders = folders or {}
        self._commands = commands or {}
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
                    "folders": {there: str(here) for there, here in self._folders.items()},
                    "commands": {asked: list(words) for asked, words in self._commands.items()},
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
    """Paths are mapped one by one; what is not mapped does not exist, and only mapped folders are written to."""

    def __init__(
        self, chan: asyncssh.SSHServerChannel[bytes], files: Mapping[str, str], folders: Mapping[str, str]
    ) -> None:
        super().__init__(chan)
        self._files = files
        self._folders = folders

    def map_path(self, path: bytes) -> bytes:
        asked = path.decode("utf-8", "replace")
        if (here := self._files.get(asked)) is not None:
            return here.encode()
        for there, folder in self._folders.items():
            if asked == there:
                return folder.encode()
            if asked.startswith(f"{there}/") and not {".", ".."} & set(asked.split("/")):
                return f"{folder}{asked.removeprefix(there)}".encode()
        raise asyncssh.SFTPNoSuchFile("No such file")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        writing = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
        if pflags & writing:
            self._writable(path)
        return super().open(path, pflags, attrs)

    def remove(self, path: bytes) -> Any:
        self._writable(path)
        return super().remove(path)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        self._writable(path)
        return super().mkdir(path, attrs)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        self._writable(path)
        return super().setstat(path, attrs)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._writable(oldpath)
        self._writable(newpath)
        return super().posix_rename(oldpath, newpath)

    def _writable(self, path: bytes) -> None:
        asked = path.decode("utf-8", "replace")
        if not any(asked.startswith(f"{there}/") for there in self._folders):
            raise asyncssh.SFTPPermissionDenied("read-only")

    def _refuse(self, *_: object, **__: object) -> Any:
        raise asyncssh.SFTPPermissionDenied("not on this host")

    open56 = rename = rmdir = lsetstat = fsetstat = symlink = link = _refuse


async def _command(process: asyncssh.SSHServerProcess[bytes], commands: Mapping[str, Sequence[str]]) -> None:
    words = commands.get(process.command or "")
    if words is None:
        process.stderr.write(b"not on this host\n")
        process.exit(126)
        return
    done = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    process.exit(await done.wait())


async def _serve(settings: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncssh.listen(
        settings["address"],
        settings["port"],
        server_host_keys=[settings["key"]],
        server_factory=lambda: PasswordServer(settings["user"], Path(settings["password_file"])),
        process_factory=lambda process: _command(process, settings["commands"]),
        encoding=None,
        sftp_factory=lambda chan: _Files(chan, settings["files"], settings["folders"]),
        allow_scp=False,
        agent_forwarding=False,
    )
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text())))
