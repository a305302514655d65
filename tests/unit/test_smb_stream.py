"""Blocks on their way to a PC: how many at once, what is sealed, and what an error leaves behind."""

from __future__ import annotations

import io
import struct
from array import array
from threading import Lock
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from smbprotocol import Dialects
from smbprotocol.connection import Ciphers, SMB2TransformHeader
from smbprotocol.exceptions import SMBException
from smbprotocol.header import Commands, SMB2HeaderRequest
from smbprotocol.open import SMB2WriteRequest

from provisioning.connections import smb_stream
from provisioning.connections.smb_sealed import SealedWrites
from provisioning.connections.smb_stream import AHEAD, stream

MIB = 1024 * 1024
KEY = bytes(range(16))


class Server:
    """Stands in for smbprotocol's connection, session, tree and open file: grants what it is told to, and keeps what is
    written. `encrypts`: the session is an encrypted one."""

    def __init__(self, granted: int = 10_000, encrypts: bool = False, most: int = 8 * MIB) -> None:
        self.sequence_lock = Lock()
        self.sequence_window = {"low": 5, "high": 5 + granted}
        self.max_write_size = most
        self.outstanding_requests: dict[int, Any] = {}
        self.dialect, self.cipher_id = Dialects.SMB_3_1_1, Ciphers.AES_128_GCM
        self.connection = self.tree_connect = self.session = self.transport = self.fd = self
        self.encrypt_data, self.encryption_key = encrypts, KEY
        self.session_id, self.tree_connect_id, self.file_id = 77, 9, b"f" * 16
        self.is_dfs_share = False
        self._sock, self._sock_lock = self, Lock()
        self.content = bytearray()
        self.under_way = self.most_under_way = 0
        self.answers_after = 10_000
        self.asked: list[int] = []
        self.packets: list[bytes] = []

    def tell(self) -> int:
        return len(self.content)

    def write(self, data: bytes, offset: int, *, send: bool) -> tuple[tuple[int, bytes], Any]:
        return (offset, data), self._answer

    def send(self, message: tuple[int, bytes], *, sid: int, tid: int, credit_request: int) -> int:
        """Without encryption smbprotocol sends it."""
        at, data = message
        with self.sequence_lock:
            self.sequence_window["low"] += -(-len(data) // 65536)
        self.asked.append(credit_request)
        return self._take(at, data)

    def sendall(self, packet: memoryview) -> None:
        """With it, this is the socket."""
        octets = bytes(packet)
        self.packets.append(octets)
        header = SMB2TransformHeader()
        header.unpack(octets[4:])
        sealed = header["data"].get_value() + header["signature"].get_value()
        nonce = header["nonce"].get_value()[:12]
        message = SMB2HeaderRequest()
        message.unpack(AESGCM(KEY).decrypt(nonce, sealed, header.pack()[20:52]))
        write = SMB2WriteRequest()
        write.unpack(message["data"].get_value())
        assert struct.unpack(">I", octets[:4])[0] == len(octets) - 4
        assert header["session_id"].get_value() == message["session_id"].get_value() == 77
        assert (message["command"].get_value(), message["tree_id"].get_value()) == (Commands.SMB2_WRITE, 9)
        assert write["file_id"].get_value() == b"f" * 16
        assert message["message_id"].get_value() in self.outstanding_requests
        self.asked.append(message["credit_request"].get_value())
        self.number = message["message_id"].get_value()
        self._take(write["offset"].get_value(), write["buffer"].get_value())

    def _take(self, at: int, data: bytes) -> int:
        assert at == len(self.content)
        self.content += data
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        return len(data)

    def _answer(self, request: Any) -> int:
        self.under_way -= 1
        self.answers_after -= 1
        if self.answers_after < 0:
            raise SMBException("gone")
        with self.sequence_lock:
            self.sequence_window["high"] += self.asked.pop(0)
        return request if isinstance(request, int) else smb_stream._BLOCK

    def content_of(self, octets: bytes) -> bytes:
        stream(io.BytesIO(octets), self)
        return bytes(self.content)


def numbered(size: int) -> bytes:
    return array("I", range(size // 4)).tobytes()


@pytest.mark.parametrize("size", [0, 4, 65536, smb_stream._BLOCK, 5 * smb_stream._BLOCK + 4])
@pytest.mark.parametrize("granted", [1, 40, 10_000])
def test_everything_arrives_whatever_the_server_grants(size: int, granted: int) -> None:
    server = Server(granted)
    assert server.content_of(numbered(size)) == numbered(size)
    assert server.most_under_way <= smb_stream._BLOCKS_AHEAD


def test_several_blocks_are_on_their_way_and_no_more_than_that() -> None:
    server = Server()
    server.content_of(bytes(10 * smb_stream._BLOCK))
    assert server.most_under_way == smb_stream._BLOCKS_AHEAD > 1
    assert AHEAD == smb_stream._BLOCKS_AHEAD * smb_stream._BLOCK, "whoever goes on goes back by all that may be missing"


def test_a_server_that_grants_little_is_asked_for_more() -> None:
    server = Server(granted=1)
    server.content_of(bytes(10 * smb_stream._BLOCK))
    assert server.most_under_way > 1


def test_a_small_block_where_the_server_takes_no_larger_one() -> None:
    server = Server(most=65536)
    assert server.content_of(numbered(MIB)) == numbered(MIB)


@pytest.mark.parametrize("encrypts", [False, True])
def test_an_error_ends_it_and_every_answer_is_waited_for(encrypts: bool) -> None:
    server = Server(encrypts=encrypts)
    server.answers_after = 2
    with pytest.raises(SMBException, match="gone"):
        stream(io.BytesIO(bytes(20 * smb_stream._BLOCK)), server)
    assert server.under_way == 0
    assert len(server.content) < 20 * smb_stream._BLOCK


def test_fewer_octets_than_were_sent_are_an_error() -> None:
    server = Server(encrypts=True)  # which answers with a whole block
    with pytest.raises(SMBException, match="of 100 octets were written"):
        server.content_of(bytes(100))


def test_sealed_writes_are_what_smbprotocol_would_have_sent() -> None:
    server = Server(encrypts=True)
    octets = numbered(6 * smb_stream._BLOCK)
    assert server.content_of(octets) == octets
    assert server.most_under_way == smb_stream._BLOCKS_AHEAD
    nonces = {packet[24:36] for packet in server.packets}
    assert len(nonces) == len(server.packets) == 6, "a nonce is used once"
    numbers = sorted(server.outstanding_requests)
    charge = smb_stream._BLOCK // 65536
    assert numbers == [5 + charge * block for block in range(6)]


def test_sealed_parts_of_a_block_where_the_server_grants_little() -> None:
    server = Server(granted=3, encrypts=True)
    with pytest.raises(SMBException, match="octets were written"):  # it answers as if each were a whole block
        server.content_of(numbered(smb_stream._BLOCK))
    assert bytes(server.content) == numbered(smb_stream._BLOCK)[: len(server.content)]
    assert len(server.content) == 3 * 65536


@pytest.mark.parametrize(
    "other", [{"encrypt_data": False}, {"dialect": Dialects.SMB_3_0_2}, {"cipher_id": 1}, {"is_dfs_share": True}]
)
def test_any_other_session_is_left_to_smbprotocol(other: dict[str, Any]) -> None:
    server: Any = Server(encrypts=True)
    assert SealedWrites.suit(server)
    vars(server).update(other)
    assert not SealedWrites.suit(server)
