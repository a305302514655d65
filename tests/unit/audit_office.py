"""A whole site in memory for audits: everything that a plan would make is there, and the tests break it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site, audit_look, audit_reading, planning
from provisioning.api.line_report import LineReport, SwitchCheck
from provisioning.connections.openers import OPENERS
from provisioning.errors import ProvisioningError, UnreachableError
from provisioning.procedures.base import Accounts
from provisioning.procedures.whole_site import whole_site
from provisioning.resources.base import Address, Change, Outcome, Proof, ProofResult, State
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.survey import Survey, Surveyed
from provisioning.resources.registry import KINDS, PROOFS
from provisioning.resources.windows.entries import Entry
from provisioning.site import Inventory


@dataclass
class Reality:
    """What the systems hold. `broken`: target → why it does not answer. `reads` counts calls of kinds."""

    site: Site
    states: dict[Address, State] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    surveyed: dict[str, Surveyed] = field(default_factory=dict)
    subscribers: set[str] = field(default_factory=set)
    folders: list[str] = field(default_factory=list)
    installed: dict[str, list[Entry]] = field(default_factory=dict)
    lines: list[Any] = field(default_factory=list)
    broken: dict[str, ProvisioningError] = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)
    proven: list[Proof] = field(default_factory=list)

    def down(self, target: str) -> None:
        """From now on the target does not answer."""
        self.broken[target] = UnreachableError(target, "nobody answers")

    def state(self, kind: str, key: str) -> tuple[Address, Any]:
        """The one thing of this kind and key."""
        [address] = [one for one in self.states if one.kind == kind and one.key == key]
        return address, self.states[address]

    def set(self, kind: str, key: str, **fields: Any) -> Address:
        """Change a thing by hand."""
        address, state = self.state(kind, key)
        self.states[address] = state.model_copy(update=fields)
        return address

    def as_wanted(self) -> None:
        """Everything is as the site says."""
        inventory = self.site.wired
        for number, (key, person) in enumerate(inventory.people.items()):
            login = person.login or f"user{number}"
            name = f"{person.given_name} {person.family_name}"
            ou = inventory.profiles[person.profile].ou
            self.accounts[key] = Account(login, key, f"CN={name} ({key}),{ou}", name)
            self.surveyed[login] = Surveyed(login, key, name, True)
        request = whole_site(inventory)
        work = request.compile(inventory, Accounts(tuple(self.accounts.values())))
        for resource in work.resources:
            if resource.desired is not None:
                self.states[resource.address] = resource.desired
            if resource.kind == "phones.subscriber":
                self.subscribers.add(resource.key)
        self.folders = [account.login for account in self.accounts.values()]


@dataclass
class _Session:
    target: str
    reality: Reality

    def folders(self, path: str) -> list[str]:
        return self.reality.folders

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class _StateKind:
    """Any kind, on a dict."""

    name: str
    state: type[State]

    def read(self, session: _Session, keys: Sequence[str]) -> dict[str, State]:
        session.reality.reads[self.name] += 1
        found = {key: session.reality.states.get(Address(self.name, session.target, key)) for key in keys}
        return {key: state for key, state in found.items() if state is not None}

    def apply(self, session: _Session, changes: Sequence[Change[State]]) -> list[Outcome]:
        for change in changes:
            if change.after is None:
                session.reality.states.pop(change.address)
            else:
                old = session.reality.states.get(change.address)
                new = {name: getattr(change.after, name) for name in change.after.managed()}
                session.reality.states[change.address] = change.after if old is None else old.model_copy(update=new)
        return [Outcome(change.key) for change in changes]


@dataclass(frozen=True)
class _AlwaysProven:
    name: str
    reality: Reality

    def check(self, sessions: Any, proof: Proof) -> ProofResult:
        self.reality.proven.append(proof)
        return ProofResult(proof, True, "it is so")


def in_memory(inventory: Inventory, folder: Path, patch: pytest.MonkeyPatch) -> Reality:
    """A site whose systems are in memory; its ledger is below `folder`."""
    reality = Reality(Site(inventory.model_copy(update={"ledger": folder / "ledger" / "l.sqlite"})))

    def opened(target: str, *_: object) -> _Session:
        if target in reality.broken:
            raise reality.broken[target]
        return _Session(target, reality)

    for system in OPENERS:
        patch.setitem(OPENERS, system, opened)
    for name, kind in KINDS.items():
        patch.setitem(KINDS, name, _StateKind(name, kind.state))
    for name in PROOFS:
        patch.setitem(PROOFS, name, _AlwaysProven(name, reality))
    for place, name, read in _readers(reality):
        patch.setattr(place, name, read)
    return reality


def _readers(reality: Reality) -> list[tuple[Any, str, Callable[..., Any]]]:
    def read_accounts(_: object, *, employee_ids: Sequence[str] = (), **__: object) -> list[Account]:
        reality.reads["accounts"] += 1
        return [reality.accounts[key] for key in employee_ids if key in reality.accounts]

    def survey(_: object, units: object, numbers: object = ()) -> Survey:
        reality.reads["survey"] += 1
        return Survey(tuple(reality.surveyed.values()), {})

    def entries(session: _Session) -> list[Entry]:
        reality.reads["installed"] += 1
        return reality.installed.get(session.target.partition(":")[2], [])

    def check_lines(site: Any, names: Sequence[str], *_: object, **__: object) -> LineReport:
        checks = []
        for name in names:
            error = reality.broken.get(f"switch:{name}")
            checks.append(SwitchCheck(name, error=str(getattr(error, "message", error)) if error else ""))
        return LineReport(datetime.now(UTC), tuple(checks), tuple(reality.lines))

    return [
        (planning, "read_accounts", read_accounts),
        (audit_reading, "survey", survey),
        (audit_reading, "taken", lambda _: frozenset(reality.subscribers)),
        (planning, "taken", lambda _: frozenset(reality.subscribers)),
        (audit_reading, "entries", entries),
        (audit_reading, "entries_of_people", lambda _: []),
        (audit_reading, "read_packages", lambda *_: {}),
        (audit_look, "check_lines", check_lines),
    ]
