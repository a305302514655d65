"""Starting and stopping the lab's servers: by PID, with proof that the PID is still the process that we started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from provisioning.errors import LabError


def run(
    words: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 120.0,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run one program to its end. `env` is added to our own environment.

    Raises :class:`LabError` with the last lines of its output when it fails (unless `check` is off) or takes longer
    than `timeout` seconds.
    """
    try:
        done = subprocess.run(
            list(words),
            input=stdin,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as exc:
        raise LabError(f"{words[0]} is not installed; `make lab-packages` installs what the lab needs") from exc
    except subprocess.TimeoutExpired as exc:
        raise LabError(f"{words[0]} did not finish within {timeout:.0f} s") from exc
    if check and done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise LabError(
            f"{words[0]} {words[1] if len(words) > 1 else ''} failed with exit code {done.returncode}:\n{tail}"
        )
    return done


def start_time(pid: int) -> str | None:
    """Start time of a live process in clock ticks since boot (field 22 of /proc/PID/stat), ``None`` when it is gone.

    Together with the PID this names a process for good: a reused PID has another start time.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


class Daemon:
    """One server process that we started, remembered in ``<folder>/<name>.pid`` as ``PID START-TIME``."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._pidfile = folder / f"{name}.pid"

    @property
    def pid(self) -> int | None:
        """PID of the running process, ``None`` when it does not run."""
        try:
            pid, _, started = self._pidfile.read_text().partition(" ")
        except FileNotFoundError:
            return None
        return int(pid) if start_time(int(pid)) == started.strip() else None

    def start(self, words: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> int:
        """Start the program in its own session, its output in the log file. It must stay in the foreground."""
        if (running := self.pid) is not None:
            return running
        self._pidfile.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                process = subprocess.Popen(
                    list(words),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **(env or {})},
                    cwd=cwd,
                    start_new_session=True,
                )
            except FileNotFoundError as exc:
                raise LabError(f"{words[0]} is not installed; `make lab-packages` installs what the lab needs") from exc
        self.adopt(process.pid)
        # It is stopped and waited for by its PID, perhaps by another program: Popen must not warn that it still runs.
        process.returncode = 0
        return process.pid

    def adopt(self, pid: int) -> None:
        """Remember a process that put itself into the background, by the PID that it wrote down."""
        started = start_time(pid)
        if started is None:
            raise LabError(f"{self.name} stopped right after its start; see {self.log}")
        self._pidfile.parent.mkdir(parents=True, exist_ok=True)
        self._pidfile.write_text(f"{pid} {started}")

    def stop(self, *, patience: float = 10.0) -> None:
        """Ask the process and the session it leads to end (TERM), then insist (KILL) after `patience` seconds."""
        pid = self.pid
        if pid is not None:
            group = [pid, *_session_members(pid)]
            _signal(group, signal.SIGTERM)
            deadline = time.monotonic() + patience
            while any(start_time(p) for p in group) and time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                time.sleep(0.02)
            _signal([p for p in group if start_time(p)], signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._pidfile.unlink(missing_ok=True)


def _session_members(leader: int) -> list[int]:
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and int(entry.name) != leader:
                members.append(int(entry.name))
    return members


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_for(
    what: str,
    ready: Callable[[], bool],
    *,
    daemons: Sequence[Daemon] = (),
    seconds: float = 30.0,
    every: float = 0.05,
) -> None:
    """Poll until `ready` returns true. Raises :class:`LabError` naming `what` after `seconds`, and at once when one of
    `daemons` has ended."""
    deadline = time.monotonic() + seconds
    while not ready():
        for daemon in daemons:
            if daemon.pid is None:
                raise LabError(f"{daemon.name} stopped right after its start; see {daemon.log}")
        if time.monotonic() > deadline:
            raise LabError(f"{what} was not ready within {seconds:.0f} s")
        time.sleep(every)


def listening(address: str, port: int) -> bool:
    """Whether something accepts TCP connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((address, port)) == 0


def speaks_tls(address: str, port: int, trust: Path, name: str) -> bool:
    """Whether a TLS handshake with certificate verification against `trust` succeeds."""
    context = ssl.create_default_context(cafile=str(trust))
    try:
        with socket.create_connection((address, port), 1.0) as raw, context.wrap_socket(raw, server_hostname=name):
            return True
    except OSError:
        return False
