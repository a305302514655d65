"""The site as an Ansible inventory: hosts, their variables, and groups. Pure: no Ansible, no files, no network.

Hosts are the workstations and the switches, called as the site calls them. No password is among the variables, nor a
reference to one: our modules resolve the site's references when they sign in, on the controller.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.whole_site import seated
from provisioning.site import Inventory
from provisioning.site.network import Outlet, Switch
from provisioning.site.people import Person
from provisioning.site.workplaces import Workstation

__all__ = ["NETWORK_OS", "Listing", "listing"]

NETWORK_OS: Mapping[str, str] = {
    "aoscx": "arubanetworks.aoscx.aoscx",
    "eos": "arista.eos.eos",
    "ios": "cisco.ios.ios",
    "junos": "junipernetworks.junos.junos",
    "nxos": "cisco.nxos.nxos",
    "os10": "dellemc.os10.os10",
    "vrp": "community.network.ce",
}
"""Dialect → ``ansible_network_os`` of the collection that speaks to that family too. The others have none."""

NETWORK_CLI = "ansible.netcommon.network_cli"

_RESERVED = frozenset({"all", "ungrouped", "localhost"})
_NOT_IN_NAMES = re.compile(r"^[\d\W]|[^\w]")  # what Ansible's to_safe_group_name replaces

Variables = dict[str, Any]
Members = dict[str, list[str]]


@dataclass(frozen=True)
class Listing:
    """What an inventory source says. `groups` maps groups to hosts, `children` groups to the groups within them;
    `remarks` are sentences for the one who reads the inventory."""

    hosts: Mapping[str, Variables]
    groups: Mapping[str, list[str]]
    children: Mapping[str, list[str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def listing(site: Inventory, *, network_cli: bool = False) -> Listing:
    """All workstations and switches of the site as it is now (``Site.wired``).

    `network_cli` says whether Ansible has that connection plugin: a switch's ``ansible_connection`` is named only then,
    since Ansible refuses every task of a host whose connection plugin is missing. Raises :class:`RequestError` for
    names that cannot be hosts.
    """
    _check_names(site)
    shared = {"provision_site": str(site.folder)}
    hosts: dict[str, Variables] = {}
    named: dict[str, Members] = defaultdict(lambda: defaultdict(list))
    rooms = _rooms(site)
    desks = _Desks.of(site)
    reached = _windows(site)
    for name, workstation in site.workstations.items():
        hosts[name] = shared | reached | _workstation(site, desks, workstation)
        for prefix, member in _memberships(hosts[name], rooms):
            named[prefix][member].append(name)
    for name, switch in site.network.switches.items():
        hosts[name] = shared | _switch(switch, network_cli)
        named["closet"][switch.closet].append(name)
        named["dialect"][switch.dialect].append(name)
    return _grouped(site, hosts, named, rooms)


def _check_names(site: Inventory) -> None:
    for name in site.workstations:
        if name in site.network.switches:
            raise RequestError(
                f"{name} is a workstation and a switch: two hosts of an inventory cannot have one name; rename the "
                "switch in the site"
            )
    for name in _RESERVED.intersection([*site.workstations, *site.network.switches]):
        raise RequestError(f"Ansible means something else by {name!r}; give that host another name in the site")


# -- hosts -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Desks:
    """Who sits where: workplace → people who have not left."""

    people: Mapping[str, list[str]]

    @classmethod
    def of(cls, site: Inventory) -> _Desks:
        people: dict[str, list[str]] = defaultdict(list)
        for key in seated(site):
            people[str(site.people[key].workplace)].append(key)
        return cls(people)


def _windows(site: Inventory) -> Variables:
    """How every PC is reached, in the words of the connection plugin ``ansible.builtin.winrm``."""
    windows = site.windows
    return _said(
        ansible_connection="winrm",
        ansible_port=windows.port,
        ansible_user=windows.credential.user,
        ansible_winrm_scheme=windows.scheme,
        ansible_winrm_transport=windows.transport,
        ansible_winrm_server_cert_validation="validate" if windows.verify else "ignore",
        ansible_winrm_ca_trust_path=None if windows.trust is None else str(windows.trust),
        ansible_winrm_connection_timeout=windows.timeout,
    )


def _workstation(site: Inventory, desks: _Desks, workstation: Workstation) -> Variables:
    address = workstation.address or workstation.fixed_address
    variables = _said(
        ansible_host=workstation.host,
        workplace_kind="workstation",
        workplace_asset_tag=workstation.asset_tag,
        workplace_mac=workstation.mac,
        workplace_model=workstation.model,
        workplace_address=None if address is None else str(address),
    )
    if workstation.workplace is not None:
        variables |= _desk(site, workstation.workplace, desks.people.get(workstation.workplace, []))
    return variables


def _desk(site: Inventory, name: str, people: list[str]) -> Variables:
    place = site.workplaces[name]
    outlet = site.outlets[place.outlet]
    return {
        "workplace_desk": name,
        "workplace_building": place.building,
        "workplace_room": place.room,
        "workplace_shared": place.shared,
        "workplace_outlet": place.outlet,
        **_cable(outlet),
        **_seated(site, people),
    }


def _cable(outlet: Outlet) -> Variables:
    return _said(
        workplace_closet=outlet.closet,
        workplace_panel=outlet.panel,
        workplace_panel_port=outlet.panel_port,
        workplace_switch=outlet.switch,
        workplace_switch_port=outlet.switch_port,
    )


def _seated(site: Inventory, people: list[str]) -> Variables:
    """What follows from who sits there. Where several do, only what they have in common."""
    persons = [site.people[key] for key in people]
    vlan = _common(persons, lambda person: site.profiles[person.profile].vlan)
    return {"workplace_people": people} | _said(
        workplace_person=people[0] if len(people) == 1 else None,
        workplace_login=_common(persons, lambda person: person.login),
        workplace_profile=_common(persons, lambda person: person.profile),
        workplace_department=_common(persons, lambda person: person.department),
        workplace_vlan=vlan,
        workplace_vlan_id=None if vlan is None else site.network.vlans[vlan].id,
    )


def _common(persons: Iterable[Person], of: Callable[[Person], str | None]) -> str | None:
    found = {of(person) for person in persons}
    return found.pop() if len(found) == 1 else None


def _switch(switch: Switch, network_cli: bool) -> Variables:
    return _said(
        ansible_connection=NETWORK_CLI if network_cli else None,
        ansible_host=switch.ssh.host,
        ansible_port=switch.ssh.port,
        ansible_user=switch.credential.user,
        ansible_network_os=NETWORK_OS.get(switch.dialect),
        workplace_kind="switch",
        workplace_address=None if switch.ssh.address is None else str(switch.ssh.address),
        workplace_closet=switch.closet,
        workplace_dialect=switch.dialect,
        workplace_uplinks=list(switch.uplinks),
    )


def _said(**variables: Any) -> Variables:
    """Without those that say nothing."""
    return {name: value for name, value in variables.items() if value is not None}


# -- groups ------------------------------------------------------------------------------------------------


def _rooms(site: Inventory) -> Mapping[tuple[str, str], str]:
    """Building and room → what the group is called after: the room, with its building where two have one name."""
    buildings: dict[str, set[str]] = defaultdict(set)
    for place in site.workplaces.values():
        buildings[place.room].add(place.building)
    return {
        (building, room): room if len(several) == 1 else f"{building} {room}"
        for room, several in buildings.items()
        for building in several
    }


_NAMED_AFTER = ("closet", "switch", "vlan", "profile", "department")


def _memberships(host: Variables, rooms: Mapping[tuple[str, str], str]) -> Iterable[tuple[str, str]]:
    """The groups of a workstation: prefix, and what the group is called after."""
    if "workplace_desk" not in host:
        return
    yield "room", rooms[host["workplace_building"], host["workplace_room"]]
    for prefix in _NAMED_AFTER:
        if (member := host.get(f"workplace_{prefix}")) is not None:
            yield prefix, member


def _grouped(
    site: Inventory,
    hosts: Mapping[str, Variables],
    named: Mapping[str, Mapping[str, list[str]]],
    rooms: Mapping[tuple[str, str], str],
) -> Listing:
    groups: Members = {
        "workstations": [name for name, one in site.workstations.items() if one.workplace is not None],
        "in_store": [name for name, one in site.workstations.items() if one.workplace is None],
        "switches": list(site.network.switches),
    }
    buildings: Members = defaultdict(list)
    for (building, _), room in sorted(rooms.items()):
        buildings[building].append(room)
    known = {**{prefix: list(members) for prefix, members in named.items()}, "building": list(buildings)}
    safe, remarks = _safe_names({prefix: sorted(names) for prefix, names in known.items()}, frozenset(groups))
    for prefix, members in named.items():
        for member, names in members.items():
            groups[safe[prefix, member]] = names
    children = {
        safe["building", building]: [safe["room", room] for room in inside if ("room", room) in safe]
        for building, inside in buildings.items()
    }
    return Listing(hosts, groups, children, remarks)


def _safe_names(
    known: Mapping[str, Iterable[str]], taken: frozenset[str]
) -> tuple[Mapping[tuple[str, str], str], tuple[str, ...]]:
    """Prefix and name → a group name that Ansible takes, as its to_safe_group_name makes it: everything but letters (of
    any script), digits and ``_`` becomes ``_``.

    Names that become the same are told apart by four hex digits of their SHA-256, all of them: who asks for the plain
    name then gets no host, never the wrong ones.
    """
    wanted: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for prefix, names in known.items():
        for name in names:
            wanted[_NOT_IN_NAMES.sub("_", f"{prefix}_{name}")].append((prefix, name))
    safe: dict[tuple[str, str], str] = {}
    remarks = []
    for group, same in wanted.items():
        if len(same) == 1 and group not in taken:
            safe[same[0]] = group
            continue
        for prefix, name in same:
            digest = hashlib.sha256(f"{prefix}\0{name}".encode()).hexdigest()
            length = next(n for n in range(4, 65) if f"{group}_{digest[:n]}" not in {*wanted, *safe.values()})
            safe[prefix, name] = f"{group}_{digest[:length]}"
        told = ", ".join(f"{prefix} {name!r} is {safe[prefix, name]}" for prefix, name in same)
        remarks.append(f"several names would be the group {group}: {told}")
    return safe, tuple(remarks)
