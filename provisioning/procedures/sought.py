"""What is meant by a name, a MAC address, an IP address or a port, and where the site says that it should be. Pure.

How names are compared is the business of ``names.py``. When several things fit they are listed, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from provisioning import dialects
from provisioning.dialects.tables import mac_address
from provisioning.errors import RequestError
from provisioning.procedures.names import fitting, named_things
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

__all__ = ["SORTS", "Device", "Expected", "Sought", "device_with", "foreign", "sought"]

SORTS = ("person", "workplace", "workstation", "outlet", "equipment")
"""What has a name; ``outlet:B2-04A`` says which sort is meant when several things share one."""

_SHOWN = 8


@dataclass(frozen=True)
class Expected:
    """Where the site says that a device is plugged in, and in which VLAN (``None``: it says none)."""

    switch: str
    port: str
    outlet: str
    vlan: int | None = None
    workplace: str | None = None


@dataclass(frozen=True)
class Device:
    """Something with a MAC address. Without `expected`, `nowhere` says what the site says instead."""

    sort: str
    name: str
    mac: str
    expected: Expected | None = None
    nowhere: str = ""
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sought:
    """What is looked for: its sort and name, the devices that it means, and switch ports to look at (switch, port).
    `address`: an IPv4 address whose device is not known yet. `nothing` says why there is nothing to look for."""

    sort: str
    name: str
    title: str
    devices: tuple[Device, ...] = ()
    ports: tuple[tuple[str, str], ...] = ()
    address: str | None = None
    outlet: str | None = None
    nothing: str = ""


def sought(site: Inventory, text: str) -> Sought:
    """What `text` means. Raises :class:`RequestError` when it fits nothing, or several things."""
    text = text.strip()
    if not text:
        raise RequestError("nothing is looked for; name a person, PC, workplace, outlet, device, MAC or IP address")
    if exact := _exact(site, text):
        return exact
    if mac := mac_address(text):
        return Sought("mac", mac, f"MAC address {mac}", (device_with(site, mac) or foreign(mac),))
    if address := _address(text):
        return _at_address(site, address)
    if port := _port(site, text):
        return port
    if re.fullmatch(r"\d+(\.\d+){3}", text):
        raise RequestError(f"{text} is no IPv4 address; expected four numbers from 0 to 255, such as 10.20.20.142")
    return _named(site, text)


def foreign(mac: str) -> Device:
    """A device that the site does not know."""
    return Device("device", mac, mac, nowhere="nothing of it")


def device_with(site: Inventory, mac: str) -> Device | None:
    """The site's device with this MAC address."""
    for name, workstation in site.workstations.items():
        if workstation.mac == mac:
            return _workstation(site, name)
    return next((_equipment(site, name) for name, one in site.equipment.items() if one.mac == mac), None)


# -- devices ---------------------------------------------------------------------------------------------


def _workstation(site: Inventory, name: str) -> Device:
    workstation = site.workstations[name]
    if workstation.workplace is None:
        return Device("workstation", name, workstation.mac, nowhere="it is in store, at no workplace")
    people = _people_at(site, workstation.workplace)
    vlans = {site.network.vlans[site.profiles[site.people[key].profile].vlan].id for key in people}
    outlet = site.workplaces[workstation.workplace].outlet
    expected, nowhere = _at_outlet(site, outlet, vlans.pop() if len(vlans) == 1 else None, workstation.workplace)
    return Device("workstation", name, workstation.mac, expected, nowhere, tuple(_full_name(site, k) for k in people))


def _equipment(site: Inventory, name: str) -> Device:
    device = site.equipment[name]
    expected, nowhere = _at_outlet(site, device.outlet, site.network.vlans[device.vlan].id, None)
    return Device(device.kind, name, device.mac, expected, nowhere)


def _at_outlet(site: Inventory, name: str, vlan: int | None, workplace: str | None) -> tuple[Expected | None, str]:
    outlet = site.outlets[name]
    if outlet.switch is None or outlet.switch_port is None:
        return None, f"its outlet {name} is not patched to a switch port in the site"
    return Expected(outlet.switch, outlet.switch_port, name, vlan, workplace), ""


def _people_at(site: Inventory, workplace: str) -> tuple[str, ...]:
    return tuple(key for key, person in site.people.items() if person.workplace == workplace)


# -- what a name means -----------------------------------------------------------------------------------


def _of_person(site: Inventory, key: str) -> Sought:
    person, title = site.people[key], _full_name(site, key)
    if person.workplace is None:
        return Sought("person", key, title, nothing="the site gives them no workplace")
    workstation = site.workstation_at.get(person.workplace)
    if workstation is None:
        return Sought("person", key, title, nothing=f"no PC stands at their workplace {person.workplace} in the site")
    return Sought("person", key, f"{title}, workplace {person.workplace}", (_workstation(site, workstation),))


def _of_workplace(site: Inventory, name: str) -> Sought:
    place = site.workplaces[name]
    found = _of_outlet(site, place.outlet)
    title = f"workplace {name}, room {place.room}, outlet {place.outlet}"
    return Sought("workplace", name, title, found.devices, found.ports, outlet=place.outlet, nothing=found.nothing)


