"""WRITE requests of an encrypted SMB 3.1.1 session (MS-SMB2 2.2.1.2, 2.2.21, 2.2.41), without the dozen copies that
smbprotocol makes of what is written: a block is read from the file once, sealed once, and given to the socket.

Everything else of the session stays smbprotocol's: its keys, its message numbers, its table of requests, the thread
that takes the answers.
"""

from __future__ import annotations

import os
import struct
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from smbprotocol import Dialects
from smbprotocol.connection import Ciphers, Request
from smbprotocol.header import Commands, SMB2HeaderRequest
from smbprotocol.open import SMB2WriteRequest

_HEADER = struct.Struct("<4s H H I H H I I Q I I Q 16x")
_WRITE = struct.Struct("<H H I Q 16s 16x")
_TRANSFORM = struct.Struct("<I 4s 16s 16s I H H Q")
_HEAD = _HEADER.size + _WRITE.size
_TAG = 16  # octets
_CREDIT = 65536  # octets


class SealedWrites:
    """Writes to one open file. See :class:`~provisioning.connections.smb_stream.Writes`."""

    def __init__(self, opened: Any, size: int) -> None:
        self._opened = opened
        self._plain = memoryview(bytearray(_HEAD + size))
        self._sealed = memoryview(bytearray(_TRANSFORM.size + _HEAD + size + _TAG))
        self._cipher: Any = AESGCM(opened.tree_connect.session.encryption_key)
        self.block = self._plain[_HEAD:]

    @staticmethod
    def suit(opened: Any) -> bool:
        """Whether this session is encrypted in the way that is meant here."""
        connection, tree = opened.connection, opened.tree_connect
        return bool(
            tree.session.encrypt_data
            and not tree.is_dfs_share
            and connection.dialect == Dialects.SMB_3_1_1
            and connection.cipher_id in {Ciphers.AES_128_GCM, Ciphers.AES_256_GCM}
            and hasattr(AESGCM, "encrypt_into")
            and hasattr(connection.transport, "_sock_lock")
        )

    def send(self, start: int, end: int, at: int, credits_wanted: int) -> Any:
        """Send what lies from `start` to `end` in the block. What lies before it there is lost: the head goes there."""
        tree, connection = self._opened.tree_connect, self._opened.connection
        session_id, length = tree.session.session_id, end - start
        charge = -(-length // _CREDIT)
        request = self._request(charge)
        number = request.message["message_id"].get_value()
        message = self._plain[start : _HEAD + end]
        _HEADER.pack_into(message, 0, b"\xfeSMB", 64, charge, 0, Commands.SMB2_WRITE, credits_wanted, 0, 0, number, 0,
                          tree.tree_connect_id, session_id)  # fmt: skip
        _WRITE.pack_into(message, _HEADER.size, 49, _HEAD, length, at, self._opened.file_id)
        packet = self._seal(message, session_id)
        with connection.transport._sock_lock:
            connection.transport._sock.sendall(packet)
        return request

    def _request(self, charge: int) -> Any:
        """A place in smbprotocol's table of requests, under the next free number."""
        connection = self._opened.connection
        session_id = self._opened.tree_connect.session.session_id
        header = SMB2HeaderRequest()
        with connection.sequence_lock:
            header["message_id"] = connection.sequence_window["low"]
            connection.sequence_window["low"] += charge
        request = Request(header, SMB2WriteRequest, connection, session_id=session_id)
        connection.outstanding_requests[header["message_id"].get_value()] = request
        return request

    def _seal(self, message: memoryview, session_id: int) -> memoryview:
        """The whole packet. The nonce is random, as smbprotocol's are; the tag stands in the transform header."""
        nonce = os.urandom(12)
        size = len(message)
        end = _TRANSFORM.size + size
        fields = (size, 0, 1, session_id)
        authenticated = struct.pack("<16s I H H Q", nonce, *fields)
        self._cipher.encrypt_into(nonce, message, authenticated, self._sealed[_TRANSFORM.size : end + _TAG])
        tag = bytes(self._sealed[end : end + _TAG])
        length = int.from_bytes((end - 4).to_bytes(4, "big"), "little")  # of the transport, the other way round (2.1)
        _TRANSFORM.pack_into(self._sealed, 0, length, b"\xfdSMB", tag, nonce, *fields)
        return self._sealed[:end]
