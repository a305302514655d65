"""Security descriptors as octets (MS-DTYP 2.4), access lists as texts, tickets with another label."""

from __future__ import annotations

import re
import struct

import pytest

from provisioning.connections.security_descriptors import (
    ALLOW,
    DENY,
    Ace,
    Descriptor,
    build,
    parse,
    sid_bytes,
    sid_text,
)
from provisioning.connections.stand_in_tickets import relabelled
from provisioning.resources.files import access

ADMINISTRATORS = "S-1-5-32-544"
SOMEBODY = "S-1-5-21-1004336348-1177238915-682003330-1107"

# O:BAD:P(A;OICI;FA;;;BA), written by hand from MS-DTYP 2.4.6, 2.4.5, 2.4.4.2 and 2.4.2.2.
BY_HAND = bytes.fromhex(
    "0100 0490 14000000 00000000 00000000 24000000"
    "0102 000000000005 20000000 20020000"
    "0200 2000 0100 0000"
    "0003 1800 ff011f00 0102 000000000005 20000000 20020000"
)
OF_ADMINISTRATORS = Descriptor(ADMINISTRATORS, (Ace(ALLOW, 3, 0x1F01FF, ADMINISTRATORS),), inherits=False)


def test_octets_are_those_of_the_specification() -> None:
    assert build(OF_ADMINISTRATORS) == BY_HAND
    assert parse(BY_HAND) == OF_ADMINISTRATORS


@pytest.mark.parametrize("inherits", [True, False])
def test_what_is_written_reads_back(inherits: bool) -> None:
    rare = bytes.fromhex("0500 1c00 ff010f00 00000000") + sid_bytes(ADMINISTRATORS)
    assert len(rare) == 0x1C
    aces = (Ace(DENY, 0, 0x10000, SOMEBODY), Ace(5, 0, 0, "", rare), Ace(ALLOW, 0x13, 0x1200A9, ADMINISTRATORS))
    descriptor = Descriptor(SOMEBODY, aces, inherits=inherits)
    octets = build(descriptor)
    assert octets[20 + 28] == 4, "an object entry needs ACL_REVISION_DS (MS-DTYP 2.4.5)"
    found = parse(octets)
    assert found.owner == SOMEBODY
    assert found.inherits is inherits
    assert [ace.raw or ace for ace in found.aces or ()] == [aces[0], rare, aces[2]]


def test_no_list_and_an_empty_list_are_not_the_same() -> None:
    everybody, nobody = Descriptor(ADMINISTRATORS, None, inherits=True), Descriptor(None, (), inherits=False)
    assert parse(build(everybody)) == everybody
    assert parse(build(nobody)) == nobody


@pytest.mark.parametrize("length", [0, 1, 19, 21, 35, 43, 50, 67])
def test_what_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"cut off|not a SID|not a self-relative"):
        parse(BY_HAND[:length])


@pytest.mark.parametrize(
    "text", ["", "S", "S-1", "S-1-5-x", "S-2-5-18", "S-1-5-4294967296", "Administrators", "S-1-5-²"]
)
def test_what_is_no_sid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a SID such as S-1-5-32-544"):
        sid_bytes(text)


def test_a_sid_reads_back() -> None:
    assert sid_text(sid_bytes(SOMEBODY)) == SOMEBODY
    assert sid_bytes("S-1-5-18").hex() == "010100000000000512000000"


@pytest.mark.parametrize(
    ("ace", "text"),
    [
        (Ace(ALLOW, 3, 0x1F01FF, SOMEBODY), "full anna.petrova"),
        (Ace(ALLOW, 3, 0x1301BF, SOMEBODY), "change anna.petrova"),
        (Ace(ALLOW, 3, 0x1200A9, ADMINISTRATORS), "read S-1-5-32-544"),
        (Ace(ALLOW, 0x13, 0x1F01FF, SOMEBODY), "allow 0x001f01ff flags 0x13 anna.petrova"),
        (Ace(DENY, 3, 0x1F01FF, SOMEBODY), "deny 0x001f01ff flags 0x03 anna.petrova"),
        (Ace(9, 3, 0, "", bytes.fromhex("09030800ffffffff")), "ace 09030800ffffffff"),
    ],
)
def test_an_entry_as_text_reads_back(ace: Ace, text: str) -> None:
    names = {SOMEBODY: "anna.petrova"}
    sids = {name: sid for sid, name in names.items()}
    assert access.words(ace, lambda sid: names.get(sid, sid)) == text
    assert access.entry(text, lambda name: sids.get(name, name)) == ace


@pytest.mark.parametrize(
    "text", ["", "full", "write anna.petrova", "allow 0x1 flags 0x0 x", "Full anna.petrova", "ace 0"]
)
def test_a_text_that_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{text!r} is not an entry of an access list")):
        access.principal(text)


def test_octets_of_another_length_are_no_entry() -> None:
    with pytest.raises(ValueError, match="is not a whole entry"):
        access.entry("ace 09030900ffffffff", lambda name: name)


def counted(*texts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(text)) + text for text in texts)


def test_a_ticket_gets_the_name_of_the_service() -> None:
    header = b"\x05\x04\x00\x0c" + bytes(12)
    anna = struct.pack(">II", 10, 1) + counted(b"CORP.EXAMPLE", b"anna.petrova")
    server = struct.pack(">II", 1, 1) + counted(b"CORP.EXAMPLE", b"FILES$")
    service = struct.pack(">II", 3, 2) + counted(b"CORP.EXAMPLE", b"cifs", b"files.corp.example")
    cache = header + anna + anna + server + b"the rest"
    wanted = header + anna + anna + service + b"the rest"
    assert relabelled(cache, "CORP.EXAMPLE", ("cifs", "files.corp.example")) == wanted
    for octets, said in ((b"\x05\x03" + cache[2:], "not a credential cache of format 4"), (cache[:60], "cut off")):
        with pytest.raises(ValueError, match=said):
            relabelled(octets, "CORP.EXAMPLE", ("cifs", "x"))
