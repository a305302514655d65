"""What a switch says of its lines at one moment: link, counters, power, addresses, neighbours. Read only.

All ``show`` commands go out in one write; what comes back is put into numbers and a few words of our own, and the
device's text is forgotten. A table that the family does not have, or that this very device refuses (no PoE, LLDP off),
is named in :attr:`SwitchLines.missing`; without the table of links nothing is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from provisioning.errors import RejectedError
from provisioning.resources.switch.line_words import (
    Duplex,
    Status,
    capability,
    duplex_of,
    mau_duplex,
    megabits,
    named_capability,
    number,
    status_of,
)
from provisioning.resources.switch.look import commands, sections_of
from provisioning.resources.switch.state import SwitchPort

if TYPE_CHECKING:
    from provisioning.connections.switch import SwitchSession

__all__ = ["COUNTERS", "TABLES", "Line", "LineStatus", "Neighbour", "Power", "SwitchLines", "read_lines"]

COUNTERS = (
    "packets",
    "in_packets",
    "out_packets",
    "in_errors",
    "crc",
    "frame",
    "runts",
    "giants",
    "in_discards",
    "out_errors",
    "out_discards",
    "collisions",
    "late_collisions",
    "resets",
    "transitions",
)
"""Counters of a port, as IF-MIB (RFC 2863), EtherLike-MIB (RFC 3635) and the vendors' ``show interfaces`` have them;
``packets`` are those of both directions, where a device (ProCurve) counts them together."""

LINKS = "links"
TABLES = (LINKS, "counters", "poe", "macs", "neighbours", "cdp", "vlans", "shutdowns")
"""Tables of a dialect that are read, in this order. That of VLANs says what number a name has (Junos),
that of shutdowns why the switch disabled a port by itself."""

MACS_KEPT = 16
"""Addresses that are kept of one access port; a port with more leads to a switch that the site does not know."""

_PROTOCOLS: Mapping[str, Literal["LLDP", "CDP"]] = {"neighbours": "LLDP", "cdp": "CDP"}

LineStatus = Status
"""``off``: shut down by configuration; ``error``: the switch shut it down by itself."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What the device at the other end says of itself (LLDP, IEEE 802.1AB; CDP); `capable` in Mbit/s."""

    name: str
    protocol: Literal["LLDP", "CDP"]
    duplex: Duplex | None = None
    capable: int | None = None
    is_bridge: bool = False
    is_phone: bool = False
    chassis: str = ""


