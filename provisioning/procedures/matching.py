"""Whom and what people mean by what they type at the keyboard. Pure; how names are compared says ``names.py``.

First whole names count, of the thing itself and then of what is beside it (a person by the desk, the outlet or the PC
there, a desk by its room or whoever sits there); then, in the same order, beginnings, parts and typing errors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from provisioning.procedures.names import Thing, fitting, spellings
from provisioning.site import Inventory
from provisioning.site.naming import latin

Sort = Literal["person", "workplace", "workstation"]


@dataclass(frozen=True)
class Match:
    """One thing that may be meant. `sure`: `text` is a whole name, so that nobody need be asked."""

    sort: Sort
    key: str
    sure: bool


class Register:
    """The names of one site. What is looked up often (a file of moves) is looked up in one register."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._things: dict[tuple[Sort, bool], list[Thing]] = {}
        self._whole: dict[tuple[Sort, bool], Mapping[str, list[tuple[str, str]]]] = {}

    def matches(self, text: str, *sorts: Sort) -> list[Match]:
        """The things of `sorts` that `text` may mean; people who have left only where nobody else fits."""
        return self.sure(text, *sorts) or self._likely(text, sorts)

    def sure(self, text: str, *sorts: Sort) -> list[Match]:
        """The things that have `text` as a whole name."""
        for beside in (False, True):
            hits = (
                hit for sort in sorts for form in spellings(text) for hit in self._index(sort, beside).get(form, ())
            )
            if found := [Match(sort, key, True) for sort, key in dict.fromkeys(hits)]:  # type: ignore[arg-type]
                return _closest(text, _here(self.inventory, found))
        return []

    def _likely(self, text: str, sorts: Sequence[Sort]) -> list[Match]:
        for beside in (False, True):
            things = [thing for sort in sorts for thing in self._named(sort, beside)]
            if hits := dict.fromkeys(fitting(text, things)):
                found = [Match(sort, key, False) for sort, key in hits]  # type: ignore[arg-type]
                return _closest(text, _here(self.inventory, found))
        return []

    def _named(self, sort: Sort, beside: bool) -> list[Thing]:
        at = (sort, beside)
        if at not in self._things:
            self._things[at] = list(_beside(self.inventory, sort) if beside else _OWN[sort](self.inventory))
        return self._things[at]

    def _index(self, sort: Sort, beside: bool) -> Mapping[str, list[tuple[str, str]]]:
        at = (sort, beside)
        if at not in self._whole:
            index = defaultdict[str, list[tuple[str, str]]](list)
            for sort_, key, names in self._named(sort, beside):
                for form in {form for name in names for form in spellings(name)}:
                    index[form].append((sort_, key))
            self._whole[at] = index
        return self._whole[at]


def matches(inventory: Inventory, text: str, *sorts: Sort) -> list[Match]:
    """What `text` may mean, looked up once: see :class:`Register`."""
    return Register(inventory).matches(text, *sorts)


def described(inventory: Inventory, match: Match) -> str:
    """One line that tells a thing from the others: key, name, where."""
    if match.sort == "person":
        person = inventory.people[match.key]
        at = f"left on {person.left}" if person.left else person.workplace or "no desk"
        return f"{match.key} {person.given_name} {person.family_name}, {person.department}, {at}"
    if match.sort == "workstation":
        workstation = inventory.workstations[match.key]
        return f"{match.key} {workstation.asset_tag}, {workstation.workplace or 'in store'}"
    place = inventory.workplaces[match.key]
    people = [key for key, one in inventory.people.items() if one.workplace == match.key and one.left is None]
    state = ", ".join(people) or ("shared" if place.shared else "free")
    return f"{match.key} in room {place.room}, outlet {place.outlet}, {state}"


def known_names(inventory: Inventory, *sorts: Sort) -> Iterator[str]:
    """Every name of things of `sorts`, to suggest the nearest one."""
    for sort in sorts:
        for _, _, names in _OWN[sort](inventory):
            yield from names


def _here(inventory: Inventory, found: list[Match]) -> list[Match]:
    here = [one for one in found if one.sort != "person" or inventory.people[one.key].left is None]
    return here or found


def _closest(text: str, found: list[Match]) -> list[Match]:
    """``204-2`` is B-204-2, although all desks of room 204 have words that begin so."""
    piece = re.sub(r"[\W_]", "", text).casefold()
    if not any(char.isdigit() for char in piece):
        return found
    return [one for one in found if re.sub(r"[\W_]", "", one.key).casefold().endswith(piece)] or found


def _people(inventory: Inventory) -> Iterator[Thing]:
    for key, person in inventory.people.items():
        name = f"{person.given_name} {person.family_name}"
        spelt = () if name.isascii() else (latin(name, inventory.naming.transliteration),)
        yield "person", key, (key, name, *spelt, *((person.login,) if person.login else ()))


def _workplaces(inventory: Inventory) -> Iterator[Thing]:
    for key in inventory.workplaces:
        yield "workplace", key, (key,)


def _workstations(inventory: Inventory) -> Iterator[Thing]:
    for key, workstation in inventory.workstations.items():
        yield "workstation", key, (key, workstation.asset_tag, workstation.host)


_OWN: Mapping[Sort, Callable[[Inventory], Iterator[Thing]]] = {
    "person": _people,
    "workplace": _workplaces,
    "workstation": _workstations,
}


def _beside(inventory: Inventory, sort: Sort) -> Iterator[Thing]:
    """The things of a sort by the names of what is at the same desk."""
    people = defaultdict[str, list[str]](list)
    for key, person in inventory.people.items():
        if person.workplace is not None and person.left is None:
            people[person.workplace].append(key)
    named = {key: names for _, key, names in _people(inventory)} if sort != "person" else {}
    for desk, place in inventory.workplaces.items():
        pc = inventory.workstation_at.get(desk)
        names = [place.outlet, place.room]
        if sort != "workplace":
            names.append(desk)
        if sort != "workstation" and pc is not None:
            names += [pc, inventory.workstations[pc].asset_tag]
        names += [name for key in people[desk] for name in named.get(key, ())]
        yield from ((sort, key, tuple(names)) for key in _at(sort, desk, pc, people[desk]))


def _at(sort: Sort, desk: str, pc: str | None, people: Sequence[str]) -> Sequence[str]:
    if sort == "person":
        return people
    if sort == "workplace":
        return (desk,)
    return () if pc is None else (pc,)
