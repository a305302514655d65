"""What somebody wants moved, in the site's names, and the legs that it comes to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from provisioning.errors import RequestError
from provisioning.procedures.identity import display_name
from provisioning.procedures.move_seating import Conflict, Leg, conflicts, with_telephones, without_account
from provisioning.site import Inventory
from provisioning.site.inventory import unknown


@dataclass(frozen=True)
class Wish:
    """A person or a PC (`sort`, `key`) that should be at the desk `to`.

    `with_pc`: whether the person's PC goes along (``None``: it does, unless the desk is shared and has one). `where`
    is the file and line that says so.
    """

    sort: Literal["person", "workstation"]
    key: str
    to: str
    with_pc: bool | None = None
    where: str = ""


def legs_of(inventory: Inventory, wishes: Sequence[Wish]) -> tuple[Leg, ...]:
    """The legs. Raises :class:`RequestError` for names that the site does not have."""
    return with_telephones(inventory, [_leg(inventory, wish) for wish in wishes])


def _leg(inventory: Inventory, wish: Wish) -> Leg:
    place = inventory.workplace(wish.to)
    if wish.sort == "workstation":
        if wish.key not in inventory.workstations:
            unknown("workstation", wish.key, inventory.workstations)
        return Leg(None, wish.key, inventory.workstations[wish.key].workplace, wish.to)
    source = inventory.person(wish.key).workplace
    along = wish.with_pc
    if along is None:
        along = not (place.shared and wish.to in inventory.workstation_at)
    own = source is not None and not inventory.workplaces[source].shared
    return Leg(wish.key, inventory.workstation_at.get(source or "") if along and own else None, source, wish.to)


def against(
    inventory: Inventory, wishes: Sequence[Wish], legs: Sequence[Leg], *, nobody: Collection[str] = ()
) -> list[str]:
    """A sentence for everything that stands against the wishes, with file and line of each, in their order. `nobody`:
    the people who have no account."""
    found = list(conflicts(inventory, legs))
    amiss = {one.leg for one in found}
    for i, leg in enumerate(legs):
        if leg.person is not None and leg.person in nobody and i not in amiss:
            found.append(Conflict(i, without_account(leg.person, leg.to)))
    return [_told(wishes, one) for one in sorted(found, key=lambda conflict: conflict.leg)]


def _told(wishes: Sequence[Wish], one: Conflict) -> str:
    where = wishes[one.leg].where
    other = f" (see {wishes[one.other].where})" if one.other is not None and wishes[one.other].where else ""
    return f"{f'{where}: ' if where else ''}{one.sentence}{other}"


def ring(inventory: Inventory, person: str, others: Sequence[str], *, with_pc: bool | None = None) -> list[Wish]:
    """`person` gets the desk of the first of `others`, that one the next one's, and the last one the desk of `person`.

    Raises :class:`RequestError` for people without a desk.
    """
    people = (person, *others)
    if len(set(people)) != len(people):
        raise RequestError("a desk cannot be exchanged with oneself; name each person once")
    wishes = []
    for key, giver in zip(people, (*others, person), strict=True):
        desk = inventory.person(giver).workplace
        if desk is None:
            said = f"{display_name(inventory, giver)} ({giver}) has no desk that could be given to {key}"
            raise RequestError(f"{said}; name a free desk with --to")
        wishes.append(Wish("person", key, desk, with_pc))
    return wishes


def occupant(inventory: Inventory, desk: str) -> str:
    """The one person who has a desk, to be swapped with. Raises :class:`RequestError` for none, and for several."""
    inventory.workplace(desk)
    there = [key for key, person in inventory.people.items() if person.workplace == desk and person.left is None]
    if not there:
        raise RequestError(f"nobody has the desk {desk}, so there is nobody to swap with; leave --swap out")
    if len(there) > 1:
        raise RequestError(f"{', '.join(there)} share the desk {desk}; name the one to swap with: --with PERSON")
    return there[0]
