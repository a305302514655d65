"""Names that are safe inside LDAP: distinguished names (RFC 4514) and filter values (RFC 4515).

Whatever a person or a remote system wrote passes through here before it becomes part of a DN or a filter.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SPECIAL = frozenset('"+,;<>\\=')
_HEX_PAIR = re.compile(r"[0-9A-Fa-f]{2}")
_OWN_NAME = re.compile(r"(?:[^,\\]|\\.)*,", re.DOTALL)
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_SPECIAL_IN_FILTER = re.compile(r"[^A-Za-z0-9._@-]")


def relative_name(attribute: str, value: str) -> str:
    """``CN=value``, escaped. Raises :class:`ValueError` for what no directory can hold: empty, control
    characters, spaces at either end (Active Directory drops them silently)."""
    if not value or value != value.strip():
        raise ValueError(f"{value!r} is empty, or begins or ends with a space")
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in value):
        raise ValueError(f"{value!r} holds a control character")
    return _escaped(attribute, value)


def parsed(dn: str) -> list[tuple[str, str]]:
    """``[(attribute, value), …]``, unescaped, the entry's own name first.

    Raises :class:`ValueError` for text that is no DN, and for multi-valued or ``#hex`` names, which AD does
    not use.
    """
    pieces = []
    for part in _split(dn):
        attribute, equals, raw = part.partition("=")
        if not equals or not _ATTRIBUTE.fullmatch(attribute.strip()):
            raise ValueError(f"{dn!r} is not a distinguished name; expected something like OU=Staff,DC=corp,DC=example")
        pieces.append((attribute.strip().upper(), _unescaped(raw, dn)))
    return pieces


@lru_cache(maxsize=4096)  # units and groups come up again with every account
def canonical(dn: str) -> str:
    """The same DN in one spelling: upper-case attribute names, no optional spaces, the least escaping."""
    return ",".join(_escaped(attribute, value) for attribute, value in parsed(dn))


def parent(dn: str) -> str:
    """The DN of the container above, in canonical spelling."""
    first = _OWN_NAME.match(dn)
    return canonical(dn[first.end() :]) if first is not None else ""


def filter_value(text: str) -> str:
    """`text` as an assertion value. Everything but plain letters and digits becomes ``\\xx``, which is always
    allowed and which no parser of filters can misread."""
    return _SPECIAL_IN_FILTER.sub(_hex_pairs, text)


def any_of(attribute: str, values: list[str]) -> str:
    """The filter that finds the entries whose `attribute` is one of `values`."""
    return "(|" + "".join(f"({attribute}={filter_value(value)})" for value in values) + ")"


def _hex_pairs(found: re.Match[str]) -> str:
    return "".join(f"\\{byte:02x}" for byte in found[0].encode())


def _escaped(attribute: str, value: str) -> str:
    # Control characters do occur in the directory's own names: AD renames an entry that lost a conflict to
    # CN=x\\0ACNF:…
    text = "".join("\\" + c if c in _SPECIAL else f"\\{ord(c):02X}" if ord(c) < 0x20 else c for c in value)
    if text.startswith(("#", " ")):
        text = "\\" + text
    if text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1] + "\\ "
    return f"{attribute}={text}"


def _split(dn: str) -> list[str]:
    parts, start, position = [], 0, 0
    while position < len(dn):
        if dn[position] == "\\":
            position += 1
        elif dn[position] == ",":
            parts.append(dn[start:position])
            start = position + 1
        position += 1
    return [*parts, dn[start:]]


def _unescaped(raw: str, dn: str) -> str:
    text = raw.lstrip(" ")
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    if not text or text.startswith("#"):
        raise ValueError(f"{dn!r} has an empty or binary part")
    out, position = bytearray(), 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            if _HEX_PAIR.fullmatch(pair := text[position + 1 : position + 3]):
                out += bytes.fromhex(pair)
                position += 3
                continue
            position += 1
            if position >= len(text):
                raise ValueError(f"{dn!r} ends inside an escape")
        elif char in '+;<>"':
            raise ValueError(f"{dn!r} holds an unescaped {char}")
        out += text[position].encode()
        position += 1
    try:
        return out.decode()
    except UnicodeDecodeError as exc:
        raise ValueError(f"{dn!r} is not UTF-8 text") from exc
