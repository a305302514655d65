"""The devices at the lab's desks, and the file in which the desk host is told of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Phone:
    """An IP phone between the wall and a PC: it speaks LLDP-MED and CDP and sends in the voice VLAN."""

    mac: str
    voice_vlan: int
    model: str = "CP-7841"
    watts: float = 6.3


@dataclass(frozen=True)
class Desk:
    """A PC plugged into a switch port. With `lldp` it says who it is (lldpd, 2.3 MB of its own); behind a `phone` only
    the phone does, as on a real desk."""

    name: str
    mac: str
    switch: str
    port: str
    lldp: bool = False
    phone: Phone | None = None


@dataclass(frozen=True)
class Place:
    """Where a desk is: its own namespace, the namespace of its switch, and the switch's end of its cable."""

    namespace: str
    home: str
    port: str
    name: str
    mac: str
    lldp: bool = False
    phone: Phone | None = None


def write_desks(path: Path, desks: Iterable[tuple[str, str, str, Desk]]) -> None:
    """Tell the desk host of (namespace, namespace of the switch, switch's end of the cable, desk)."""
    said = []
    for namespace, home, port, desk in desks:
        entry: dict[str, object] = {"namespace": namespace, "home": home, "port": port}
        entry |= {"name": desk.name, "mac": desk.mac, "lldp": desk.lldp and desk.phone is None}
        if desk.phone is not None:
            entry["phone"] = vars(desk.phone)
        said.append(entry)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(said, indent=1))
    partial.rename(path)


def read_desks(path: Path) -> list[Place]:
    """What :func:`write_desks` wrote."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    return [Place(**{**entry, "phone": Phone(**entry["phone"]) if "phone" in entry else None}) for entry in entries]
