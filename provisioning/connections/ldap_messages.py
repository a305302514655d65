"""The octets of LDAP: requests as they are sent, answers as they come (RFC 4511, in the BER subset of its section 5.1).

ldap3 makes and reads messages by a general ASN.1 library, which takes a millisecond for an entry and 50 for a filter
with 200 values; of 10,000 accounts most of the time went there. What is sent here is what ldap3 would send.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisioning.connections.ldap_operations import Add, Delete, Entry, Modify, Operation, Rename, Values

ENTRY, DONE, REFERENCE, NOTICE = 0x64, 0x65, 0x73, 0x78
"""Tags of SearchResultEntry, SearchResultDone, SearchResultReference and ExtendedResponse (RFC 4511 appendix B)."""

PAGED_RESULTS = "1.2.840.113556.1.4.319"  # RFC 2696
PERMISSIVE_MODIFY = "1.2.840.113556.1.4.1413"
"""Adding what is there and removing what is not succeed (MS-ADTS 3.1.1.3.4.1.8)."""

LARGEST = 2**26
"""Octets of the largest message that is taken (64 MiB)."""

_SEQUENCE, _SET, _CONTROLS = 0x30, 0x31, 0xA0
_SETS = {"&": 0xA0, "|": 0xA1, "!": 0xA2}
_COMPARISONS = {"=": 0xA3, ">=": 0xA5, "<=": 0xA6, "~=": 0xA8}
_SUBSTRINGS, _PRESENT, _EXTENSIBLE = 0xA4, 0x87, 0xA9
_ITEM = re.compile(r"([A-Za-z0-9.;-]*)((:dn)?(?::([A-Za-z0-9.-]+))?:=|[~<>]?=)(.*)", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})")
_ADD, _DELETE, _REPLACE = 0, 1, 2  # of a modification


@dataclass(frozen=True)
class Answer:
    """One message of the server: its number, the tag of what it is, the message, and where its content begins and
    ends there."""

    number: int
    tag: int
    octets: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Result:
    """How a request ended (LDAPResult): its code, the server's text, and where the next page begins (``b""``: there is
    none)."""

    code: int
    message: str
    cookie: bytes = b""


# ------------------------------------------------------------------------------------------------------------- requests


def search_request(
    number: int,
    condition: str,
    attributes: Sequence[str],
    *,
    base: str,
    one_entry: bool = False,
    page: int | None = None,
    cookie: bytes = b"",
) -> bytes:
    """A search below `base` (with `one_entry`: of `base` alone), by pages of that many entries. Raises
    :class:`ValueError` for a condition that is no filter (RFC 4515)."""
    content = (
        _text(base)
        + _number(0 if one_entry else 2, 0x0A)  # baseObject, wholeSubtree
        + _number(0, 0x0A)  # aliases are not dereferenced
        + _number(0)  # no limit of entries
        + _number(0)  # nor of time
        + b"\x01\x01\x00"  # values too
        + filter_octets(condition)
        + _element(_SEQUENCE, b"".join(map(_text, attributes)))
    )
    paged = _element(_SEQUENCE, _number(page) + _element(0x04, cookie)) if page is not None else None
    return _message(number, _element(0x63, content), b"" if paged is None else _control(PAGED_RESULTS, paged))


def write_request(number: int, operation: Operation) -> bytes:
    """A request that changes something."""
    match operation:
        case Add():
            attributes = b"".join(_attribute(name, values) for name, values in operation.attributes.items())
            return _message(number, _element(0x68, _text(operation.dn) + _element(_SEQUENCE, attributes)))
        case Modify():
            parts = ((_REPLACE, operation.replace), (_DELETE, operation.remove), (_ADD, operation.add))
            changes = b"".join(_change(verb, part) for verb, part in parts)
            content = _text(operation.dn) + _element(_SEQUENCE, changes)
            return _message(number, _element(0x66, content), _control(PERMISSIVE_MODIFY))
        case Rename():
            content = _text(operation.dn) + _text(operation.name) + b"\x01\x01\xff" + _text(operation.superior, 0x80)
            return _message(number, _element(0x6C, content))
        case Delete():
            return _message(number, _text(operation.dn, 0x4A))


def filter_octets(condition: str) -> bytes:
    """A filter (RFC 4515). Raises :class:`ValueError` for text that is none."""
    octets, end = _filter(condition, 0)
    if end != len(condition):
        raise ValueError(f"{condition!r} goes on behind its filter")
    return octets


def _filter(text: str, at: int) -> tuple[bytes, int]:
    """The filter that begins at `at`, and where it ends."""
    if not text.startswith("(", at):
        raise ValueError(f"{text!r}: expected ( at {at}")
    sign = text[at + 1 : at + 2]
    if sign not in _SETS:
        end = text.find(")", at)
        return _item(text[at + 1 : end]), end + 1
    parts, at = [], at + 2
    while text.startswith("(", at):
        part, at = _filter(text, at)
        parts.append(part)
    if not text.startswith(")", at) or (sign == "!" and len(parts) != 1):
        raise ValueError(f"{text!r}: expected ) at {at}")
    return _element(_SETS[sign], b"".join(parts)), at + 1


def _item(text: str) -> bytes:
    found = _ITEM.fullmatch(text)
    if found is None or "(" in text:
        raise ValueError(f"({text}) is no filter")
    attribute, sign, dn, rule, value = found.groups()
    if sign.endswith(":="):
        content = _text(rule, 0x81) if rule else b""
        content += _text(attribute, 0x82) if attribute else b""
        return _element(_EXTENSIBLE, content + _element(0x83, _unescaped(value)) + (b"\x84\x01\xff" if dn else b""))
    if sign == "=" and value == "*":
        return _text(attribute, _PRESENT)
    if sign == "=" and "*" in value:
        first, *middle, last = value.split("*")
        pieces = [(0x80, first), *((0x81, one) for one in middle), (0x82, last)]
        content = b"".join(_element(tag, _unescaped(piece)) for tag, piece in pieces if piece)
        return _element(_SUBSTRINGS, _text(attribute) + _element(_SEQUENCE, content))
    return _element(_COMPARISONS[sign], _text(attribute) + _element(0x04, _unescaped(value)))


def _unescaped(value: str) -> bytes:
    octets = value.encode()
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), octets) if b"\\" in octets else octets


def _attribute(name: str, values: Values) -> bytes:
    content = b"".join(_element(0x04, one.encode() if isinstance(one, str) else one) for one in values)
    return _element(_SEQUENCE, _text(name) + _element(_SET, content))


def _change(verb: int, attributes: Mapping[str, Values]) -> bytes:
    parts = (_number(verb, 0x0A) + _attribute(name, values) for name, values in attributes.items())
    return b"".join(_element(_SEQUENCE, part) for part in parts)


def _control(name: str, value: bytes | None = None) -> bytes:
    return _element(_SEQUENCE, _text(name) + (b"" if value is None else _element(0x04, value)))


def _message(number: int, operation: bytes, controls: bytes = b"") -> bytes:
    return _element(_SEQUENCE, _number(number) + operation + (_element(_CONTROLS, controls) if controls else b""))


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _number(value: int, tag: int = 0x02) -> bytes:
    return _element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _text(value: str, tag: int = 0x04) -> bytes:
    return _element(tag, value.encode())


# -------------------------------------------------------------------------------------------------------------- answers


def size_of(octets: bytes | bytearray, at: int) -> int | None:
    """How long the message is that begins at `at`; ``None`` while too little of it has come to tell. Raises
    :class:`ValueError` for what is no message of LDAP, or a larger one than :data:`LARGEST`."""
    if len(octets) - at < 2:
        return None
    if octets[at] != _SEQUENCE or octets[at + 1] == 0x80:
        raise ValueError("the server does not speak LDAP")
    more = max(octets[at + 1] - 0x80, 0)
    if len(octets) - at < 2 + more:
        return None
    size = int.from_bytes(octets[at + 2 : at + 2 + more], "big") if more else octets[at + 1]
    if size > LARGEST:
        raise ValueError(f"the server sends a message of {size} octets")
    return 2 + more + size


def answer(octets: bytes) -> Answer:
    """The message that these octets are. This, and whoever reads of it, raises :class:`ValueError` for what is none."""
    _, start, _ = _head(octets, 0)
    _, first, last = _head(octets, start)
    tag, start, end = _head(octets, last)
    return Answer(int.from_bytes(octets[first:last], "big", signed=True), tag, octets, start, end)


def entry_of(found: Answer) -> Entry:
    """What a SearchResultEntry says."""
    octets = found.octets
    _, start, end = _head(octets, found.start)
    dn = octets[start:end].decode()
    _, at, stop = _head(octets, end)
    attributes: dict[str, tuple[bytes, ...]] = {}
    while at < stop:
        _, start, at = _head(octets, at)
        _, start, end = _head(octets, start)
        name = octets[start:end].decode("ascii").lower()
        _, value, last = _head(octets, end)
        values = []
        while value < last:
            _, start, value = _head(octets, value)
            values.append(octets[start:value])
        attributes[name] = tuple(values)
    return Entry(dn, attributes)


def result_of(found: Answer) -> Result:
    """How a request ended, by its last answer."""
    octets = found.octets
    _, start, end = _head(octets, found.start)
    code = int.from_bytes(octets[start:end], "big", signed=True)
    _, _, end = _head(octets, end)  # the part of the name that was found
    _, start, end = _head(octets, end)
    return Result(code, octets[start:end].decode(errors="replace"), _cookie(octets, found.end))


def _cookie(octets: bytes, at: int) -> bytes:
    """That of the control for paged results among the message's controls, if there are any."""
    if at >= len(octets):
        return b""
    _, at, stop = _head(octets, at)
    while at < stop:
        _, start, at = _head(octets, at)
        _, start, end = _head(octets, start)
        if octets[start:end] != PAGED_RESULTS.encode():
            continue
        while end < at:  # criticality may stand before the value
            tag, start, end = _head(octets, end)
            if tag == 0x04:
                _, start, _ = _head(octets, start)
                _, _, end = _head(octets, start)  # the size that the server guesses
                _, start, end = _head(octets, end)
                return octets[start:end]
    return b""


