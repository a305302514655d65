"""Who sits where after a move, and what stands against it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioning.ledger.books import Amendment
from provisioning.procedures.identity import display_name
from provisioning.site import Inventory


@dataclass(frozen=True)
class Leg:
    """One way of a move: `person` (or a PC alone) from the desk `source` to the desk `to`.

    `workstation` is the PC that goes along, `telephone` the desk phone. `source` is ``None`` for somebody without a
    desk, and for a PC from the store.
    """

    person: str | None
    workstation: str | None
    source: str | None
    to: str
    telephone: str | None = None

    @property
    def who(self) -> str:
        """Whose way it is, in the site's names."""
        return self.person or self.workstation or "nobody"

    def to_plain(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Leg:
        """Raises KeyError for something else."""
        words = {name: plain[name] for name in cls.__dataclass_fields__}
        return cls(**{name: None if word is None else str(word) for name, word in words.items()})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Conflict:
    """Why one leg (by its place in the list) cannot be; `other` is the leg that it contradicts."""

    leg: int
    sentence: str
    other: int | None = None


def with_telephones(inventory: Inventory, legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """The legs, and with each person the telephone of the old desk where the new one has none: it goes along if it
    shares the desk's outlet. Where both desks have one, both stay, and the extension goes along. (A shared desk is
    nobody's own, so nothing of one person's is put there.)"""
    return tuple(replace(leg, telephone=_follows(inventory, leg)) for leg in legs)


def _follows(inventory: Inventory, leg: Leg) -> str | None:
    if leg.person is None or leg.source is None or leg.to in inventory.telephone_at:
        return None
    if inventory.workplaces[leg.source].shared or inventory.workplaces[leg.to].shared:
        return None
    name = inventory.telephone_at.get(leg.source)
    if name is None or inventory.equipment[name].outlet != inventory.workplaces[leg.source].outlet:
        return None
    return name


def amendments(inventory: Inventory, legs: Sequence[Leg]) -> tuple[Amendment, ...]:
    """What the site says otherwise from now on."""
    found: list[Amendment] = []
    for leg in legs:
        place = inventory.workplace(leg.to)
        if leg.person is not None:
            found.append(Amendment("people", leg.person, "workplace", leg.to))
        if leg.workstation is not None:
            found.append(Amendment("workstations", leg.workstation, "workplace", leg.to))
        if leg.telephone is not None:
            for field, value in (("workplace", leg.to), ("outlet", place.outlet), ("room", place.room)):
                found.append(Amendment("equipment", leg.telephone, field, value))
    return tuple(found)


def seated(inventory: Inventory, legs: Sequence[Leg]) -> Inventory:
    """The site after the legs; the same once more when they are done already."""
    sections: dict[str, dict[str, Any]] = {}
    for one in amendments(inventory, legs):
        things = sections.setdefault(one.section, dict(getattr(inventory, one.section)))
        things[one.key] = things[one.key].model_copy(update={one.field: one.value})
    return inventory.model_copy(update=sections)


def conflicts(inventory: Inventory, legs: Sequence[Leg]) -> Iterator[Conflict]:
    """Everything that stands against the legs, by leg. Names are those of the site already."""
    yield from _twice(legs)
    yield from _same_desk(inventory, legs)
    moved = {leg.person for leg in legs if leg.person}
    carried = {leg.workstation for leg in legs if leg.workstation}
    for i, leg in enumerate(legs):
        yield from (Conflict(i, sentence) for sentence in _alone(inventory, leg))
        yield from (Conflict(i, sentence) for sentence in _against_others(inventory, leg, moved, carried))


def _twice(legs: Sequence[Leg]) -> Iterator[Conflict]:
    """Whoever is moved by two legs (with a person, the PC goes without saying)."""
    people: dict[str, int] = {}
    pcs: dict[str, int] = {}
    for i, leg in enumerate(legs):
        if leg.person is not None and (first := people.setdefault(leg.person, i)) != i:
            yield Conflict(i, f"{leg.person} is moved twice; keep one of the two", first)
        elif leg.workstation is not None and (first := pcs.setdefault(leg.workstation, i)) != i:
            yield Conflict(i, f"{leg.workstation} is moved twice; keep one of the two", first)


def _alone(inventory: Inventory, leg: Leg) -> Iterator[str]:
    """What is wrong with a leg, whatever the others are."""
    if leg.source == leg.to:
        yield f"{leg.who} is at {leg.to} already"
    if leg.person is not None:
        person = inventory.person(leg.person)
        if person.left is not None:
            yield f"{leg.person} has left on {person.left}; `provision reinstate {leg.person}` brings them back"
        elif person.workplace not in {leg.source, leg.to}:
            yield _elsewhere(leg.person, person.workplace, leg)
    if leg.workstation is not None:
        stands = inventory.workstations[leg.workstation].workplace
        if stands not in {leg.source, leg.to}:
            yield _elsewhere(leg.workstation, stands, leg)
        elif (fault := _address(inventory, leg)) is not None:
            yield fault


def without_account(person: str, desk: str) -> str:
    """What to say of somebody who cannot be moved, because there is nothing of theirs yet."""
    advice = f"`provision onboard {person} --desk {desk}` gives them one, and the desk with it"
    return f"{person} has no account yet; {advice}"


def _elsewhere(who: str, now: str | None, leg: Leg) -> str:
    return f"{who} is at {now or 'no desk'} by now, not at {leg.source or 'no desk'}; ask for the move again"


def _address(inventory: Inventory, leg: Leg) -> str | None:
    """A fixed address that the new VLAN does not have."""
    workstation = inventory.workstations[str(leg.workstation)]
    if leg.person is None or workstation.fixed_address is None:
        return None
    vlan = inventory.profiles[inventory.person(leg.person).profile].vlan
    subnet = inventory.network.vlans[vlan].subnet
    if subnet is None or workstation.fixed_address in subnet:
        return None
    return (
        f"{leg.workstation} has the fixed address {workstation.fixed_address}, which is not in {subnet} of VLAN {vlan} "
        f"of {leg.person}; correct fixed_address in workstations"
    )


def _against_others(inventory: Inventory, leg: Leg, moved: set[str], carried: set[str]) -> Iterator[str]:
    """Who or what is at the desk and stays there."""
    if leg.person is not None and not inventory.workplaces[leg.to].shared:
        others = [
            f"{leg.to} is {display_name(inventory, key)}'s ({key}); --swap exchanges the two desks, or move {key} first"
            for key, person in inventory.people.items()
            if person.workplace == leg.to and person.left is None and key not in moved
        ]
        if others:
            yield from others
            return  # their PC goes where they go
    standing = inventory.workstation_at.get(leg.to)
    if leg.workstation is not None and standing is not None and standing not in carried:
        advice = "move it first"
        if leg.person is not None:
            advice = f"--without-pc leaves {leg.workstation} behind and takes {standing}, or move {standing} first"
        yield f"{standing} stands at {leg.to} already, so {leg.workstation} has no place there; {advice}"


def _same_desk(inventory: Inventory, legs: Sequence[Leg]) -> Iterator[Conflict]:
    """Legs that bring a second person or a second PC to a desk."""
    people: dict[str, int] = {}
    pcs: dict[str, int] = {}
    for i, leg in enumerate(legs):
        own = leg.person is not None and not inventory.workplaces[leg.to].shared
        if own and (first := people.setdefault(leg.to, i)) != i:
            both = f"{legs[first].who} and {leg.who}"
            yield Conflict(i, f"{leg.to} is given to {both}; give each of them a desk of their own", first)
            continue
        if leg.workstation is not None and (first := pcs.setdefault(leg.to, i)) != i:
            both = f"{legs[first].workstation} and {leg.workstation}"
            yield Conflict(i, f"{both} would both stand at {leg.to}; leave one of them behind", first)
