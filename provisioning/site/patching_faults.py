"""What can be wrong with port profiles, patching rules and where things hang in a closet."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.site.fault import Fault, dangling
from provisioning.site.inventory import Inventory
from provisioning.site.patching import QUARANTINE, SHUT


def patching_faults(site: Inventory) -> Iterator[Fault]:
    """Every name leads somewhere; no profile hands out a VLAN that nobody may approve."""
    yield from _profiles(site)
    yield from _desk_ports(site)
    yield from _patching(site)
    yield from _closets(site)


def _profiles(site: Inventory) -> Iterator[Fault]:
    vlans = site.network.vlans
    for name, profile in site.network.port_profiles.items():
        at = ("network", "port_profiles", name)
        for where, vlan in profile.vlans:
            yield from dangling((*at, *where), "VLAN", vlan, vlans)
            if vlan in vlans and vlans[vlan].protected and vlan not in site.approvals.vlans:
                message = f"VLAN {vlan!r} is protected; say in approvals: vlans who may give it to a port"
                yield Fault((*at, *where), message)
        for what, others in (("workplace", site.workplaces), ("device", site.equipment)):
            if name in others:
                yield Fault(at, f"a {what} has the name {name!r} already, and `provision patch --to` takes both")
    for name in site.workplaces.keys() & site.equipment.keys():
        yield Fault(("equipment", name), f"a workplace has the name {name!r} already")


def _desk_ports(site: Inventory) -> Iterator[Fault]:
    network, at = site.network, ("network", "desk_ports")
    known = network.port_profiles
    yield from dangling(at, "port profile", network.desk_ports, known)
    if network.desk_ports in known and known[network.desk_ports].mode != "access":
        yield Fault(at, f"port profile {network.desk_ports!r} makes trunks; a desk needs an access port")
    if network.desk_ports in known and known[network.desk_ports].security_sticky:
        said = "is sticky; the former PC's address would keep out the next PC, so set security_sticky: false"
        yield Fault(at, f"port profile {network.desk_ports!r} {said}")
    for name, device in site.equipment.items():
        yield from dangling(("equipment", name, "port_profile"), "port profile", device.port_profile, known)


def _patching(site: Inventory) -> Iterator[Fault]:
    network, at = site.network, ("network", "patching")
    vlan = network.patching.quarantine_vlan
    yield from dangling((*at, "quarantine_vlan"), "VLAN", vlan, network.vlans)
    if vlan in network.vlans and network.vlans[vlan].protected:
        yield Fault((*at, "quarantine_vlan"), f"VLAN {vlan!r} is protected and cannot be given to free ports")
    yield from _released(site)
    known = {**network.vlans, **network.port_profiles}
    for name in network.patching.cable.colours:
        yield from dangling((*at, "cable", "colours", name), "port profile or VLAN", name, known)


def _released(site: Inventory) -> Iterator[Fault]:
    network, at = site.network, ("network", "patching", "released")
    name = network.patching.released
    if name == QUARANTINE and network.patching.quarantine_vlan is None:
        yield Fault(at, "quarantine needs a quarantine_vlan; name one, or choose shut")
    if name in {None, SHUT, QUARANTINE}:
        if name in network.port_profiles:
            yield Fault(at, f"{name!r} is a port profile, too; call that one differently: which is meant is not clear")
        return
    yield from dangling(at, "port profile", name, network.port_profiles)
    profile = network.profile(name) if name in network.port_profiles else None
    if profile is not None and profile.mode != "access":
        yield Fault(at, f"port profile {name!r} makes trunks; a released port must not be one")
    elif profile is not None and profile.enabled and profile.access_vlan is None:
        yield Fault(at, f"port profile {name!r} leaves the port on and names no VLAN; give it an access_vlan")


def _closets(site: Inventory) -> Iterator[Fault]:
    hung: dict[str, dict[str, None]] = {}
    for key, one in site.network.switches.items():
        hung.setdefault(one.closet, {})[key] = None
    for name, closet in site.closets.items():
        here = hung.get(name, {})
        for panel, switches in closet.beside.items():
            at = ("closets", name, "beside", panel)
            yield from dangling(at, "panel of this closet", panel, closet.panels)
            for switch in switches:
                yield from dangling(at, "switch of this closet", switch, here)
        for thing in closet.rack_units:
            at = ("closets", name, "rack_units", thing)
            yield from dangling(at, "panel or switch of this closet", thing, {**closet.panels, **here})
