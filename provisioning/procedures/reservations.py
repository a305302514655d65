"""Fixed addresses: always a reservation on the DHCP server, never a setting on the device."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from provisioning.resources.base import Resource
from provisioning.resources.network.reservation import Reservation
from provisioning.site import Inventory


def reservation(inventory: Inventory, mac: str, address: IPv4Address | None, host: str | None) -> Iterator[Resource]:
    """The reservation for a device with a fixed `address`; nothing where the site has no DHCP server to write it on."""
    dhcp = inventory.network.dhcp
    if address is not None and dhcp is not None and dhcp.reservations is not None:
        yield Resource("network.reservation", "dhcp", mac, Reservation(address=str(address), host=host))
