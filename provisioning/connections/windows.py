"""One Windows PC: commands over WinRM, files over SMB. Nothing is installed there and no PowerShell is
started."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from provisioning.connections.smb import SmbFiles
from provisioning.connections.windows_commands import batch_file, command_line, one_command_file
from provisioning.connections.winrm import Result, WinRm
from provisioning.errors import RejectedError, RequestError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

__all__ = ["Result", "WindowsSession", "open_session"]

_COMMAND_TIMEOUT = 60.0  # seconds for a command that should take one


class WindowsSession:
    """An open session on one PC, for one thread at a time. Both connections are made when they are first
    needed."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        name = target.partition(":")[2]
        if name not in inventory.workstations:
            raise RequestError(f"{target}: the site has no workstation {name!r}{nearest(name, inventory.workstations)}")
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        workstation = inventory.workstations[name]
        password = secrets.resolve(inventory.windows.credential.password).get_secret_value()
        self._commands = WinRm(target, workstation, inventory.windows, password)
        self._files = SmbFiles(target, workstation, inventory.windows, password)
        self._share_root = "C:" if inventory.windows.smb_share == "C$" else None

    def run(self, words: Sequence[str], *, timeout: float = _COMMAND_TIMEOUT) -> Result:
        """Run one command, given as words (see :mod:`provisioning.connections.windows_commands` for what is
        refused).

        `timeout` is in seconds. The exit code is the caller's to judge. Raises
        :class:`~provisioning.errors.TargetError`.
        """
        if any(set(word) & set("%!") for word in words):  # these can only be said in a batch file
            words = [self.write("command.cmd", one_command_file(words).encode("utf-8"))]
        return self._commands.run(command_line(words), timeout=timeout)

    def run_all(self, commands: Sequence[Sequence[str]], *, timeout: float = _COMMAND_TIMEOUT) -> list[int]:
        """Run many commands as one batch file; gives their exit codes. None stops the others. `timeout` is
        for all."""
        path = self.write("batch.cmd", batch_file(commands).encode("utf-8"))
        result = self.run([path], timeout=timeout)
        codes = [int(line) & 0xFFFFFFFF for line in result.stdout.split() if re.fullmatch(r"-?\d+", line)]
        if len(codes) != len(commands):
            raise RejectedError(
                self.target,
                f"a batch of {len(commands)} commands gave {len(codes)} exit codes (the batch "
                f"itself {result.exit_code}); "
                "is the command processor of the PC restricted by policy?",
            )
        return codes

    def put(self, local: Path, name: str) -> str:
        """Copy a local file into this session's folder on the PC; gives its Windows path."""
        return self._windows_path(self._files.put(local, name))

    def write(self, name: str, content: bytes) -> str:
        """Write a small file into this session's folder on the PC; gives its Windows path."""
        return self._windows_path(self._files.write(name, content))

    def path(self, name: str) -> str:
        """The Windows path that a file of this session's folder has."""
        return self._windows_path(f"{self._files.folder()}\\{name}")

    def read(self, name: str) -> bytes | None:
        """A file of this session's folder, ``None`` when there is none."""
        return self._files.read(name)

    def delete(self, name: str) -> None:
        """Remove a file of this session's folder."""
        self._files.delete(name)

    def close(self) -> None:
        """Remove this session's folder, close the shell and both connections. Never raises."""
        with contextlib.ExitStack() as both:
            both.callback(self._commands.close)
            both.callback(self._files.close)

    def _windows_path(self, below_share: str) -> str:
        if self._share_root is None:
            self._share_root = self._find_share_root()
        return f"{self._share_root}\\{below_share}"

    def _find_share_root(self) -> str:
        """Where a share other than C$ lies: LanmanServer notes it in the registry (``Path=…`` in a
        REG_MULTI_SZ)."""
        share = self.inventory.windows.smb_share
        key = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Shares"
        found = self.run(["reg", "query", key, "/v", share]).stdout
        match = re.search(r"\bREG_MULTI_SZ\b.*?\bPath=(.+?)(?:\\0|$)", found, re.MULTILINE)
        if match is None or not re.fullmatch(r"[A-Za-z]:[\\A-Za-z0-9_.-]*", match.group(1)):
            raise RejectedError(self.target, f"cannot tell where its share {share} lies; set windows.smb_share to C$")
        return match.group(1).rstrip("\\")


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> WindowsSession:
    """A session on ``windows:NAME``. Raises :class:`RequestError` for an unknown PC, :class:`SecretError`
    for its password."""
    return WindowsSession(target, inventory, secrets)
