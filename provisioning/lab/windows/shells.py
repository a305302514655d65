"""The shells of one PC: commands run by Wine's cmd.exe in the PC's prefix."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from provisioning.lab.windows import real, wsman
from provisioning.lab.windows.machine import Machine
from provisioning.lab.windows.prefix import wine_command, wine_environment
from provisioning.lab.windows.refusals import NOT_SUPPORTED, refusal

MAX_COMMAND_LINE = 8191
"""Characters of a cmd.exe command line (Microsoft support article 830473)."""

_log = logging.getLogger(__name__)
_CHUNK = 64 * 1024  # octets of output in one answer: with base64 and envelope below MAX_ENVELOPE
_POLL = 0.005  # seconds
_STARTS = 3  # of a command that Wine did not begin
_BEGUN = "begun"


class Command:
    """One command: Wine's cmd.exe on a temporary .cmd file, its output in files, its whole exit code in
    another.

    Wine 8 under load sometimes dies while it starts (exit code 1, not a word; 1 in about 1,000), or cannot start the
    second cmd.exe that a batch file of the caller needs ("Can't recognize", about 1 in 20,000), or a program of that
    file. So the batch file notes first that it began, and a command that provably did not is started again; so is a
    program (see :func:`~provisioning.lab.windows.real.started_again`).

    wine64 quotes its arguments anew and cuts exit codes to 8 bits, so the command line goes through a batch
    file, which writes ``%ERRORLEVEL%``. Output goes to files, since services that the command starts would
    hold a pipe open for ever.
    """

    def __init__(self, machine_file: Path, scratch: Path, command_line: str) -> None:
        machine = Machine.load(machine_file)
        prefix = machine.prefix
        self.id = str(uuid.uuid4()).upper()
        self._stdout = scratch / f"{self.id}.out"
        self._stderr = scratch / f"{self.id}.err"
        self._batch = prefix / f"drive_c/windows/temp/winrm-{self.id}.cmd"
        self._verdict = self._batch.with_suffix(".rc")
        self._read = {self._stdout: 0, self._stderr: 0}
        self._process: subprocess.Popen[bytes] | None = None
        self._refused = self._refusal(command_line)
        self._errand = scratch / f"{self.id}.json"
        self._again: Callable[[], None] | None = None
        self._starts_left = _STARTS - 1
        if self._refused is None and real.wants_real(machine, command_line):
            self._start_real(machine, machine_file, command_line)
        elif self._refused is None:
            self._again = lambda: self._start(machine, command_line)
            self._again()
        else:
            self._stdout.write_bytes(b"")
            self._stderr.write_bytes(self._refused[1].encode() + b"\r\n")

    def receive(self, timeout: float) -> tuple[bytes, bytes, int | None]:
        """New output and the exit code (``None``: still running). Raises TimedOut after `timeout` seconds
        of silence."""
        deadline = time.monotonic() + timeout
        while True:
            finished = self._process is None or self._process.poll() is not None
            if self._never_began(finished):
                continue
            stdout, stderr = self._fresh(self._stdout), self._fresh(self._stderr)
            more = self._pending(self._stdout) or self._pending(self._stderr)
            if finished and not more:
                return stdout, stderr, self._exit_code()
            if stdout or stderr:
                return stdout, stderr, None
            if time.monotonic() > deadline:
                raise wsman.WsmanError(
                    wsman.TIMED_OUT,
                    "w:TimedOut",
                    "The WS-Management service cannot complete the operation within the time "
                    "specified in OperationTimeout.",
                )
            time.sleep(_POLL)

    def send(self, octets: bytes, *, end: bool) -> None:
        """Standard input of the command."""
        if self._process is not None and self._process.stdin is not None:
            self._again = None  # what it was told would be lost
            with contextlib.suppress(BrokenPipeError, ValueError):
                self._process.stdin.write(octets)
                self._process.stdin.flush()
                if end:
                    self._process.stdin.close()

    def terminate(self) -> None:
        """End the command, if it still runs, and remove its files."""
        self._again = None
        if self._process is not None:
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            if self._process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
        for path in (self._stdout, self._stderr, self._batch, self._verdict, self._errand):
            path.unlink(missing_ok=True)

    def _never_began(self, finished: bool) -> bool:
        """Whether Wine died before the command began; it has been started again then, if it is `finished`."""
        if self._again is None or not self._starts_left:
            return False
        if not finished and self._no_second_cmd():
            time.sleep(_POLL)
            return True
        if not finished:
            return False
        if self._verdict.exists() and not self._no_second_cmd():
            return False
        self._starts_left -= 1
        self._verdict.unlink(missing_ok=True)
        self._read = dict.fromkeys(self._read, 0)
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        _log.warning("command %s: Wine ended before it began; started again", self.id)
        self._again()
        return True

    def _no_second_cmd(self) -> bool:
        said = self._stderr.read_text(encoding="utf-8", errors="replace") if self._stderr.exists() else ""
        return said.lower().startswith(f"can't recognize '{real.CMD} /c ".lower())

    def _start(self, machine: Machine, command_line: str) -> None:
        prefix = machine.prefix
        environment = wine_environment(prefix)
        line = _doubled_percents(command_line)
        if re.match(r'"?[^"\s]+\.(cmd|bat)"?(\s|$)', line, re.IGNORECASE):
            line = f"{real.CMD} /c {line}"  # else control would never come back to this batch file
        within, level = real.inlined(machine, command_line) or ([line], "%ERRORLEVEL%")
        within = [again for one in within for again in real.started_again(one)]
        verdict = f"C:\\windows\\temp\\{self._verdict.name}"
        lines = ("@echo off", f">{verdict} echo {_BEGUN}", *within, f">{verdict} echo {level}", "")
        self._batch.write_text("\r\n".join(lines), encoding="utf-8", newline="")
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self._process = subprocess.Popen(
                wine_command(real.CMD, "/c", f"C:\\windows\\temp\\{self._batch.name}"),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env=environment,
                cwd=prefix / "drive_c/windows",
                start_new_session=True,
            )

    def _start_real(self, machine: Machine, machine_file: Path, command_line: str) -> None:
        errand = {"machine": str(machine_file), "line": command_line, "verdict": str(self._verdict)}
        self._errand.write_text(json.dumps(errand), encoding="utf-8")
        begun = real.quickly(machine, command_line, str(self._verdict))
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self._process = subprocess.Popen(
                begun or [sys.executable, "-S", "-m", "provisioning.lab.windows.real", str(self._errand)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},  # -S saves a third of the start
                start_new_session=True,
            )

    def _fresh(self, path: Path) -> bytes:
        with path.open("rb") as file:
            file.seek(self._read[path])
            octets = file.read(_CHUNK // 2)
        self._read[path] += len(octets)
        return octets

    def _pending(self, path: Path) -> bool:
        return path.stat().st_size > self._read[path]

    def _exit_code(self) -> int:
        if self._refused is not None:
            return self._refused[0]
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self._verdict.read_text().strip())
        # the command ended its own cmd.exe before the verdict was written: `exit 3`, or a crash
        code = None if self._process is None else self._process.returncode
        _log.info("command %s left no verdict: its process ended with %s", self.id, code)
        return 1 if code is None or code < 0 else code

    @staticmethod
    def _refusal(command_line: str) -> tuple[int, str] | None:
        if len(command_line) > MAX_COMMAND_LINE:
            return 1, "The command line is too long."
        sentence = refusal(command_line, real.REAL)
        return None if sentence is None else (NOT_SUPPORTED, sentence)


class Shells:
    """All shells of one PC, with WinRM's quotas (MaxShellsPerUser, and operations a shell)."""

    def __init__(self, machine_file: Path, scratch: Path, *, max_shells: int = 30, max_commands: int = 1500) -> None:
        self.machine_file = machine_file
        self._scratch = scratch
        self._max_shells = max_shells
        self._max_commands = max_commands
        self._shells: dict[str, dict[str, Command]] = {}
        self._begun: dict[str, int] = {}
        self._lock = threading.Lock()

    def create(self) -> str:
        """A new shell's id. Raises the quota fault when there are too many."""
        with self._lock:
            if len(self._shells) >= self._max_shells:
                raise wsman.WsmanError(
                    wsman.SHELLS_QUOTA, "w:QuotaLimit", f"This user has {self._max_shells} shells already."
                )
            shell_id = str(uuid.uuid4()).upper()
            self._shells[shell_id] = {}
            self._begun[shell_id] = 0
            return shell_id

    def begin(self, shell_id: str | None, command_line: str) -> str:
        """Start a command; gives its id. Raises the quota fault after the shell's last command."""
        commands = self._commands(shell_id)
        with self._lock:
            self._begun[shell_id or ""] += 1
            if self._begun[shell_id or ""] > self._max_commands:
                raise wsman.WsmanError(
                    wsman.OPERATIONS_QUOTA,
                    "w:QuotaLimit",
                    f"This shell has run {self._max_commands} commands already.",
                )
        command = Command(self.machine_file, self._scratch, command_line)
        commands[command.id] = command
        return command.id

    def command(self, shell_id: str | None, command_id: str) -> Command:
        """Raises the invalid-selectors fault for a command that this shell does not have."""
        try:
            return self._commands(shell_id)[command_id.upper()]
        except KeyError:
            raise _unknown(f"command {command_id}") from None

    def end(self, shell_id: str | None, command_id: str) -> None:
        """Terminate a command and forget it; one that is gone already is fine."""
        command = self._commands(shell_id).pop(command_id.upper(), None)
        if command is not None:
            command.terminate()

    def delete(self, shell_id: str | None) -> None:
        """Close a shell with everything in it."""
        commands = self._commands(shell_id)
        for command in list(commands.values()):
            command.terminate()
        with self._lock:
            self._shells.pop(shell_id or "", None)
            self._begun.pop(shell_id or "", None)

    def _commands(self, shell_id: str | None) -> dict[str, Command]:
        try:
            return self._shells[shell_id or ""]
        except KeyError:
            raise _unknown(f"shell {shell_id}") from None


def _unknown(what: str) -> wsman.WsmanError:
    reason = f"The request for the Windows Remote Shell contained invalid selectors: there is no {what}."
    return wsman.WsmanError(wsman.INVALID_SELECTORS, "w:InvalidSelectors", reason)


def _doubled_percents(line: str) -> str:
    """In a batch file a literal % is doubled; ``cmd /c`` leaves ``%NAME%`` alone when there is no such
    variable."""
    known = {
        "allusersprofile",
        "appdata",
        "commonprogramfiles",
        "computername",
        "comspec",
        "homedrive",
        "homepath",
        "localappdata",
        "os",
        "path",
        "programdata",
        "programfiles",
        "programfiles(x86)",
        "public",
        "systemdrive",
        "systemroot",
        "temp",
        "tmp",
        "username",
        "userprofile",
        "windir",
    }
    parts = re.split(r"(%[^%\s]+%)", line)
    return "".join(p if p.startswith("%") and p[1:-1].lower() in known else p.replace("%", "%%") for p in parts)
