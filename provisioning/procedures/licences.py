"""Licence seats: what a plan takes of the site's pools. Pure; the ledger gives the seats out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from provisioning.resources.base import Address
from provisioning.site import Inventory

POOL = "licence:"
"""What the pools of seats in the ledger begin with."""


@dataclass(frozen=True)
class Seat:
    """One seat for `holder` (a person, or a PC where the pool counts devices), taken by the package at `address`.
    `former` gives up its own for it, if it has one."""

    pool: str
    seats: int
    holder: str
    address: Address
    former: str | None = None

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
        found.append(Seat(f"{POOL}{package.licence}", pool.seats, holder, address))
    return tuple(found)


@runtime_checkable
class Passing(Protocol):
    """A request by which somebody gets the seats that another one has."""

    @property
    def passes_on(self) -> Mapping[str, str]:
        """Who gets them → who has them."""
        ...


def passed_on(request: Any, found: Iterable[Seat]) -> tuple[Seat, ...]:
    """The seats, each with who gives it up, where `request` is a :class:`Passing` one."""
    former = request.passes_on if isinstance(request, Passing) else {}
    return tuple(replace(seat, former=former.get(seat.holder)) for seat in found)
