"""How ports are read and written on each family of switches: data and a few small functions a dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioning.resources.switch.dialects import ios
from provisioning.resources.switch.dialects.base import MacEntry, PortSection
from provisioning.resources.switch.state import SwitchPort


@dataclass(frozen=True)
class Dialect:
    """Commands to send, and functions from their output to values and from states to lines. All pure."""

    read_ports: str
    read_trunks: str
    sections: Callable[[str], Mapping[str, PortSection]]
    trunks: Callable[[str], frozenset[str]]
    short_name: Callable[[str], str]
    lines: Callable[[str, SwitchPort, SwitchPort], list[str]]
    read_macs: Callable[[str], str]
    macs: Callable[[str], list[MacEntry]]


DIALECTS: Mapping[str, Dialect] = {
    "ios": Dialect(
        read_ports=ios.READ_PORTS,
        read_trunks=ios.READ_TRUNKS,
        sections=ios.sections,
        trunks=ios.trunks,
        short_name=ios.short_name,
        lines=ios.lines,
        read_macs=ios.READ_MACS.format,
        macs=ios.macs,
    ),
}
"""By the name that ``network: switches: NAME: dialect:`` gives."""

__all__ = ["DIALECTS", "Dialect", "MacEntry", "PortSection"]
