"""The offline-domain-join blob: what ``djoin /requestODJ`` and an answer file take, written without Windows.

Format: Microsoft Learn, "Offline domain join IDL definitions" (ODJ_PROVISION_DATA and below), each structure in type
serialization version 1 (MS-RPCE 2.2.6). The octets are those of Samba's ``net offlinejoin provision``
(source3/libnet/libnet_join_offline.c), which Windows accepts; :mod:`tests.unit.test_offline_join` compares them.

The blob holds the password of the machine account in clear: it is a secret.
"""

from __future__ import annotations

import base64
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

_JOIN_PROVIDER = UUID("631c7621-5289-4321-bc9e-80f843f868c3")  # part is an ODJ_WIN7BLOB
_JOIN_PROVIDER_3 = UUID("fc0ccf25-7ffa-474a-8611-69ffe269645f")  # part is an OP_JOINPROV3_PART
_ESSENTIAL = 1  # OPSPI_PACKAGE_PART_ESSENTIAL
_WIN7_FORMAT, _WIN8_FORMAT = 1, 2
_OPTIONS = 6  # the documentation says 0; Windows Server 2019 writes 6, and so does Samba
_INTERNET_ADDRESS = 1  # DS_INET_ADDRESS (DOMAIN_CONTROLLER_INFO, dsgetdc.h)
_PASSWORD_REFERENT = 0xFFFFFFFF  # any value but 0 will do; this is Samba's


@dataclass(frozen=True)
class Domain:
    """A domain as its members know it. `dns` and `forest` are DNS names, `sid` is in text form (MS-DTYP 2.4.2.1)."""

    dns: str
    netbios: str
    forest: str
    guid: UUID
    sid: str


@dataclass(frozen=True)
class Controller:
    """A domain controller as the locator sees it: DNS `name`, IP `address`, `flags` as DsGetDcName gives them, its
    `site` and the site of whoever asks."""

    name: str
    address: str
    flags: int
    site: str
    client_site: str


@dataclass(frozen=True)
class MachineAccount:
    """A computer account whose password is known at this moment. `name` is without the ``$``."""

    name: str
    password: SecretStr
    rid: int


def provision_data(domain: Domain, controller: Controller, account: MachineAccount) -> bytes:
    """The serialised ODJ_PROVISION_DATA. Raises :class:`ValueError` for a SID that is none."""
    win7 = _win7_blob(domain, controller, account)
    package = _package(win7, _join_provider_3(f"{domain.sid}-{account.rid}", account.rid))

    def blobs(ndr: _Ndr) -> None:
        ndr.number(2)
        for form, blob in ((_WIN7_FORMAT, win7), (_WIN8_FORMAT, package)):
            ndr.number(form)
            ndr.blob(blob)

    def data(ndr: _Ndr) -> None:
        ndr.number(1)  # version
        ndr.number(2)  # how many
        ndr.pointer(blobs)

    return _serialised(data)


def as_file(data: bytes) -> bytes:
    """The file that ``djoin /requestODJ /loadfile`` reads: base64 as UTF-16LE with a BOM, and a NUL at the end."""
    return b"\xff\xfe" + (as_account_data(data) + "\0").encode("utf-16-le")


def as_account_data(data: bytes) -> str:
    """The text of ``Identification/Provisioning/AccountData`` in an answer file."""
    return base64.b64encode(data).decode("ascii")


def sid_text(octets: bytes) -> str:
    """A binary SID in text form (MS-DTYP 2.4.2). Raises :class:`ValueError` for what is none."""
    if len(octets) < 8 or len(octets) != 8 + 4 * octets[1]:
        raise ValueError("not a SID")
    numbers = struct.unpack(f"<{octets[1]}I", octets[8:])
    return "-".join(["S", str(octets[0]), str(int.from_bytes(octets[2:8], "big")), *map(str, numbers)])


