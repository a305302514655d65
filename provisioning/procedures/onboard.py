"""Onboarding: a new colleague gets an account, mail, the intranet and a working desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.errors import ProvisioningError, RequestError
from provisioning.ledger.books import Amendment
from provisioning.procedures.base import Accounts, Fact, Work
from provisioning.procedures.extensions import choose
from provisioning.procedures.identity import identify
from provisioning.procedures.joiner import Joiner
from provisioning.resources.base import Resource
from provisioning.site import Inventory
from provisioning.site.collection import no_collection

_DEVICES = frozenset({"switch", "windows"})
_FORETOLD = 32  # people


@dataclass(frozen=True)
class Onboard:
    """People to be onboarded, each at the workplace that the site gives them.

    `workplace` seats one person elsewhere, from then on (an amendment says so); `software` asks for optional packages
    beside the profile's, `downgrade` for the catalogue's versions also where a PC has newer ones.
    """

    persons: tuple[str, ...]
    workplace: str | None = None
    software: tuple[str, ...] = ()
    downgrade: bool = False

    @property
    def title(self) -> str:
        at = f" at {self.workplace}" if self.workplace else ""
        return (
            f"onboard {', '.join(self.persons)}{at}"
            if len(self.persons) <= 3
            else f"onboard {len(self.persons)} people"
        )

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """The persons themselves and their managers."""
        managers = {inventory.person(key).manager for key in self.persons} - {None}
        return tuple(dict.fromkeys((*self.persons, *sorted(m for m in managers if m))))

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """Who has which extension, and which names are nobody's any more."""
        return frozenset({"extensions", "reserved"} if inventory.phones is not None else {"reserved"})

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "onboard",
            "persons": list(self.persons),
            "workplace": self.workplace,
            "software": list(self.software),
            **({"downgrade": True} if self.downgrade else {}),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Onboard:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        return cls(
            tuple(plain["persons"]), plain["workplace"], tuple(plain["software"]), plain.get("downgrade") is True
        )

    def desks(self, inventory: Inventory) -> dict[str, str | None]:
        """Person → workplace."""
        return {key: self._desk(inventory, key) for key in self.persons}

    @no_collection()
    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises :class:`RequestError` for unknown names, untraced outlets and software that is not allowed."""
        desks = self.desks(inventory)
        refuse_leavers(inventory, self.persons)
        _one_person_a_desk(inventory, desks)
        identities = identify(inventory, self.persons, accounts, reserved=accounts.reserved)
        logins = {**accounts.logins, **{key: identity.login for key, identity in identities.items()}}
        numbers = choose(inventory, self.persons, accounts.numbering)
        parts = [
            Joiner(
                inventory, key, identities[key], desks[key], logins, self.software, self.downgrade, numbers.get(key)
            ).work()
            for key in self.persons
        ]
        return Work(
            tuple(r for part in parts for r in part.resources),
            tuple(dict.fromkeys(p for part in parts for p in part.proofs)),
            (*(w for part in parts for w in part.warnings), *self._left_behind(inventory)),
            expected=tuple(dict.fromkeys(e for part in parts for e in part.expected)),
            amendments=tuple(Amendment("people", key, "workplace", self.workplace) for key in self.persons)
            if self.workplace
            else (),
            custody=tuple(dict.fromkeys(c for part in parts for c in part.custody)),
        )

    def foretold(self, inventory: Inventory) -> tuple[Resource, ...]:
        """What concerns the desks' ports and PCs. Of many people it is not worth compiling all of it twice."""
        if len(self.persons) > _FORETOLD:
            return ()
        try:
            work = self.compile(inventory, Accounts())
        except ProvisioningError:  # it will be said when accounts are known
            return ()
        resources = (*work.resources, *(one.resource for one in work.expected))
        return tuple(one for one in resources if one.target.partition(":")[0] in _DEVICES)

    def _left_behind(self, inventory: Inventory) -> Iterator[str]:
        """Whoever sits elsewhere until now: nothing there is released by this."""
        for key in self.persons if self.workplace else ():
            former = inventory.people[key].workplace
            if former not in {None, self.workplace}:
                yield (
                    f"{key} has been at {former} until now, where everything stays as it is; for somebody who works "
                    f"there already: provision move {key} --to {self.workplace}"
                )

    def _desk(self, inventory: Inventory, key: str) -> str | None:
        desk = self.workplace or inventory.person(key).workplace
        if desk is not None:
            inventory.workplace(desk)
        return desk


def onboard(
    *persons: str, workplace: str | None = None, software: Sequence[str] = (), downgrade: bool = False
) -> Onboard:
    """A request to onboard `persons` (keys of the site's people). Nothing happens until it is planned and applied."""
    if not persons:
        raise RequestError("onboard: name at least one person")
    if workplace is not None and len(persons) > 1:
        raise RequestError(f"onboard: workplace {workplace} cannot seat {len(persons)} people; name one person")
    return Onboard(persons, workplace, tuple(software), downgrade)


def refuse_leavers(inventory: Inventory, people: Sequence[str]) -> None:
    """Raise :class:`RequestError` for people whom the site does not have, or who have left."""
    for key in people:
        if (left := inventory.person(key).left) is not None:
            raise RequestError(f"{key} has left on {left}; `provision reinstate {key}` brings them back")


def _one_person_a_desk(inventory: Inventory, desks: dict[str, str | None]) -> None:
    seated = {p.workplace: key for key, p in inventory.people.items() if p.workplace and p.left is None}
    for key, desk in desks.items():
        if desk is None or inventory.workplaces[desk].shared:
            continue
        if (other := seated.get(desk, key)) != key and desks.get(other, desk) == desk:
            raise RequestError(
                f"workplace {desk} belongs to person {other}; choose a free one for {key} or correct the site"
            )
