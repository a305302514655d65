"""Moves: from what somebody wants to a request, with a port for every desk whose outlet has no cable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provisioning.api.patching import ask
from provisioning.engine.events import Listener
from provisioning.errors import RequestError, TargetError
from provisioning.procedures.move import Move
from provisioning.procedures.move_seating import Leg, seated
from provisioning.procedures.move_wishes import Wish, against, legs_of, occupant, ring
from provisioning.procedures.patch import Patch
from provisioning.procedures.port_choice import choose, switches_for
from provisioning.resources.directory.accounts import read_accounts
from provisioning.resources.switch.occupancy import Occupancy, occupancy
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.api.site import Site
    from provisioning.connections.switch import SwitchSession


def move(
    site: Site,
    who: str,
    to: str | None = None,
    *,
    swap: bool = False,
    others: Sequence[str] = (),
    with_pc: bool | None = None,
    listener: Listener | None = None,
) -> Move:
    """A request to move a person or a PC (a key of the site) to the desk `to`. Nothing happens until it is planned and
    applied.

    `swap`: whoever has that desk gets the other one. `others` (instead of `to`) are the people to exchange desks with:
    each gets the next one's, the last one the desk of `who`. Raises :class:`~provisioning.errors.RequestError`.
    """
    return move_request(site, wishes(site.wired, who, to, swap=swap, others=others, with_pc=with_pc), listener)[0]


def wishes(
    inventory: Inventory,
    who: str,
    to: str | None = None,
    *,
    swap: bool = False,
    others: Sequence[str] = (),
    with_pc: bool | None = None,
) -> list[Wish]:
    """What :func:`move` is asked for. Raises :class:`~provisioning.errors.RequestError` for what contradicts itself."""
    if who in inventory.workstations and who not in inventory.people:
        if to is None or swap or others or with_pc is not None:
            raise RequestError(f"{who} is a PC: say where it should stand with --to, and leave the other options out")
        return [Wish("workstation", who, to)]
    inventory.person(who)
    if swap and others:
        raise RequestError("--swap is with whoever has the desk of --to, --with names somebody: choose one of the two")
    if swap:
        if to is None:
            raise RequestError("--swap needs the desk to swap with: --to WORKPLACE")
        others = (occupant(inventory, to),)
    if others:
        found = ring(inventory, who, others, with_pc=with_pc)
        if to is not None and found[0].to != to:
            raise RequestError(f"{others[0]} has the desk {found[0].to}, not {to}; leave --to out, or correct --with")
        return found
    if to is None:
        raise RequestError("where to? --to WORKPLACE, or --with PERSON to exchange desks")
    return [Wish("person", who, to, with_pc)]


def move_request(
    site: Site,
    wanted: Sequence[Wish],
    listener: Listener | None = None,
    *,
    spare: int | None = None,
    faults: Sequence[str] = (),
) -> tuple[Move, tuple[str, ...]]:
    """A request for all that is wanted, with what there is at the moment, and sentences about switches that could not
    be asked for a free port. Changes nothing.

    `faults` are what was found in the file before. Raises :class:`~provisioning.errors.RequestError` that names
    everything that stands against it, each with its file and line; for ports see
    :func:`~provisioning.procedures.port_choice.choose`.
    """
    if not (wanted or faults):
        raise RequestError("nothing is to be moved; name a person or a PC")
    inventory = site.wired
    legs = legs_of(inventory, wanted)
    nobody = _without_account(site, legs, listener)
    if found := sorted((*faults, *against(inventory, wanted, legs, nobody=nobody)), key=_line):
        many = f"{len(found)} conflicts; nothing was changed" if len(found) > 1 else ""
        raise RequestError("\n".join(filter(None, (*found, many))))
    patches, missing = _patches(site, inventory, legs, listener, spare)
    return Move(legs, patches), missing


def _without_account(site: Site, legs: Sequence[Leg], listener: Listener | None) -> frozenset[str]:
    """Who has no account. Nobody has one said to be missing where the directory does not answer: planning says that."""
    people = {leg.person for leg in legs if leg.person is not None}
    if not people:
        return frozenset()
    try:
        with site.reading(listener, "a move") as sessions, sessions.session("directory") as session:
            known = read_accounts(session, employee_ids=sorted(people))
    except TargetError:
        return frozenset()
    return frozenset(people - {one.employee_id for one in known})


def _line(fault: str) -> int:
    """The line that a fault begins with, where it comes from a file."""
    found = re.match(r".*?:([0-9]+): ", fault)
    return int(found[1]) if found else 0


def _patches(
    site: Site, inventory: Inventory, legs: Sequence[Leg], listener: Listener | None, spare: int | None
) -> tuple[tuple[Patch, ...], tuple[str, ...]]:
    """A free port for each desk whose outlet has none, no port twice. Each switch is asked once."""
    desks = dict.fromkeys(leg.to for leg in legs)
    outlets = {
        desk: place.outlet
        for desk in desks
        if not inventory.outlets[(place := inventory.workplaces[desk]).outlet].switch
    }
    if not outlets:
        return (), ()
    after = seated(inventory, legs)
    names = {outlet: switches_for(after, outlet) for outlet in outlets.values()}
    found, missing = _occupied(site, tuple(dict.fromkeys(s for several in names.values() for s in several)), listener)
    held = dict(site.ledger.port_holders()) if site.has_ledger else {}
    patches = []
    for desk, outlet in outlets.items():
        known = {name: found[name] for name in names[outlet] if name in found}
        if not known:
            raise missing[names[outlet][0]]
        choice = choose(after, outlet, known, held, spare=spare)
        held[choice.switch, choice.port] = outlet
        patches.append(Patch(outlet, desk, choice.switch, choice.port, False, choice.face, choice.busy))
    said = (f"{error.target} was not asked for a free port: {error.message}" for error in missing.values())
    return tuple(patches), tuple(said)


def _occupied(
    site: Site, names: tuple[str, ...], listener: Listener | None
) -> tuple[Mapping[str, Occupancy], Mapping[str, TargetError]]:
    network = site.inventory.network
    patching = network.patching
    free_vlan = network.vlans[patching.quarantine_vlan].id if patching.quarantine_vlan else None

    def look(session: SwitchSession) -> Occupancy:
        return occupancy(session, free_vlan=free_vlan, free_description=patching.unused_description)

    with site.reading(listener, "free ports for a move") as sessions:
        return ask(names, sessions, look)
