"""Erasing what a leaver left behind, when it was kept as long as the site says: for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.approvals import deletion_of
from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.leaving_guard import account_found
from provisioning.procedures.leaving_places import Home
from provisioning.procedures.offboard import leavers_of
from provisioning.resources.base import Address, Change, Resource, State
from provisioning.site import Inventory


@dataclass(frozen=True)
class Erase:
    """Delete the account `login` of `person`, the mailbox and the archived `home` folder; `run` offboarded them.

    Its plain form names no ``persons``: a deletion that lies months ahead is in nobody's way.
    """

    person: str
    login: str
    name: str
    run: int
    home: Home | None = None

    @property
    def title(self) -> str:
        return f"erase {self.person} ({self.name})"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002
        """The leaver."""
        return (self.person,)

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        """Nobody sits anywhere."""
        return {}

    def grounds(self, inventory: Inventory) -> Mapping[str, tuple[str, ...]]:
        """Role → what it is asked to approve, before anybody has looked at what there is to delete."""
        return {leavers_of(inventory).erase_approval: (deletion_of(self.person),)}

    def to_plain(self) -> dict[str, Any]:
        home = None if self.home is None else [self.home.server, self.home.path]
        return {"procedure": "erase", **{name: getattr(self, name) for name in _PLAIN}, "home": home}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Erase:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        return cls(
            **{name: plain[name] for name in _PLAIN}, home=None if plain["home"] is None else Home(*plain["home"])
        )

    def refuse_found(self, found: Mapping[Address, State | None], changes: Sequence[Change[State]]) -> None:  # noqa: ARG002
        """Raises :class:`RequestError` when the account is in use again, or somebody else's."""
        address = Address("directory.user", "directory", self.login)
        if found.get(address) is None:
            return  # gone already, or not read
        state = account_found(found, self.login, self.person)
        if state is not None and state.enabled:
            raise RequestError(f"the account {self.login} of {self.person} is enabled: who is back is not erased")

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises :class:`RequestError` when the person is back."""
        leavers_of(inventory)
        person = inventory.people.get(self.person)
        if person is not None and person.left is None:
            raise RequestError(
                f"{self.person} has not left (any more), so nothing of {self.person} is erased; `provision requests` "
                "lists the request, `provision cancel` gives it up"
            )
        names = {self.login.casefold()} | {
            address for one in accounts.found if one.employee_id == self.person for address in one.addresses
        }
        return Work(
            tuple(self._resources(inventory)),
            (),
            tuple(self._warnings(inventory)),
            reserved=dict.fromkeys(sorted(names), self.person),
        )

    def _resources(self, inventory: Inventory) -> Iterator[Resource]:
        before: set[Address] = set()
        if inventory.mail.administration is not None:
            contents = Resource("mail.contents", "doveadm", self.login, None)
            before.add(contents.address)
            yield contents
        if self.home is not None:
            home = Resource("files.archived", self.home.target, self.home.path, None)
            before.add(home.address)
            yield home
        yield Resource("directory.user", "directory", self.login, None, frozenset(before))

    def _warnings(self, inventory: Inventory) -> Iterator[str]:
        yield f"{deletion_of(self.person)}: no undo brings them back (an account that is made anew is another one)"
        if inventory.mail.administration is None:
            yield (
                f"the messages of {self.login} stay on the mail server: the site does not say how it is administered "
                "(mail: administration)"
            )


_PLAIN = ("person", "login", "name", "run")