class _Ndr:
    """A writer of NDR, little-endian (C706 14): scalars at once, what pointers lead to after the structure."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self._referent = 0x20000
        self._waiting: deque[Callable[[_Ndr], None]] = deque()

    def number(self, value: int, size: int = 4) -> None:
        """An unsigned integer of `size` octets, aligned to its size."""
        self.octets += bytes(-len(self.octets) % size)
        self.octets += value.to_bytes(size, "little")

    def guid(self, value: UUID) -> None:
        self.octets += bytes(-len(self.octets) % 4) + value.bytes_le

    def pointer(self, write: Callable[[_Ndr], None] | None, *, referent: int | None = None) -> None:
        """A unique pointer: null, or a referent whose content is written later."""
        if write is None:
            self.number(0)
            return
        if referent is None:
            referent, self._referent = self._referent, self._referent + 4
        self.number(referent)
        self._waiting.append(write)

    def string(self, text: str, *, referent: int | None = None) -> None:
        """``[string] wchar_t *``: conformant and varying, with its NUL."""
        self.pointer(_characters(text + "\0"), referent=referent)

    def unicode_string(self, text: str) -> None:
        """ODJ_UNICODE_STRING: lengths in octets, the maximum with a NUL that is not sent."""
        length = len(text.encode("utf-16-le"))
        self.number(length, 2)
        self.number(length + 2, 2)
        self.pointer(_characters(text, more=1))

    def blob(self, octets: bytes) -> None:
        """Length and pointer to that many octets (OP_BLOB); null when there are none."""

        def content(ndr: _Ndr) -> None:
            ndr.number(len(octets))
            ndr.octets += octets

        self.number(len(octets))
        self.pointer(content if octets else None)

    def finish(self) -> bytes:
        """Everything, with what the pointers lead to, padded to 8 octets."""
        while self._waiting:
            self._waiting.popleft()(self)
        return bytes(self.octets) + bytes(-len(self.octets) % 8)


def _characters(text: str, *, more: int = 0) -> Callable[[_Ndr], None]:
    """A conformant varying array of UTF-16 units; the array could hold `more` than are sent."""
    octets = text.encode("utf-16-le")

    def write(ndr: _Ndr) -> None:
        ndr.number(len(octets) // 2 + more)
        ndr.number(0)
        ndr.number(len(octets) // 2)
        ndr.octets += octets

    return write


def _serialised(content: Callable[[_Ndr], None]) -> bytes:
    """Type serialization version 1: common header, private header, a pointer to the structure."""
    ndr = _Ndr()
    ndr.pointer(content)
    body = ndr.finish()
    return struct.pack("<BBHIII", 1, 0x10, 8, 0xCCCCCCCC, len(body), 0) + body


def _win7_blob(domain: Domain, controller: Controller, account: MachineAccount) -> bytes:
    def content(ndr: _Ndr) -> None:
        ndr.string(domain.dns)
        ndr.string(account.name)
        ndr.string(account.password.get_secret_value(), referent=_PASSWORD_REFERENT)
        ndr.unicode_string(domain.netbios)
        ndr.unicode_string(domain.dns)
        ndr.unicode_string(domain.forest)
        ndr.guid(domain.guid)
        ndr.pointer(_sid(domain.sid))
        ndr.string(f"\\\\{controller.name}")  # DOMAIN_CONTROLLER_INFOW begins
        ndr.string(f"\\\\{controller.address}")
        ndr.number(_INTERNET_ADDRESS)
        ndr.guid(domain.guid)
        ndr.string(domain.dns)
        ndr.string(domain.forest)
        ndr.number(controller.flags)
        ndr.string(controller.site)
        ndr.string(controller.client_site)
        ndr.number(_OPTIONS)

    return _serialised(content)


def _join_provider_3(sid: str, rid: int) -> bytes:
    def content(ndr: _Ndr) -> None:
        ndr.number(rid)
        ndr.string(sid)

    return _serialised(content)


def _package(win7: bytes, join_provider_3: bytes) -> bytes:
    """An OP_PACKAGE whose parts are not encrypted."""

    def parts(ndr: _Ndr) -> None:
        ndr.number(2)
        for kind, flags, part in ((_JOIN_PROVIDER, _ESSENTIAL, win7), (_JOIN_PROVIDER_3, 0, join_provider_3)):
            ndr.guid(kind)
            ndr.number(flags)
            ndr.blob(part)
            ndr.blob(b"")  # extension

    def collection(ndr: _Ndr) -> None:
        ndr.number(2)
        ndr.pointer(parts)
        ndr.blob(b"")

    def package(ndr: _Ndr) -> None:
        ndr.guid(UUID(int=0))  # encryption: none
        ndr.blob(b"")
        ndr.blob(_serialised(collection))
        ndr.number(0)  # length when decrypted
        ndr.blob(b"")

    return _serialised(package)


def _sid(text: str) -> Callable[[_Ndr], None]:
    """RPC_SID (MS-DTYP 2.4.2.3): the count of sub-authorities comes before the structure too."""
    first, revision, authority, *subs = text.split("-")
    if first != "S" or not subs:
        raise ValueError(f"{text!r} is not a SID")
    octets = bytes([int(revision), len(subs)]) + int(authority).to_bytes(6, "big")
    octets += struct.pack(f"<{len(subs)}I", *map(int, subs))

    def write(ndr: _Ndr) -> None:
        ndr.number(len(subs))
        ndr.octets += octets

    return write
