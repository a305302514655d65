"""Where devices really are: which ports see a MAC address, and which of them only lead to it.

A MAC address is seen by every switch between its device and the rest of the network. Where the device is plugged in is
the port that leads to no other switch: no uplink of the site, no switch or router behind it by LLDP or CDP
(IEEE 802.1AB system capabilities), no trunk. Of what a switch says only the rows that matter are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.resources.switch.tables import TRUNK, Asked, Link, MacEntry, Neighbour, Power

if TYPE_CHECKING:
    from provisioning.connections.switch import SwitchSession

__all__ = [
    "Activity",
    "Link",
    "MacEntry",
    "Neighbour",
    "Power",
    "Sighting",
    "SwitchView",
    "activity",
    "view",
]

_LOOKED_AT_CLOSER = 8  # ports; a port takes 30 lines of output


@dataclass(frozen=True)
class Activity:
    """When a port was last of use, in the device's own words: frames received, link changed; and its description in
    full, which tables of links cut. Empty: it does not say."""

    last_input: str = ""
    last_change: str = ""
    description: str = ""


@dataclass(frozen=True)
class Sighting:
    """A MAC address on a port. `way` says why that is only the way to it (an uplink, a switch behind the port), `trunk`
    that it may be one; `others` counts the other MAC addresses there."""

    switch: str
    port: str
    mac: str
    vlans: tuple[int, ...]
    way: str | None = None
    trunk: bool = False
    others: int = 0


@dataclass(frozen=True)
class SwitchView:
    """What one switch says about the MAC addresses, ports and IP addresses that were asked for."""

    switch: str
    sightings: tuple[Sighting, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)
    power: Mapping[str, Power] = field(default_factory=dict)
    neighbours: tuple[Neighbour, ...] = ()
    macs: tuple[MacEntry, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    activity: Mapping[str, Activity] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def activity(session: SwitchSession, *ports: str) -> dict[str, Activity]:
    """When `ports` were last of use, where the device offers it. One write."""
    tables, full_name = session.dialect.tables, session.dialect.full_name
    counters, times = tables.get("counters"), tables.get("link_times")
    if not ports or counters is None or counters.one is None:
        return {}
    commands = [counters.one.replace("{port}", port) for port in ports] + ([times.command] if times else [])
    outputs = session.show_all(commands, commands)
    since = {full_name(row["port"]): row for row in times.read(outputs[-1]).rows} if times else {}
    found = {}
    for port, output in zip(ports, outputs, strict=False):
        row = next((r for r in counters.read(output).rows if full_name(r["port"]) == port), {})
        changed = row.get("last_flapped") or since.get(port, {}).get("up") or since.get(port, {}).get("down", "")
        found[port] = Activity(row.get("last_input", ""), changed, row.get("description", ""))
    return found


def view(
    session: SwitchSession, macs: Collection[str], ports: Collection[str] = (), addresses: Collection[str] = ()
) -> SwitchView:
    """Where this switch sees `macs`, how its `ports` are (in their full spelling), and whose MAC addresses `addresses`
    (IPv4) have in its ARP table. One write, and a second for the ports where one of them is."""
    names = ["macs", "links", "vlans", "neighbours", "cdp", "poe", *(["arp"] if addresses else [])]
    asked = Asked(session, names, needed={"macs"})
    found = {link.port: link for link in asked.links()}
    behind = tuple(asked.neighbours())
    table = tuple(asked.macs())
    seen = tuple(_sightings(session, table, macs, found, behind))
    of_interest = {*ports, *(sighting.port for sighting in seen)}
    closer = dict.fromkeys([*ports, *(sighting.port for sighting in seen if sighting.way is None)])
    return SwitchView(
        session.name,
        seen,
        {port: link for port, link in found.items() if port in of_interest},
        {power.port: power for power in asked.power() if power.port in of_interest},
        tuple(one for one in behind if one.port in of_interest),
        tuple(entry for entry in table if entry.port in ports),
        {row["address"]: row["mac"] for row in asked.rows("arp") if row["mac"] and row["address"] in addresses},
        activity(session, *list(closer)[:_LOOKED_AT_CLOSER]),
        tuple(asked.remarks),
    )


def _sightings(
    session: SwitchSession,
    table: Sequence[MacEntry],
    macs: Collection[str],
    found: Mapping[str, Link],
    behind: Sequence[Neighbour],
) -> Iterable[Sighting]:
    uplinks = {session.dialect.full_name(port) for port in session.switch.uplinks}
    crowd = Counter(port for port, _ in {(entry.port, entry.mac) for entry in table})
    where: dict[tuple[str, str], list[int]] = {}
    for entry in table:
        if entry.mac in macs:
            where.setdefault((entry.port, entry.mac), []).extend([entry.vlan] if entry.vlan is not None else [])
    for one in behind:  # who speaks LLDP is seen by it alone too
        if one.chassis in macs:
            where.setdefault((one.port, one.chassis), [])
    for (port, mac), vlans in where.items():
        itself = any(one.port == port and one.chassis == mac for one in behind)
        way = f"an uplink of {session.name}" if port in uplinks else None
        for one in behind:
            if way is None and one.port == port and _leads_on(session, one) and not itself:
                way = f"the way to {one.name or one.chassis}"
        trunk = port in found and found[port].vlan == TRUNK and not itself
        yield Sighting(session.name, port, mac, tuple(sorted(set(vlans))), way, trunk, max(crowd[port] - 1, 0))


def _leads_on(session: SwitchSession, one: Neighbour) -> bool:
    """Whether another switch is behind a port: by the neighbour's word, or because it is one of the site's."""
    switches = session.inventory.network.switches
    names = {name.casefold() for name in switches} | {switch.ssh.host.casefold() for switch in switches.values()}
    addresses = {str(switch.ssh.address) for switch in switches.values() if switch.ssh.address}
    return one.is_switch or one.name.casefold() in names or one.address in addresses
