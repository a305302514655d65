"""What our SSH client does otherwise than paramiko's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest
from paramiko.packet import NeedRekeyException

from provisioning.connections.ssh import SshClient
from provisioning.connections.ssh_transport import Packets, Transport


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


def test_an_idle_session_wakes_up_twice_a_minute(client: SshClient) -> None:
    client.invoke_shell()
    transport: Any = client.get_transport()
    assert transport.sock.gettimeout() == 30.0


def test_the_other_side_hears_at_once_of_the_end(line: tuple[socket.socket, socket.socket]) -> None:
    made: Any = SshClient()
    made._transport = Transport(line[0])
    made._transport.active = True
    kept = line[0].dup()  # somebody else may hold it open
    with kept:
        made.close()
        line[1].settimeout(5)
        assert line[1].recv(1) == b""
    made.close()


class Counted:
    """A socket that counts how often it is read."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.reads = 0

    def recv(self, octets: int) -> bytes:
        self.reads += 1
        return self._line.recv(octets)


def test_what_has_come_is_read_at_once(line: tuple[socket.socket, socket.socket]) -> None:
    counted = Counted(line[0])
    packets = Packets(counted)
    line[1].sendall(b"Welcome\r\nSSH-2.0-x\r\n" + bytes(range(60)))
    assert [packets.readline(5), packets.readline(5)] == ["Welcome", "SSH-2.0-x"]
    assert b"".join(packets.read_all(n) for n in (4, 16, 40)) == bytes(range(60))
    assert counted.reads == 1
    line[1].sendall(b"ab")
    line[1].close()
    with pytest.raises(EOFError):
        packets.read_all(3)


def test_silence_ends_the_greeting_and_the_handshake(line: tuple[socket.socket, socket.socket]) -> None:
    line[0].settimeout(0.01)
    packets = Packets(line[0])
    with pytest.raises(TimeoutError):
        packets.readline(0.02)
    threads = threading.active_count()
    packets.start_handshake(0.02)
    assert threading.active_count() == threads
    with pytest.raises(EOFError):
        packets.read_all(1)
    packets.complete_handshake()
    line[1].sendall(b"x")
    assert packets.read_all(1) == b"x"
    packets.close()
    with pytest.raises(EOFError):
        packets.read_all(1)


def test_a_connection_without_a_word_is_asked_for_new_keys(line: tuple[socket.socket, socket.socket]) -> None:
    line[0].settimeout(0.01)
    packets: Any = Packets(line[0])
    packets._trigger_rekey()
    with pytest.raises(NeedRekeyException):
        packets.read_all(4, check_rekey=True)
    line[1].sendall(b"ab")
    threading.Timer(0.05, line[1].sendall, [b"cd"]).start()
    assert packets.read_all(4, check_rekey=True) == b"abcd"  # not in the middle of a packet


def test_no_password_is_sent_before_the_service_is_accepted(
    line: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport: Any = Transport(line[0])
    sent: list[paramiko.Message] = []
    monkeypatch.setattr(transport, "_send_message", sent.append)
    transport.active = transport.initial_kex_done = True
    transport.auth_password("netops", "pa55", event=threading.Event())
    assert [paramiko.Message(message.asbytes()).get_byte() for message in sent] == [b"\x05"]


def test_authenticated_encryption_is_preferred_and_nothing_is_left_out(
    line: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = Transport(line[0]), paramiko.Transport(line[1])
    ciphers = list(ours.get_security_options().ciphers)
    assert ciphers[0].endswith("-gcm@openssh.com")
    assert sorted(ciphers) == sorted(theirs.get_security_options().ciphers)
