"""An office in memory for moves: switches that take lines (:mod:`tests.unit.closet`), all else as plain states."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from provisioning.api import Site, planning
from provisioning.cli.program import PROGRAM
from provisioning.errors import UnreachableError
from provisioning.procedures.base import Numbering
from provisioning.resources.base import Change, Outcome, Proof, ProofResult, Sessions, State
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.computer import Computer
from provisioning.resources.directory.user import User
from provisioning.resources.phones.configuration import Configuration
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.resources.registry import KINDS, PROOFS
from provisioning.resources.windows.printer import PROVIDER, PrinterConnection
from tests.unit.cli_office import write_site
from tests.unit.closet import Closet, FakeSwitch, switch

LOGINS = {"E1002": "joerg.mueller", "E1003": "zoe.lefevre", "E1038": "william.hart", "E1042": "anna.petrova"}
"""The people who have an account."""

HELD = {"1002": "E1002", "1038": "E1038", "1042": "E1042"}
"""The extensions that the ledger gave out."""


@dataclass
class StateKind:
    """A kind whose things are states in a mapping: (kind, key) → state."""

    name: str
    state: type[State]

    def read(self, session: Any, keys: Sequence[str]) -> dict[str, State]:
        return {key: session[self.name, key] for key in keys if (self.name, key) in session}

    def apply(self, session: Any, changes: Sequence[Change[Any]]) -> list[Outcome]:
        for change in changes:
            at = (self.name, change.key)
            if change.after is None:
                del session[at]
                continue
            old = session.get(at)
            fields = {} if old is None else {name: getattr(old, name) for name in old.managed()}
            for name in change.after.managed():
                value = getattr(change.after, name)
                if isinstance(value, Mapping):
                    both = {**(fields.get(name) or {}), **value}
                    value = {entry: one for entry, one in both.items() if one is not None}
                fields[name] = value
            session[at] = self.state.model_validate(fields)
        return [Outcome(change.key) for change in changes]


@dataclass
class NotedProof:
    """A proof that passes, and is remembered."""

    name: str
    asked: list[Proof]

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        self.asked.append(proof)
        return ProofResult(proof, True, "seen")


@dataclass
class Bench:
    """A site in a folder, and its systems. `off` are targets that do not answer."""

    folder: Path
    closet: Closet
    systems: dict[str, dict[tuple[str, str], State]]
    proofs: list[Proof] = field(default_factory=list)
    off: set[str] = field(default_factory=set)

    @property
    def site(self) -> Site:
        return Site.load(self.folder)

    def __getitem__(self, name: str) -> FakeSwitch:
        return self.closet.switches[name]

    def port(self, number: int, name: str = "sw-b2-1") -> list[str]:
        return self[name].ports[f"GigabitEthernet1/0/{number}"]

    def run(self, *words: str, code: int = 0, typed: str | None = None) -> str:
        """What the program says; its exit code must be `code`."""
        done = CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words], input=typed)
        assert done.exit_code == code, done.output
        return done.output

    def json(self, *words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words, "--output", "json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def user(self, login: str) -> User:
        found = self.systems["directory"]["directory.user", login]
        assert isinstance(found, User)
        return found

    def state(self) -> Any:
        """Everything on every system, to be compared; a port's lines in any order."""
        switches = {
            name: {port: sorted(line for line in lines if line != "no shutdown") for port, lines in one.ports.items()}
            for name, one in self.closet.switches.items()
        }
        return switches, {target: dict(things) for target, things in self.systems.items()}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        if target in self.off:
            raise UnreachableError(target, "nobody answers; is it switched on?")
        if target.startswith("switch:"):
            with self.closet.session(target) as session:
                yield session
        else:
            yield self.systems.setdefault(target, {})

    def drop(self, target: str) -> None:
        """Nothing is kept open."""

    @property
    def sessions(self) -> Bench:
        return self


_STATES: Sequence[str] = (
    "directory.user", "directory.computer", "network.reservation", "phones.subscriber", "phones.configuration",
    "windows.printer", "windows.registry", "windows.package", "windows.restart", "windows.domain_membership",
    "windows.time_zone",
)  # fmt: skip


def bench(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The example site, where E1002, E1038 and E1042 were onboarded (E1003 has an account alone)."""
    written = write_site(folder)
    inventory = Site.load(written).inventory
    closet = Closet({name: switch(inventory, name) for name in inventory.network.switches})
    made = Bench(written, closet, {"directory": {}, "phones": {}, "phone-files": {}})
    _people(made)
    for name in _STATES:
        monkeypatch.setitem(KINDS, name, StateKind(name, KINDS[name].state))
    for name in PROOFS:
        monkeypatch.setitem(PROOFS, name, NotedProof(name, made.proofs))

    @contextmanager
    def connect(_: Site, **_words: Any) -> Iterator[Bench]:
        yield made

    def read_accounts(_: Any, *, employee_ids: Sequence[str] = (), **_names: Any) -> list[Account]:
        return [Account(LOGINS[key], key, f"cn={key}", key) for key in employee_ids if key in LOGINS]

    monkeypatch.setattr(Site, "connect", connect)
    monkeypatch.setattr(planning, "read_accounts", read_accounts)
    monkeypatch.setattr("provisioning.api.relocating.read_accounts", read_accounts)
    monkeypatch.setattr(planning, "_numbering", lambda *_: Numbering({"staff": HELD}))
    return made


def _people(made: Bench) -> None:
    site = made.site.inventory
    directory = made.systems["directory"]
    for key, login in LOGINS.items():
        person = site.people[key]
        office = {"office": person.workplace, "telephone": person.phone, "employee_id": key}
        number = next((n for n, holder in HELD.items() if holder == key), None)
        directory["directory.user", login] = User(**office, ip_phone=number, enabled=True)
        if number is not None:
            made.systems["phones"]["phones.subscriber", number] = Subscriber(holder=key)
        pc = site.workstation_at[str(person.workplace)]
        place = site.workplaces[str(person.workplace)]
        directory["directory.computer", pc] = Computer(
            ou=site.directory.computers_ou,
            description=f"{site.workstations[pc].asset_tag} {site.workstations[pc].model}",
            location=f"{place.building}/{place.room}/{person.workplace}",
            dns_host_name=site.workstations[pc].host,
            enabled=True,
        )
        share = next(p.share for p in site.printers.values() if place.room in p.rooms)
        made.systems[f"windows:{pc}"] = {("windows.printer", share): PrinterConnection(provider=PROVIDER)}
    made.systems["phone-files"]["phones.configuration", "02005e104043.cfg"] = Configuration(
        settings={"account.1.enable": "1", "account.1.user_name": "1042"},
        secrets={"account.1.password": "kept:1042/E1042"},
    )
