"""Quotas of a file server's users (MS-SMB2 2.2.37.1, 2.2.39; MS-FSCC 2.4.41): limits of a volume, one a SID.

They are asked for on the volume's own file of quotas, which Windows and Samba let administrators open.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import InfoType
from smbprotocol.open import Open, SMB2QueryInfoRequest, SMB2QueryInfoResponse, SMB2SetInfoRequest

from provisioning.connections import file_refusals as refusals
from provisioning.connections.security_descriptors import sid_bytes, sid_text

FILE = "$Extend\\$Quota:$Q:$INDEX_ALLOCATION"
"""The volume's file of quotas (MS-FSCC 2.1.5.2; NTFS and whatever plays it)."""

ACCESS = 0x0002019F
"""READ_CONTROL and all rights on data and attributes of the file (MS-SMB2 2.2.13.1.1)."""

_NO_LIMIT = -1
_ASKED, _ENTRY = struct.Struct("<BBHIII"), struct.Struct("<IIqqqq")
_HEAD = struct.Struct("<II")
_NO_ENTRIES = 0x8000001A  # STATUS_NO_MORE_ENTRIES
_NOT_OFFERED = refusals.GONE | frozenset(
    {
        0xC0000002,  # STATUS_NOT_IMPLEMENTED
        0xC000000D,  # STATUS_INVALID_PARAMETER
        0xC0000010,  # STATUS_INVALID_DEVICE_REQUEST
        0xC000001C,  # STATUS_INVALID_SYSTEM_SERVICE: Samba without quotas in its file system
        0xC0000022,  # STATUS_ACCESS_DENIED
        0xC0000033,  # STATUS_OBJECT_NAME_INVALID
        0xC00000BB,  # STATUS_NOT_SUPPORTED
    }
)
_LARGEST = 65_536  # octets of an answer


class Quotas:
    """The quotas behind one share. `open_file` opens a path with a mask of rights; `exchange` sends a request on what
    is open."""

    def __init__(
        self, open_file: Callable[[str, int], AbstractContextManager[Open]], exchange: Callable[[Open, Any], bytes]
    ) -> None:
        self._open_file = open_file
        self._exchange = exchange

    def offered(self) -> bool:
        """Whether the server has quotas there, and lets us at them."""
        try:
            with self._open_file(FILE, ACCESS) as opened:
                self._limit(opened, "S-1-5-32-544")
        except SMBResponseException as exc:
            if refusals.status(exc) in _NOT_OFFERED:
                return False
            raise
        return True

    def limit(self, sid: str) -> int | None:
        """The most that files of `sid` may take, in octets; ``None``: as much as there is."""
        with self._open_file(FILE, ACCESS) as opened:
            return self._limit(opened, sid)

    def set_limit(self, sid: str, octets: int | None) -> None:
        """Set it. The warning threshold is the same: file systems that have a period of grace count it from there."""
        value = _NO_LIMIT if octets is None else octets
        request = SMB2SetInfoRequest()
        request["info_type"] = InfoType.SMB2_0_INFO_QUOTA
        who = sid_bytes(sid)
        with self._open_file(FILE, ACCESS) as opened:
            request["file_id"] = opened.file_id
            request["buffer"] = _ENTRY.pack(0, len(who), 0, 0, value, value) + who
            self._exchange(opened, request)

    def _limit(self, opened: Open, sid: str) -> int | None:
        who = sid_bytes(sid)
        wanted = _HEAD.pack(0, len(who)) + who  # FILE_GET_QUOTA_INFORMATION (MS-FSCC 2.4.41.1)
        request = SMB2QueryInfoRequest()
        request["info_type"] = InfoType.SMB2_0_INFO_QUOTA
        request["output_buffer_length"] = _LARGEST
        request["file_id"] = opened.file_id
        request["buffer"] = _ASKED.pack(0, 1, 0, len(wanted), 0, 0) + wanted
        try:
            response = SMB2QueryInfoResponse()
            response.unpack(self._exchange(opened, request))
        except SMBResponseException as exc:
            if refusals.status(exc) == _NO_ENTRIES:
                return None
            raise
        return next((limit for found, limit in entries(response["buffer"].get_value()) if found == sid), None)


def entries(octets: bytes) -> Iterator[tuple[str, int | None]]:
    """SID and limit of each FILE_QUOTA_INFORMATION. Limits below zero are none (MS-FSCC: -1), and so is Samba's 0.
    Raises :class:`ValueError` for what is cut off."""
    at = 0
    while at + _ENTRY.size <= len(octets):
        following, size, _, _, _, limit = _ENTRY.unpack_from(octets, at)
        sid = octets[at + _ENTRY.size : at + _ENTRY.size + size]
        yield sid_text(sid), limit if limit > 0 else None
        if not following:
            return
        at += following
