"""A file to a PC: over SMB, or fetched by the PC over HTTPS; its hash is checked on the PC; the speed is measured."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provisioning.connections import pull
from provisioning.connections.parcel import Parcel
from provisioning.errors import ProvisioningError, RejectedError, RequestError, UnreachableError

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession
    from provisioning.site.windows import PullServer

_log = logging.getLogger(__name__)
_MIB = 1024 * 1024
_TRIES = 5
_HASH_SPEED = 20 * _MIB  # octets a second that the slowest PC hashes
_LINE_SPEED = _MIB // 8  # octets a second below which a transfer counts as stuck
_SHA256 = re.compile(r"^([0-9a-f]{2} ?){31}[0-9a-f]{2}$", re.IGNORECASE | re.MULTILINE)
"""The one line of certutil's answer that is in no language. Windows 7 put spaces between the octets."""


@dataclass(frozen=True)
class Transfer:
    """One file that went to a PC: `octets` in `seconds`, the hash check of all that went with it included."""

    name: str
    octets: int
    seconds: float
    way: Literal["smb", "https"]

    @property
    def speed(self) -> float:
        """MB/s (10^6 octets)."""
        return self.octets / 1e6 / max(self.seconds, 1e-6)

    def __str__(self) -> str:
        return f"{self.name}: {self.octets / 1e6:.1f} MB over {self.way.upper()} at {self.speed:.1f} MB/s"


def send(session: WindowsSession, parcels: Sequence[Parcel]) -> list[tuple[str, Transfer] | RejectedError]:
    """Bring files into the session's folder, and have the PC hash all of them by one command. Each one's Windows path
    and how it went, or why it is not there: no room, another content.

    While they are on their way, the shell is opened in which the PC will compute what it has; while it does, what is
    expected of them is computed here.
    """
    with ThreadPoolExecutor(1, "parcels") as meanwhile:
        # a PC that fetches files runs a command for that, and a session is for one thread at a time
        ready = meanwhile.submit(session.open_shell) if session.inventory.windows.pull is None else None
        sent = [_sent(session, one) for one in parcels]
        there = [one for one in sent if isinstance(one, Sent)]
        began = time.monotonic()
        if ready is not None and there:
            ready.result()
        expected = [meanwhile.submit(_sha256_of, one) for one in parcels]
        found = dict(zip([one.path for one in there], sha256_on_pc(session, there), strict=True))
        seconds = time.monotonic() - began
    return [
        one if isinstance(one, RejectedError) else _judged(session, one, found[one.path], right.result(), seconds)
        for one, right in zip(sent, expected, strict=True)
    ]


@dataclass(frozen=True)
class Sent:
    """A file that lies in the session's folder, whatever its content."""

    path: str
    name: str
    octets: int
    seconds: float
    way: Literal["smb", "https"]


def _sha256_of(parcel: Parcel) -> str:
    if parcel.sha256 is not None:
        return parcel.sha256
    with parcel.local.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sent(session: WindowsSession, parcel: Parcel) -> Sent | RejectedError:
    began = time.monotonic()
    size = parcel.local.stat().st_size
    server = session.inventory.windows.pull
    way: Literal["smb", "https"] = "smb"
    path = ""
    try:
        if server is not None and size > server.larger_than * _MIB:
            try:
                path, way = _fetched(session, server, parcel.local, parcel.name), "https"
            except RequestError as exc:
                _log.warning("%s: %s goes over SMB instead: %s", session.target, parcel.name, exc)
        path = path or session.push(parcel.local, parcel.name)
    except RejectedError as exc:
        with contextlib.suppress(ProvisioningError):
            session.delete(parcel.name)  # a part of it would take up room that the PC may not have
        return exc
    return Sent(path, parcel.name, size, time.monotonic() - began, way)


def _judged(
    session: WindowsSession, sent: Sent, found: str, expected: str, hashing: float
) -> tuple[str, Transfer] | RejectedError:
    if found != expected:
        session.delete(sent.name)
        return RejectedError(
            session.target,
            f"{sent.name} arrived with another content (SHA-256 {found}, expected {expected}); try again",
        )
    transfer = Transfer(sent.name, sent.octets, sent.seconds + hashing, sent.way)
    _log.info("%s: %s", session.target, transfer)
    return sent.path, transfer


def sha256_on_pc(session: WindowsSession, files: Sequence[Sent]) -> list[str]:
    """The SHA-256 of files of the session's folder, computed by the PC (``certutil -hashfile``); where certutil is
    forbidden, they are read back."""
    if not files:
        return []
    commands = [["certutil", "-hashfile", one.path, "SHA256"] for one in files]
    said = session.output_of(commands, timeout=60 + sum(one.octets for one in files) / _HASH_SPEED)
    lines = [line.strip() for line in said.splitlines()]
    found = [match.group(0).replace(" ", "").lower() for match in _SHA256.finditer("\n".join(lines))]
    if len(found) == len(files):
        return found
    contents = [session.read(one.name) for one in files]
    return ["" if content is None else hashlib.sha256(content).hexdigest() for content in contents]


def _fetched(session: WindowsSession, server: PullServer, local: Path, name: str) -> str:
    path = session.path(name)
    size = local.stat().st_size
    peer = session.inventory.workstations[session.target.partition(":")[2]].address
    code = -1
    with pull.offered(local, server, str(peer) if peer else None) as offer:
        words = pull.command(offer, path)
        for _ in range(_TRIES):
            code = session.run(words, timeout=120 + size / _LINE_SPEED).exit_code
            if code not in pull.GO_ON:
                break
    if code == 0:
        return path
    said = pull.CURL_SENTENCES.get(code, "failed (see curl's exit codes)")
    error = UnreachableError if code in pull.GO_ON else RejectedError
    raise error(session.target, f"curl.exe {said} (exit code {code}, file {name})")
