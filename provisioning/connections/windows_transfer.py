"""A file to a PC: over SMB, or fetched by the PC over HTTPS; its hash is checked on the PC; the speed is measured."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provisioning.connections import pull
from provisioning.errors import RejectedError, RequestError, UnreachableError

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
    """One file that went to a PC: `octets` in `seconds`, hash check included."""

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


def send(session: WindowsSession, local: Path, name: str) -> tuple[str, Transfer]:
    """Bring `local` into the session's folder; gives its Windows path and how fast it went.

    Raises :class:`RejectedError` when the PC has no room or another content arrives.
    """
    began = time.monotonic()
    size = local.stat().st_size
    server = session.inventory.windows.pull
    way: Literal["smb", "https"] = "smb"
    path = ""
    if server is not None and size > server.larger_than * _MIB:
        try:
            path, way = _fetched(session, server, local, name), "https"
        except RequestError as exc:
            _log.warning("%s: %s goes over SMB instead: %s", session.target, name, exc)
    path = path or session.push(local, name)
    with local.open("rb") as file:
        expected = hashlib.file_digest(file, "sha256").hexdigest()
    found = sha256_on_pc(session, path, name, size)
    if found != expected:
        session.delete(name)
        raise RejectedError(
            session.target, f"{name} arrived with another content (SHA-256 {found}, expected {expected}); try again"
        )
    transfer = Transfer(name, size, time.monotonic() - began, way)
    _log.info("%s: %s", session.target, transfer)
    return path, transfer


def sha256_on_pc(session: WindowsSession, path: str, name: str, size: int) -> str:
    """The SHA-256 of a file of the session's folder, computed by the PC (``certutil -hashfile``); where certutil is
    forbidden, the file is read back."""
    result = session.run(["certutil", "-hashfile", path, "SHA256"], timeout=60 + size / _HASH_SPEED)
    lines = [line.strip() for line in result.stdout.splitlines()]
    match = _SHA256.search("\n".join(lines))
    if match is not None and result.exit_code == 0:
        return match.group(0).replace(" ", "").lower()
    content = session.read(name)
    return "" if content is None else hashlib.sha256(content).hexdigest()


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
