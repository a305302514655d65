"""Who owns a file and who may do what with it, as it goes over the wire: MS-DTYP 2.4 (SID, ACE, ACL, security
descriptor), self-relative and little-endian. No names, so nothing depends on the server's language."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

ALLOW, DENY = 0, 1
"""AceType (MS-DTYP 2.4.4.1)."""

TO_FILES, TO_FOLDERS, INHERITED = 0x01, 0x02, 0x10
"""AceFlags: OBJECT_INHERIT_ACE, CONTAINER_INHERIT_ACE, INHERITED_ACE."""

_SELF_RELATIVE, _PROTECTED, _AUTO_INHERITED, _DACL_PRESENT = 0x8000, 0x1000, 0x0400, 0x0004
_AUTO_INHERIT_REQUIRED = 0x0100
_HEADER, _ACL, _ACE = struct.Struct("<BBHIIII"), struct.Struct("<BBHHH"), struct.Struct("<BBHI")
_ACL_REVISION, _ACL_REVISION_DS = 2, 4
_OBJECT_ACES = frozenset({5, 6, 7, 8, 11, 12})


@dataclass(frozen=True)
class Ace:
    """One entry: who (`sid`) is allowed or denied what (`mask`). Entries of other types are kept whole in `raw`."""

    kind: int
    flags: int
    mask: int
    sid: str
    raw: bytes = b""


@dataclass(frozen=True)
class Descriptor:
    """Owner and discretionary access list. `aces` is ``None`` where there is none, which lets everybody do everything.

    `inherits`: entries come from the folder above as well (SE_DACL_PROTECTED is not set).
    """

    owner: str | None
    aces: tuple[Ace, ...] | None
    inherits: bool


def sid_bytes(text: str) -> bytes:
    """``S-1-5-32-544`` → its octets. Raises :class:`ValueError` for what is not a SID."""
    parts = text.split("-")
    if len(parts) < 3 or parts[0] != "S" or not all(part.isascii() and part.isdigit() for part in parts[1:]):
        raise ValueError(f"{text!r} is not a SID such as S-1-5-32-544")
    revision, authority, *numbers = (int(part) for part in parts[1:])
    if revision != 1 or authority >= 2**48 or len(numbers) > 15 or any(number >= 2**32 for number in numbers):
        raise ValueError(f"{text!r} is not a SID such as S-1-5-32-544")
    return bytes((revision, len(numbers))) + authority.to_bytes(6, "big") + struct.pack(f"<{len(numbers)}I", *numbers)


def sid_text(octets: bytes) -> str:
    """The SID that `octets` begin with. Raises :class:`ValueError` when there is none."""
    if len(octets) < 8 or octets[0] != 1 or octets[1] > 15 or len(octets) < 8 + 4 * octets[1]:
        raise ValueError("these octets are not a SID")
    numbers = struct.unpack_from(f"<{octets[1]}I", octets, 8)
    return "-".join(["S", "1", str(int.from_bytes(octets[2:8], "big")), *map(str, numbers)])


def parse(octets: bytes) -> Descriptor:
    """The descriptor in `octets`. Raises :class:`ValueError` for octets that are none."""
    try:
        revision, _, control, owner, _, _, dacl = _HEADER.unpack_from(octets)
        if revision != 1 or not control & _SELF_RELATIVE:
            raise ValueError("not a self-relative security descriptor of revision 1")
        aces = _aces(octets[dacl:]) if control & _DACL_PRESENT and dacl else None
    except struct.error as exc:
        raise ValueError("the security descriptor is cut off") from exc
    return Descriptor(sid_text(octets[owner:]) if owner else None, aces, not control & _PROTECTED)


def build(descriptor: Descriptor) -> bytes:
    """The octets of a descriptor with the parts that are there."""
    control, body = _SELF_RELATIVE, b""
    owner = dacl = 0
    if descriptor.owner is not None:
        owner, body = _HEADER.size, sid_bytes(descriptor.owner)
    if descriptor.aces is not None:
        control |= _DACL_PRESENT
        control |= _AUTO_INHERITED | _AUTO_INHERIT_REQUIRED if descriptor.inherits else _PROTECTED
        dacl, body = _HEADER.size + len(body), body + _acl(descriptor.aces)
    return _HEADER.pack(1, 0, control, owner, 0, 0, dacl) + body


def _acl(aces: Sequence[Ace]) -> bytes:
    packed = [ace.raw or _packed(ace) for ace in aces]
    revision = _ACL_REVISION_DS if any(ace[0] in _OBJECT_ACES for ace in packed) else _ACL_REVISION
    body = b"".join(packed)
    return _ACL.pack(revision, 0, _ACL.size + len(body), len(packed), 0) + body


def _packed(ace: Ace) -> bytes:
    sid = sid_bytes(ace.sid)
    return _ACE.pack(ace.kind, ace.flags, _ACE.size + len(sid), ace.mask) + sid


def _aces(octets: bytes) -> tuple[Ace, ...]:
    _, _, size, count, _ = _ACL.unpack_from(octets)
    if size > len(octets):
        raise ValueError("the access list is cut off")
    found, at = [], _ACL.size
    for _ in range(count):
        kind, flags, length = struct.unpack_from("<BBH", octets, at)
        raw = octets[at : at + length]
        if length < 4 or at + length > size:
            raise ValueError("an entry of the access list is cut off")
        if kind in {ALLOW, DENY}:
            found.append(Ace(kind, flags, struct.unpack_from("<I", raw, 4)[0], sid_text(raw[8:])))
        else:
            found.append(Ace(kind, flags, 0, "", raw))
        at += length
    return tuple(found)
