"""Patching an outlet: a port is configured, and a technician is told where the cable goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioning import dialects
from provisioning.errors import RequestError
from provisioning.ledger.books import NewPatchOrder
from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.ports import desk_port, equipment_port, profile_port
from provisioning.resources.base import Resource
from provisioning.resources.switch.state import SwitchPort
from provisioning.site import Inventory
from provisioning.site.inventory import nearest, unknown
from provisioning.site.port_names import unit_of


@dataclass(frozen=True)
class Purpose:
    """What an outlet is patched for. `profile` and `vlan` decide the cable's colour; the expected MAC address is seen
    in the VLAN `number`."""

    name: str
    state: SwitchPort
    profile: str | None
    vlan: str | None
    number: int | None
    mac: str | None
    workplace: str = ""


@dataclass(frozen=True)
class Patch:
    """Patch `outlet` to `port` of `switch`, for the workplace, device or port profile `to`.

    `named`: the site's files name the port already, so that the ledger need not give it out. For the order's picture,
    `face` are the ports of the same unit of the switch, and `busy` those of them that were in use.
    """

    outlet: str
    to: str
    switch: str
    port: str
    named: bool = False
    face: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"patch {self.outlet} to {self.switch} {self.port} for {self.to}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002  (a cable is nobody's)
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "patch", **vars(self), "face": list(self.face), "busy": list(self.busy)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Patch:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        outlet, to, switch, port = (str(plain[name]) for name in ("outlet", "to", "switch", "port"))
        face, busy = (tuple(str(port) for port in plain[name]) for name in ("face", "busy"))
        return cls(outlet, to, switch, port, plain["named"] is True, face, busy)

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002  (nobody's account is asked)
        """Raises :class:`RequestError` for unknown names, and when the port has become somebody else's."""
        purpose = purpose_of(inventory, self.outlet, self.to)
        self._refuse_other(inventory)
        port = Resource("switch.port", f"switch:{self.switch}", self.port, purpose.state)
        order = self.order(inventory, purpose)
        warnings = tuple(_too_short(inventory, order))
        return Work((port,), (), warnings, orders=(order,))

    def order(self, inventory: Inventory, purpose: Purpose) -> NewPatchOrder:
        """What the technician is asked to do."""
        outlet, rules = inventory.outlets[self.outlet], inventory.network.patching
        metres = rules.cable.length_for(_units(inventory, self.outlet, self.switch))
        cable = {"colour": rules.cable.colour_of(purpose.profile, purpose.vlan), "metres": metres}
        return NewPatchOrder(
            outlet=self.outlet,
            closet=outlet.closet,
            panel=outlet.panel,
            panel_port=outlet.panel_port,
            switch=self.switch,
            switch_port=self.port,
            purpose=purpose.name,
            vlan=purpose.number,
            expected_mac=purpose.mac,
            cable=cable,
            label=self._label(inventory, purpose),
            allocate=not self.named,
        )

    def _label(self, inventory: Inventory, purpose: Purpose) -> str:
        outlet = inventory.outlets[self.outlet]
        unit = unit_of(self.port)
        said = inventory.network.patching.label.format(
            outlet=self.outlet,
            closet=outlet.closet,
            panel=outlet.panel,
            panel_port=outlet.panel_port,
            switch=self.switch,
            port=short_port(inventory, self.switch, self.port),
            unit="" if unit is None else unit,
            workplace=purpose.workplace,
        )
        return " ".join(said.split())

    def _refuse_other(self, inventory: Inventory) -> None:
        outlet = inventory.outlets[self.outlet]
        here = (self.switch, self.port)
        if outlet.switch is not None and (outlet.switch, outlet.switch_port) != here:
            raise RequestError(
                f"outlet {self.outlet} is patched to {outlet.switch} {outlet.switch_port} by now, not to {self.switch} "
                f"{self.port}; patch again"
            )
        if self.switch not in inventory.network.switches:
            unknown("switch", self.switch, inventory.network.switches)
        for name, other in inventory.outlets.items():
            if name != self.outlet and (other.switch, other.switch_port) == here:
                raise RequestError(
                    f"{self.port} of {self.switch} belongs to outlet {name} by now; patch again, another port will be "
                    "picked"
                )


