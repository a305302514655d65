"""The locator's question to a domain controller: one LDAP search over UDP (MS-ADTS 6.3.3, "LDAP ping").

It tells the domain controller's name, what it can do, its site, and the site of whoever asks. Nothing of it is
signed, so it decides nothing but where a new member looks first: whoever uses it compares the domain's GUID with the
one read over LDAPS.
"""

from __future__ import annotations

import secrets
import socket
import struct
from dataclasses import dataclass
from uuid import UUID

PORT = 389
_TIMEOUT = 2.0  # seconds for one answer
_TRIES = 2
_LARGEST = 65535  # octets of a UDP datagram
_VERSION = 0x02 | 0x04 | 0x08  # NETLOGON_NT_VERSION_5, _5EX, _5EX_WITH_IP (MS-ADTS 6.3.1.1)
_RESPONSE_EX = (23, 25)  # LOGON_SAM_LOGON_RESPONSE_EX, LOGON_SAM_USER_UNKNOWN_EX (MS-ADTS 6.3.1.3)
_MOST_LABELS = 64


@dataclass(frozen=True)
class Ping:
    """NETLOGON_SAM_LOGON_RESPONSE_EX (MS-ADTS 6.3.1.9). `flags` are those of MS-ADTS 6.3.1.2."""

    flags: int
    domain_guid: UUID
    forest: str
    domain: str
    host: str
    netbios_domain: str
    netbios_host: str
    site: str
    client_site: str


def ping(address: str, domain: str, *, port: int = PORT) -> Ping | None:
    """Ask the domain controller at `address` about its `domain` (a DNS name).

    ``None`` when it does not answer in :data:`_TRIES` × :data:`_TIMEOUT` seconds, or not with an answer to this.
    """
    number = secrets.randbelow(2**31 - 2) + 1
    question = _search(number, domain)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(_TIMEOUT)
        for _ in range(_TRIES):
            try:
                line.connect((address, port))  # the kernel then drops what others send
                line.send(question)
                found = parse(line.recv(_LARGEST), number)
            except (OSError, ValueError):
                continue
            if found is not None and found.domain.casefold() == domain.casefold():
                return found
    return None


def parse(answer: bytes, number: int) -> Ping | None:
    """The answer to the search `number`; ``None`` for one without a Netlogon value. Raises :class:`ValueError` for
    octets that are no such answer."""
    message = _Ber(answer).enter(0x30)
    if message.integer() != number:
        raise ValueError("an answer to another question")
    entry = message.enter(0x64)  # SearchResultEntry
    entry.skip()
    attributes = entry.enter(0x30)
    while attributes.more():
        attribute = attributes.enter(0x30)
        name, values = attribute.octets(0x04), attribute.enter(0x31)
        if name.lower() == b"netlogon" and values.more():
            return _response(values.octets(0x04))
    return None


def _response(octets: bytes) -> Ping:
    if len(octets) < 24:
        raise ValueError("a Netlogon answer that is too short")
    code, _, flags = struct.unpack_from("<HHI", octets)
    if code not in _RESPONSE_EX:
        raise ValueError(f"a Netlogon answer of the kind {code}")
    names, position = [], 24
    for _ in range(8):
        name, position = _name(octets, position)
        names.append(name)
    forest, domain, host, netbios_domain, netbios_host, _, site, client_site = names
    guid = UUID(bytes_le=octets[8:24])
    return Ping(flags, guid, forest, domain, host, netbios_domain, netbios_host, site, client_site)


def _name(octets: bytes, position: int) -> tuple[str, int]:
    """A compressed name (RFC 1035 4.1.4), and where the next one begins."""
    labels: list[str] = []
    after: int | None = None
    while len(labels) <= _MOST_LABELS and position < len(octets):
        length = octets[position]
        if length == 0:
            return ".".join(labels), position + 1 if after is None else after
        if length & 0xC0:
            if position + 1 >= len(octets):
                break
            target = (length & 0x3F) << 8 | octets[position + 1]
            if target >= position:  # only backwards, so that no circle is walked
                break
            after = position + 2 if after is None else after
            position = target
            continue
        label = octets[position + 1 : position + 1 + length]
        labels.append(label.decode("utf-8", "strict"))
        position += 1 + length
    raise ValueError("a name in the Netlogon answer does not end")


def _search(number: int, domain: str) -> bytes:
    """SearchRequest on the rootDSE for ``(&(DnsDomain=…)(NtVer=…))``, attribute Netlogon (RFC 4511 4.5.1)."""
    conditions = [(b"DnsDomain", domain.encode("idna")), (b"NtVer", struct.pack("<I", _VERSION))]
    equal = b"".join(_tlv(0xA3, _tlv(0x04, name) + _tlv(0x04, value)) for name, value in conditions)
    request = (
        _tlv(0x04, b"")
        + _tlv(0x0A, b"\0")  # base object
        + _tlv(0x0A, b"\0")  # never dereference aliases
        + _tlv(0x02, b"\0") * 2  # no limits
        + _tlv(0x01, b"\0")  # types and values
        + _tlv(0xA0, equal)
        + _tlv(0x30, _tlv(0x04, b"Netlogon"))
    )
    return _tlv(0x30, _tlv(0x02, number.to_bytes(4, "big")) + _tlv(0x63, request))


def _tlv(tag: int, content: bytes) -> bytes:
    """X.690 8.1, definite length."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


class _Ber:
    """A reader of definite-length BER."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._position = 0

    def more(self) -> bool:
        return self._position < len(self._octets)

    def enter(self, tag: int) -> _Ber:
        return _Ber(self.octets(tag))

    def integer(self) -> int:
        return int.from_bytes(self.octets(0x02), "big", signed=True)

    def skip(self) -> None:
        self._next()

    def octets(self, tag: int) -> bytes:
        found, content = self._next()
        if found != tag:
            raise ValueError(f"expected tag {tag:#x}, found {found:#x}")
        return content

    def _next(self) -> tuple[int, bytes]:
        at, octets = self._position, self._octets
        if at + 2 > len(octets):
            raise ValueError("the answer ends early")
        tag, length, start = octets[at], octets[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or start + size > len(octets):
                raise ValueError("a length that is none")
            length, start = int.from_bytes(octets[start : start + size], "big"), start + size
        if start + length > len(octets):
            raise ValueError("the answer ends early")
        self._position = start + length
        return tag, octets[start : start + length]
