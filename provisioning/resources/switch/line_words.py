"""From the words of switches for links (``a-full``, ``a-1000``, ``10/100/1000BaseTX``) to values. Pure."""

from __future__ import annotations

import re
from typing import Literal

Duplex = Literal["full", "half"]
Status = Literal["up", "down", "off", "error"]

_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(g|m|k)?(?![\w.])|(\d+(?:\.\d+)?)\s*(g|m|k)(?:b|bit)", re.IGNORECASE)
_MEDIA = re.compile(r"((?:\d+(?:\.\d+)?G?/)*\d+(?:\.\d+)?G?)(?:\s*-?base|b?T\b)", re.IGNORECASE)
_NAMED = (
    (re.compile(r"hundredgig", re.IGNORECASE), 100_000),
    (re.compile(r"fortygig", re.IGNORECASE), 40_000),
    (re.compile(r"twentyfivegig", re.IGNORECASE), 25_000),
    (re.compile(r"tengig|xgigabit|xe-", re.IGNORECASE), 10_000),
    (re.compile(r"fivegig", re.IGNORECASE), 5_000),
    (re.compile(r"twogig|multige", re.IGNORECASE), 2_500),
    (re.compile(r"gigabit|ge-", re.IGNORECASE), 1_000),
    (re.compile(r"fastethernet|fe-", re.IGNORECASE), 100),
)
_MAU: dict[str, Duplex] = {
    "10": "half",  # 10BASE-T
    "11": "full",
    "15": "half",  # 100BASE-TX
    "16": "full",
    "17": "half",  # 100BASE-FX
    "18": "full",
    "29": "half",  # 1000BASE-T
    "30": "full",
    "54": "full",  # 10GBASE-T
}
"""dot3MauType of the usual cables (IANA-MAU-MIB, RFC 4836), as LLDP's MAC/PHY status has it (IEEE 802.3, 79.3.1)."""

_UP = {"connected", "up", "link-up", "linkup"}
_OFF = {"disabled", "off", "admin-down", "admin down", "administratively down", "down (administratively down)", "*down"}
_ERROR = {"err-disabled", "errdisabled", "err-disable", "errdisable", "error-down", "error down", "err-vlans"}


def status_of(text: str) -> Status:
    """What a device's word for a link's state comes to; unknown words (``inactive``, ``monitoring``) are no link."""
    word = " ".join(text.lower().split())
    if word in _ERROR or word.startswith(("err-dis", "errdis", "error-down")):
        return "error"
    if word in _OFF:
        return "off"
    return "up" if word in _UP else "down"


def duplex_of(text: str) -> Duplex | None:
    """``a-full`` → ``full``; ``auto``, ``unknown`` and nothing → ``None``."""
    word = text.lower()
    if "half" in word or word in {"hdx", "h"}:
        return "half"
    return "full" if "full" in word or word in {"fdx", "f"} else None


def megabits(text: str) -> int | None:
    """``a-1000``, ``1000Mb/s``, ``1G``, ``10Gbps`` → Mbit/s."""
    match = _SPEED.search(text.lower().removeprefix("a-"))
    if match is None:
        return None
    value, unit = float(match[1] or match[3]), (match[2] or match[4] or "m").lower()
    return round(value * {"k": 0.001, "m": 1, "g": 1000}[unit])


def capability(text: str) -> int | None:
    """The greatest speed in a transceiver's name or a list of media: ``10/100/1000BaseTX``, ``100/1000T``, ``1GbT`` →
    1000."""
    speeds = [
        float(piece[:-1]) * 1000 if piece[-1] in "gG" else float(piece)
        for found in _MEDIA.finditer(text)
        for piece in found[1].split("/")
    ]
    return round(max(speeds)) if speeds else None


def named_capability(port: str) -> int | None:
    """What a port's own name promises: ``GigabitEthernet1/0/7`` → 1000."""
    return next((speed for pattern, speed in _NAMED if pattern.match(port)), None)


def mau_duplex(text: str) -> Duplex | None:
    """Duplex of an operational MAU type by its number."""
    return _MAU.get(text.strip())


def number(text: str) -> int | None:
    """A counter; ``None`` for what is none (``-``, ``N/A``)."""
    word = text.strip().replace(",", "")
    return int(word) if word.isascii() and word.isdecimal() else None
