"""The locator's answer, read from octets: a whole one, and what a hostile network may send."""

from __future__ import annotations

import socket
import struct
import threading
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.connections.cldap import Ping, parse, ping

GUID = UUID("af480aed-cb71-4871-8291-19e3666b5ea4")
WHOLE = Ping(
    0x13FD, GUID, "corp.example", "corp.example", "dc1.corp.example", "CORP", "DC1", "Berlin-Süd",
    "Default-First-Site-Name",
)  # fmt: skip


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def labels(name: str) -> bytes:
    return b"".join(bytes([len(part.encode())]) + part.encode() for part in name.split(".")) + b"\0"


def netlogon(code: int = 23) -> bytes:
    """The forest stands at 24; the domain is the same and the host ends in it, both by reference (RFC 1035 4.1.4)."""
    octets = struct.pack("<HHI", code, 0, WHOLE.flags) + GUID.bytes_le + labels(WHOLE.forest)
    octets += b"\xc0\x18" + b"\x03dc1\xc0\x18" + labels("CORP") + labels("DC1") + b"\0"
    return octets + labels(WHOLE.site) + labels(WHOLE.client_site) + struct.pack("<IHH", 5, 0xFFFF, 0xFFFF)


def answer(value: bytes, number: int = 7, attribute: bytes = b"netlogon") -> bytes:
    entry = tlv(0x64, tlv(0x04), tlv(0x30, tlv(0x30, tlv(0x04, attribute), tlv(0x31, tlv(0x04, value)))))
    return tlv(0x30, tlv(0x02, number.to_bytes(4, "big")), entry)


def test_a_whole_answer() -> None:
    assert parse(answer(netlogon()), 7) == WHOLE


def test_an_answer_without_a_value() -> None:
    assert parse(answer(netlogon(), attribute=b"other"), 7) is None


@pytest.mark.parametrize(
    "octets",
    [
        answer(netlogon(), number=8),
        answer(netlogon(code=19)),
        answer(netlogon()[:20]),
        answer(netlogon()[:24] + b"\xc0\x18" * 8),  # refers to itself
        answer(netlogon()[:24] + b"\xc0\xff" * 8),  # refers forward
        answer(netlogon()[:30]),
        answer(netlogon())[:-9],
        b"\x30\x84\xff\xff\xff\xff",
        b"",
    ],
)
def test_what_is_no_answer(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(octets, 7)


@given(st.binary(max_size=300))
def test_any_octets_are_refused_or_read(octets: bytes) -> None:
    try:
        parse(octets, 7)
    except ValueError:
        return


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_octet_does_no_harm(place: int, octet: int) -> None:
    message = bytearray(answer(netlogon()))
    message[place % len(message)] = octet
    try:
        parse(bytes(message), 7)
    except ValueError:
        return


def test_an_answer_about_another_domain_is_not_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        port = server.getsockname()[1]

        def serve() -> None:
            for _ in range(3):
                question, who = server.recvfrom(65535)
                number = int.from_bytes(question[4:8], "big")
                server.sendto(answer(netlogon(), number=number), who)

        thread = threading.Thread(target=serve)
        thread.start()
        assert ping("127.0.0.1", "corp.example", port=port) == WHOLE
        assert ping("127.0.0.1", "other.example", port=port) is None
        thread.join()


def test_nobody_there() -> None:
    assert ping("127.0.0.1", "corp.example", port=1) is None
