"""One Windows PC: commands over WinRM, files over SMB. Nothing is installed there and no PowerShell is
started."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from provisioning.connections import windows_power, windows_transfer, wmi
from provisioning.connections.parcel import Parcel
from provisioning.connections.smb import SmbFiles
from provisioning.connections.windows_commands import (
    batch_file,
    codes_in,
    command_line,
    one_command_file,
    printing_batch_file,
    stepping_batch_file,
    steps_in,
)
from provisioning.connections.windows_power import SignedIn
from provisioning.connections.windows_transfer import Transfer
from provisioning.connections.windows_tree import SmbTree
from provisioning.connections.winrm import STILL_ACTIVE, Result, WinRm
from provisioning.errors import RejectedError, RequestError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

__all__ = ["Result", "SignedIn", "Transfer", "WindowsSession", "open_session"]

_COMMAND_TIMEOUT = 60.0  # seconds for a command that should take one


class WindowsSession:
    """An open session on one PC, for one thread at a time. Both connections are made when they are first
    needed."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets, password: SecretStr | None = None) -> None:
        name = target.partition(":")[2]
        if name not in inventory.workstations:
            raise RequestError(f"{target}: the site has no workstation {name!r}{nearest(name, inventory.workstations)}")
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        workstation = inventory.workstations[name]
        given = password or secrets.resolve(inventory.windows.credential.password)
        self._commands = WinRm(target, workstation, inventory.windows, given.get_secret_value())
        self._files = SmbFiles(target, workstation, inventory.windows, given.get_secret_value())
        self.transfers: list[Transfer] = []
        self._share_root = "C:" if inventory.windows.smb_share == "C$" else None

    @property
    def commands_begun(self) -> int:
        """How many commands this session has begun on the PC: what was seen stands as long as there is no other."""
        return self._commands.begun

    def run(self, words: Sequence[str], *, timeout: float = _COMMAND_TIMEOUT) -> Result:
        """Run one command, given as words (see :mod:`provisioning.connections.windows_commands` for what is
        refused).

        `timeout` is in seconds. The exit code is the caller's to judge. Raises
        :class:`~provisioning.errors.TargetError`.
        """
        if _needs_file(words):
            words = [self.write("command.cmd", one_command_file(words).encode("utf-8"))]
        return self._commands.run(command_line(words), timeout=timeout)

    def run_all(self, commands: Sequence[Sequence[str]], *, timeout: float = _COMMAND_TIMEOUT) -> list[int]:
        """Run many commands as one batch file; gives their exit codes. None stops the others. `timeout` is
        for all."""
        if len(commands) == 1 and not _needs_file(commands[0]):
            return [self._commands.run(f"{command_line(commands[0])} >nul 2>nul", timeout=timeout).exit_code]
        codes, _ = self.run_doubting(commands, {}, timeout=timeout)
        return [code for code, *_ in codes]

    def run_doubting(
        self, commands: Sequence[Sequence[str]], doubts: Mapping[int, Sequence[Sequence[str]]], *, timeout: float
    ) -> tuple[list[list[int]], str]:
        """The same, where an exit code of 1 says too little: then the `doubts` of the command of that number are run,
        until one does not end with 1. Each command's exit code, behind it those of its doubts; and what they
        printed."""
        path = self.write("batch.cmd", batch_file(commands, doubts).encode("utf-8"))
        result = self.run([path], timeout=timeout)
        codes = codes_in(result.stdout)
        if len(codes) != len(commands):
            raise self._lost(len(commands), len(codes), result)
        return codes, result.stdout

    def run_in_turn(
        self, commands: Sequence[Sequence[str]], *, timeout: float, removed: Sequence[str] = ()
    ) -> list[Result]:
        """Run commands one after the other as one batch file, each in `timeout` seconds; what each printed on standard
        output, and its exit code. When there are fewer than commands, the next one took too long: it was ended, and
        those behind it were not begun. Otherwise the files `removed` are gone then."""
        path = self.write("steps.cmd", stepping_batch_file(commands, removed).encode("utf-8"))
        ended = self._commands.run(command_line([path]), timeout=timeout, steps=True)
        found = [Result(code, printed, "") for code, printed in steps_in(ended.stdout)]
        if len(found) < len(commands) and ended.exit_code != STILL_ACTIVE:
            raise self._lost(len(commands), len(found), ended)
        return found

    def output_of(self, commands: Sequence[Sequence[str]], *, timeout: float = _COMMAND_TIMEOUT) -> str:
        """What commands print on standard output, one behind the other, whatever their exit codes: one command, or one
        batch file. `timeout` is for all."""
        words = commands[0]
        if len(commands) > 1:
            words = [self.write("printing.cmd", printing_batch_file(commands).encode("utf-8"))]
        return self.run(words, timeout=timeout).stdout

    def put(self, local: Path, name: str) -> str:
        """Bring a local file into this session's folder on the PC, over SMB or, where the site says so and the file is
        large, fetched by the PC over HTTPS; gives its Windows path. Its SHA-256 is checked on the PC."""
        [path] = self.put_all([Parcel(local, name)])
        if isinstance(path, RejectedError):
            raise path
        return path

    def put_all(self, parcels: Sequence[Parcel]) -> list[str | RejectedError]:
        """The same for several files, whose hashes the PC computes in one command; each one's Windows path, or why it
        did not get there."""
        sent = windows_transfer.send(self, parcels)
        self.transfers += [one[1] for one in sent if not isinstance(one, RejectedError)]
        return [one if isinstance(one, RejectedError) else one[0] for one in sent]

    def push(self, local: Path, name: str) -> str:
        """Copy a local file over SMB, whatever its size, without the check of its hash; gives its Windows path."""
        return self._windows_path(self._files.put(local, name))

    def write(self, name: str, content: bytes) -> str:
        """Write a small file into this session's folder on the PC; gives its Windows path."""
        return self._windows_path(self._files.write(name, content))

    def path(self, name: str) -> str:
        """The Windows path that a file of this session's folder has."""
        return self._windows_path(self._files.place(name))

    def read(self, name: str) -> bytes | None:
        """A file of this session's folder, ``None`` when there is none."""
        return self._files.read(name)

    def delete(self, name: str) -> None:
        """Remove a file of this session's folder."""
        self._files.delete(name)

    def call_wmi(self, class_name: str, key: Mapping[str, str], method: str, arguments: Mapping[str, str]) -> int:
        """Call a WMI method (see :mod:`provisioning.connections.wmi`); gives its ReturnValue, the caller's to judge."""
        answer = self._commands.call(wmi.invocation(class_name, key, method, arguments))
        try:
            return wmi.returned(answer)
        except ValueError as exc:
            raise RejectedError(self.target, f"{class_name}.{method} gave no answer that is understood: {exc}") from exc

    def shared(self, path: str) -> str | None:
        """Where a Windows path is below the PC's share, ``None`` where it is not on it."""
        if self._share_root is None:
            self._share_root = self._find_share_root()
        root = self._share_root.casefold() + "\\"
        return path[len(root) :] if path.casefold().startswith(root) else None

    def tree(self) -> SmbTree:
        """All the files of the PC's share, by this session's connection."""
        return SmbTree(self._files)

    def logged_on(self) -> tuple[SignedIn, ...]:
        """Who is signed in at the PC, disconnected sessions included. Raises
        :class:`~provisioning.errors.TargetError`."""
        return windows_power.logged_on(self)

    def boot_identity(self) -> str:
        """A word that stays the same until the PC restarts. The first call of a boot leaves a volatile registry value
        there, so plans must not ask for it."""
        return windows_power.boot_identity(self)

    def restart(self, *, reason: str, force: bool = False, wait: float | None = None) -> str:
        """Restart the PC and return when it is really back: another boot, and both WinRM and SMB answer. Gives the new
        :meth:`boot_identity`. Files that this session put there before are still there.

        People who are signed in are waited for, warned or cut off as ``windows.restart`` of the site says; `force` cuts
        them off. `wait` is the time in seconds for coming back, the site's ``windows.restart.timeout`` when left out.
        Raises :class:`UnreachableError` when they do not leave or the PC does not come back in time, and
        :class:`RejectedError` when it refuses.
        """
        return windows_power.restart(self, reason=reason, force=force, wait=wait)

    def open_shell(self) -> None:
        """Sign in over WinRM and open the shell, unless that is done."""
        self._commands.open()

    def probe_files(self) -> None:
        """Sign in over SMB, unless that is done."""
        self._files.probe()

    def drop(self) -> None:
        """Forget both connections, which a restart has ended; the next use makes new ones."""
        self._commands.drop()
        self._files.drop()

    def close(self) -> None:
        """Remove this session's folder, close the shell and both connections. Never raises."""
        with contextlib.ExitStack() as both:
            both.callback(self._commands.close)
            both.callback(self._files.close)

    def _lost(self, asked: int, answered: int, batch: Result) -> RejectedError:
        return RejectedError(
            self.target,
            f"a batch of {asked} commands gave {answered} exit codes (the batch itself {batch.exit_code}: "
            f"{batch.stderr.strip()[:200]!r}); is the command processor of the PC restricted by policy?",
        )

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


def _needs_file(words: Sequence[str]) -> bool:
    """Some characters can only be said in a batch file."""
    return any(set(word) & set("%!") for word in words)


def open_session(
    target: str, inventory: Inventory, secrets: Secrets, password: SecretStr | None = None
) -> WindowsSession:
    """A session on ``windows:NAME``, as the account of ``windows.credential``. `password` is used instead of the site's
    where somebody else knows it, as an Ansible inventory does. Raises :class:`RequestError` for an unknown PC,
    :class:`SecretError` for its password."""
    return WindowsSession(target, inventory, secrets, password)
