"""The tables of one switch as typed rows: MAC addresses, neighbours, links, power.

All that is asked for goes out in one write. Outputs become rows by the dialect's tables. A table that a family does not
have, or a command that the account may not give, is an empty one, unless it is needed. Lines that a table did not
understand are told in `remarks`: what they say is missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.dialects.tables import Reading
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.connections.switch import SwitchSession

__all__ = ["TRUNK", "Asked", "Link", "MacEntry", "Neighbour", "Power", "mac_table", "telephones"]

_FORWARDS = re.compile(r"\b(?:B|R|bridge|router|switch)\b", re.IGNORECASE)
_ENDS = re.compile(r"\b(?:T|W|S|telephone|phone|wlan\S*|station\S*|host|trans-bridge)\b", re.IGNORECASE)
TRUNK = "trunk"
"""The VLAN of a link that carries several."""


def forwards(capabilities: str) -> bool:
    """Whether a device that says this of itself by LLDP or CDP forwards for others. A telephone with a socket for the
    PC and an access point are places, not ways."""
    return bool(_FORWARDS.search(capabilities)) and not _ENDS.search(capabilities)


@dataclass(frozen=True)
class MacEntry:
    """One line of the MAC address table. `vlan` is ``None`` where the device names none."""

    vlan: int | None
    mac: str
    port: str


@dataclass(frozen=True)
class Neighbour:
    """A device that says of itself that it is behind `port` (`protocol` is ``LLDP`` or ``CDP``). All of it is that
    device's own word."""

    port: str
    name: str
    chassis: str
    remote_port: str = ""
    capabilities: str = ""
    address: str = ""
    protocol: str = "LLDP"

    @property
    def is_switch(self) -> bool:
        """Whether it is a switch or router by its own word."""
        return forwards(self.capabilities)


@dataclass(frozen=True)
class Link:
    """A port as ``show interfaces status`` has it: `status` is ``connected``, ``notconnect``, ``disabled`` or
    ``err-disabled``; `vlan` a number, ``trunk``, ``routed`` or empty; `speed` in Mbit/s, ``None`` without a link."""

    port: str
    status: str
    vlan: str = ""
    speed: int | None = None
    duplex: str | None = None
    description: str = ""
    type: str = ""


@dataclass(frozen=True)
class Power:
    """Power over Ethernet on a port: whether it is offered (`admin`), whether it is drawn (`oper`), and how much."""

    port: str
    admin: str
    oper: str
    watts: float | None = None
    device: str = ""


