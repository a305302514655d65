"""What an offboarding found, as a reinstatement gives it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.ledger.records import RunRecord
from provisioning.resources.base import Address, State
from provisioning.resources.registry import KINDS

GIVEN_BACK = frozenset(
    {
        "directory.user",
        "directory.all_groups",
        "mail.rules",
        "switch.port",
        "phones.subscriber",
        "phones.configuration",
        "files.folder",
        "windows.package",
    }
)
"""Kinds whose former state is given back as it was. Passwords are new ones; sessions begin by themselves."""


@dataclass(frozen=True)
class Thing:
    """A thing that an offboarding changed, as it was before."""

    kind: str
    target: str
    key: str
    state: State | None

    @property
    def address(self) -> Address:
        return Address(self.kind, self.target, self.key)

    def to_plain(self) -> list[Any]:
        return [self.kind, self.target, self.key, None if self.state is None else self.state.to_plain()]

    @classmethod
    def from_plain(cls, plain: Iterable[Any]) -> Thing:
        """Raises KeyError for a kind that this version does not know, ValueError for what is no thing."""
        kind, target, key, state = plain
        return cls(str(kind), str(target), str(key), None if state is None else KINDS[kind].state.from_plain(state))


def things_of(runs: Iterable[RunRecord]) -> tuple[Thing, ...]:
    """What these runs of one offboarding, oldest first, changed and verified: each thing as the first of them found
    it."""
    found: dict[Address, Thing] = {}
    for run in runs:
        for record in run.changes:
            address = record.change.address
            if record.state == "verified" and address.kind in GIVEN_BACK:
                thing = Thing(address.kind, address.target, address.key, record.change.before)
                found.setdefault(address, thing)
    return tuple(found.values())


def leaver_of(plain: Mapping[str, Any], procedure: str) -> str | None:
    """The person of a request, where it is one of this `procedure`."""
    return str(plain.get("person")) if plain.get("procedure") == procedure else None
