"""Reinstating a leaver: everything that the offboarding took is given back, from what the ledger says it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioning.ledger.books import Amendment
from provisioning.procedures.base import Accounts, Fact, Numbering, Work
from provisioning.procedures.extensions import Extension
from provisioning.procedures.leaving_guard import account_found
from provisioning.procedures.leaving_record import Thing
from provisioning.procedures.licences import Seat
from provisioning.procedures.onboard import Onboard
from provisioning.procedures.phones import PersonsPhone
from provisioning.resources.base import Address, Change, Proof, Resource, State
from provisioning.resources.directory.password import Password
from provisioning.resources.directory.user import User
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.resources.switch.state import SwitchPort
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.site import Inventory


@dataclass(frozen=True)
class Reinstate:
    """`person` with the account `login` is back. `things` are what the offboarding found, `run` is its number.

    `extension` is the number that the person gets (another one than before, where that is somebody else's by now);
    `pools` are the licence pools of which the person had a seat; `reports` are the people whose manager the person is
    again; `lost` are sentences about what cannot be given back. `anew`: all was erased by now, so the person is
    onboarded like anybody new.
    """

    person: str
    login: str
    name: str
    run: int
    things: tuple[Thing, ...]
    desk: str | None = None
    extension: str | None = None
    pools: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    anew: bool = False

    @property
    def title(self) -> str:
        return f"reinstate {self.person} ({self.name})"

    @property
    def account(self) -> Address:
        """Where the account is."""
        return Address("directory.user", "directory", self.login)

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """The person and, where the site knows them, the manager."""
        if self.person not in inventory.people:
            return (self.person,)
        return Onboard((self.person,)).people(inventory)

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """What the proofs of an onboarding ask for."""
        return Onboard((self.person,)).asks(inventory)

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002  (the ledger said which)
        """The desk, if it is the person's again."""
        return {self.person: self.desk}

    def seats_again(self, inventory: Inventory) -> tuple[Seat, ...]:
        """The licence seats that are taken again."""
        return tuple(
            Seat(f"licence:{pool}", inventory.licences[pool].seats, self.person, self.account)
            for pool in self.pools
            if pool in inventory.licences
        )

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "reinstate",
            "persons": [self.person],
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: list(getattr(self, name)) for name in _LISTS},
            "things": [thing.to_plain() for thing in self.things],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Reinstate:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        words = {name: plain[name] for name in _PLAIN} | {name: tuple(plain[name]) for name in _LISTS}
        return cls(**words, things=tuple(Thing.from_plain(one) for one in plain["things"]))

    def refuse_found(self, found: Mapping[Address, State | None], changes: Sequence[Change[State]]) -> None:  # noqa: ARG002
        """Raises :class:`RequestError` when the account is gone, or somebody else's by now."""
        if not self.anew:
            account_found(found, self.login, self.person)

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises what compiling an onboarding raises, whose proofs these are."""
        site = self._back(inventory)
        amendments = [Amendment("people", key, "manager", self.person) for key in self.reports if key in site.people]
        if self.person in site.people:
            amendments.insert(0, Amendment("people", self.person, "left", None))
            if self.desk is None:  # it may be somebody else's by now
                amendments.insert(1, Amendment("people", self.person, "workplace", None))
        if self.anew:
            work = Onboard((self.person,)).compile(site, accounts)
            return replace(work, warnings=(*self.lost, *work.warnings), amendments=tuple(amendments))
        resources = tuple(self._resources(site))
        if self.person not in site.people:
            return Work(resources, tuple(self._proofs_of_stranger()), self.lost, amendments=tuple(amendments))
        joined = Onboard((self.person,)).compile(site, self._as_it_will_be(site, accounts))
        return Work(resources, joined.proofs, self.lost, amendments=tuple(amendments), custody=joined.custody)

    def _back(self, inventory: Inventory) -> Inventory:
        """The site with the person in it again, at no other desk than the one that is given back."""
        if self.person not in inventory.people:
            return inventory
        one = inventory.people[self.person].model_copy(update={"left": None, "workplace": self.desk})
        return inventory.model_copy(update={"people": {**inventory.people, self.person: one}})

    def _resources(self, site: Inventory) -> Iterator[Resource]:
        opened = frozenset({self.account})
        yield Resource("directory.password", "directory", self.login, Password(random=False), opened)
        phone = self._new_phone(site)
        for thing in self.things:
            if thing.kind.startswith("phones.") and phone is not None:
                continue
            state, requires = thing.state, frozenset() if thing.address == self.account else opened
            if thing.address == self.account and isinstance(state, User):
                state = self._user(site, state)
            if isinstance(state, SwitchPort):
                requires = frozenset()  # a cable needs no account
            if isinstance(state, InstalledPackage):  # the PC is reached through the port again
                requires = frozenset(one.address for one in self.things if isinstance(one.state, SwitchPort))
            if thing.kind == "phones.configuration" and self.extension is not None:
                requires |= {Address("phones.subscriber", "phones", self.extension)}
            yield Resource(thing.kind, thing.target, thing.key, state, requires)
        if phone is not None:
            yield from phone.resources(opened)

    def _user(self, site: Inventory, before: User) -> User:
        """The account as it was, enabled, with the extension that the person gets; without a desk it has no office."""
        fields: dict[str, Any] = {name: getattr(before, name) for name in before.managed()} | {"enabled": True}
        if self.desk is None and self.person in site.people:
            fields["office"] = None
        if self.extension is None:
            fields |= {"telephone": None, "ip_phone": None} if self._had_extension else {}
        elif self.extension != before.ip_phone and site.phones is not None:
            fields |= {"telephone": self._number(site, self.extension).telephone, "ip_phone": self.extension}
        return User(**fields)

    @property
    def _had_extension(self) -> bool:
        return any(thing.kind == "phones.subscriber" for thing in self.things)

    def _new_phone(self, site: Inventory) -> PersonsPhone | None:
        """The telephone, where it gets another number than before: then nothing of the former one fits."""
        former = {thing.key for thing in self.things if thing.kind == "phones.subscriber"}
        if site.phones is None or self.extension is None or self.extension in former:
            return None
        number = self._number(site, self.extension)
        return PersonsPhone(site, site.phones, self.person, number, self.name, self.desk)

    @staticmethod
    def _number(site: Inventory, extension: str) -> Extension:
        name = site.phones.range_of(extension) if site.phones is not None else None
        dialled = extension if name is None or site.phones is None else site.phones.ranges[name].dialled(extension)
        return Extension(extension, dialled)

    def _proofs_of_stranger(self) -> Iterator[Proof]:
        """Of somebody whom the site does not know (any more)."""
        yield Proof("directory.sign_in", "directory", f"{self.login} signs in", {"login": self.login})
        for address in self.addresses:
            parameters = {"login": self.login, "address": address}
            yield Proof("mail.delivery", "mail", f"mail to {address} arrives and is read", parameters)

    def _as_it_will_be(self, site: Inventory, accounts: Accounts) -> Accounts:
        """The facts with the extension and the home folder that the person has then."""
        user = next((t.state for t in self.things if t.address == self.account), None)
        home = user.home_folder if isinstance(user, User) and user.home_folder else ""
        found = tuple(
            replace(one, home_folder=home) if one.employee_id == self.person and home else one for one in accounts.found
        )
        held = {name: dict(of_range) for name, of_range in accounts.numbering.held.items()}
        name = site.phones.range_of(self.extension) if site.phones is not None and self.extension else None
        if name is not None and self.extension is not None:
            held.setdefault(name, {})[self.extension] = self.person
        return replace(accounts, found=found, numbering=Numbering(held, accounts.numbering.subscribed))


_PLAIN = ("person", "login", "name", "run", "desk", "extension", "anew")
_LISTS = ("pools", "reports", "addresses", "lost")


def subscriber_of(things: Sequence[Thing]) -> str | None:
    """The extension that was given up."""
    found = (thing.key for thing in things if isinstance(thing.state, Subscriber))
    return min(found, default=None)
