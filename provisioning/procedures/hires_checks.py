"""What stands against the rows of a file of new colleagues: in the site, and in the other rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from provisioning.errors import ProvisioningError
from provisioning.procedures.hires_people import Newcomers, circles, differences, namesakes
from provisioning.procedures.hires_rows import Conflict, Row, with_conflicts
from provisioning.procedures.ports import desk_port, port_resource
from provisioning.site import Inventory
from provisioning.site.clock import read_start
from provisioning.site.inventory import nearest
from provisioning.site.lines import did_you_mean
from provisioning.site.people import Person

_FREE_SHOWN = 3


def checked(
    read: Sequence[Row], inventory: Inventory, file: str, *, adding: bool
) -> tuple[tuple[Row, ...], dict[str, Person]]:
    """The rows, each with all that stands against it, and the people of good rows whom the site does not have yet (with
    `adding`; without, that they are missing stands against them)."""
    newcomers = Newcomers(inventory, read)
    site = newcomers.merged
    rows = tuple(_at_own_desk(row, inventory) for row in with_conflicts(read, newcomers.conflicts))
    found = [conflict for row in rows for conflict in _conflicts(row, site, inventory)]
    if not adding:
        found += [
            Conflict(row, "person", f"{row.person} is not in the site yet; `provision hires import {file}` adds them")
            for row in rows
            if row.person in newcomers.added
        ]
    good = [row for row in rows if row.fault is None and row.person in site.people]
    found += [*namesakes(inventory, good), *circles(site.people, good)]
    rows = tuple(_without_contradictions(with_conflicts(rows, found), site))
    well = {row.person for row in rows if row.fault is None}
    return rows, {key: person for key, person in newcomers.added.items() if key in well}


def _at_own_desk(row: Row, inventory: Inventory) -> Row:
    """A row that names the desk that the site gives the person says nothing new."""
    person = inventory.people.get(row.person)
    return replace(row, desk=None) if person is not None and row.desk == person.workplace else row


def _conflicts(row: Row, site: Inventory, before: Inventory) -> Iterator[Conflict]:
    """What is wrong with one row. `site` has the file's newcomers in it, `before` has not."""
    if row.fault is not None:
        return
    if not row.person:
        yield Conflict(row, "person", "the cell 'person' is empty; it names somebody of the site")
        return
    if row.person not in site.people:
        hint = did_you_mean(row.person, site.people) or "; write them into the site's people first"
        yield Conflict(row, "person", f"the site has no person {row.person!r}{hint}")
        return
    if row.person in before.people:
        yield from differences(before, row)
    person = site.people[row.person]
    if person.left is not None:
        yield Conflict(row, "person", f"{row.person} has left on {person.left}; `provision reinstate {row.person}`")
    if person.manager and (boss := site.people.get(person.manager)) is not None and boss.left is not None:
        said = f"the manager {person.manager} of {row.person} has left on {boss.left}; name another"
        yield Conflict(row, "manager", said, is_warning=True)
    for name in row.software:
        if name not in site.software:
            said = f"package {name!r} is not in the software catalogue{nearest(name, site.software)}"
            yield Conflict(row, "with", said)
    try:
        if row.start is not None:
            read_start(row.start, site)
    except ProvisioningError as exc:
        yield Conflict(row, "start", str(exc))
    yield from _about_desk(row, site, before)


def _about_desk(row: Row, site: Inventory, before: Inventory) -> Iterator[Conflict]:
    desk, person = row.desk or site.people[row.person].workplace, site.people[row.person]
    if desk is None:
        return
    if desk not in site.workplaces:
        yield Conflict(row, "desk", f"the site has no workplace {desk!r}{nearest(desk, site.workplaces)}")
        return
    place = site.workplaces[desk]
    if not place.shared:
        sits = [k for k, p in before.people.items() if p.workplace == desk and k != row.person and p.left is None]
        if sits:
            other = site.people[sits[0]]
            free = _free_desks(site, desk)
            said = f"desk {desk} belongs to {sits[0]} ({other.given_name} {other.family_name}); give a free one{free}"
            yield Conflict(row, "desk", said)
    try:
        state = desk_port(site, desk, site.profiles[person.profile].vlan)
        port_resource(site, place.outlet, f"workplace {desk}", state)
    except ProvisioningError as exc:
        yield Conflict(row, "desk", str(exc))


def _free_desks(site: Inventory, desk: str) -> str:
    """Free desks for somebody who wanted `desk`, those in its room first."""
    taken = {person.workplace for person in site.people.values() if person.left is None}
    wanted = site.workplaces[desk]
    free = [name for name in site.workplaces if name not in taken]
    free.sort(
        key=lambda name: (site.workplaces[name].room != wanted.room, site.workplaces[name].building != wanted.building)
    )
    return f", such as {', '.join(free[:_FREE_SHOWN])}" if free else "; there is none"


def _without_contradictions(rows: Sequence[Row], inventory: Inventory) -> Iterator[Row]:
    """Rows that name the same person, or seat two people at one desk, are all refused: nobody can tell which is
    right."""
    people, desks = defaultdict[str, list[Row]](list), defaultdict[str, list[Row]](list)
    for row in rows:
        if row.person:
            people[row.person].append(row)
    for row in rows:
        desk = _desk_of(row, inventory)
        if desk is not None and len(people[row.person]) == 1 and not inventory.workplaces[desk].shared:
            desks[desk].append(row)
    for row in rows:
        said, desk = None, _desk_of(row, inventory)
        if row.person and (others := _others(row, people[row.person])):
            said = f"{row.person} is also in row {others}; keep one of them"
        elif desk is not None and (others := _others(row, desks[desk])):
            said = f"desk {desk} is also given in row {others}; give each person a desk of their own"
        yield row if said is None else replace(row, fault="; ".join(filter(None, (said, row.fault))))


def _desk_of(row: Row, inventory: Inventory) -> str | None:
    """The desk that a row gives its person, or that the site does; ``None`` if there is no such desk or person."""
    person = inventory.people.get(row.person)
    desk = None if person is None else row.desk or person.workplace
    return desk if desk in inventory.workplaces else None


def _others(row: Row, rows: Iterable[Row]) -> str:
    return ", ".join(str(other.number) for other in rows if other.number != row.number)
