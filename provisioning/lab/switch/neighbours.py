"""What the devices at the ends of the cables say of themselves, by LLDP (IEEE 802.1AB, ANSI/TIA-1057) and CDP."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

LLDP, CDP = "lldp", "cdp"
_CAPABILITIES = "OPBWRTCS"  # 802.1AB table 8-4: other, repeater, bridge, WLAN access point, router, telephone …
_INVENTORY = {
    5: "H/W revision",
    6: "F/W revision",
    7: "S/W revision",
    8: "Serial number",
    9: "Manufacturer",
    10: "Model",
}


@dataclass(frozen=True)
class Neighbour:
    """One device at the end of a cable. `expires` is in monotonic seconds, `hold` in seconds."""

    protocol: str
    port: str
    chassis: str
    remote_port: str
    hold: int
    expires: float
    mac: str
    port_description: str = ""
    name: str = ""
    description: str = ""
    capabilities: tuple[str, str] = ("", "")  # what it can be, what it is
    address: str = ""
    platform: str = ""
    watts: float = 0.0
    vlan: int | None = None
    voice_vlan: int | None = None
    inventory: tuple[tuple[str, str], ...] = ()
    med_class: int = 0  # of TIA-1057: 1 generic, 2 media, 3 telephone; 0 when it does not speak MED

    @property
    def phone(self) -> bool:
        """Whether it is a telephone."""
        return "T" in self.capabilities[1] or "Phone" in self.capabilities[1]


@dataclass
class Neighbours:
    """The neighbours that a switch knows."""

    known: dict[tuple[str, str, str, str], Neighbour] = field(default_factory=dict)

    def heard(self, neighbour: Neighbour) -> None:
        """Remember what a frame said; a hold time of 0 takes leave."""
        key = (neighbour.protocol, neighbour.port, neighbour.chassis, neighbour.remote_port)
        if neighbour.hold:
            self.known[key] = neighbour
        else:
            self.known.pop(key, None)

    def expire(self) -> None:
        """Forget who was not heard of for its hold time."""
        now = time.monotonic()
        self.known = {key: each for key, each in self.known.items() if each.expires > now}

    def drop(self, port: str) -> None:
        """Forget who was on a port whose link is lost."""
        self.known = {key: each for key, each in self.known.items() if each.port != port}

    def on(self, protocol: str, port: str | None = None) -> list[Neighbour]:
        """Who speaks `protocol` (on `port`)."""
        return [each for each in self.known.values() if each.protocol == protocol and port in {None, each.port}]


def read_lldp(port: str, frame: bytes) -> Neighbour | None:
    """What an LLDP frame says; ``None`` when it is none or is broken."""
    if len(frame) < 16 or frame[12:14] != b"\x88\xcc":
        return None
    made = Neighbour(LLDP, port, "", "", -1, 0.0, dotted(frame[6:12]))
    try:
        for kind, value in _tlvs(frame[14:]):
            made = _take(made, kind, value)
    except (ValueError, IndexError, struct.error):
        return None
    complete = made.chassis and made.remote_port and made.hold >= 0  # 802.1AB: the three that every frame must have
    return replace(made, expires=time.monotonic() + made.hold) if complete else None


def _tlvs(body: bytes) -> Iterator[tuple[int, bytes]]:
    while len(body) >= 2:
        (head,) = struct.unpack_from("!H", body)
        kind, length = head >> 9, head & 0x1FF
        if kind == 0:
            return
        if len(body) < 2 + length:
            raise ValueError("cut off")
        yield kind, body[2 : 2 + length]
        body = body[2 + length :]


def _take(made: Neighbour, kind: int, value: bytes) -> Neighbour:
    said: dict[str, object] = {}
    match kind:
        case 1:
            said["chassis"] = _identity(value, mac=4, network=5)
        case 2:
            said["remote_port"] = _identity(value, mac=3, network=4)
        case 3:
            said["hold"] = int.from_bytes(value[:2], "big")
        case 4:
            said["port_description"] = _text(value)
        case 5:
            said["name"] = _text(value)
        case 6:
            said["description"] = _text(value)
        case 7:
            able, enabled = struct.unpack("!HH", value[:4])
            said["capabilities"] = (_letters(able), _letters(enabled))
        case 8 if value[1] == 1 and value[0] == 5:
            said["address"] = ".".join(map(str, value[2:6]))
        case 127:
            return _organisational(made, value[:3], value[3], value[4:])
    return replace(made, **said)  # type: ignore[arg-type] # the names are Neighbour's


def _organisational(made: Neighbour, oui: bytes, kind: int, value: bytes) -> Neighbour:
    said: dict[str, object] = {}
    match (oui, kind):
        case (b"\x00\x80\xc2", 1):  # IEEE 802.1: port VLAN
            said["vlan"] = int.from_bytes(value[:2], "big")
        case (b"\x00\x12\xbb", 1):  # TIA: capabilities and class
            said["med_class"] = value[2]
        case (b"\x00\x12\xbb", 2) if value[0] in {1, 2}:  # network policy for voice and its signalling
            said["voice_vlan"] = int.from_bytes(value[1:4], "big") >> 9 & 0xFFF
        case (b"\x00\x12\xbb", 4):  # extended power via MDI, tenths of a watt
            said["watts"] = int.from_bytes(value[1:3], "big") / 10
        case (b"\x00\x12\xbb", number) if number in _INVENTORY:
            said["inventory"] = (*made.inventory, (_INVENTORY[number], _text(value)))
    return replace(made, **said)  # type: ignore[arg-type] # the names are Neighbour's


def read_cdp(port: str, frame: bytes) -> Neighbour | None:
    """What a CDP frame says; ``None`` when it is none or is broken."""
    if frame[:6] != b"\x01\x00\x0c\xcc\xcc\xcc" or frame[14:22] != b"\xaa\xaa\x03\x00\x00\x0c\x20\x00":
        return None
    body, fields = frame[26:], {}
    while len(body) >= 4:
        kind, length = struct.unpack_from("!HH", body)
        if length < 4 or kind == 0:
            break
        fields[kind] = body[4:length]
        body = body[length:]
    hold = frame[23]
    address = fields.get(2, b"")
    number = int.from_bytes(fields.get(4, b"").ljust(4, b"\0")[:4], "big")
    names = ("Router", "Trans-Bridge", "Source-Route-Bridge", "Switch", "Host", "IGMP", "Repeater", "Phone")
    able = " ".join(name for bit, name in enumerate(names) if number >> bit & 1)
    power = fields.get(0x10, b"")
    return Neighbour(
        CDP,
        port,
        _text(fields.get(1, b"")),
        _text(fields.get(3, b"")),
        hold,
        time.monotonic() + hold,
        dotted(frame[6:12]),
        name=_text(fields.get(1, b"")),
        description=_text(fields.get(5, b"")),
        platform=_text(fields.get(6, b"")),
        capabilities=(able, able),
        address=".".join(map(str, address[9:13])) if len(address) >= 13 else "",
        watts=int.from_bytes(power[:2], "big") / 1000 if power else 0.0,
    )


def dotted(mac: bytes) -> str:
    """A MAC address as IOS writes it: ``0200.5e10.00a1``."""
    digits = mac.hex()
    return ".".join(digits[i : i + 4] for i in (0, 4, 8))


def _identity(value: bytes, *, mac: int, network: int) -> str:
    kind, rest = value[0], value[1:]
    if kind == mac and len(rest) == 6:
        return dotted(rest)
    if kind == network and rest[:1] == b"\x01":
        return ".".join(map(str, rest[1:5]))
    return _text(rest)


def _text(value: bytes) -> str:
    """Printable text; whatever else a frame brings becomes a point."""
    text = value.rstrip(b"\0").decode("utf-8", "replace")
    return "".join(char if char.isprintable() or char == "\n" else "." for char in text)


def _letters(bits: int) -> str:
    return ",".join(letter for bit, letter in enumerate(_CAPABILITIES) if bits >> bit & 1)
