"""What planning has to know beside the state of resources: whose account is whose, and whom a name means."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from provisioning.engine.locks import FileLocks, Locks, locks_of
from provisioning.engine.planner import Reading
from provisioning.errors import RejectedError, RequestError, TargetError
from provisioning.intake.extensions import held_extensions
from provisioning.procedures.base import (
    Accounts,
    Asking,
    Changing,
    Expectation,
    Fact,
    Numbering,
    Request,
    Work,
    foreseen,
)
from provisioning.procedures.equipment import connect_equipment
from provisioning.procedures.extensions import must_choose
from provisioning.procedures.identity import candidates, display_name, possible_addresses
from provisioning.procedures.onboard import onboard
from provisioning.procedures.together import Together
from provisioning.resources.base import Sessions
from provisioning.resources.directory.accounts import read_accounts
from provisioning.resources.directory.membership import MEMBERSHIP
from provisioning.resources.phones.subscriber import taken
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession
    from provisioning.ledger import Ledger

_REFUSED = 10
"""Targets of which a refusal says why."""

MaybeLedger: TypeAlias = "Callable[[], Ledger | None]"
"""Opens the ledger, where there is one."""


def accounts(site: Inventory, request: Request, pool: Sessions, ledger: MaybeLedger = lambda: None) -> Accounts:
    """Whose account is whose; for people without one also who has the names that they might get; and the facts that the
    request asks for, of the `ledger` too (it is opened only for these)."""
    people = request.people(site)
    asked = request.asks(site) if isinstance(request, Asking) else frozenset[Fact]()
    opened = ledger() if asked - {"groups"} else None
    held = opened.holders() if opened is not None and "custody" in asked else {}
    site, anew = foreseen(request, site), request.new_logins if isinstance(request, Changing) else frozenset[str]()
    if not people:  # equipment, for example: nobody has to be asked
        return Accounts(custody=held)
    with pool.session("directory") as session:
        found = read_accounts(session, employee_ids=people)
        logins = {key: (login,) for key, login in Accounts(tuple(found)).logins.items()}
        nameless = [key for key in people if key in site.people and key not in logins.keys() - anew]
        new = {key: tuple(candidates(site, key)) for key in nameless}
        known = {key: names for key, names in (logins | new).items() if key in site.people}
        found += read_accounts(
            session,
            logins=sorted({login for names in new.values() for login in names}),
            names=sorted({display_name(site, key) for key in known}),
            addresses=sorted({a for key, names in known.items() for a in possible_addresses(site, key, names)}),
        )
        groups = _groups(session, [name for names in logins.values() for name in names]) if "groups" in asked else {}
    return Accounts(
        tuple(dict.fromkeys(found)),
        _numbering(site, people, asked, pool, opened),
        groups,
        held,
        opened.reserved() if opened is not None and "reserved" in asked else {},
    )


def _groups(session: DirectorySession, logins: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    found = MEMBERSHIP.read(session, logins)
    return {login: tuple(name for name, there in one.groups.items() if there) for login, one in found.items()}


def _numbering(
    site: Inventory, people: Sequence[str], asked: Collection[Fact], pool: Sessions, ledger: Ledger | None
) -> Numbering:
    people = [key for key in people if key in site.people]
    if site.phones is None or not people or not {"extensions", "held extensions"}.intersection(asked):
        return Numbering()
    held = held_extensions(site.phones, ledger) if ledger is not None else {}
    if "extensions" not in asked or not must_choose(site, people, held):
        return Numbering(held)
    with pool.session("phones") as session:
        return Numbering(held, taken(session))


def people_of(site: Inventory, name: str) -> tuple[str, ...]:
    """The people whom `name` means: a person, or whoever has the workplace. Raises :class:`RequestError`."""
    if name in site.people:
        return (name,)
    if name not in site.workplaces:
        known = (*site.people, *site.workplaces, *site.equipment)
        raise RequestError(f"the site has no person, workplace or equipment {name!r}{nearest(name, known)}")
    there = tuple(key for key, person in site.people.items() if person.workplace == name)
    if not there:
        raise RequestError(
            f"nobody has the workplace {name}; `provision check PERSON --desk {name}` checks it for one person"
        )
    return there


def to_check(site: Inventory, names: Sequence[str], workplace: str | None) -> Request:
    """The request whose proofs are those of `names`: people, workplaces, equipment. Raises :class:`RequestError`."""
    devices = tuple(name for name in dict.fromkeys(names) if name in site.equipment)
    people = dict.fromkeys(person for name in names if name not in devices for person in people_of(site, name))
    if not devices:
        return onboard(*people, workplace=workplace)
    if workplace is not None:
        raise RequestError(f"equipment has no workplace; leave out --desk, or {devices[0]}")
    equipment = connect_equipment(site, *devices)
    return Together((onboard(*people), equipment)) if people else equipment


def warnings(site: Inventory) -> Iterator[str]:
    """What everybody should know who plans anything here."""
    for system in ("directory", "windows"):
        if not getattr(site, system).verify:
            yield f"certificates of {system} are not verified (`{system}.verify: false` in the site)"
    if not isinstance(site.ledger, Path) and (weak := site.ledger.relaxed) is not None:
        yield (
            f"the ledger's server {site.ledger.host} may be anybody: its certificate is not verified "
            f"(`sslmode={weak}` in the ledger's url)"
        )


def unmet(work: Work, reading: Reading) -> Iterator[str]:
    """A sentence for each thing that the work expects to be there and that is otherwise."""
    return (one.otherwise for one in _otherwise(work, reading) if not one.needed)


def refused(work: Work, reading: Reading) -> dict[str, TargetError]:
    """Target → why nothing may be done there, since something is not so that the work needs."""
    needed = [one for one in _otherwise(work, reading) if one.needed]
    return {one.resource.target: RejectedError(one.resource.target, one.otherwise) for one in reversed(needed)}


def refuse(work: Work, reading: Reading) -> None:
    """Raises :class:`RequestError` where something is not so that the work needs."""
    if found := [error.message for error in refused(work, reading).values()]:
        more = f"\n… and {len(found) - _REFUSED} more" if len(found) > _REFUSED else ""
        raise RequestError("\n".join(found[:_REFUSED]) + more)


def _otherwise(work: Work, reading: Reading) -> Iterator[Expectation]:
    asked = {resource.address for resource in work.resources}
    for one in work.expected:
        wanted, found = one.resource.desired, reading.found.get(one.resource.address)
        if one.resource.address not in reading.found or one.resource.address in asked:
            continue
        if found is not None if wanted is None else found is None or not wanted.agrees_with(found):
            yield one


def locks(site: Inventory, ledger: Callable[[], Ledger], purpose: str) -> Locks | None:
    """The locks for somebody who only reads (others are told of `purpose`).

    ``None`` when there are none: no run was ever made with this SQLite ledger, so nobody is at work (and looking must
    not create it); or whoever reads may not write in its folder, where the locks are.
    """
    place = site.ledger
    if not isinstance(place, Path):
        return locks_of(ledger(), purpose)
    if not place.exists() or not os.access(place.parent, os.W_OK | os.X_OK):
        return None
    return FileLocks(place.parent / "locks", purpose)
