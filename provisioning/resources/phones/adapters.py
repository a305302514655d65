"""What the exchanges' adapters have in common: one subscriber as its exchange stores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from provisioning.connections.sip_messages import ha1

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Login:
    """What a subscriber signs in with. `digests` are hidden: whoever has one can register without the password."""

    user: str
    realm: str
    ha1: str = field(repr=False)
    ha1b: str = field(default="", repr=False)

    @classmethod
    def of(cls, user: str, realm: str, password: SecretStr, algorithm: str) -> Login:
        """The digests of a password. `ha1b` is for phones that put the realm into the user name (Kamailio)."""
        one, two = (ha1(name, realm, password, algorithm) for name in (user, f"{user}@{realm}"))
        return cls(user, realm, one, two)


@dataclass(frozen=True)
class Row:
    """One subscriber as the exchange has it. An exchange that keeps no names or settings gives none."""

    ha1: str = field(repr=False)
    display_name: str | None = None
    settings: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """What changes of a subscriber: its `login` where one is given, `fields` (``display_name``), `settings`."""

    login: Login | None
    fields: Mapping[str, str | None]
    settings: Mapping[str, str | None]


class Adapter(Protocol):
    """The tables of one sort of exchange. Everything happens in the transaction of the caller."""

    def read(self, connection: Connection, domain: str, extensions: Sequence[str]) -> dict[str, Row]:
        """The subscribers among `extensions`."""
        ...

    def taken(self, connection: Connection, domain: str) -> frozenset[str]:
        """Every extension that has a subscriber."""
        ...

    def create(
        self, connection: Connection, login: Login, name: str | None, settings: Mapping[str, str | None]
    ) -> None:
        """A new subscriber."""
        ...

    def update(self, connection: Connection, domain: str, user: str, edit: Edit) -> None:
        """Change a subscriber."""
        ...

    def delete(self, connection: Connection, domain: str, user: str) -> None:
        """Remove a subscriber; one that is gone already is fine."""
        ...
