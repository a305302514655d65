"""The tests behind those assumptions (:mod:`provisioning.resources.windows.assumptions`) that installing software rests
on. They change nothing but files in the session's own temporary folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provisioning.errors import RejectedError
from provisioning.resources.windows import restart, sources
from provisioning.resources.windows.assumption_tests import Finding, holds
from provisioning.resources.windows.entries import entries, program_versions

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_EXPLORER = "C:\\Windows\\explorer.exe"
_HELD = "held.txt"
_ENDLESS = '@echo off\r\nstart "" /b {cmd} /c "pause >{held}"\r\npause >nul\r\n'
_ENDED_WITHIN = 10.0  # seconds


def uninstall_keys(session: WindowsSession) -> Finding:
    found = entries(session)
    if not found:
        return Finding("cannot tell", "nothing is registered below Uninstall there")
    return holds(any(entry.version for entry in found), f"{len(found)} packages, for example {found[0].name}")


def file_versions(session: WindowsSession) -> Finding:
    version = program_versions(session, [_EXPLORER]).get(_EXPLORER)
    return holds(bool(version), f"{_EXPLORER} is {version}" if version else f"{_EXPLORER} tells no version")


def ended_with_children(session: WindowsSession) -> Finding:
    """A child that holds a file open: when it is ended, the file can be removed by the PC itself."""
    held = session.path(_HELD)
    cmd = "C:\\Windows\\System32\\cmd.exe"
    batch = session.write("endless.cmd", _ENDLESS.format(cmd=cmd, held=held).encode("utf-8"))
    try:
        session.run([batch], timeout=3)
        return Finding("cannot tell", "the command that was to wait for a key ended by itself")
    except RejectedError:
        pass
    finally:
        session.delete("endless.cmd")
    begun = session.read(_HELD) is not None
    deadline = time.monotonic() + _ENDED_WITHIN
    while True:
        session.run(["cmd", "/c", "del", held])
        gone = session.read(_HELD) is None
        if gone or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    if not begun:
        return Finding("cannot tell", "the command that was to wait for a key did not begin")
    return holds(gone, "the child of an ended command was ended as well" if gone else "the child still runs")


def pending_renames(session: WindowsSession) -> Finding:
    code, files = restart.pending_renames(session)
    if code != 0:
        return Finding("cannot tell", "no files wait for a restart there; look at a PC where an update waits")
    return holds(files is not None, f"{len(files or ()) // 2} files wait for a restart")


def winget(session: WindowsSession) -> Finding:
    try:
        path = sources.winget(session)
    except RejectedError as exc:
        allowed = "winget" in session.inventory.windows.package_sources
        return Finding("fails" if allowed else "cannot tell", exc.message)
    batch = session.write("winget.cmd", f'@"{path}" --version\r\n'.encode())
    code = session.run([batch]).exit_code
    session.delete("winget.cmd")
    return holds(code == 0, f"{path} --version ends with {code}")


def chocolatey(session: WindowsSession) -> Finding:
    there = session.tree().entry(sources.CHOCO.partition("\\")[2]) is not None
    allowed = "chocolatey" in session.inventory.windows.package_sources
    if not there and not allowed:
        return Finding("cannot tell", "Chocolatey is not there, and the site does not allow it")
    return holds(there, f"{sources.CHOCO} is {'there' if there else 'not there'}")