@dataclass(frozen=True, slots=True)
class Power:
    """Power over Ethernet of a port, in the device's words; `watts` that flow."""

    admin: str
    oper: str
    watts: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One port at one moment. Speeds in Mbit/s; `capable` is the greatest that the port has, ``None``: not told.

    `shown` is the port's short name, `carries` the VLAN as the device writes it (``20``, ``trunk``, ``routed``), `macs`
    are (address, VLAN) of access ports, at most :data:`MACS_KEPT`.
    """

    port: str
    status: LineStatus
    shown: str = ""
    carries: str = ""
    duplex: Duplex | None = None
    speed: int | None = None
    capable: int | None = None
    description: str = ""
    reason: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)
    power: Power | None = None
    macs: tuple[tuple[str, int | None], ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def is_access(self) -> bool:
        """Whether one VLAN leaves it untagged, as far as the device tells."""
        return not self.carries or self.carries.isdecimal()


@dataclass(frozen=True)
class SwitchLines:
    """All ports of one switch: what they do, and how they are configured. `missing`: table → why there is none."""

    switch: str
    lines: Mapping[str, Line]
    ports: Mapping[str, SwitchPort] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


Rows = Mapping[str, Sequence[Mapping[str, str]]]
"""Table → its rows, port names in full."""


def read_lines(session: SwitchSession) -> SwitchLines:
    """Everything by one write, the ports' configuration as well. Raises :class:`RejectedError` when the device does not
    list its ports."""
    dialect = session.dialect
    asked = {name: dialect.tables[name].command for name in TABLES if name in dialect.tables}
    if LINKS not in asked:
        raise RejectedError(session.target, f"the dialect {dialect.title} has no table of links; add it to its file")
    configuration = commands(dialect)
    optional = [*(command for name, command in asked.items() if name != LINKS), *configuration]
    shown = session.show_all([*dict.fromkeys([*asked.values(), *configuration])], optional=optional)
    outputs = dict(zip(dict.fromkeys([*asked.values(), *configuration]), shown, strict=True))
    missing = {name: f"it refuses {command!r}" for name, command in asked.items() if not outputs[command].strip()}
    missing |= dict.fromkeys((name for name in TABLES if name not in asked), "its dialect has no such table")
    rows = {name: dialect.rows(name, outputs[command]) for name, command in asked.items() if name not in missing}
    sections = sections_of(dialect, [outputs[command] for command in configuration])
    ports = {port: SwitchPort.of(section) for port, section in sections.items()}
    rows[LINKS] = [row for row in rows[LINKS] if dialect.ports.physical.fullmatch(row["port"])]
    lines = lines_of(rows, dialect.short_name, {port: _carried(state) for port, state in ports.items()})
    return SwitchLines(session.name, lines, ports, missing)


def _carried(port: SwitchPort) -> str:
    """What a port carries by its configuration, in the words of tables of links."""
    if port.mode in {None, "access"} or str(port.mode).startswith("dynamic"):
        return str(port.access_vlan or "")
    return str(port.mode)


def lines_of(
    rows: Rows, short_name: Callable[[str], str] = str, configured: Mapping[str, str] | None = None
) -> dict[str, Line]:
    """Port → line, in the order of the table of links; `configured` (port → VLAN or mode) helps out where that table
    does not say what a port carries. Pure."""
    counters = {row["port"]: row for row in rows.get("counters", ()) if row.get("port")}
    power = {row["port"]: _power(row) for row in rows.get("poe", ()) if row.get("port")}
    neighbours = _neighbours(rows)
    numbers = {row["name"]: row["vlan"] for row in rows.get("vlans", ()) if row.get("name")}
    macs = _macs(rows.get("macs", ()), numbers)
    reasons = {row["port"]: row["reason"].strip() for row in rows.get("shutdowns", ())}
    found = {}
    for row in rows.get("links", ()):
        port = row.get("port", "")
        if not port or port in found:
            continue
        line = _line(port, row, counters.get(port, {}), (configured or {}).get(port, ""))
        found[port] = Line(
            **line,
            shown=short_name(port),
            reason=reasons.get(port, ""),
            power=power.get(port),
            macs=tuple(macs[port][:MACS_KEPT]) if line["carries"].isdecimal() or not line["carries"] else (),
            neighbours=tuple(neighbours[port]),
        )
    return found


def _line(port: str, link: Mapping[str, str], counted: Mapping[str, str], carries: str) -> dict[str, Any]:
    duplex, speed = (link.get(name) or counted.get(name, "") for name in ("duplex", "speed"))
    status = status_of(link.get("status", ""))
    counters = {name: number(counted.get(name, "")) for name in COUNTERS}
    return {
        "port": port,
        "status": status,
        "carries": link.get("vlan", "").strip().lower() or carries,
        "duplex": duplex_of(duplex) if status == "up" else None,
        "speed": megabits(speed) if status == "up" else None,
        "capable": capability(link.get("type", "")) or capability(counted.get("media", "")) or named_capability(port),
        "description": link.get("description", "").strip(),
        "counters": {name: value for name, value in counters.items() if value is not None},
    }


def _power(row: Mapping[str, str]) -> Power:
    try:
        watts = float(row.get("watts", ""))
    except ValueError:
        watts = None
    return Power(row.get("admin", "").strip().lower(), row.get("oper", "").strip().lower(), watts)


def _macs(rows: Iterable[Mapping[str, str]], numbers: Mapping[str, str]) -> Mapping[str, list[tuple[str, int | None]]]:
    found: dict[str, dict[tuple[str, int | None], None]] = defaultdict(dict)
    for row in rows:
        if row.get("mac") and row.get("port"):
            vlan = row.get("vlan", "")
            found[row["port"]][row["mac"].lower(), number(numbers.get(vlan, vlan))] = None
    return defaultdict(list, {port: list(entries) for port, entries in found.items()})


def _neighbours(rows: Rows) -> Mapping[str, list[Neighbour]]:
    found: dict[str, list[Neighbour]] = defaultdict(list)
    for table, protocol in _PROTOCOLS.items():
        for row in rows.get(table, ()):
            said = row.get("capabilities", "")
            found[row.get("port", "")].append(
                Neighbour(
                    name=(row.get("name") or row.get("chassis", "")).strip(),
                    protocol=protocol,
                    duplex=duplex_of(row.get("duplex", "")) or mau_duplex(row.get("mau", "")),
                    capable=capability(row.get("media", "")),
                    is_bridge=_is(said, {"b", "bridge", "s", "switch", "w", "wlan", "r", "router"}),
                    is_phone=_is(said, {"t", "telephone", "phone", "p"}),
                    chassis=row.get("chassis", "").strip().lower(),
                )
            )
    return found


def _is(capabilities: str, words: set[str]) -> bool:
    return bool(words & {word.strip("(),").lower() for word in capabilities.replace(",", " ").split()})
