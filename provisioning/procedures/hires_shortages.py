"""What a whole file of new colleagues needs more of than there is: extensions, licence seats. Pure: the ledger says
what is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from provisioning.procedures.extensions import must_choose
from provisioning.procedures.hires_rows import Conflict, Row
from provisioning.site import Inventory

Held = Mapping[str, Mapping[str, str]]
"""Range or licence pool → item → holder."""

_SHOWN = 10


@dataclass(frozen=True)
class Given:
    """What is given already."""

    extensions: Held = field(default_factory=dict)
    seats: Held = field(default_factory=dict)


def shortages(inventory: Inventory, rows: Sequence[Row], given: Given) -> Iterator[Conflict]:
    """One conflict for each of `rows` for which nothing is left, in the file's order: the first ones get what there is.
    `inventory` has everybody in it."""
    good = [row for row in rows if row.fault is None and row.person in inventory.people]
    yield from _extensions(inventory, good, given.extensions)
    yield from _seats(inventory, good, given.seats)


def _extensions(inventory: Inventory, rows: Sequence[Row], held: Held) -> Iterator[Conflict]:
    phones = inventory.phones
    if phones is None:
        return
    needing = defaultdict[str, list[Row]](list)
    for row in rows:
        phone_class = inventory.profiles[inventory.people[row.person].profile].phone_class
        if phone_class is not None and must_choose(inventory, [row.person], held):
            needing[phones.classes[phone_class].range].append(row)
    for name, wanting in needing.items():
        numbers = phones.ranges[name]
        fixed = {n for p in inventory.people.values() if p.phone and (n := numbers.extension_in(p.phone)) is not None}
        taken = {**dict.fromkeys(fixed, ""), **held.get(name, {})}
        free = sum(number not in taken for number in numbers.extensions)
        missing = len(wanting) - free
        if missing > 0:
            said = (
                f"no extension of the range {name} ({numbers.first} to {numbers.last}) is left for this row: the file "
                f"needs {len(wanting)}, {free} are free, {missing} are missing; release some or extend phones: ranges: "
                f"{name}"
            )
            yield from (Conflict(row, None, said) for row in wanting[free:])


def _seats(inventory: Inventory, rows: Sequence[Row], held: Held) -> Iterator[Conflict]:
    wanting = defaultdict[str, dict[str, Row]](dict)
    for row in rows:
        for pool, holder in _wanted(inventory, row):
            if holder not in held.get(pool, {}).values():
                wanting[pool].setdefault(holder, row)
    for pool, of_pool in sorted(wanting.items()):
        seats = inventory.licences[pool].seats
        has = {item: holder for item, holder in held.get(pool, {}).items() if item.isdigit() and int(item) <= seats}
        free = seats - len(has)
        missing = len(of_pool) - free
        if missing > 0:
            said = (
                f"no seat of the licence pool {pool} is left for this row: the file needs {len(of_pool)}, {free} of "
                f"{seats} are free, {missing} are missing{_held_by(has)}; free some or buy more"
            )
            yield from (Conflict(row, None, said) for row in list(of_pool.values())[free:])


def _wanted(inventory: Inventory, row: Row) -> Iterator[tuple[str, str]]:
    """Pool and holder of every licence that a row takes: software goes onto the PC of the desk."""
    person = inventory.people[row.person]
    workstation = inventory.workstation_at.get(row.desk or person.workplace or "")
    if workstation is None:
        return
    for name in dict.fromkeys((*inventory.profiles[person.profile].software, *row.software)):
        package = inventory.software.get(name)
        if package is not None and package.licence is not None:
            per_user = inventory.licences[package.licence].metric == "per-user"
            yield package.licence, row.person if per_user else workstation


def _held_by(has: Mapping[str, str]) -> str:
    names = sorted(set(has.values()))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f" (held by {', '.join(names[:_SHOWN])}{more})" if names else ""
