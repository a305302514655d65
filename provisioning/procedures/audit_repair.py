"""Repairing what an audit found: of the whole site's plan only the things that were found to have drifted; and leavers'
accounts and custody, which no such plan is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.ledger.books import CustodyTransfer
from provisioning.procedures.base import Accounts, Fact, Request, Work
from provisioning.procedures.equipment import behind_desk, connect_equipment
from provisioning.procedures.leaving_guard import account_found
from provisioning.procedures.leaving_proofs import shut_out
from provisioning.procedures.onboard import onboard
from provisioning.procedures.publish import Publish, published
from provisioning.procedures.together import Together
from provisioning.resources.base import Address, Change, Proof, Resource, State
from provisioning.resources.directory.password import Password
from provisioning.resources.directory.user import User
from provisioning.site import Inventory

__all__ = ["Repair", "repair", "rest_about", "the_rest", "without_people"]


@dataclass(frozen=True)
class Repair:
    """`things` are made as the site says. `persons` are those whose things are among them. `absent` are PCs and devices
    that the audit saw switched off: nothing that needs them is proven. `closed`: login and person of leavers' accounts
    that are disabled; `custody`: asset, and the person it is booked to."""

    things: tuple[Address, ...]
    persons: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    closed: tuple[tuple[str, str], ...] = ()
    custody: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        every = [f"account {login}" for login, _ in self.closed]
        every += [f"{one.kind.partition('.')[2]} {one.key}" for one in self.things]
        every += [f"custody of {asset}" for asset, _ in self.custody]
        more = f" and {len(every) - 2} more" if len(every) > 2 else ""
        return f"repair what drifted: {', '.join(every[:2])}{more}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """Those who are still there, and their managers."""
        return self._whole(inventory).people(inventory)

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        return self._whole(inventory).desks(inventory)

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """What onboarding asks for: it is what the things are compiled by."""
        return self._whole(inventory).asks(inventory)

    def refuse_found(self, found: Mapping[Address, State | None], changes: Sequence[Change[State]]) -> None:  # noqa: ARG002
        """Raises :class:`RequestError` when a leaver's account is gone, or somebody else's by now."""
        for login, person in self.closed:
            account_found(found, login, person)

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Of the whole site's work what was asked for, and the proofs of that. Raises what onboarding raises."""
        work = self._whole(inventory).compile(inventory, accounts)
        wanted = frozenset(self.things)
        resources = tuple(r for r in work.resources if r.address in wanted or _follows(r, wanted))
        away = {_mac(inventory, name): name for name in self.absent}
        concerned = Concerned(resources)
        proofs, unproven = list[Proof](), dict[str, None]()
        for proof in work.proofs:
            if proof in concerned:
                name = away.get(proof.parameters.get("mac", ""))
                if name is None:
                    proofs.append(proof)
                else:
                    unproven[_unproven(inventory, name)] = None
        for login, _ in self.closed:
            account = Resource("directory.user", "directory", login, User(enabled=False))
            password = Password(random=True)  # whoever enabled it may know the one that it has
            resources += (
                account,
                Resource("directory.password", "directory", login, password, frozenset({account.address})),
            )
            proofs += shut_out(inventory, login)
        custody = tuple(CustodyTransfer(asset, to, document="audit") for asset, to in self.custody)
        return Work(resources, tuple(proofs), (*work.warnings, *unproven), custody=custody)

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "repair",
            "persons": list(self.persons),
            "things": [[one.kind, one.target, one.key] for one in self.things],
            "absent": list(self.absent),
            "closed": [list(pair) for pair in self.closed],
            "custody": [list(pair) for pair in self.custody],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Repair:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        closed, custody = (
            tuple((str(one), str(whose)) for one, whose in plain[name]) for name in ("closed", "custody")
        )
        things = tuple(Address(*thing) for thing in plain["things"])
        return cls(things, tuple(plain["persons"]), tuple(plain["absent"]), closed, custody)

    def _whole(self, inventory: Inventory) -> Together:
        if not self.things:
            return Together(())
        persons = [key for key in self.persons if key in inventory.people and inventory.people[key].left is None]
        parts: list[Request] = [onboard(*persons)] if persons else []
        return Together((*parts, *the_rest(inventory)))


def repair(
    things: Iterable[Address],
    persons: Iterable[str],
    absent: Iterable[str] = (),
    *,
    closed: Iterable[tuple[str, str]] = (),
    custody: Iterable[tuple[str, str]] = (),
) -> Repair:
    """A request to make `things` (of `persons`, as far as they are somebody's) as the site says, without proofs that
    need one of the PCs and devices `absent`; to close the accounts of leavers and to book custody. Raises
    :class:`RequestError` when there is nothing to repair."""
    wanted, accounts, booked = tuple(sorted(set(things))), tuple(sorted(set(closed))), tuple(sorted(set(custody)))
    if not (wanted or accounts or booked):
        raise RequestError("there is nothing to repair: name at least one thing that drifted")
    return Repair(wanted, tuple(dict.fromkeys(persons)), tuple(sorted(set(absent))), accounts, booked)


def the_rest(inventory: Inventory) -> tuple[Request, ...]:
    """What of the whole site is nobody's: equipment, and what the intranet publishes."""
    equipment = connect_equipment(inventory)
    parts: tuple[Request, ...] = (equipment,) if equipment.names else ()
    return (*parts, Publish()) if any(published(inventory)) else parts


def rest_about(inventory: Inventory, names: Collection[str]) -> tuple[Request, ...]:
    """Of :func:`the_rest` the devices that are named, and those on switches that are."""
    devices = [
        name for name, device in inventory.equipment.items()
        if (switch := inventory.outlets[device.outlet].switch) and not behind_desk(inventory, device)
        and (name in names or switch in names)
    ]  # fmt: skip
    return (connect_equipment(inventory, *devices),) if devices else ()


def without_people(inventory: Inventory) -> frozenset[Address]:
    """The addresses that no person has to be compiled for. Raises :class:`RequestError`."""
    work = Together(the_rest(inventory)).compile(inventory, Accounts())
    return frozenset(resource.address for resource in work.resources)


def _mac(inventory: Inventory, name: str) -> str:
    """Of a PC or device; one that the site has no more has none."""
    known = inventory.workstations.get(name) or inventory.equipment.get(name)
    return known.mac if known is not None else ""


def _unproven(inventory: Inventory, name: str) -> str:
    pc = inventory.workstations.get(name)
    return (
        f"{name} is off or not plugged in, so nothing proves that it works there; once it is on: "
        f"provision check {(pc.workplace if pc is not None else None) or name}"
    )


def _follows(resource: Resource, wanted: Collection[Address]) -> bool:
    """The restart that packages may need goes along with them."""
    return resource.kind == "windows.restart" and any(address in wanted for address in resource.requires)


class Concerned:
    """Which proofs are about some of `resources`: by their target, and what they name there. Each is looked up, however
    many resources there are."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._keys: dict[str, set[str]] = defaultdict(set)
        for resource in resources:
            self._keys[resource.target].add(resource.key.casefold())
        self._every = frozenset[str]().union(*self._keys.values())

    def __contains__(self, proof: Proof) -> bool:
        if proof.target.startswith("windows:"):
            return proof.target in self._keys
        here = self._keys.get(proof.target, frozenset()) if ":" in proof.target else self._every
        return any(str(value).casefold() in here for value in proof.parameters.values())
