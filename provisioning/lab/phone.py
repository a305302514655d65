"""What an IP phone on a desk says to its switch: LLDP-MED (ANSI/TIA-1057), CDP, and traffic in the voice VLAN."""

from __future__ import annotations

import struct

from provisioning.lab.desks import Phone

_HOLD = 4  # seconds
_LLDP, _CDP = b"\x01\x80\xc2\x00\x00\x0e", b"\x01\x00\x0c\xcc\xcc\xcc"
_BRIDGE_AND_TELEPHONE = 0x0024  # 802.1AB table 8-4
_HOST_AND_PHONE = 0x90  # CDP capabilities


def frames(phone: Phone) -> list[bytes]:
    """Its frames of one second."""
    mac = bytes.fromhex(phone.mac.replace(":", ""))
    return [_lldp(phone, mac), _cdp(phone, mac), _voice(phone, mac)]


def _name(mac: bytes) -> bytes:
    return f"SEP{mac.hex().upper()}".encode()


def _lldp(phone: Phone, mac: bytes) -> bytes:
    med = b"\x00\x12\xbb"
    policy = 1 << 22 | phone.voice_vlan << 9 | 5 << 6 | 46  # tagged, priority 5, DSCP 46
    tlvs = [
        (1, b"\x04" + mac),
        (2, b"\x07" + mac.hex().upper().encode() + b":P1"),
        (3, struct.pack("!H", _HOLD)),
        (4, b"SW PORT"),
        (5, _name(mac)),
        (6, f"Cisco IP Phone {phone.model.removeprefix('CP-')},V5, sip88xx.14-2-1".encode()),
        (7, struct.pack("!HH", _BRIDGE_AND_TELEPHONE, _BRIDGE_AND_TELEPHONE)),
        (127, med + b"\x01\x00\x33\x03"),  # capabilities; endpoint class III
        (127, med + b"\x02\x01" + policy.to_bytes(3, "big")),
        (127, med + b"\x04\x51" + struct.pack("!H", round(phone.watts * 10))),
        (127, med + b"\x07" + b"sip88xx.14-2-1"),
        (127, med + b"\x08" + b"FCH" + mac.hex()[-8:].upper().encode()),
        (127, med + b"\x09" + b"Cisco Systems, Inc."),
        (127, med + b"\x0a" + phone.model.encode()),
        (0, b""),
    ]
    body = b"".join(struct.pack("!H", kind << 9 | len(value)) + value for kind, value in tlvs)
    return _LLDP + mac + b"\x88\xcc" + body


def _cdp(phone: Phone, mac: bytes) -> bytes:
    fields = [
        (1, _name(mac)),
        (3, b"Port 1"),
        (4, struct.pack("!I", _HOST_AND_PHONE)),
        (5, b"sip88xx.14-2-1"),
        (6, f"Cisco IP Phone {phone.model.removeprefix('CP-')}".encode()),
        (0x10, struct.pack("!H", round(phone.watts * 1000))),
    ]
    body = b"".join(struct.pack("!HH", kind, 4 + len(value)) + value for kind, value in fields)
    packet = b"\x02" + bytes([_HOLD]) + b"\0\0" + body
    packet = packet[:2] + struct.pack("!H", _checksum(packet)) + packet[4:]
    payload = b"\xaa\xaa\x03\x00\x00\x0c\x20\x00" + packet
    return _CDP + mac + struct.pack("!H", len(payload)) + payload


def _checksum(packet: bytes) -> int:
    even = packet if len(packet) % 2 == 0 else packet + b"\0"
    total: int = sum(struct.unpack(f"!{len(even) // 2}H", even))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def _voice(phone: Phone, mac: bytes) -> bytes:
    tag = struct.pack("!HH", 0x8100, 5 << 13 | phone.voice_vlan)
    return b"\xff" * 6 + mac + tag + b"\x88\xb5" + b"\0" * 46
