"""What the port of a desk, of a device or of a port profile is to be: one state for every request that asks for it."""

from __future__ import annotations

from typing import Any

from provisioning.errors import RequestError
from provisioning.resources.base import Address, Resource
from provisioning.resources.switch.state import SwitchPort
from provisioning.site import Inventory
from provisioning.site.port_profiles import PortProfile

_PLAIN = ("power", "portfast", "bpduguard", "storm_control", "security_maximum", "security_sticky")
_WORDS = ("security_violation", "dot1x", "speed", "duplex")
_NONE = frozenset({"auto", "off"})


def desk_port(inventory: Inventory, desk: str, vlan: str) -> SwitchPort:
    """The port of a desk whose person belongs into `vlan`."""
    network, outlet = inventory.network, inventory.workplaces[desk].outlet
    workstation = inventory.workstation_at.get(desk)
    profile = network.profile(network.desk_ports)
    template = profile.description if profile and profile.description else network.port_description
    said = description(template, workplace=desk, outlet=outlet, workstation=workstation)
    return port_state(inventory, said, vlan, network.voice_vlan, profile)


def equipment_port(inventory: Inventory, name: str) -> SwitchPort:
    """The port of a device of the site's section `equipment`."""
    device = inventory.equipment[name]
    profile = inventory.network.profile(device.port_profile)
    said = f"{device.room} {device.outlet} {name}"
    if profile and profile.description:
        said = description(profile.description, workplace=device.room, outlet=device.outlet, workstation=name)
    return port_state(inventory, said, device.vlan, None, profile)


def profile_port(inventory: Inventory, name: str, outlet: str) -> SwitchPort:
    """A port that gets a port profile and nothing else. Raises :class:`RequestError` when that does not say which
    VLAN."""
    profile = inventory.network.port_profiles[name]
    if profile.mode == "access" and profile.access_vlan is None:
        raise RequestError(
            f"port profile {name} names no VLAN, so it does not say what the port is for; give it an access_vlan, or "
            "name a workplace or a device"
        )
    said = description(profile.description or f"{{outlet}} {name}", outlet=outlet)
    return port_state(inventory, said, profile.access_vlan, None, profile)


def port_state(
    inventory: Inventory, said: str, vlan: str | None, voice_vlan: str | None, profile: PortProfile | None
) -> SwitchPort:
    """A port described as `said` in `vlan` (untagged), with what `profile` sets beside it. `voice_vlan` is for profiles
    that name none."""
    vlans = inventory.network.vlans
    state: dict[str, Any] = {"description": said, "enabled": True, "mode": "access"}
    if profile is not None and profile.mode == "trunk":
        native = profile.native_vlan or vlan
        state |= {"mode": "trunk", "native_vlan": vlans[native].id if native else None}
        if profile.allowed_vlans:
            state["allowed_vlans"] = {vlans[name].id: True for name in profile.allowed_vlans}
    else:
        voice = profile.voice_vlan if profile and profile.voice_vlan else voice_vlan
        state |= {"access_vlan": vlans[vlan].id if vlan else None, "voice_vlan": vlans[voice].id if voice else None}
    if profile is not None:
        state |= _beside(profile)
    return SwitchPort.model_validate(state)


def _beside(profile: PortProfile) -> dict[str, Any]:
    """What a profile says beside description, mode and VLANs; what it leaves out is not managed."""
    said = {name: getattr(profile, name) for name in (*_PLAIN, *_WORDS) if name in profile.model_fields_set}
    plain = {name: None if value in _NONE else value for name, value in said.items()}
    return {"enabled": profile.enabled, **plain}


def description(
    template: str, *, workplace: str | None = None, outlet: str | None = None, workstation: str | None = None
) -> str:
    """A template with its names filled in; what there is none of leaves no gap."""
    filled = template.format(workplace=workplace or "", outlet=outlet or "", workstation=workstation or "")
    return " ".join(filled.split())


def desk_resource(inventory: Inventory, desk: str, vlan: str, requires: frozenset[Address] = frozenset()) -> Resource:
    """The port of a desk whose person belongs into `vlan`, where the desk's outlet leads to. Raises
    :class:`RequestError` when no patch cable lies there."""
    outlet = inventory.workplaces[desk].outlet
    return port_resource(inventory, outlet, f"workplace {desk}", desk_port(inventory, desk, vlan), requires)


def port_resource(
    inventory: Inventory, outlet_id: str, of: str, state: SwitchPort, requires: frozenset[Address] = frozenset()
) -> Resource:
    """`state` for the port that an outlet (of the desk or device `of`) leads to. Raises :class:`RequestError` when no
    patch cable lies there."""
    outlet = inventory.outlets[outlet_id]
    if outlet.switch is None or outlet.switch_port is None:
        raise RequestError(
            f"outlet {outlet_id} of {of} has no trace to a switch port (panel {outlet.panel}, port "
            f"{outlet.panel_port}); `provision patch {outlet_id} --to {of.rpartition(' ')[2]}` picks one, or write "
            "switch and switch_port beside it in outlets"
        )
    return Resource("switch.port", f"switch:{outlet.switch}", outlet.switch_port, state, requires)
