"""Whose line it is: what the site says about switch ports and MAC addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Request
from provisioning.procedures.equipment import connect_equipment
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Resource
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
    devices = {device.outlet: name for name, device in inventory.equipment.items()}
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
            place = Place(name, desk, pc, mac, is_pc=bool(pc), room=inventory.workplaces[desk].room)
        yield outlet.switch, outlet.switch_port, place


def wanted_ports(inventory: Inventory, switches: Iterable[str]) -> tuple[list[Resource], list[str]]:
    """What a plan of the whole site would make of the ports of these switches, and sentences about what it could not
    say (somebody's desk has no trace, two people have one desk).

    The ports depend on nobody's account, so no directory is asked.
    """
    targets = {f"switch:{name}" for name in switches}
    requests: list[Request] = [onboard(key) for key, person in inventory.people.items() if person.workplace is not None]
    requests.append(connect_equipment(inventory))
    resources: dict[str, Resource] = {}
    warnings: list[str] = []
    for request in requests:
        try:
            work = request.compile(inventory, Accounts())
        except RequestError as exc:
            warnings.append(f"what its port should be was not judged: {exc}")
            continue
        for resource in work.resources:
            if resource.kind == "switch.port" and resource.target in targets:
                other = resources.setdefault(str(resource.address), resource)
                if other.desired != resource.desired:
                    warnings.append(f"{resource.address} is asked to be two different things at once; correct the site")
    return list(resources.values()), list(dict.fromkeys(warnings))
