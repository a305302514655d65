"""A wiring closet in memory: IOS switches that answer what they are asked, take lines, and forget nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from provisioning import dialects
from provisioning.connections.switch import Sent
from provisioning.errors import UnreachableError
from provisioning.site import Inventory

IOS = dialects.load("ios")
_WORDED = ("description", "switchport mode", "switchport port-security violation")
"""Commands that a word follows, and that stand once in a port's section."""


def gi(number: int, unit: int = 1) -> str:
    return f"GigabitEthernet{unit}/0/{number}"


@dataclass
class FakeSwitch:
    """One switch. `ports` maps ports to their lines, `links` are the ports with carrier, `macs` is (port, MAC, VLAN);
    `neighbours` maps ports to names that LLDP tells."""

    name: str
    inventory: Inventory
    ports: dict[str, list[str]]
    links: set[str] = field(default_factory=set)
    macs: list[tuple[str, str, int]] = field(default_factory=list)
    neighbours: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    saves: int = 0
    looks: int = 0
    dialect = IOS
    manner = IOS.manner
    our_address = "10.0.0.9"

    @property
    def target(self) -> str:
        return f"switch:{self.name}"

    @property
    def switch(self) -> Any:
        return self.inventory.network.switches[self.name]

    def plug(self, port: str, mac: str, vlan: int) -> None:
        """A device speaks on a port; it is on no other any more."""
        self.macs = [one for one in self.macs if one[1] != mac]
        self.macs.append((port, mac, vlan))
        self.links.add(port)

    def unplug(self, port: str) -> None:
        """The link of a port goes down, and what it has learned is gone."""
        self.links.discard(port)
        self.macs = [one for one in self.macs if one[0] != port]

    def show_all(self, commands: Sequence[str], optional: Collection[str] = ()) -> list[str]:
        self.looks += 1
        return [self._show(command) for command in commands]

    def show(self, command: str) -> str:
        return self._show(command)

    def batch(self, questions: Sequence[str], again: Sequence[str]) -> AbstractContextManager[None]:
        """Nothing here is far away."""
        return nullcontext()

    def send(self, lines: Sequence[str], show: Sequence[str] = (), *, guarded: bool = False) -> Sent:
        port = ""
        for line in lines:
            self.sent.append(line)
            if line.startswith("interface "):
                port = line.removeprefix("interface ")
            elif line not in {"exit", "configure terminal"}:
                self._take(port, line)
        return Sent((), tuple(self.show_all(show)))

    def save(self) -> None:
        self.saves += 1

    def confirm(self) -> None:
        """Nothing is guarded here."""

    def close(self) -> None:
        """It has no connection."""

    def _take(self, port: str, line: str) -> None:
        undone = line.removeprefix("no ")
        stem = next((word for word in _WORDED if undone.startswith(word)), undone.rstrip("0123456789").strip())
        more = () if stem == "switchport port-security" else (f"{stem} ",)
        kept = [one for one in self.ports[port] if one != stem and not one.startswith(more)]
        self.ports[port] = kept if line.startswith("no ") else [*kept, line]

    def _show(self, command: str) -> str:
        if command.startswith("show running-config"):
            wanted = command.rpartition(" ")[2]
            named = [wanted] if wanted in self.ports else list(self.ports)
            return "\n".join(
                f"interface {port}\n" + "".join(f" {line}\n" for line in self.ports[port]) + "!" for port in named
            )
        if "status" in command:
            return self._status()
        if "mac address-table" in command:
            return self._macs()
        if "lldp" in command:
            return "".join(self._lldp(port, name) for port, name in self.neighbours.items())
        return ""

    def _status(self) -> str:
        lines = ["", "Port      Name               Status       Vlan       Duplex  Speed Type"]
        for port, config in self.ports.items():
            vlan = next((one.rpartition(" ")[2] for one in config if "access vlan" in one), "1")
            vlan = "trunk" if "switchport mode trunk" in config else vlan
            status = "disabled" if "shutdown" in config else "connected" if port in self.links else "notconnect"
            pace = "a-full a-1000" if status == "connected" else "  auto   auto"
            lines.append(f"{IOS.short_name(port):<9} {'':<18} {status:<12} {vlan:<10} {pace} 10/100/1000BaseTX")
        return "\n".join(lines)

    def _macs(self) -> str:
        lines = ["          Mac Address Table", "-" * 43, "", "Vlan    Mac Address       Type        Ports"]
        lines.append("----    -----------       --------    -----")
        for port, mac, vlan in self.macs:
            digits = mac.replace(":", "")
            dotted = f"{digits[:4]}.{digits[4:8]}.{digits[8:]}"
            lines.append(f"{vlan:>4}    {dotted}    DYNAMIC     {IOS.short_name(port)}")
        return "\n".join([*lines, f"Total Mac Addresses for this criterion: {len(self.macs)}"])

    def _lldp(self, port: str, name: str) -> str:
        return (
            "-" * 48
            + f"\nLocal Intf: {IOS.short_name(port)}\nChassis id: 0011.2233.4455\nPort id: Gi0/1\n"
            + f"Port Description: uplink\nSystem Name: {name}\n\nSystem Description:\nsomething\n\n"
            + "Time remaining: 100 seconds\nSystem Capabilities: B\nEnabled Capabilities: B\n"
            + "Management Addresses - not advertised\nAuto Negotiation - not supported\n"
            + "Physical media capabilities - not advertised\nMedia Attachment Unit type - not advertised\n"
            + "Vlan ID: - not advertised\n\n"
        )


@dataclass
class Closet:
    """Sessions to the switches of a closet; one that is not here does not answer."""

    switches: Mapping[str, FakeSwitch]

    def __post_init__(self) -> None:
        self.sessions = self

    @contextmanager
    def session(self, target: str) -> Iterator[FakeSwitch]:
        name = target.partition(":")[2]
        if name not in self.switches:
            raise UnreachableError(target, "nobody answers; is it switched on?")
        yield self.switches[name]

    def drop(self, target: str) -> None:
        """Nothing is kept open."""


def switch(inventory: Inventory, name: str, ports: int = 24, units: int = 1) -> FakeSwitch:
    """A switch as it came out of the box, with its uplinks up."""
    names = [gi(number, unit) for unit in range(1, units + 1) for number in range(1, ports + 1)]
    uplinks = set(inventory.network.switches[name].uplinks)
    config = {port: ["switchport mode trunk"] if port in uplinks else [] for port in [*names, *sorted(uplinks)]}
    return FakeSwitch(name, inventory, config, links=uplinks)
