"""Which ports of a switch are free, by what the switch itself says, and who is plugged in where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.dialects import Section
from provisioning.resources.switch.tables import TRUNK, Asked

if TYPE_CHECKING:
    from provisioning.connections.switch import SwitchSession

__all__ = ["Occupancy", "Seen", "occupancy", "seen"]

_TABLES = ("links", "macs", "vlans", "neighbours", "cdp")


@dataclass(frozen=True)
class Seen:
    """What a switch sees on its ports at one moment. `up` are the ports with a link, `trunks` those that carry other
    switches, as far as they say so; `macs` holds (port, MAC address, VLAN or ``None``); `speeds` are in
    Mbit/s, of the links."""

    up: frozenset[str]
    trunks: frozenset[str]
    macs: tuple[tuple[str, str, int | None], ...]
    speeds: Mapping[str, str]

    def on(self, port: str) -> tuple[tuple[str, int | None], ...]:
        """MAC addresses on a port, with their VLANs."""
        return tuple((mac, vlan) for where, mac, vlan in self.macs if where == port)

    def ports_of(self, mac: str) -> tuple[str, ...]:
        """The ports on which a MAC address is, those to other switches left out."""
        return tuple(dict.fromkeys(port for port, one, _ in self.macs if one == mac and port not in self.trunks))


@dataclass(frozen=True)
class Occupancy:
    """The ports of one switch that a cable goes into, in its own order: why each is in use (``None``: it is free).
    `onward` are those of them that lead on to other switches, or belong to the switch itself."""

    switch: str
    ports: Mapping[str, str | None]
    onward: frozenset[str] = frozenset()

    @property
    def free(self) -> tuple[str, ...]:
        return tuple(port for port, why in self.ports.items() if why is None)


def seen(session: SwitchSession) -> Seen:
    """Links and MAC addresses of all ports, asked in one write."""
    return _seen(Asked(session, ("links", "macs", "vlans"), needed={"links", "macs"}))


def occupancy(session: SwitchSession, *, free_vlan: int | None, free_description: str | None) -> Occupancy:
    """Which ports are free: no link, no MAC address, no neighbour, and no configuration that says otherwise. All asked
    in one write.

    A port in `free_vlan` or with `free_description` is free all the same. Uplinks (of the site and by the device's
    answer) and ports that no patch cable goes into are never free.
    """
    rules = session.dialect.ports
    asked = Asked(session, _TABLES, needed={"links", "macs"}, beside=rules.read)
    sections = session.dialect.read_ports(asked.beside, [link.port for link in asked.links()])
    now = _seen(asked)
    behind = {one.port: one.name or one.chassis or "a device" for one in asked.neighbours()}
    uplinks = _uplinks(session)
    physical = {port: section for port, section in sections.items() if rules.physical.fullmatch(port)}
    onward = {port: why for port, section in physical.items() if (why := _onward(port, section, now, uplinks))}
    ports = {
        port: onward.get(port)
        or _plugged(port, now, behind)
        or _configured(section, rules.defaults.get("access_vlan"), free_vlan, free_description)
        for port, section in physical.items()
    }
    return Occupancy(session.name, ports, frozenset(onward))


def _seen(asked: Asked) -> Seen:
    links = list(asked.links())
    return Seen(
        frozenset(link.port for link in links if link.status == "connected"),
        frozenset(link.port for link in links if link.vlan == TRUNK) | _uplinks(asked.session),
        tuple((entry.port, entry.mac, entry.vlan) for entry in asked.macs()),
        {link.port: str(link.speed) for link in links if link.speed is not None},
    )


def _uplinks(session: SwitchSession) -> frozenset[str]:
    return frozenset(session.dialect.full_name(port) for port in session.switch.uplinks)


def _onward(port: str, section: Section, now: Seen, uplinks: Collection[str]) -> str | None:
    """Why a port must be left alone, whatever is plugged in."""
    if port in uplinks:
        return "uplink"
    if section.off_limits is not None:
        return section.off_limits
    if port in now.trunks or section.fields.get("mode") not in {None, "access", "dynamic auto", "dynamic desirable"}:
        return TRUNK
    return None


def _plugged(port: str, now: Seen, behind: Mapping[str, str]) -> str | None:
    """Why a port is in use by what is plugged in."""
    if port in behind:
        return f"{behind[port]} is behind it"
    if macs := now.on(port):
        return f"{macs[0][0]} is on it"
    return "its link is up" if port in now.up else None


def _configured(
    section: Section, usual_vlan: object, free_vlan: int | None, free_description: str | None
) -> str | None:
    """Why a port is in use by what it is set to."""
    said, vlan = section.fields.get("description"), section.fields.get("access_vlan")
    if said and said != free_description:
        return f"described as {said!r}"
    if vlan is not None and vlan not in {usual_vlan, free_vlan, 1}:
        return f"in VLAN {vlan}"
    voice = section.fields.get("voice_vlan")
    return f"with voice VLAN {voice}" if voice is not None and voice != free_vlan else None
