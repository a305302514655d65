"""IOS switches in memory that answer what a check of the lines asks, in the forms of a Catalyst 2960-X."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from provisioning import dialects
from provisioning.errors import RejectedError, TargetError
from provisioning.secrets import Secrets
from provisioning.site import Inventory

CLEAN = dict.fromkeys(
    (
        "in_packets", "out_packets", "in_errors", "crc", "frame", "runts", "giants", "in_discards", "out_errors",
        "out_discards", "collisions", "late_collisions", "resets",
    ),
    0,
)  # fmt: skip


@dataclass
class Port:
    """One port as its switch shows it."""

    name: str
    status: str = "notconnect"
    vlan: str = "1"
    duplex: str = "a-full"
    speed: str = "a-1000"
    media: str = "10/100/1000BaseTX"
    power: str = "off"
    config: tuple[str, ...] = ()
    macs: tuple[tuple[int, str], ...] = ()
    counters: dict[str, int] = field(default_factory=lambda: dict(CLEAN))
    cdp: str = ""
    """``DEVICE full|half CAPABILITY``"""

    @property
    def short(self) -> str:
        return self.name.replace("GigabitEthernet", "Gi")

    def up(self, **words: Any) -> Port:
        """A PC is plugged in."""
        self.status = "connected"
        for name, value in words.items():
            setattr(self, name, value)
        return self

    def count(self, **more: int) -> None:
        """Let counters rise."""
        for name, number in more.items():
            self.counters[name] += number


class FakeSwitch:
    """One switch and the sessions on it. `refuses` are commands that it does not know; `error` is raised instead of
    signing in; `delay` are seconds that an answer takes."""

    def __init__(self, name: str, ports: int = 24) -> None:
        self.name, self.target = name, f"switch:{name}"
        self.dialect = dialects.load("ios")
        self.ports = {f"GigabitEthernet1/0/{i}": Port(f"GigabitEthernet1/0/{i}") for i in range(1, ports + 1)}
        self.refuses: set[str] = set()
        self.error: TargetError | None = None
        self.delay = 0.0
        self.asked: list[tuple[str, ...]] = []
        self.closed = 0
        self._busy = threading.Lock()

    def __getitem__(self, number: int) -> Port:
        return self.ports[f"GigabitEthernet1/0/{number}"]

    def open(self, target: str, inventory: Inventory, secrets: Secrets) -> FakeSwitch:
        """What the pool calls."""
        self.inventory, self.switch = inventory, inventory.network.switches[self.name]
        if self.error is not None:
            raise self.error
        return self

    def close(self) -> None:
        self.closed += 1

    def show_all(self, commands: Sequence[str], optional: Collection[str] = ()) -> list[str]:
        self.asked.append(tuple(commands))
        with self._once():
            for command in commands:
                if command in self.refuses and command not in optional:
                    raise RejectedError(self.target, f"refused the command {command!r} (% Invalid input detected)")
            return ["" if command in self.refuses else self._answer(command) for command in commands]

    @contextmanager
    def _once(self) -> Iterator[None]:
        assert self._busy.acquire(blocking=False), "two sessions on one switch"
        time.sleep(self.delay)
        try:
            yield
        finally:
            self._busy.release()

    def _answer(self, command: str) -> str:
        ports = self.ports.values()
        if command.startswith("show running-config"):
            return "".join("\n ".join([f"interface {port.name}", *port.config]) + "\n!\n" for port in ports)
        answers: dict[str, Callable[[], str]] = {
            "show interfaces status": self._status,
            "show interfaces": lambda: "\n".join(_interface(port) for port in ports),
            "show mac address-table": self._macs,
            "show power inline": self._power,
            "show interfaces status err-disabled": lambda: "",
            "show lldp neighbors detail": lambda: "\nTotal entries displayed: 0\n",
            "show cdp neighbors detail": lambda: "".join(_cdp(port) for port in ports if port.cdp),
        }
        return answers[command]()

    def _status(self) -> str:
        lines = ["", "Port      Name               Status       Vlan       Duplex  Speed Type"]
        for port in self.ports.values():
            pace = f"{port.duplex:>6} {port.speed:>6}" if port.status == "connected" else "  auto   auto"
            lines.append(f"{port.short:<9} {'':<18} {port.status:<12} {port.vlan:<10} {pace} {port.media}")
        return "\n".join(lines)

    def _macs(self) -> str:
        lines = ["          Mac Address Table", "-" * 43, "", "Vlan    Mac Address       Type        Ports"]
        lines.append("----    -----------       --------    -----")
        for port in self.ports.values():
            for vlan, mac in port.macs:
                digits = mac.replace(":", "")
                lines.append(f"{vlan:>4}    {digits[:4]}.{digits[4:8]}.{digits[8:]}    DYNAMIC     {port.short}")
        return "\n".join([*lines, "Total Mac Addresses for this criterion: 1"])

    def _power(self) -> str:
        lines = ["Available:370.0(w)  Used:15.4(w)  Remaining:354.6(w)", ""]
        lines.append("Interface Admin  Oper       Power   Device              Class Max")
        lines.append("                            (Watts)                            ")
        lines.append("--------- ------ ---------- ------- ------------------- ----- ----")
        lines += [
            f"{p.short:<9} auto   {p.power:<10} 0.0     n/a                 n/a   30.0" for p in self.ports.values()
        ]
        return "\n".join(lines)


def _interface(port: Port) -> str:
    c = port.counters
    state = "up, line protocol is up (connected)" if port.status == "connected" else "down, line protocol is down"
    duplex = "Half" if "half" in port.duplex else "Full"
    speed = port.speed.removeprefix("a-")
    return f"""{port.name} is {state}
  Hardware is Gigabit Ethernet, address is 0025.8401.0107 (bia 0025.8401.0107)
  MTU 1500 bytes, BW 1000000 Kbit/sec, DLY 10 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation ARPA, loopback not set
  Keepalive set (10 sec)
  {duplex}-duplex, {speed}Mb/s, media type is {port.media}
  input flow-control is off, output flow-control is unsupported
  ARP type: ARPA, ARP Timeout 04:00:00
  Last input never, output 00:00:01, output hang never
  Last clearing of "show interface" counters never
  Input queue: 0/75/{c["in_discards"]}/0 (size/max/drops/flushes); Total output drops: {c["out_discards"]}
  Queueing strategy: fifo
  Output queue: 0/40 (size/max)
  5 minute input rate 0 bits/sec, 0 packets/sec
  5 minute output rate 1000 bits/sec, 1 packets/sec
     {c["in_packets"]} packets input, 1234567 bytes, 0 no buffer
     Received 12 broadcasts (10 multicasts)
     {c["runts"]} runts, {c["giants"]} giants, 0 throttles
     {c["in_errors"]} input errors, {c["crc"]} CRC, {c["frame"]} frame, 0 overrun, 0 ignored
     0 watchdog, 10 multicast, 0 pause input
     0 input packets with dribble condition detected
     {c["out_packets"]} packets output, 7654321 bytes, 0 underruns
     {c["out_errors"]} output errors, {c["collisions"]} collisions, {c["resets"]} interface resets
     0 unknown protocol drops
     0 babbles, {c["late_collisions"]} late collision, 0 deferred
     0 lost carrier, 0 no carrier, 0 pause output
     0 output buffer failures, 0 output buffers swapped out"""


def _cdp(port: Port) -> str:
    name, duplex, capability = port.cdp.split()
    return f"""-------------------------
Device ID: {name}
Entry address(es):
  IP address: 10.20.20.9
Platform: cisco WS-C2960X,  Capabilities: {capability}
Interface: {port.name},  Port ID (outgoing port): GigabitEthernet0/1
Holdtime : 150 sec

Version :
Cisco IOS Software

advertisement version: 2
Duplex: {duplex}
Management address(es):
"""
