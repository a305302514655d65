"""Writing a file over SMB with several blocks on their way at once, so that neither side waits for the other.

How much may be on its way is what the server grants: a credit for each 64 KiB of a write (MS-SMB2 3.2.4.1.5). Blocks
may be written in another order than they were sent in, so whoever goes on after a broken connection must go back by
:data:`AHEAD` octets from the end of what is there.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import IO, Any, Protocol

from smbprotocol.exceptions import SMBException

from provisioning.connections.smb_sealed import SealedWrites

_BLOCK = 2 * 1024 * 1024  # octets of one write, if the server takes as much (Windows and Samba: 8 MiB)
_BLOCKS_AHEAD = 4
_CREDIT = 65536  # octets
AHEAD = _BLOCK * _BLOCKS_AHEAD
"""Octets that may be on their way at once."""


class Writes(Protocol):
    """Sends what lies in `block` from one place to another: all of it is read there, and written to the file at `at`.
    What is returned is smbprotocol's request, for its answer to be waited for."""

    block: memoryview

    def send(self, start: int, end: int, at: int, credits_wanted: int) -> Any: ...


def stream(source: IO[bytes], sink: Any) -> None:
    """Write what is left of `source` to `sink`, an unbuffered file that smbclient opened, from its position on.

    Raises what smbprotocol raises; some blocks may be there then and others before them not.
    """
    opened, connection = sink.fd, sink.fd.connection
    size = min(_BLOCK, connection.max_write_size)
    writes: Writes = SealedWrites(opened, size) if SealedWrites.suit(opened) else _PlainWrites(opened, size)
    under_way: deque[Callable[[], None]] = deque()
    at = sink.tell()
    try:
        while there := source.readinto(writes.block):  # type: ignore[attr-defined]  # files and BytesIO have it
            start = 0
            while start < there:
                while under_way and (len(under_way) >= _BLOCKS_AHEAD or _room(connection) < there - start):
                    under_way.popleft()()
                end = min(there, start + max(_room(connection), _CREDIT))
                request = writes.send(start, end, at, _wanted(connection, end - start))
                under_way.append(_answer(opened, request, end - start))
                at, start = at + end - start, end
        while under_way:
            under_way.popleft()()
    finally:
        for answered in under_way:
            with contextlib.suppress(Exception):  # the first error is the one that tells
                answered()


class _PlainWrites:
    """By smbprotocol itself, whatever was agreed on with the server."""

    def __init__(self, opened: Any, size: int) -> None:
        self._opened = opened
        self.block = memoryview(bytearray(size))

    def send(self, start: int, end: int, at: int, credits_wanted: int) -> Any:
        tree = self._opened.tree_connect
        message, _ = self._opened.write(bytes(self.block[start:end]), at, send=False)
        return self._opened.connection.send(
            message, sid=tree.session.session_id, tid=tree.tree_connect_id, credit_request=credits_wanted
        )


def _answer(opened: Any, request: Any, octets: int) -> Callable[[], None]:
    """Call it to wait for the answer to a write."""
    _, receive = opened.write(b"", 0, send=False)

    def answered() -> None:
        written = receive(request)
        if written != octets:
            raise SMBException(f"{written} of {octets} octets were written")

    return answered


def _wanted(connection: Any, octets: int) -> int:
    """Credits to ask for: those that a block spends, and what the window lacks for all that may be on their way."""
    return -(-octets // _CREDIT) + max(0, (AHEAD - _room(connection)) // _CREDIT)


def _room(connection: Any) -> int:
    """Octets that may be sent now."""
    with connection.sequence_lock:
        window = connection.sequence_window
        return int(window["high"] - window["low"]) * _CREDIT
