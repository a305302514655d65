"""Licence seats: what a plan takes of the site's pools. Pure; the ledger gives the seats out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioning.resources.base import Address
from provisioning.site import Inventory


@dataclass(frozen=True)
class Seat:
    """One seat for `holder` (a person, or a PC where the pool counts devices), taken by the package at `address`."""

    pool: str
    seats: int
    holder: str
    address: Address

    @property
    def candidates(self) -> tuple[str, ...]:
        """The seats of the pool: they have no names, so they are numbered."""
        return tuple(str(number) for number in range(1, self.seats + 1))


def seats(inventory: Inventory, packages: Iterable[Address], owners: Mapping[Address, str]) -> tuple[Seat, ...]:
    """The seats that `packages` (addresses of the kind ``windows.package``) take. A seat of a pool that counts users is
    the person's, on however many PCs; without a known person it is the PC's."""
    catalogue = {package.display_name: package for package in inventory.software.values()}
    found = []
    for address in packages:
        package = catalogue.get(address.key) if address.kind == "windows.package" else None
        if package is None or package.licence is None:
            continue
        pool = inventory.licences[package.licence]
        device = address.target.partition(":")[2]
        holder = owners.get(address, device) if pool.metric == "per-user" else device
        found.append(Seat(f"licence:{package.licence}", pool.seats, holder, address))
    return tuple(found)
