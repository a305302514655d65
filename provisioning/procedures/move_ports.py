"""The ports of the desks that a move concerns: those that are left are released, the others set up. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioning import dialects
from provisioning.procedures.patch import purpose_of
from provisioning.procedures.ports import port_resource, port_state
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.switch.state import SwitchPort
from provisioning.site import Inventory
from provisioning.site.patching import QUARANTINE, SHUT


def released_port(inventory: Inventory, outlet_id: str, requires: frozenset[Address] = frozenset()) -> Resource | None:
    """The port of an outlet that nobody needs any more, by the site's policy (``network: patching: released``). The
    cable stays, and the port stays the outlet's. ``None`` where no cable lies."""
    outlet = inventory.outlets[outlet_id]
    if outlet.switch is None or outlet.switch_port is None:
        return None
    state = released_state(inventory, outlet.switch)
    return Resource("switch.port", f"switch:{outlet.switch}", outlet.switch_port, state, requires)


def released_state(inventory: Inventory, switch: str) -> SwitchPort:
    """What a released port is set to: nothing of its former desk is left on it."""
    network, policy = inventory.network, inventory.network.patching
    said = policy.unused_description
    if policy.release not in {SHUT, QUARANTINE}:
        profile = network.port_profiles[policy.release]
        state = port_state(inventory, said or "", profile.access_vlan, None, profile)
        return state if profile.access_vlan is not None else _without(state, "access_vlan")
    plain: dict[str, Any] = {"description": said, "enabled": policy.release == QUARANTINE, "mode": "access"}
    state = SwitchPort.model_validate({**plain, "access_vlan": _nowhere(inventory, switch), "voice_vlan": None})
    return state if state.access_vlan is not None else _without(state, "access_vlan")


def _nowhere(inventory: Inventory, switch: str) -> int | None:
    """The VLAN of ports that lead nowhere: the quarantine, else what the device gives a port of which nothing is said
    (``None``: the device does not say which)."""
    network = inventory.network
    if network.patching.quarantine_vlan is not None:
        return network.vlans[network.patching.quarantine_vlan].id
    usual = dialects.load(network.switches[switch].dialect).ports.defaults.get("access_vlan")
    return None if usual is None else int(usual)


def _without(state: SwitchPort, field: str) -> SwitchPort:
    return SwitchPort.model_validate({name: getattr(state, name) for name in state.managed() if name != field})


def desk_resource(inventory: Inventory, desk: str, requires: frozenset[Address]) -> Resource:
    """The port of a desk that somebody has (or a PC stands at), in the VLAN of whoever sits there. Raises
    :class:`~provisioning.errors.RequestError` where that is not known, or no cable lies."""
    outlet = inventory.workplaces[desk].outlet
    state = purpose_of(inventory, outlet, desk).state
    return port_resource(inventory, outlet, f"workplace {desk}", state, requires)


def desk_proofs(inventory: Inventory, desk: str) -> Iterator[Proof]:
    """The PC of a desk has an address in the desk's VLAN, and is on the desk's port."""
    place, workstation = inventory.workplaces[desk], inventory.workstation_at.get(desk)
    outlet = inventory.outlets[place.outlet]
    if workstation is None or outlet.switch is None:
        return
    purpose, ws = purpose_of(inventory, place.outlet, desk), inventory.workstations[workstation]
    if purpose.number is None:
        return
    subnet = f"{ws.fixed_address}/32" if ws.fixed_address is not None else _subnet(inventory, purpose.vlan)
    if inventory.network.dhcp is not None and subnet is not None:
        at = f"the address {ws.fixed_address}" if ws.fixed_address is not None else f"an address in VLAN {purpose.vlan}"
        yield Proof("network.lease", "dhcp", f"{workstation} has {at}", {"mac": ws.mac, "subnet": subnet})
    parameters: Mapping[str, Any] = {"interface": outlet.switch_port, "mac": ws.mac, "vlan": purpose.number}
    said = f"{workstation} is on {outlet.switch_port} in VLAN {purpose.number}"
    yield Proof("network.port", f"switch:{outlet.switch}", said, parameters)


def _subnet(inventory: Inventory, vlan: str | None) -> str | None:
    subnet = None if vlan is None else inventory.network.vlans[vlan].subnet
    return None if subnet is None else str(subnet)
