"""What every request is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from provisioning.ledger.patch_orders import NewPatchOrder
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
    might get; and which extensions are given."""

    found: tuple[Account, ...] = ()
    numbering: Numbering = Numbering()

    @cached_property
    def logins(self) -> Mapping[str, str]:
        """Person → login of the account that carries the person's number (employeeID)."""
        return {account.employee_id: account.login for account in self.found if account.employee_id}


@dataclass(frozen=True)
class Expectation:
    """Something that this request needs and leaves alone. `otherwise`: the sentence for a plan that does not find it
    so."""

    resource: Resource
    otherwise: str


@dataclass(frozen=True)
class Work:
    """What a request comes to: things to be made so, proofs to be run, and sentences that the admin should read.

    `expected` is looked at while planning, on targets that are read anyway. `off_premises` are the people whose user
    data would be copied off the premises. `orders` are patch orders that are opened when the run begins.
    """

    resources: tuple[Resource, ...]
    proofs: tuple[Proof, ...]
    warnings: tuple[str, ...] = ()
    off_premises: tuple[str, ...] = ()
    expected: tuple[Expectation, ...] = ()
    orders: tuple[NewPatchOrder, ...] = ()


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