class Asked:
    """The rows of several tables of one switch, asked for in one write."""

    def __init__(
        self,
        session: SwitchSession,
        names: Sequence[str],
        *,
        needed: Collection[str] = (),
        beside: Sequence[str] = (),
        macs_of: str | None = None,
    ) -> None:
        """`beside` are other commands for the same write, `macs_of` the one port whose MAC addresses are of interest
        (in its full spelling)."""
        self.session = session
        tables = {name: session.dialect.tables[name] for name in names if name in session.dialect.tables}
        commands = {name: table.command for name, table in tables.items()}
        if macs_of is not None and "macs" in tables and (one := tables["macs"].one) is not None:
            commands["macs"] = one.replace("{port}", macs_of)
        optional = [command for name, command in commands.items() if name not in needed]
        asked = [*beside, *commands.values()]
        outputs = session.show_all(asked, optional) if asked else []
        self.beside = outputs[: len(beside)]
        """What the other commands gave."""
        shown = zip(tables.items(), outputs[len(beside) :], strict=True)
        readings = {name: table.read(text) for (name, table), text in shown}
        self._rows = {name: reading.rows for name, reading in readings.items()}
        self.remarks = [remark for name, reading in readings.items() for remark in _remarks(commands[name], reading)]

    def rows(self, name: str) -> Sequence[Mapping[str, str]]:
        return self._rows.get(name, ())

    def port(self, row: Mapping[str, str]) -> str:
        return self.session.dialect.full_name(row["port"])

    # -- typed -------------------------------------------------------------------------------------------

    def macs(self) -> Iterable[MacEntry]:
        numbers = {row["name"]: row["vlan"] for row in self.rows("vlans") if row.get("name")}
        for row in self.rows("macs"):
            vlan = numbers.get(row["vlan"], row["vlan"])
            if row["mac"] and row["port"]:
                yield MacEntry(int(vlan) if vlan.isdecimal() else None, row["mac"], self.port(row))

    def neighbours(self) -> Iterable[Neighbour]:
        known: set[tuple[str, str]] = set()
        for table, protocol in (("neighbours", "LLDP"), ("cdp", "CDP")):
            for row in self.rows(table):
                one = Neighbour(self.port(row), **{key: row.get(key, "") for key in _NEIGHBOUR}, protocol=protocol)
                if (one.port, one.name) not in known:  # many devices speak both
                    yield one
                known.add((one.port, one.name))

    def links(self) -> Iterable[Link]:
        vlans, descriptions = self._vlans()
        for row in self.rows("links"):
            port, speed = self.port(row), row.get("speed", "")
            yield Link(
                port,
                row["status"],
                row.get("vlan") or vlans.get(port, ""),
                int(speed) if speed and row["status"] == "connected" else None,
                row.get("duplex") or None,
                row.get("description") or descriptions.get(port, ""),
                row.get("type", ""),
            )

    def _vlans(self) -> tuple[dict[str, str], dict[str, str]]:
        """VLANs and descriptions of ports, for families that do not tell them with the links. Of two VLANs the
        telephones' is the tagged one."""
        network, found, said = self.session.inventory.network, dict[str, list[str]](), {}
        for row in self.rows("vlans"):
            if row.get("port"):
                port = self.port(row)
                found.setdefault(port, []).append(row["vlan"])
                said[port] = row.get("description", "")
        voice = str(network.vlans[network.voice_vlan].id) if network.voice_vlan else ""
        return {port: _one_vlan(numbers, voice) for port, numbers in found.items()}, said

    def power(self) -> Iterable[Power]:
        for row in self.rows("poe"):
            watts, device = row.get("watts", ""), row.get("device", "")
            yield Power(
                self.port(row),
                row["admin"],
                row["oper"],
                float(watts) if re.fullmatch(r"\d+(\.\d+)?", watts) else None,
                "" if device == "n/a" else device,
            )


def mac_table(session: SwitchSession, port: str | None = None) -> tuple[MacEntry, ...]:
    """The MAC address table, of one port alone where that is given (in its full spelling)."""
    found = Asked(session, ("macs", "vlans"), needed={"macs"}, macs_of=port).macs()
    return tuple(entry for entry in found if port in {None, entry.port})


def telephones(inventory: Inventory, entries: Iterable[tuple[str, int | None]]) -> frozenset[str]:
    """Of (MAC address, VLAN), who is a telephone: it speaks in the telephones' VLAN (and may have spoken in another
    one before it knew)."""
    voice = inventory.network.voice_vlan
    number = inventory.network.vlans[voice].id if voice else None
    return frozenset(mac for mac, vlan in entries if vlan is not None and vlan == number)


_NEIGHBOUR = ("name", "chassis", "remote_port", "capabilities", "address")


def _one_vlan(numbers: Sequence[str], voice: str) -> str:
    data = [number for number in dict.fromkeys(numbers) if number not in {voice, ""}] or list(numbers[:1])
    return data[0] if len(data) == 1 else TRUNK


def _remarks(command: str, reading: Reading) -> Iterable[str]:
    if reading.unknown:
        lines = f"{len(reading.unknown)} lines" if len(reading.unknown) > 1 else "a line"
        yield f"{lines} of `{command}` could not be understood, such as {reading.unknown[0][:80]!r}"
