"""For whom something is installed: from names on the command line to PCs, and whose these are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisioning.errors import RequestError
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

SHOWN = 8
"""Names in a sentence before the rest is only counted."""


@dataclass(frozen=True)
class Scope:
    """PCs in the order in which they were named (those of a group by name), PC → the people at its desk, and a sentence
    for everybody who is left out."""

    pcs: tuple[str, ...]
    people: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Meant:
    """What one name means: people (whose PCs are meant), or PCs themselves."""

    sort: str
    name: str
    people: tuple[str, ...] = ()
    pcs: tuple[str, ...] = ()


def scope(inventory: Inventory, names: Sequence[str]) -> Scope:
    """The PCs that `names` mean: people, PCs (by name or asset tag), rooms, groups of profiles, departments, profiles;
    ``group:Sales`` says which of them is meant.

    Raises :class:`RequestError` for a name that means nothing, or several things, and for somebody without a PC.
    """
    pcs: dict[str, None] = {}
    left_out: dict[str, None] = {}
    for name in names:
        meant = _meant(inventory, name)
        found = list(_pcs(inventory, meant))
        without = [key for key in meant.people if not _pc_of(inventory, key)]
        if not found:
            raise RequestError(_nobody(inventory, meant))
        pcs |= dict.fromkeys(found)
        if without:
            left_out[f"left out, because they have no PC: {listed(without)}"] = None
    return Scope(tuple(pcs), {pc: people_at(inventory, pc) for pc in pcs}, tuple(left_out))


def is_known(inventory: Inventory, text: str) -> bool:
    """Whether `text` names somebody or something as it is called in the site."""
    sort, colon, _ = text.partition(":")
    return (bool(colon) and sort in _SORTS) or any(look(inventory, text) is not None for look in _SORTS.values())


def people_at(inventory: Inventory, pc: str) -> tuple[str, ...]:
    """Who has the desk that a PC stands at."""
    desk = inventory.workstations[pc].workplace
    return tuple(
        key for key, one in inventory.people.items() if desk is not None and one.workplace == desk and one.left is None
    )


def listed(names: Iterable[str]) -> str:
    """``A, B, C and 12 more``."""
    known = list(names)
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + more


def _meant(inventory: Inventory, text: str) -> _Meant:
    sort, colon, rest = text.partition(":")
    if colon and sort in _SORTS:
        if (found := _SORTS[sort](inventory, rest)) is None:
            known = _known(inventory)[sort]
            raise RequestError(f"the site has no {sort} {rest!r}{nearest(rest, known)}")
        return found
    meanings = [found for look in _SORTS.values() if (found := look(inventory, text)) is not None]
    if not meanings:
        everything = [name for names in _known(inventory).values() for name in names]
        raise RequestError(
            f"the site has no person, PC, room, group, department or profile {text!r}{nearest(text, everything)}"
        )
    if len({frozenset(_pcs(inventory, one)) for one in meanings}) > 1:
        told = " and ".join(f"a {one.sort} ({len(set(_pcs(inventory, one)))} PCs)" for one in meanings)
        say = " or ".join(f"{one.sort}:{text}" for one in meanings)
        raise RequestError(f"{text} is {told}; say {say}")
    return meanings[0]


def _person(inventory: Inventory, text: str) -> _Meant | None:
    key = _same(text, inventory.people)
    return None if key is None else _Meant("person", key, people=(key,))


def _pc(inventory: Inventory, text: str) -> _Meant | None:
    key = _same(text, inventory.workstations)
    tags = {ws.asset_tag: name for name, ws in inventory.workstations.items()}
    if key is None and (tag := _same(text, tags)) is not None:
        key = tags[tag]
    return None if key is None else _Meant("pc", key, pcs=(key,))


def _room(inventory: Inventory, text: str) -> _Meant | None:
    room = _same(text, {place.room for place in inventory.workplaces.values()})
    if room is None:
        return None
    pcs = [
        pc for pc, ws in inventory.workstations.items()
        if ws.workplace is not None and inventory.workplaces[ws.workplace].room == room
    ]  # fmt: skip
    return _Meant("room", room, pcs=tuple(sorted(pcs)))


def _group(inventory: Inventory, text: str) -> _Meant | None:
    profiles = inventory.profiles
    group = _same(text, {group for profile in profiles.values() for group in profile.groups})
    if group is None:
        return None
    people = [key for key, one in inventory.people.items() if group in profiles[one.profile].groups]
    return _Meant("group", group, people=_here(inventory, people))


def _department(inventory: Inventory, text: str) -> _Meant | None:
    name = _same(text, {one.department for one in inventory.people.values()})
    if name is None:
        return None
    people = [key for key, one in inventory.people.items() if one.department == name]
    return _Meant("department", name, people=_here(inventory, people))


def _profile(inventory: Inventory, text: str) -> _Meant | None:
    name = _same(text, inventory.profiles)
    if name is None:
        return None
    return _Meant(
        "profile", name, people=_here(inventory, [k for k, one in inventory.people.items() if one.profile == name])
    )


_SORTS: Mapping[str, Callable[[Inventory, str], _Meant | None]] = {
    "person": _person,
    "pc": _pc,
    "room": _room,
    "group": _group,
    "department": _department,
    "profile": _profile,
}


def _known(inventory: Inventory) -> dict[str, list[str]]:
    people, profiles = inventory.people.values(), inventory.profiles.values()
    return {
        "person": list(inventory.people),
        "pc": [*inventory.workstations, *(ws.asset_tag for ws in inventory.workstations.values())],
        "room": sorted({place.room for place in inventory.workplaces.values()}),
        "group": sorted({group for profile in profiles for group in profile.groups}),
        "department": sorted({one.department for one in people}),
        "profile": list(inventory.profiles),
    }


def _same(text: str, known: Iterable[str]) -> str | None:
    """The name that is meant: `text` itself, else the only one that differs in case alone."""
    names = list(known)
    if text in names:
        return text
    folded = [name for name in names if name.casefold() == text.casefold()]
    return folded[0] if len(folded) == 1 else None


def _here(inventory: Inventory, people: Iterable[str]) -> tuple[str, ...]:
    return tuple(key for key in people if inventory.people[key].left is None)


def _pc_of(inventory: Inventory, person: str) -> str | None:
    desk = inventory.people[person].workplace
    return inventory.workstation_at.get(desk) if desk is not None and inventory.people[person].left is None else None


def _pcs(inventory: Inventory, meant: _Meant) -> Iterable[str]:
    return [*meant.pcs, *sorted({pc for key in meant.people if (pc := _pc_of(inventory, key))})]


def _nobody(inventory: Inventory, meant: _Meant) -> str:
    if meant.sort == "person":
        one = inventory.people[meant.name]
        if one.left is not None:
            return f"{meant.name} has left on {one.left}; `provision reinstate {meant.name}` brings them back"
        where = f"no workstation stands at their desk {one.workplace}" if one.workplace else "they have no workplace"
        return f"{meant.name} has no PC ({where}); seat a PC there in the site first"
    if meant.sort == "room":
        return f"no PC stands in room {meant.name}"
    return f"nobody of the {meant.sort} {meant.name} has a PC"
