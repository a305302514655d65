"""Switches that answer `show` commands from texts, and a site around them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from provisioning import dialects
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.site import Inventory


class FakeSwitch:
    """A session as far as reading needs it. `answers` are by command; a command without one is refused."""

    def __init__(self, name: str, inventory: Inventory, answers: Mapping[str, str]) -> None:
        self.name, self.target, self.inventory = name, f"switch:{name}", inventory
        self.switch = inventory.network.switches[name]
        self.dialect = dialects.load(self.switch.dialect)
        self.answers = dict(answers)
        self.writes: list[list[str]] = []

    def show(self, command: str) -> str:
        return self.show_all([command])[0]

    def show_all(self, commands: Sequence[str], optional: Collection[str] = ()) -> list[str]:
        self.writes.append(list(commands))
        for command in commands:
            if command not in self.answers and command not in optional:
                raise RejectedError(self.target, f"refused the command {command!r}")
        return [self.answers.get(command, "") for command in commands]


@dataclass
class FakeSite:
    """A site whose switches are fakes. An exception instead of a session is raised when it is asked for."""

    wired: Inventory
    sessions: dict[str, Any] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0
    ledger: Any = None

    @property
    def has_ledger(self) -> bool:
        return self.ledger is not None

    _lock: Any = field(default_factory=threading.Lock)

    @contextmanager
    def reading(self, listener: object = None, purpose: str = "a plan") -> Iterator[FakeSite]:
        yield self

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        session = self.sessions[target]
        if isinstance(session, ProvisioningError):
            raise session
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield session
        finally:
            with self._lock:
                self.at_once -= 1

    def drop(self, target: str) -> None:
        """Nothing is kept open."""


def ios_macs(*rows: tuple[int | str, str, str]) -> str:
    """``show mac address-table`` with (VLAN, MAC address, port)."""
    lines = ["          Mac Address Table", "-" * 43, "", "Vlan    Mac Address       Type        Ports",
             "----    -----------       --------    -----",
             " All    0100.0ccc.cccc    STATIC      CPU"]  # fmt: skip
    for vlan, mac, port in rows:
        digits = mac.replace(":", "")
        lines.append(f"{vlan:>4}    {digits[:4]}.{digits[4:8]}.{digits[8:]}    DYNAMIC     {port}")
    return "\n".join([*lines, f"Total Mac Addresses for this criterion: {len(rows)}"])


def ios_links(*rows: tuple[str, str, str]) -> str:
    """``show interfaces status`` with (port, status, VLAN)."""
    lines = ["", "Port      Name               Status       Vlan       Duplex  Speed Type"]
    for port, status, vlan in rows:
        pace = "a-full a-1000" if status == "connected" else "  auto   auto"
        lines.append(f"{port:<9} {'':<18} {status:<12} {vlan:<10} {pace} 10/100/1000BaseTX")
    return "\n".join(lines)


def ios_lldp(*rows: tuple[str, str, str, str]) -> str:
    """``show lldp neighbors detail`` with (port, name, chassis, capabilities)."""
    blocks = [
        f"{'-' * 48}\nLocal Intf: {port}\nChassis id: {chassis}\nPort id: x1\nSystem Name: {name}\n\n"
        f"System Description: \nsomething\n\nTime remaining: 97 seconds\nSystem Capabilities: {capabilities}\n"
        f"Enabled Capabilities: {capabilities}\nManagement Addresses:\n    IP: 192.0.2.9\n"
        for port, name, chassis, capabilities in rows
    ]
    return "\n".join([*blocks, "", f"Total entries displayed: {len(rows)}"])
