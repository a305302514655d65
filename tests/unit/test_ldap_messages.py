"""LDAP's octets, held against another implementation of them: ldap3's, which goes by the ASN.1 of RFC 4511."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from provisioning.connections import directory  # noqa: F401  (imports ldap3 without pyasn1's warnings)
from provisioning.connections.ldap_messages import (
    DONE,
    ENTRY,
    LARGEST,
    Answer,
    answer,
    entry_of,
    filter_octets,
    joined,
    later_range,
    result_of,
    search_request,
    size_of,
    write_request,
)
from provisioning.connections.ldap_operations import Add, Delete, Entry, Modify, Operation, Rename

FILTERS = [
    "(objectClass=*)",
    "(cn=)",
    "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName=a.b)(sAMAccountName=c-d)))",
    "(&(objectClass=computer))",
    r"(cn=\28\2a\29\5c)",
    r"(cn=\d0\90\d0\bd\d0\bd\d0\b0)",
    "(cn=Анна)",
    "(!(memberOf=CN=a,DC=b))",
    "(sAMAccountName=dir.*)",
    "(employeeID=*N)",
    r"(cn=a*b*\2ac*d)",
    "(uSNChanged>=12)",
    "(uSNChanged<=12)",
    "(cn~=anna)",
    "(memberOf:1.2.840.113556.1.4.1941:=CN=a,DC=b)",
    "(cn:dn:2.5.13.5:=x)",
    "(|" + "".join(f"(sAMAccountName=n{number:05})" for number in range(300)) + ")",
]


def theirs(number: int, name: str, request: Any, controls: Sequence[tuple[str, bool, Any]] = ()) -> bytes:
    """A message as ldap3 sends it."""
    from ldap3.protocol.controls import build_control  # noqa: PLC0415
    from ldap3.protocol.convert import build_controls_list  # noqa: PLC0415
    from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp  # noqa: PLC0415
    from ldap3.utils.asn1 import encode  # noqa: PLC0415

    message = LDAPMessage()
    message["messageID"] = MessageID(number)
    message["protocolOp"] = ProtocolOp().setComponentByName(name, request)
    if controls:
        message["controls"] = build_controls_list([build_control(*one) for one in controls])
    return bytes(encode(message))


@pytest.mark.parametrize("condition", FILTERS, ids=lambda text: text[:60])
def test_a_search_is_what_ldap3_would_send(condition: str) -> None:
    from ldap3.operation.search import search_operation  # noqa: PLC0415
    from ldap3.protocol.rfc2696 import paged_search_control  # noqa: PLC0415

    base, attributes = "OU=Büro,DC=corp,DC=example", ["cn", "member;range=1500-*"]
    request = search_operation(base, condition, "SUBTREE", "NEVER", attributes, 0, 0, False, False, False)
    assert search_request(70_000, condition, attributes, base=base) == theirs(70_000, "searchRequest", request)
    paged = search_request(1, condition, attributes, base=base, page=1000, cookie=b"\0next")
    from ldap3.protocol.convert import build_controls_list  # noqa: PLC0415
    from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp  # noqa: PLC0415
    from ldap3.utils.asn1 import encode  # noqa: PLC0415

    message = LDAPMessage()
    message["messageID"] = MessageID(1)
    message["protocolOp"] = ProtocolOp().setComponentByName("searchRequest", request)
    message["controls"] = build_controls_list([paged_search_control(False, 1000, b"\0next")])
    assert paged == bytes(encode(message))


@pytest.mark.parametrize(
    "text", ["", "cn=a", "(cn=a", "(cn=a))", "(cn=a)(b=c)", "(&(cn=a)", "(!(a=b)(c=d))", "(cn)", "((a=b))"]
)
def test_what_is_no_filter_is_not_sent(text: str) -> None:
    with pytest.raises(ValueError, match=r"\(|filter"):
        filter_octets(text)


def test_a_value_that_is_escaped_stays_inside_its_filter() -> None:
    assert filter_octets(r"(cn=a\29\28b=\2a)").endswith(b"\x04\x02cn\x04\x06a)(b=*")


def operations() -> list[tuple[str, Any, Operation]]:
    """Name in ldap3, its request, ours."""
    from ldap3.operation.add import add_operation  # noqa: PLC0415
    from ldap3.operation.delete import delete_operation  # noqa: PLC0415
    from ldap3.operation.modify import modify_operation  # noqa: PLC0415
    from ldap3.operation.modifyDn import modify_dn_operation  # noqa: PLC0415

    dn = "CN=Анна,OU=Staff,DC=corp,DC=example"
    attributes: dict[str, Any] = {
        "objectClass": ["user"],
        "unicodePwd": [b'"\0P\0"\0'],
        "member": [f"CN={n},DC=x" for n in range(300)],
    }
    changes = {"title": [("MODIFY_REPLACE", [])], "member": [("MODIFY_DELETE", ["a"]), ("MODIFY_ADD", ["b", "c"])]}
    modify = Modify(dn, {"title": []}, add={"member": ["b", "c"]}, remove={"member": ["a"]})
    return [
        ("addRequest", add_operation(dn, attributes, auto_encode=False), Add(dn, attributes)),
        ("modifyRequest", modify_operation(dn, changes, auto_encode=False), modify),
        ("modDNRequest", modify_dn_operation(dn, "CN=B", True, "OU=x"), Rename(dn, "CN=B", "OU=x")),
        ("delRequest", delete_operation(dn), Delete(dn)),
    ]


@pytest.mark.parametrize("index", range(4))
def test_a_change_is_what_ldap3_would_send(index: int) -> None:
    name, request, operation = operations()[index]
    controls = [("1.2.840.113556.1.4.1413", False, None)] if name == "modifyRequest" else []
    assert write_request(300, operation) == theirs(300, name, request, controls)


def entry_message(number: int, dn: str, attributes: dict[str, list[bytes]]) -> bytes:
    from ldap3.protocol.rfc4511 import PartialAttribute, PartialAttributeList, SearchResultEntry, Vals  # noqa: PLC0415

    entry, listed = SearchResultEntry(), PartialAttributeList()
    entry["object"] = dn
    for place, (name, values) in enumerate(attributes.items()):
        one, several = PartialAttribute(), Vals()
        one["type"] = name
        for index, value in enumerate(values):
            several.setComponentByPosition(index, value)
        one["vals"] = several
        listed.setComponentByPosition(place, one)
    entry["attributes"] = listed
    return theirs(number, "searchResEntry", entry)


def test_an_entry_is_read_as_it_was_written() -> None:
    attributes = {"sAMAccountName": [b"a"], "memberOf": [b"CN=x", b"y" * 200], "objectSid": [b"\0\xff\x84"]}
    octets = entry_message(70_000, "CN=Анна,DC=x", attributes)
    found = answer(octets)
    assert (found.number, found.tag) == (70_000, ENTRY)
    assert entry_of(found) == Entry("CN=Анна,DC=x", {name.lower(): tuple(some) for name, some in attributes.items()})


def test_lengths_may_be_written_in_more_octets_than_they_need() -> None:
    """OpenLDAP and Active Directory write four."""
    inner = b"\x02\x01\x05" + b"\x65\x84\0\0\0\x07" + b"\x0a\x01\x00\x04\x00\x04\x00"
    octets = b"\x30\x84" + len(inner).to_bytes(4, "big") + inner
    assert size_of(octets, 0) == len(octets)
    assert (answer(octets).tag, result_of(answer(octets)).code) == (DONE, 0)


@pytest.mark.parametrize("critical", [b"", b"\x01\x01\x00"])
def test_the_cookie_of_the_next_page(critical: bytes) -> None:
    value = b"\x30\x07\x02\x01\x00\x04\x02\x00n"
    control = b"\x04\x161.2.840.113556.1.4.319" + critical + b"\x04\x09" + value
    other = b"\x30\x05\x04\x031.2"
    controls = other + b"\x30" + bytes([len(control)]) + control
    inner = b"\x02\x01\x05\x65\x07\x0a\x01\x00\x04\x00\x04\x00" + b"\xa0" + bytes([len(controls)]) + controls
    assert result_of(answer(b"\x30" + bytes([len(inner)]) + inner)).cookie == b"\0n"


def test_a_refusal_keeps_its_code_and_its_words() -> None:
    inner = b"\x02\x01\x05\x69\x0f\x0a\x01\x44\x04\x02DC\x04\x06taken\xff"
    result = result_of(answer(b"\x30" + bytes([len(inner)]) + inner))
    assert (result.code, result.message, result.cookie) == (68, "taken\N{REPLACEMENT CHARACTER}", b"")


def test_every_message_that_is_cut_or_bent_is_refused_as_such() -> None:
    """Nothing but a ValueError, and nothing for ever, whatever a server sends."""
    whole = entry_message(5, "CN=a,DC=x", {"cn": [b"a"], "memberOf": [b"b" * 130]})
    for index in range(len(whole)):
        for octet in {0x00, 0x7F, 0x80, 0x84, 0xFF, whole[index] ^ 1}:
            bent = whole[:index] + bytes([octet]) + whole[index + 1 :]
            try:
                found = answer(bent)
                entry_of(found)
                result_of(Answer(found.number, DONE, bent, found.start, found.end))
            except ValueError:
                pass
        with pytest.raises(ValueError, match=r"ends inside|longer than"):
            entry_of(answer(whole[:index]))


def test_how_long_a_message_is() -> None:
    octets = b"\x30\x82\x01\x00" + b"x" * 0x100 + b"\x30\x01"
    assert [size_of(octets, at) for at in (0, 0x104, 0x105, 0x106)] == [0x104, 3, None, None]
    assert size_of(octets[:3], 0) is None
    for wrong in (b"HTTP/1.1 400", b"\x30\x80\x00\x00", b"\x30\x84" + (LARGEST + 1).to_bytes(4, "big")):
        with pytest.raises(ValueError, match="the server"):
            size_of(wrong, 0)


def test_values_that_come_in_ranges() -> None:
    assert later_range("member;range=0-1499") == ("member", 1500)
    assert later_range("member;range=1500-*") is None
    assert later_range("member") is None
    parts: list[dict[str, tuple[bytes, ...]]] = [
        {"cn": (b"g",), "member": (), "member;range=0-1": (b"a", b"b")},
        {"member;range=2-*": (b"c",)},
    ]
    assert joined(parts) == {"cn": (b"g",), "member": (b"a", b"b", b"c")}
