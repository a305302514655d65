"""The judging of an audit: from what was seen to findings, and to the request that repairs what can be repaired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from provisioning.api.audit_look import Seen
from provisioning.api.audit_reading import standings
from provisioning.api.audit_sentences import Whose, drift, on_pc
from provisioning.engine import planner
from provisioning.errors import RequestError
from provisioning.procedures.audit import Finding
from provisioning.procedures.audit_accounts import LEAVER, judge_accounts, judge_people
from provisioning.procedures.audit_books import Installed, judge_custody, judge_seats, packages_of, people_at_desks
from provisioning.procedures.audit_extras import judge_folders, judge_subscribers
from provisioning.procedures.audit_ports import judge_ports
from provisioning.procedures.audit_records import judge_amendments, judge_desks, judge_orders
from provisioning.procedures.audit_repair import Repair, repair, without_people
from provisioning.procedures.line_places import Places
from provisioning.procedures.onboard import onboard
from provisioning.procedures.ownership import owners
from provisioning.resources.base import Address

__all__ = ["judge", "repair_of"]


def judge(seen: Seen, at: datetime) -> Iterator[Finding]:
    """Everything that is not as the site says, in no order."""
    inventory, books, today = seen.inventory, seen.books, at.date()
    logins = seen.accounts.logins if seen.accounts is not None else {}
    if seen.survey is not None:
        yield from judge_accounts(inventory, seen.survey.accounts, today, _offboarded(seen))
    if seen.accounts is not None:
        yield from judge_people(inventory, seen.scope.persons, logins, books.waiting, today)
    if seen.subscribers is not None and inventory.phones is not None:
        yield from judge_subscribers(inventory, inventory.phones, seen.subscribers, books.extensions, today)
    if seen.folders is not None and seen.accounts is not None and inventory.files is not None:
        yield from _folders(seen, at)
    if seen.lines is not None:
        yield from judge_ports(Places.of(inventory), seen.lines.findings)
    yield from judge_custody(inventory, books.holders, today)
    yield from judge_seats(inventory, books.seats, _installed(seen), today)
    yield from judge_amendments(inventory, standings(seen.files, books.amendments), at)
    yield from judge_desks(inventory)
    yield from judge_orders(inventory, books.orders, at)
    whose = _whose(seen)
    for pc in seen.pcs:
        yield from on_pc(pc.name, pc.findings, pc.repairable, whose)
    yield from drift(planner.compare(seen.resources, seen.reading), whose)


def _offboarded(seen: Seen) -> frozenset[str]:
    """Who has left because the ledger says so: an offboarding has begun."""
    files = seen.files.people
    return frozenset(
        key for key, person in seen.inventory.people.items()
        if person.left is not None and (key not in files or files[key].left is None)
    )  # fmt: skip


def _folders(seen: Seen, at: datetime) -> Iterator[Finding]:
    files = seen.inventory.files
    if seen.folders is None or seen.accounts is None or files is None or files.homes is None:
        return
    place, names = seen.folders
    logins = dict(seen.accounts.logins)
    if seen.survey is not None:  # of those who have no workplace, and of leavers
        logins |= {one.number: one.login for one in seen.survey.accounts if one.number}
    archive = files.servers[files.homes.server].archive
    yield from judge_folders(seen.inventory, place, names, logins, archive=archive, today=at.date())


def _installed(seen: Seen) -> Installed:
    there = {pc.name: pc.there for pc in seen.pcs if not pc.error}
    return Installed(there, {pc: packages_of(seen.inventory, names) for pc, names in seen.packages.items()})


def _whose(seen: Seen) -> Whose:
    inventory, things = seen.inventory, [(r.address, r.desired) for r in seen.compiled.resources]
    persons = seen.compiled.persons
    found = dict(owners(inventory, onboard(*persons), things)) if persons else {}
    of_login = {login: person for person, login in (seen.accounts.logins if seen.accounts is not None else {}).items()}
    for address, _ in things:  # a quota, for example, whose state does not say whose it is
        if address not in found and (person := of_login.get(address.key.rpartition("\\")[2])) is not None:
            found[address] = person
    at_desk = {desk: tuple(people) for desk, people in people_at_desks(inventory).items()}
    for name, pc in inventory.workstations.items():
        for person in at_desk.get(pc.workplace or "", ())[:1]:
            found.setdefault(Address("directory.computer", "directory", name), person)
    places = Places.of(inventory)
    for address, _ in things:  # ports of a switch that was named, of people whom nobody named
        if address.kind == "switch.port" and (place := places.at(address.target.partition(":")[2], address.key)):
            for person in at_desk.get(place.desk, ())[:1]:
                found.setdefault(address, person)
    return Whose(inventory, found, places, at_desk)


def repair_of(seen: Seen, findings: Sequence[Finding]) -> Repair | None:
    """The request that repairs what can be repaired of `findings`; ``None`` when nothing can."""
    closed = {(one.address.key, one.person) for one in findings if one.sort == LEAVER and one.address is not None}
    things = [one.address for one in findings if one.address is not None and one.sort != LEAVER]
    custody = [(one.transfer.asset, one.transfer.to) for one in findings if one.transfer is not None]
    if not (things or closed or custody):
        return None
    whose = _whose(seen)
    try:
        nobodys = without_people(seen.inventory)
    except RequestError:  # then everybody is compiled again
        nobodys = frozenset()
    persons = {whose.people[one]: None for one in things if one in whose.people}
    if any(one not in whose.people and one not in nobodys for one in things):
        persons |= dict.fromkeys(seen.compiled.persons)
    absent = seen.lines.absent if seen.lines is not None else frozenset()
    needed = {device for one in things if (device := whose.device(one)) is not None}
    ordered = (key for key in seen.inventory.people if key in persons)
    return repair(things, ordered, absent & needed, closed=closed, custody=custody)
