"""What is measured: so many access ports on so many switches, so far away; and the lines that make them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

INTERFACES = tuple(f"GigabitEthernet1/0/{i}" for i in range(1, 49))
UPLINKS = tuple(f"TenGigabitEthernet1/1/{i}" for i in (1, 2))
VLANS = {20: "staff", 120: "voice"}
ACCESS, VOICE = 20, 120
BEFORE = tuple(line for port in INTERFACES for line in (f"interface {port}", "switchport mode access", "shutdown"))
"""How every switch is before: ports that nobody uses are off, in VLAN 1."""


@dataclass(frozen=True)
class Scenario:
    """`ports` on each of `switches`, `round_trip` seconds away. `workers`: how many switches at once, for contestants
    that leave that to whoever runs them."""

    name: str
    switches: int
    ports: int
    round_trip: float
    workers: int

    @property
    def interfaces(self) -> Sequence[str]:
        return INTERFACES[: self.ports]

    @property
    def title(self) -> str:
        far = f"{self.round_trip * 1000:g} ms round trip"
        where = "one switch" if self.switches == 1 else f"each of {self.switches:,} switches"
        return f"{self.ports} ports on {where}, {far}"


SCENARIOS = tuple(
    Scenario(f"{name}{'-far' if far else ''}", switches, ports, 0.020 * far, workers)
    for name, switches, ports, workers in (("one", 1, 48, 20), ("twenty", 20, 4, 20), ("thousand", 1000, 4, 100))
    for far in (0, 1)
)


def description(number: int) -> str:
    """What the description of the port with this number (from 1) says."""
    return f"B-204-{number} O-B204-{number:02} WS-{number:04}"


def sections(scenario: Scenario) -> dict[str, list[str]]:
    """Port → its lines: four settings each, so 192 of them on 48 ports."""
    return {
        port: [
            f"description {description(number)}",
            f"switchport access vlan {ACCESS}",
            f"switchport voice vlan {VOICE}",
            "no shutdown",
        ]
        for number, port in enumerate(scenario.interfaces, 1)
    }


def lines(scenario: Scenario) -> list[str]:
    """What everybody writes, in configuration mode."""
    return [line for port, body in sections(scenario).items() for line in (f"interface {port}", *body)]
