"""A process that keeps many sessions has open files that select(2) does not know."""

from __future__ import annotations

import fcntl
import select
import socket
from collections.abc import Iterator

import pytest
from smbprotocol import transport

from provisioning.connections import files, smb
from provisioning.connections.room import room_for_sessions
from provisioning.connections.smb_waiting import Polling


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a line, the first one a file whose number is too large for select(2)."""
    room_for_sessions()  # raises the limit
    low, other = socket.socketpair()
    with low, other, socket.socket(fileno=fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 1024)) as high:
        yield high, other


def test_smb_waits_on_any_open_file(pair: tuple[socket.socket, socket.socket]) -> None:
    high, other = pair
    with pytest.raises(ValueError, match="out of range"):
        select.select([high], [], [], 0)
    assert Polling.select([high], [], [], 0.01) == ([], [], [])
    other.send(b"x")
    assert Polling.select([high], [], [], 5)[0] == [high]
    assert high.recv(1) == b"x"
    other.shutdown(socket.SHUT_RDWR)
    assert Polling.select([high], [], [], 5)[0] == [high], "its end is something to read, too"


@pytest.mark.parametrize("module", [smb, files])
def test_whoever_speaks_smb_has_it_wait_so(module: object) -> None:
    assert module
    assert transport.select is Polling
