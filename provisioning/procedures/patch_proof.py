"""Whether the cable of a patch order lies, by what the switches of the closet see. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioning.ledger.books import PatchOrder
from provisioning.procedures.patch import short_port
from provisioning.resources.switch.occupancy import Seen
from provisioning.resources.switch.tables import telephones
from provisioning.site import Inventory


@dataclass(frozen=True)
class Verdict:
    """One look at a patch order. `good`: the cable lies; `sentence` says what was seen, `proof` is for the ledger."""

    good: bool
    sentence: str
    proof: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What the switches of a closet see: by switch. `before` is the first look, so that a device that stays where it
    was is not taken for one that was plugged in wrongly."""

    switches: Mapping[str, Seen]
    before: Mapping[str, Seen] = field(default_factory=dict)


def judge(inventory: Inventory, order: PatchOrder, look: Look) -> Verdict:
    """What a look at the closet says of an order."""
    here = look.switches[order.switch]
    port = short_port(inventory, order.switch, order.switch_port)
    if order.expected_mac is None:
        return _anybody(inventory, order, port, here)
    wanted = device_of(inventory, order.expected_mac)
    vlans = [vlan for mac, vlan in here.on(order.switch_port) if mac == order.expected_mac]
    if not vlans:
        return Verdict(False, _missing(inventory, order, port, look))
    if order.vlan is not None and order.vlan not in vlans and vlans != [None]:
        return Verdict(False, f"{wanted} is on {port}, but in VLAN {vlans[0]} instead of {order.vlan}")
    return _proven(order, here, f"{wanted} is on {port} of {order.switch}{_in_vlan(vlans[0])}", order.expected_mac)


def _missing(inventory: Inventory, order: PatchOrder, port: str, look: Look) -> str:
    """Where the expected device is instead, or what is on its port."""
    here, wanted = look.switches[order.switch], device_of(inventory, str(order.expected_mac))
    if (elsewhere := _elsewhere(inventory, order, look)) is not None:
        return f"{wanted} is on {elsewhere}"
    on_port = here.on(order.switch_port)
    phones = telephones(inventory, on_port)
    if others := [mac for mac, _ in on_port if mac not in phones]:
        return f"{port} is up with the MAC of {device_of(inventory, others[0])}; expected {wanted}"
    if phones:
        return f"{port} is up with a telephone alone ({min(phones)}); expected {wanted} behind it"
    if order.switch_port in here.up:
        return f"{port} is up, but no device has spoken there yet; expected {wanted}"
    return f"{port} has no link; expected {wanted}"


def device_of(inventory: Inventory, mac: str) -> str:
    """The workstation or device that has a MAC address; the address itself where the site has none."""
    for things in (inventory.workstations, inventory.equipment):
        for name, thing in things.items():
            if thing.mac == mac:
                return name
    return mac


def _anybody(inventory: Inventory, order: PatchOrder, port: str, here: Seen) -> Verdict:
    """Nobody in particular is expected: the link counts."""
    if order.switch_port not in here.up:
        return Verdict(False, f"{port} has no link")
    on_port = here.on(order.switch_port)
    mac = on_port[0][0] if on_port else None
    who = f" with {device_of(inventory, mac)}" if mac else ""
    return _proven(order, here, f"{port} of {order.switch} is up{who}", mac)


def _proven(order: PatchOrder, here: Seen, sentence: str, mac: str | None) -> Verdict:
    vlan = next((vlan for one, vlan in here.on(order.switch_port) if one == mac), None)
    speed = here.speeds.get(order.switch_port, "")
    proof = {"detail": sentence, "switch": order.switch, "port": order.switch_port, "mac": mac, "vlan": vlan}
    return Verdict(True, sentence, proof | ({"speed": speed} if speed else {}))


def _elsewhere(inventory: Inventory, order: PatchOrder, look: Look) -> str | None:
    """Where else in the closet the expected device is."""
    mac = str(order.expected_mac)
    for switch, seen in look.switches.items():
        for port in seen.ports_of(mac):
            if (switch, port) == (order.switch, order.switch_port):
                continue
            where = short_port(inventory, switch, port) + ("" if switch == order.switch else f" of {switch}")
            was_there = switch in look.before and port in look.before[switch].ports_of(mac)
            new = bool(look.before) and not was_there
            return f"{where}: the cable is in the wrong socket" if new else f"{where}{_before(inventory, switch, port)}"
    return None


def _before(inventory: Inventory, switch: str, port: str) -> str:
    outlet = next(
        (name for name, one in inventory.outlets.items() if (one.switch, one.switch_port) == (switch, port)), ""
    )
    told = f" (outlet {outlet})" if outlet else ""
    return f"{told}: the cable is in the wrong socket, or was not moved yet"


def _in_vlan(vlan: int | None) -> str:
    return f" in VLAN {vlan}" if vlan is not None else ""
