"""``shutdown`` for real: the PC's WinRM, SMB and Wine go away, and for a restart come back.

``shutdown /r`` starts a process outside of the PC, ``python -m provisioning.lab.windows.power PC.json ACTION SECONDS``,
which waits, stops everything at the PC's address, and for a restart starts it again. As on Windows, the volatile keys
of the registry (HKLM\\HARDWARE) are gone then, whoever was signed in is signed off, and ``ShutdownTime`` is new.
Options and exit codes: Microsoft Learn, "shutdown"; System Error Codes 1116 and 1190.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import time
from pathlib import Path

import provisioning
from provisioning.lab.process import Daemon
from provisioning.lab.windows.machine import Ended, Machine
from provisioning.lab.windows.refusals import NOT_SUPPORTED

_DELAY = 30  # seconds, the default of /t
_NO_SHUTDOWN_IN_PROGRESS = 1116
_SHUTDOWN_IS_SCHEDULED = 1190
_INVALID_PARAMETER = 87
_BOOT = 1.0  # seconds that the PC is dark
_FILETIME_EPOCH = 11_644_473_600  # seconds from 1601 to 1970


def pending(folder: Path) -> Daemon:
    """The process that restarts or stops the PC in `folder` soon."""
    return Daemon(folder, "power")


def shutdown(machine: Machine, words: list[str]) -> Ended:
    """Plan a restart (/r), a stop (/s), or give a planned one up (/a)."""
    action, delay = "", _DELAY
    rest = iter(words)
    for word in rest:
        option = word.lower().replace("-", "/", 1)
        if option in {"/r", "/s", "/a"}:
            action = option
        elif option == "/t":
            given = next(rest, "")
            if not re.fullmatch(r"\d{1,9}", given):
                return Ended(_INVALID_PARAMETER)
            delay = int(given)
        elif option in {"/c", "/d"}:
            next(rest, "")
        elif option not in {"/f", "/hybrid"}:
            return Ended(NOT_SUPPORTED, stderr=f"lab: shutdown {word} is not done on this PC\r\n")
    daemon = pending(machine.folder)
    if action == "/a":
        code = _NO_SHUTDOWN_IN_PROGRESS if daemon.pid is None else 0
        daemon.stop()
        return Ended(code)
    if not action:
        return Ended(_INVALID_PARAMETER)
    if daemon.pid is not None:
        return Ended(_SHUTDOWN_IS_SCHEDULED)
    daemon.start(
        [sys.executable, "-m", "provisioning.lab.windows.power", str(machine.save()), action, str(delay)],
        env={"PYTHONPATH": str(Path(provisioning.__file__).parents[1])},
        cwd=machine.folder,
    )
    return Ended(0)


def note_shutdown(machine: Machine) -> None:
    """What Windows notes when it goes down in order: the time, and that nobody is signed in any more."""
    now = int((time.time() + _FILETIME_EPOCH) * 10_000_000)
    key = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Windows"
    filetime = struct.pack("<Q", now).hex()
    machine.reg("add", key, "/v", "ShutdownTime", "/t", "REG_BINARY", "/d", filetime, "/f", check=False)
    for sid in signed_in(machine.folder):
        sign_out(machine, sid)


def sign_in(machine: Machine, sid: str, login: str, domain: str, session: int = 1) -> None:
    """Leave what an interactive sign-in leaves in the registry: the loaded hive and its volatile environment."""
    key = f"HKU\\{sid}\\Volatile Environment"
    for name, content in (("USERNAME", login), ("USERDOMAIN", domain)):
        machine.reg("add", key, "/v", name, "/d", content, "/f")
    machine.reg("add", f"{key}\\{session}", "/v", "SESSIONNAME", "/d", "Console", "/f")
    _note(machine.folder).write_text("".join(f"{one}\n" for one in sorted({*signed_in(machine.folder), sid})))


def sign_out(machine: Machine, sid: str) -> None:
    """Unload the hive again."""
    machine.reg("delete", f"HKU\\{sid}", "/f", check=False)
    _note(machine.folder).write_text("".join(f"{one}\n" for one in signed_in(machine.folder) if one != sid))


def signed_in(folder: Path) -> list[str]:
    """SIDs that :func:`sign_in` signed in."""
    note = _note(folder)
    return note.read_text().split() if note.exists() else []


def _note(folder: Path) -> Path:
    return folder / "signed-in"


def main(settings: Path, action: str, delay: float) -> None:
    from provisioning.lab.windows.pc import Pc  # noqa: PLC0415 - it imports this module

    time.sleep(delay)
    machine = Machine.load(settings)
    pc = Pc(machine)
    note_shutdown(machine)
    pc.stop()
    if action == "/r":
        time.sleep(_BOOT)
        pc.power_on()


if __name__ == "__main__":
    os.chdir("/")
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
