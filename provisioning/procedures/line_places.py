"""Whose line it is: what the site says about switch ports and MAC addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.procedures.equipment import behind_desk, connect_equipment
from provisioning.procedures.ports import desk_resource
from provisioning.procedures.whole_site import seated
from provisioning.resources.base import Address, Resource
from provisioning.site import Inventory

__all__ = ["Place", "Places", "wanted_ports"]


@dataclass(frozen=True, slots=True)
class Place:
    """The outlet that a port is patched to and what belongs there. `is_pc`: a workstation, not equipment."""

    outlet: str
    desk: str = ""
    device: str = ""
    mac: str = ""
    is_pc: bool = False
    room: str = ""
    telephone: str = ""
    """MAC of the telephone that the PC is plugged into."""

    @property
    def words(self) -> str:
        """For people: ``desk B-204-3, WS-0042``; the outlet alone where nothing belongs."""
        desk = f"desk {self.desk}" if self.desk else ""
        return ", ".join(filter(None, (desk, self.device))) or f"outlet {self.outlet}"


@dataclass(frozen=True)
class Places:
    """All ports that the site knows, and all MAC addresses."""

    ports: Mapping[tuple[str, str], Place]
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, inventory: Inventory) -> Places:
        """What the site says."""
        ports = {(switch, port.casefold()): place for switch, port, place in _ports(inventory)}
        names = {pc.mac: name for name, pc in inventory.workstations.items()}
        return cls(ports, names | {device.mac: name for name, device in inventory.equipment.items()})

    def at(self, switch: str, port: str) -> Place | None:
        """What is patched there; ``None``: no outlet of the site is."""
        return self.ports.get((switch, port.casefold()))


def _ports(inventory: Inventory) -> Iterator[tuple[str, str, Place]]:
    desks = {desk.outlet: name for name, desk in inventory.workplaces.items()}
    phones = {d.outlet: d.mac for d in inventory.equipment.values() if behind_desk(inventory, d)}
    devices = {d.outlet: name for name, d in inventory.equipment.items() if not behind_desk(inventory, d)}
    for name, outlet in inventory.outlets.items():
        if outlet.switch is None or outlet.switch_port is None:
            continue
        place = Place(name)
        if name in devices:
            device = inventory.equipment[devices[name]]
            place = Place(name, "", devices[name], device.mac, room=device.room)
        elif name in desks:
            desk = desks[name]
            pc = inventory.workstation_at.get(desk, "")
            mac = inventory.workstations[pc].mac if pc else ""
            room = inventory.workplaces[desk].room
            place = Place(name, desk, pc, mac, is_pc=bool(pc), room=room, telephone=phones.get(name, ""))
        yield outlet.switch, outlet.switch_port, place


def wanted_ports(inventory: Inventory, switches: Iterable[str]) -> tuple[list[Resource], list[str]]:
    """What a plan of the whole site would make of the ports of these switches, and sentences about what it could not
    say (somebody's desk has no trace, two people have one desk).

    The ports depend on nobody's account, so no directory is asked.
    """
    targets = {f"switch:{name}" for name in switches}
    resources: dict[Address, Resource] = {}
    notes: dict[str, None] = {}
    for resource in _resources(inventory, notes):
        if resource.target in targets and resources.setdefault(resource.address, resource).desired != resource.desired:
            notes[f"{resource.address} is asked to be two different things at once; correct the site"] = None
    return list(resources.values()), list(notes)


def _resources(inventory: Inventory, notes: dict[str, None]) -> Iterator[Resource]:
    """The ports of all desks and devices; what cannot be said goes into `notes`."""
    for key in seated(inventory):
        person = inventory.people[key]
        if person.workplace is not None:
            try:
                yield desk_resource(inventory, person.workplace, inventory.profiles[person.profile].vlan)
            except RequestError as exc:
                notes[f"what its port should be was not judged: {exc}"] = None
    try:
        work = connect_equipment(inventory).compile(inventory, Accounts())
    except RequestError as exc:
        notes[f"what its port should be was not judged: {exc}"] = None
    else:
        yield from (resource for resource in work.resources if resource.kind == "switch.port")