def _of_workstation(site: Inventory, name: str) -> Sought:
    return Sought("workstation", name, f"workstation {name}", (_workstation(site, name),))


def _of_equipment(site: Inventory, name: str) -> Sought:
    device = site.equipment[name]
    return Sought("equipment", name, f"{device.kind} {name}, room {device.room}", (_equipment(site, name),))


def _of_outlet(site: Inventory, name: str) -> Sought:
    outlet = site.outlets[name]
    title = f"outlet {name}, panel {outlet.panel} port {outlet.panel_port} in {outlet.closet}"
    devices = [
        _workstation(site, workstation)
        for workplace, workstation in site.workstation_at.items()
        if site.workplaces[workplace].outlet == name
    ]
    devices += [_equipment(site, key) for key, device in site.equipment.items() if device.outlet == name]
    if outlet.switch is None or outlet.switch_port is None:
        nothing = "" if devices else "the site has no patch cable there, and no device that belongs to it"
        return Sought("outlet", name, title, tuple(devices), outlet=name, nothing=nothing)
    return Sought("outlet", name, title, tuple(devices), ((outlet.switch, outlet.switch_port),), outlet=name)


_OF: Mapping[str, Callable[[Inventory, str], Sought]] = {
    "person": _of_person,
    "workplace": _of_workplace,
    "workstation": _of_workstation,
    "outlet": _of_outlet,
    "equipment": _of_equipment,
}


def _exact(site: Inventory, text: str) -> Sought | None:
    sort, _, rest = text.partition(":")
    if sort.casefold() in SORTS and rest.strip():
        return _named(site, rest.strip(), only=sort.casefold())
    hits = [(sort, key) for sort, key, _ in named_things(site) if key.casefold() == text.casefold()]
    return _single(site, text, hits) if hits else None


def _named(site: Inventory, text: str, only: str | None = None) -> Sought:
    things = [thing for thing in named_things(site) if only in {None, thing[0]}]
    if hits := fitting(text, things):
        return _single(site, text, hits)
    what = f"no {only}" if only else "nothing"
    known = [*site.network.switches, *(name for _, _, names in things for name in names)]
    raise RequestError(f"the site has {what} called {text!r}{nearest(text, known)}")


def _single(site: Inventory, text: str, hits: Sequence[tuple[str, str]]) -> Sought:
    if len(hits) == 1:
        sort, key = hits[0]
        return _OF[sort](site, key)
    listed = [f"{sort}:{key}{_called(site, sort, key)}" for sort, key in hits[:_SHOWN]]
    more = f" and {len(hits) - _SHOWN} more" if len(hits) > _SHOWN else ""
    raise RequestError(f"{text!r} fits {len(hits)} things: {', '.join(listed)}{more}; name one of them")


def _called(site: Inventory, sort: str, key: str) -> str:
    return f" ({site.people[key].given_name} {site.people[key].family_name})" if sort == "person" else ""


def _full_name(site: Inventory, key: str) -> str:
    return f"{site.people[key].given_name} {site.people[key].family_name} ({key})"


# -- addresses and ports ---------------------------------------------------------------------------------


def _address(text: str) -> str | None:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        return None


def _at_address(site: Inventory, address: str) -> Sought:
    title = f"address {address}"
    for name, workstation in site.workstations.items():
        if address in {str(workstation.fixed_address), str(workstation.address)}:
            return Sought("address", address, title, (_workstation(site, name),))
    for name, device in site.equipment.items():
        if str(device.address) == address:
            return Sought("address", address, title, (_equipment(site, name),))
    return Sought("address", address, title, address=address)


def _port(site: Inventory, text: str) -> Sought | None:
    name, _, port = text.replace(" ", ":", 1).partition(":")
    switches = {switch.casefold(): switch for switch in site.network.switches}
    if name.casefold() not in switches:
        return None
    switch = switches[name.casefold()]
    if not port.strip():
        raise RequestError(f"{switch} is a switch; name one of its ports, such as {switch}:Gi1/0/7")
    full = _full_port(site, switch, port.strip())
    for outlet, one in site.outlets.items():
        if one.switch == switch and (one.switch_port or "").casefold() == full.casefold():
            found = _of_outlet(site, outlet)
            return Sought("port", f"{switch}:{full}", f"{switch} {full}, {found.title}", found.devices, found.ports,
                          outlet=outlet)  # fmt: skip
    return Sought("port", f"{switch}:{full}", f"{switch} {full}", ports=((switch, full),))


def _full_port(site: Inventory, switch: str, text: str) -> str:
    """``GigabitEthernet1/0/7`` for any abbreviation that the device would take, whatever its case."""
    dialect = dialects.load(site.network.switches[switch].dialect)
    stem = (re.match(r"[A-Za-z-]*", text) or [""])[0]
    kinds = {short.casefold(): full for short, full in dialect.names.items()} | {
        full.casefold(): full for full in dialect.names.values()
    }
    fitting = {full for name, full in kinds.items() if stem and name.startswith(stem.casefold())}
    kind = kinds.get(stem.casefold()) or (fitting.pop() if len(fitting) == 1 else None)
    return dialect.full_name(text) if kind is None else kind + text[len(stem) :].strip()
