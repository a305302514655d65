"""Running installers: msiexec, a vendor's setup program, winget, Chocolatey. Exit codes say whether it is worth reading
what is there; the verdict is the read.

Licence keys are resolved here and nowhere else. They travel inside a batch file (or an answer file) in this session's
folder, which only administrators of the PC can read, and which is removed as soon as the installer has ended. On the PC
the command line of a running msiexec is visible to administrators, and a log that the PC's own policy makes
msiexec write shows public properties, unless the package lists them in MsiHiddenProperties.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.connections.windows_commands import one_command_file
from provisioning.errors import RejectedError, RequestError, UnreachableError
from provisioning.resources.windows import sources
from provisioning.resources.windows.exit_codes import ALREADY_RUNNING, meaning
from provisioning.resources.windows.installer_files import InstallerFiles
from provisioning.site.software import ANSWERS, Installer, filled

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_PLAIN_PATH = re.compile(r"[A-Za-z]:[A-Za-z0-9_\\.-]+")


@dataclass(frozen=True)
class Ended:
    """How an installer ended well: whether it wants a restart."""

    restart: bool


@dataclass(frozen=True)
class Deed:
    """What is being done, in words for errors, and the exit codes that are expected."""

    words: str
    program: str
    good: Collection[int]
    restart: Collection[int]


def install(session: WindowsSession, name: str, installer: Installer, files: InstallerFiles) -> Ended:
    """Install one version. Raises :class:`RejectedError` for an exit code that is not expected, an installer that does
    not end in time or is not the approved one, :class:`UnreachableError` when another one is at work there,
    :class:`SecretError` for its keys."""
    deed = deed_of(name, installer)
    if installer.type in {"winget", "chocolatey"}:
        words, good, restart = sources.install_words(session, installer)
        return run(session, Deed(deed.words, deed.program, good, restart), words)
    keys = keys_of(session, name, installer)
    pushed = files.place(installer)
    answers = f"answers-{pushed.rpartition(chr(92))[2]}.txt"
    try:
        if installer.answer_file:
            text = "".join(f"{filled(line, keys)}\r\n" for line in installer.answer_file)
            keys |= {ANSWERS: session.write(answers, text.encode("utf-8"))}
        if installer.type == "msi":
            return run(session, deed, msi_words(installer, pushed, keys))
        words = [pushed, *(filled(argument, keys) for argument in installer.arguments)]
        return run(session, deed, words)
    finally:
        files.remove(installer)
        if installer.answer_file:
            session.delete(answers)


def deed_of(name: str, installer: Installer) -> Deed:
    """Installing it."""
    program = "msiexec" if installer.type == "msi" else installer.type
    return Deed(f"installing {name} {installer.version}", program, installer.exit_codes, installer.restart_codes)


def msi_words(installer: Installer, pushed: str, keys: Mapping[str, str]) -> list[str]:
    """What installs an MSI that lies at `pushed` on the PC."""
    properties = {**installer.properties, **{key: keys[key] for key in installer.keys}}
    return ["msiexec", "/i", pushed, "/qn", "/norestart", *(f"{key}={value}" for key, value in properties.items())]


def run(session: WindowsSession, deed: Deed, words: Sequence[str]) -> Ended:
    """Run an installer to its end, in a batch file of its own, which is removed afterwards."""
    if not _PLAIN_PATH.fullmatch(words[0]) and words[0] != "msiexec":
        words = ["start", "", "/wait", *words]  # cmd.exe reads a quoted program in its own way
    timeout = session.inventory.windows.install_timeout
    begun = time.monotonic()
    try:
        batch = session.write("install.cmd", one_command_file(words).encode("utf-8"))
        code = session.run([batch], timeout=timeout).exit_code
    except RejectedError as exc:
        if time.monotonic() - begun < timeout:
            raise
        raise hung(session, deed) from exc
    finally:
        session.delete("install.cmd")
    return judged(session, deed, code)


def hung(session: WindowsSession, deed: Deed) -> RejectedError:
    """It did not end in its time."""
    return RejectedError(
        session.target,
        f"{deed.words} did not end within {session.inventory.windows.install_timeout} s; {deed.program} and all that "
        "it started was ended. Does it ask something? Check that its arguments keep it silent, or allow it longer "
        "(windows: install_timeout)",
    )


def judged(session: WindowsSession, deed: Deed, code: int) -> Ended:
    """What an exit code means. Raises what :func:`install` raises."""
    if code in deed.good or code in deed.restart:
        return Ended(code in deed.restart)
    if code in ALREADY_RUNNING:
        raise UnreachableError(session.target, f"{deed.words} has to wait: another installation is under way on the PC")
    raise RejectedError(
        session.target,
        f"{deed.words} failed: {deed.program} ended with exit code {code}, {meaning(deed.program, code)}",
    )


def keys_of(session: WindowsSession, name: str, installer: Installer) -> dict[str, str]:
    """The licence keys themselves. What cannot be said safely is refused without being repeated."""
    found: dict[str, str] = {}
    for key, reference in installer.keys.items():
        value = session.secrets.resolve(reference).get_secret_value()
        if not value or any(c == '"' or unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in value):
            raise RequestError(
                f"{session.target}: the key {key} of {name} is empty, or has a quote or a line break in it, which "
                "an installer's command line cannot carry"
            )
        found[key] = value
    return found
