"""What our SSH client does otherwise than paramiko's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from provisioning.connections import ssh
from provisioning.connections.ssh import SshClient


@pytest.fixture
def sent() -> list[paramiko.Message]:
    return []


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our end of it, and the device's."""
    near, far = socket.socketpair()
    with near, far:
        yield near, far


@pytest.fixture
def client(sent: list[paramiko.Message], line: tuple[socket.socket, socket.socket]) -> SshClient:
    """Signed in to a device that answers nothing."""
    channel = SimpleNamespace(remote_chanid=4)
    transport = SimpleNamespace(
        sock=line[0], open_session=lambda timeout: channel, _send_user_message=sent.append, close=lambda: None
    )
    made: Any = SshClient()
    made._transport = transport
    return made  # type: ignore[no-any-return]


def test_terminal_and_shell_are_asked_for_in_one_round_trip(client: SshClient, sent: list[paramiko.Message]) -> None:
    client.invoke_shell("vt100", 511, 1000)
    asked = []
    for message in sent:
        message.rewind()
        asked.append((message.get_byte(), message.get_int(), message.get_text(), message.get_boolean()))
    assert asked == [(b"\x62", 4, "pty-req", True), (b"\x62", 4, "shell", True)]
    terminal = sent[0]
    assert terminal.get_text() == "vt100"
    assert [terminal.get_int() for _ in range(4)] == [511, 1000, 0, 0]
    assert (terminal.get_binary(), terminal.get_remainder()) == (b"", b"")


def test_an_idle_session_wakes_up_once_a_second(client: SshClient) -> None:
    client.invoke_shell()
    transport: Any = client.get_transport()
    assert transport.sock.gettimeout() == 1.0


def test_the_other_side_hears_at_once_of_the_end(client: SshClient, line: tuple[socket.socket, socket.socket]) -> None:
    client.close()
    line[1].settimeout(5)
    assert line[1].recv(1) == b""  # although nobody closed the socket
    client.close()


def test_authenticated_encryption_is_preferred_and_nothing_is_left_out(
    line: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ssh._Transport(line[0]), paramiko.Transport(line[1])
    ciphers = list(ours.get_security_options().ciphers)
    assert ciphers[0].endswith("-gcm@openssh.com")
    assert sorted(ciphers) == sorted(theirs.get_security_options().ciphers)
