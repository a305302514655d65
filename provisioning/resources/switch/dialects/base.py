"""What every dialect speaks of."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.resources.switch.state import SwitchPort


@dataclass(frozen=True)
class PortSection:
    """A port as its device shows it: the state read from it, its very lines, and why it must be left alone
    (if so)."""

    state: SwitchPort
    lines: tuple[str, ...]
    off_limits: str | None = None


@dataclass(frozen=True)
class MacEntry:
    """A line of the MAC address table."""

    vlan: int
    mac: str
    port: str
