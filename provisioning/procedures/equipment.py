"""Equipment: printers, scanners and the like get their port, their address, and the proof that they have both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.ports import equipment_port, port_resource
from provisioning.procedures.reservations import reservation
from provisioning.resources.base import Address, Proof, Resource
from provisioning.site import Inventory
from provisioning.site.equipment import Equipment
from provisioning.site.inventory import nearest


@dataclass(frozen=True)
class ConnectEquipment:
    """Devices of the site's section `equipment`, by name, to be connected where the site says."""

    names: tuple[str, ...]

    @property
    def title(self) -> str:
        shown = ", ".join(self.names) if len(self.names) <= 3 else f"{len(self.names)} devices"
        return f"connect {shown}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002  (a device is nobody's)
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "connect", "names": list(self.names)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ConnectEquipment:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        return cls(tuple(plain["names"]))

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002
        """Raises :class:`RequestError` for unknown names and outlets without a patch cable."""
        resources: list[Resource] = []
        proofs: list[Proof] = []
        warnings: list[str] = []
        for name in self.names:
            if name not in inventory.equipment:
                raise RequestError(f"the site has no equipment {name!r}{nearest(name, inventory.equipment)}")
            device = inventory.equipment[name]
            reserved = list(reservation(inventory, device.mac, device.address, device.host))
            port = _port(inventory, name, device, frozenset(r.address for r in reserved))
            # The port of a telephone that a PC is plugged into is the desk's.
            resources += reserved if behind_desk(inventory, device) else [*reserved, port]
            proofs += _proofs(inventory, name, device, port)
            if device.address is not None and not reserved:
                warnings.append(
                    f"{name}: nobody reserves {device.address} for it; the site has no network: dhcp: reservations"
                )
        return Work(tuple(resources), tuple(proofs), tuple(warnings))


def behind_desk(inventory: Inventory, device: Equipment) -> bool:
    """Whether a device is a telephone that shares the outlet of its desk."""
    place = inventory.workplaces.get(device.workplace or "")
    return place is not None and place.outlet == device.outlet


def connect_equipment(inventory: Inventory, *names: str) -> ConnectEquipment:
    """A request to connect `names`; without names, everything that the site lists and that has a patch cable.
    (Telephones at desks' outlets come with the desk.)"""
    patched = [
        name
        for name, device in inventory.equipment.items()
        if inventory.outlets[device.outlet].switch and not behind_desk(inventory, device)
    ]
    return ConnectEquipment(names or tuple(patched))


def connecting(inventory: Inventory, names: Sequence[str]) -> ConnectEquipment:
    """A request to connect the devices `names`, each named once; all that are patched when none is named.

    Raises :class:`RequestError` for unknown names, and when there is nothing to connect.
    """
    for name in names:
        if name not in inventory.equipment:
            raise RequestError(f"the site has no equipment {name!r}{nearest(name, inventory.equipment)}")
    request = connect_equipment(inventory, *dict.fromkeys(names))
    if not request.names:
        raise RequestError(
            "the site has no equipment with a patch cable; list devices in equipment, and where their outlets lead in "
            "outlets"
        )
    return request


def _port(inventory: Inventory, name: str, device: Equipment, requires: frozenset[Address]) -> Resource:
    """The port comes after the reservation: the device asks for its address as soon as it has carrier."""
    return port_resource(inventory, device.outlet, name, equipment_port(inventory, name), requires)


def _proofs(inventory: Inventory, name: str, device: Equipment, port: Resource) -> Iterator[Proof]:
    vlan = inventory.network.vlans[device.vlan]
    wanted = f"{device.address}/32" if device.address is not None else str(vlan.subnet or "")
    if inventory.network.dhcp and wanted:
        said = f"{name} has the address {device.address or f'of VLAN {device.vlan}'}"
        yield Proof("network.lease", "dhcp", said, {"mac": device.mac, "subnet": wanted})
    parameters = {"interface": port.key, "mac": device.mac, "vlan": vlan.id}
    yield Proof("network.port", port.target, f"{name} is on {port.key} in VLAN {vlan.id}", parameters)
