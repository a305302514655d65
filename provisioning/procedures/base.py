"""What every request is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

from provisioning.ledger.books import Amendment, CustodyTransfer, NewPatchOrder
from provisioning.resources.base import Proof, Resource
from provisioning.resources.directory.accounts import Account
from provisioning.site import Inventory


@dataclass(frozen=True)
class Numbering:
    """Which extensions are no longer free: range → extension → person, as the ledger has them, and what the exchange
    has subscribers for (looked up only where a new extension must be chosen)."""

    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    subscribed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Accounts:
    """What the directory already knows of the people that a request is about, and of whoever has names that they
    might get; and what else the request asks for (:class:`Asking`)."""

    found: tuple[Account, ...] = ()
    numbering: Numbering = Numbering()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Login → all groups of the account (sAMAccountName), but the primary one."""
    custody: Mapping[str, str] = field(default_factory=dict)
    """Asset → who has it now."""
    reserved: Mapping[str, str] = field(default_factory=dict)
    """Login or mail address that was somebody's, in small letters → that person."""

    @cached_property
    def logins(self) -> Mapping[str, str]:
        """Person → login of the account that carries the person's number (employeeID)."""
        return {account.employee_id: account.login for account in self.found if account.employee_id}


@dataclass(frozen=True)
class Expectation:
    """Something that this request needs and leaves alone. `otherwise`: the sentence for a plan that does not find it
    so; `needed`: then nothing is done at that target, and a plan that finds it is refused."""

    resource: Resource
    otherwise: str
    needed: bool = False


@dataclass(frozen=True)
class Work:
    """What a request comes to: things to be made so, proofs to be run, and sentences that the admin should read.

    `expected` is looked at while planning, on targets that are read anyway. `off_premises` are the people whose user
    data would be copied off the premises. `orders` are patch orders that are opened when the run begins; `amendments`
    hold from then on, what is in `custody` is booked when the run has ended, `reserved` names (login or mail address,
    in small letters → person) are nobody else's any more.
    """

    resources: tuple[Resource, ...]
    proofs: tuple[Proof, ...]
    warnings: tuple[str, ...] = ()
    off_premises: tuple[str, ...] = ()
    expected: tuple[Expectation, ...] = ()
    orders: tuple[NewPatchOrder, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    custody: tuple[CustodyTransfer, ...] = ()
    reserved: Mapping[str, str] = field(default_factory=dict)


class Request(Protocol):
    """What someone asked for. Plain data: `to_plain` goes into the ledger."""

    @property
    def title(self) -> str: ...

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """Whose accounts must be looked up before :meth:`compile`."""
        ...

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        """Whom the request is about, and the workplace that each of them has under it."""
        ...

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work: ...

    def to_plain(self) -> dict[str, Any]: ...


@runtime_checkable
class Changing(Protocol):
    """A request after which the site says something else of its people: names, profiles."""

    def foreseen(self, inventory: Inventory) -> Inventory:
        """The site as it will be; where it is so already, the same site. Names and approvals are looked up for it."""
        ...

    @property
    def new_logins(self) -> frozenset[str]:
        """Who gets another login, whatever login they have."""
        ...


def foreseen(request: Request, inventory: Inventory) -> Inventory:
    """The site as it will be once `request` is fulfilled."""
    return request.foreseen(inventory) if isinstance(request, Changing) else inventory


Fact = Literal["extensions", "held extensions", "groups", "custody", "reserved"]
"""``extensions``: also what the exchange knows, if somebody has none yet; ``held extensions``: the ledger's alone."""


@runtime_checkable
class Asking(Protocol):
    """A request that needs facts beside accounts."""

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """Which of them: of the people of :meth:`Request.people`, where they are people's."""
        ...


@runtime_checkable
class Foretelling(Protocol):
    """A request that knows what it asks of devices before anything is known of accounts."""

    def foretold(self, inventory: Inventory) -> tuple[Resource, ...]:
        """What is worth reading while the directory is asked: a guess, which may be wrong. Raises nothing."""
        ...