def purpose_of(inventory: Inventory, outlet: str, to: str) -> Purpose:
    """What `to` means for `outlet`. Raises :class:`RequestError` with the nearest name, and for an outlet that is not
    that workplace's or that device's."""
    if outlet not in inventory.outlets:
        unknown("outlet", outlet, inventory.outlets)
    if to in inventory.workplaces:
        return _workplace(inventory, outlet, to)
    if to in inventory.equipment:
        return _device(inventory, outlet, to)
    profiles = inventory.network.port_profiles
    if to in profiles:
        profile = profiles[to]
        vlan = profile.access_vlan or profile.native_vlan
        number = inventory.network.vlans[profile.access_vlan].id if profile.access_vlan else None
        return Purpose(to, profile_port(inventory, to, outlet), to, vlan, number, None)
    if to in inventory.people and (desk := inventory.people[to].workplace):
        raise RequestError(f"{to} is a person; name the workplace: provision patch {outlet} --to {desk}")
    known = (*inventory.workplaces, *inventory.equipment, *profiles)
    raise RequestError(f"the site has no workplace, equipment or port profile {to!r}{nearest(to, known)}")


def _workplace(inventory: Inventory, outlet: str, desk: str) -> Purpose:
    place, network = inventory.workplaces[desk], inventory.network
    if place.outlet != outlet:
        raise RequestError(
            f"workplace {desk} is plugged into outlet {place.outlet}, not into {outlet}; name that outlet, or correct "
            "the workplace"
        )
    vlan = _vlan_of(inventory, desk)
    workstation = inventory.workstation_at.get(desk)
    mac = inventory.workstations[workstation].mac if workstation else None
    state = desk_port(inventory, desk, vlan)
    return Purpose(desk, state, network.desk_ports, vlan, network.vlans[vlan].id, mac, desk)


def _vlan_of(inventory: Inventory, desk: str) -> str:
    """The VLAN of whoever sits there."""
    profile = inventory.network.profile(inventory.network.desk_ports)
    found = {inventory.profiles[p.profile].vlan: key for key, p in inventory.people.items() if p.workplace == desk}
    if len(found) > 1:
        told = ", ".join(f"{person}: {vlan}" for vlan, person in sorted(found.items()))
        raise RequestError(
            f"the people at {desk} belong into different VLANs ({told}); name a port profile instead of the workplace"
        )
    if found:
        return next(iter(found))
    if profile is not None and profile.access_vlan is not None:
        return profile.access_vlan
    raise RequestError(
        f"nobody has the workplace {desk}, so its VLAN is not known; seat somebody there in the site, or name a port "
        "profile instead"
    )


def _device(inventory: Inventory, outlet: str, name: str) -> Purpose:
    device = inventory.equipment[name]
    if device.outlet != outlet:
        raise RequestError(
            f"{name} is plugged into outlet {device.outlet}, not into {outlet}; name that outlet, or correct equipment"
        )
    number = inventory.network.vlans[device.vlan].id
    return Purpose(name, equipment_port(inventory, name), device.port_profile, device.vlan, number, device.mac)


def short_port(inventory: Inventory, switch: str, port: str) -> str:
    """``Gi1/0/7``, as the switch's own tables say it."""
    if switch not in inventory.network.switches:
        return port
    return dialects.load(inventory.network.switches[switch].dialect).short_name(port)


def _units(inventory: Inventory, outlet_id: str, switch: str) -> int | None:
    """Rack units between panel and switch, where the closet says both."""
    outlet = inventory.outlets[outlet_id]
    units = inventory.closets[outlet.closet].rack_units
    ends = units.get(outlet.panel), units.get(switch)
    return None if ends[0] is None or ends[1] is None else abs(ends[0] - ends[1])


def _too_short(inventory: Inventory, order: NewPatchOrder) -> list[str]:
    units = _units(inventory, order.outlet, order.switch)
    needed = inventory.network.patching.cable.needed(units)
    if needed is None or needed <= order.cable["metres"]:
        return []
    return [
        f"from panel {order.panel} to {order.switch} it takes {needed:.1f} m of cable, and the longest in stock has "
        f"{order.cable['metres']:g} m (network: patching: cable: lengths)"
    ]
