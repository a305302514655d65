"""What can be wrong with printers, equipment and mail settings, once each is right in itself."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.site.fault import Fault, Once, dangling
from provisioning.site.inventory import Inventory


def peripheral_faults(site: Inventory) -> Iterator[Fault]:
    """Rooms that nobody sits in, devices on outlets of desks or in protected VLANs, addresses outside their subnet."""
    yield from _printers(site)
    yield from _equipment(site)
    if site.mail.clients is not None and site.intranet.files is None:
        message = (
            "clients are told where mail is by documents of the intranet; say in intranet: files how they get there"
        )
        yield Fault(("mail", "clients"), message)


def _printers(site: Inventory) -> Iterator[Fault]:
    rooms = {place.room: None for place in site.workplaces.values()}
    shares = Once()
    for name, printer in site.printers.items():
        at = ("printers", name)
        share = printer.share.casefold()
        yield from shares.fault((*at, "queue"), share, name, f"{printer.share} is printer {{other}} already")
        for i, room in enumerate(printer.rooms):
            if room not in rooms:
                yield Fault((*at, "rooms", i), f"no workplace is in room {room!r}", room, rooms.keys())


def _equipment(site: Inventory) -> Iterator[Fault]:
    desks = {place.outlet: name for name, place in site.workplaces.items()}
    cards, outlets, addresses, hosts = (Once() for _ in range(4))
    for name, ws in site.workstations.items():
        # among themselves, workstations are looked at elsewhere
        list(cards.fault(("workstations", name), ws.mac, f"workstation {name}", ""))
        list(addresses.fault(("workstations", name), ws.address, f"workstation {name}", ""))
    subnets = [vlan.subnet for vlan in site.network.vlans.values() if vlan.subnet is not None]
    for name, ws in site.workstations.items():
        if ws.fixed_address is None:
            continue
        taken = f"address {ws.fixed_address} already belongs to {{other}}"
        here = ("workstations", name, "fixed_address")
        yield from addresses.fault(here, ws.fixed_address, f"workstation {name}", taken)
        if not any(ws.fixed_address in subnet for subnet in subnets):
            yield Fault(here, f"{ws.fixed_address} is in no subnet of network: vlans; give one of them, or correct it")
    for name, device in site.equipment.items():
        at = ("equipment", name)
        yield from dangling((*at, "outlet"), "outlet", device.outlet, site.outlets)
        if device.outlet in desks and not (device.kind == "telephone" and device.workplace == desks[device.outlet]):
            yield Fault((*at, "outlet"), f"outlet {device.outlet} serves workplace {desks[device.outlet]}")
        taken = f"outlet {device.outlet} already serves {{other}}"
        yield from outlets.fault((*at, "outlet"), device.outlet, name, taken)
        yield from cards.fault((*at, "mac"), device.mac, name, f"MAC address {device.mac} already belongs to {{other}}")
        taken = f"address {device.address} already belongs to {{other}}"
        yield from addresses.fault((*at, "address"), device.address, name, taken)
        host = device.host.casefold() if device.host else None
        yield from hosts.fault((*at, "host"), host, name, f"host {device.host} already belongs to {{other}}")
        yield from _vlan(site, name)


def _vlan(site: Inventory, name: str) -> Iterator[Fault]:
    device, vlans, at = site.equipment[name], site.network.vlans, ("equipment", name)
    yield from dangling((*at, "vlan"), "VLAN", device.vlan, vlans)
    if device.vlan not in vlans:
        return
    vlan = vlans[device.vlan]
    if vlan.protected and device.vlan not in site.approvals.vlans:
        message = f"VLAN {device.vlan!r} is protected; say in approvals: vlans who may give it to a device"
        yield Fault((*at, "vlan"), message)
    if device.address is None:
        return
    if vlan.subnet is None:
        yield Fault((*at, "address"), f"VLAN {device.vlan!r} has no subnet; give it one or leave the address out")
    elif device.address not in vlan.subnet:
        yield Fault((*at, "address"), f"{device.address} is not in {vlan.subnet}, the subnet of VLAN {device.vlan!r}")