def _head(octets: bytes, at: int) -> tuple[int, int, int]:
    """Tag, beginning and end of the content of the element at `at`."""
    try:
        size = octets[at + 1]
        if size < 0x80:
            start = at + 2
        else:
            start = at + 2 + (size & 0x7F)
            size = int.from_bytes(octets[at + 2 : start], "big")
        if start + size > len(octets):
            raise ValueError("an element of the server's message is longer than the message")
        return octets[at], start, start + size
    except IndexError:
        raise ValueError("the server's message ends inside an element") from None


def later_range(name: str) -> tuple[str, int] | None:
    """Attribute and number of the next value, where an attribute's name says that more values are to be fetched
    (``member;range=0-1499``; MS-ADTS 3.1.1.3.1.3.3)."""
    attribute, mark, numbers = name.partition(";range=")
    last = numbers.partition("-")[2]
    return (attribute, int(last) + 1) if mark and last.isdigit() else None


def joined(parts: Iterable[Mapping[str, Sequence[bytes]]]) -> dict[str, Sequence[bytes]]:
    """Attributes whose values came in ranges as if they had come at once."""
    whole: dict[str, Sequence[bytes]] = {}
    for part in parts:
        for name, values in part.items():
            attribute = name.partition(";range=")[0]
            whole[attribute] = (*whole.get(attribute, ()), *values)
    return whole
