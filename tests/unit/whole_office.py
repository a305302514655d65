"""The example site on systems in memory that hold the real states of all kinds: plans, runs, undo and amendments as
they are, without a server.

Every kind keeps what it was told. Mail arrives where exactly one mailbox has the address; whoever has an enabled
account signs in; a share lets in the members of its group, a home folder its owner. All other proofs pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.connections.distinguished_names import canonical, relative_name
from provisioning.errors import ProvisioningError
from provisioning.resources.base import Address, Change, Outcome, Proof, ProofResult, Sessions, State
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.login import Login
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.files.folder import Folder
from provisioning.resources.mail.mailbox import Mailbox
from provisioning.resources.registry import KINDS, PROOFS
from tests.unit.cli_office import write_site

_OF_AN_ACCOUNT = ("directory.user", "directory.membership", "mail.mailbox")


@dataclass
class Store:
    """What all systems hold, and what they were told in order. `refuses`: address → error."""

    held: dict[Address, State] = field(default_factory=dict)
    applied: list[Change[Any]] = field(default_factory=list)
    refuses: dict[Address, ProvisioningError] = field(default_factory=dict)

    def state(self, kind: str, key: str, target: str = "directory") -> Any:
        return self.held.get(Address(kind, target, key))

    def of(self, kind: str) -> dict[str, Any]:
        """Key → state."""
        return {address.key: state for address, state in self.held.items() if address.kind == kind}

    def users(self) -> dict[str, User]:
        return self.of("directory.user")

    def login_of(self, person: str) -> str:
        return next(login for login, user in self.users().items() if user.employee_id == person)

    def accounts(self, **wanted: Sequence[str]) -> list[Account]:
        """What ``read_accounts`` finds."""
        found = []
        for login, user in self.users().items():
            box = self.state("mail.mailbox", login)
            addresses = {a.partition(":")[2].lower() for a in box.proxy_addresses or ()} if box else set()
            account = Account(
                login,
                user.employee_id or "",
                f"{relative_name('CN', user.name or '')},{canonical(user.ou or '')}",
                user.name or "",
                tuple(sorted(addresses)),
                user.user_principal_name or "",
                user.home_folder or "",
            )
            upn = account.principal.partition("@")[0]
            if (
                account.employee_id in wanted.get("employee_ids", ())
                or {login, upn} & set(wanted.get("logins", ()))
                or account.name in wanted.get("names", ())
                or addresses & set(wanted.get("addresses", ()))
            ):
                found.append(account)
        return sorted(found, key=lambda account: account.dn)


@dataclass
class Held:
    """One kind, on the store."""

    name: str
    state: type[State]
    store: Store
    target: str = ""

    def read(self, session: str, keys: Sequence[str]) -> dict[str, State]:
        if self.name == "directory.login":
            users = {user.employee_id: (login, user) for login, user in self.store.users().items()}
            return {
                key: Login(login=users[key][0], user_principal_name=users[key][1].user_principal_name)
                for key in keys
                if key in users
            }
        found = {key: self.store.held.get(Address(self.name, session, key)) for key in keys}
        if self.name == "directory.membership":
            return {key: state or Memberships(groups={}) for key, state in found.items()}
        if self.name == "mail.mailbox":
            empty = Mailbox(mail=None, proxy_addresses=None, quota=None)
            return {key: state or empty for key, state in found.items()}
        return {key: state for key, state in found.items() if state is not None}

    def apply(self, session: str, changes: Sequence[Change[Any]]) -> list[Outcome]:
        return [Outcome(change.key, self._apply(session, change)) for change in changes]

    def _apply(self, session: str, change: Change[Any]) -> ProvisioningError | None:
        self.store.applied.append(change)
        if change.address in self.store.refuses:
            return self.store.refuses[change.address]
        if self.name == "directory.login":
            return self._rename(change)
        if change.after is None:
            del self.store.held[change.address]
            return None
        old = self.store.held.get(change.address)
        words: dict[str, Any] = {} if old is None else old.model_dump(exclude_unset=True)
        whole = getattr(change.after, "exclusive", False) or getattr(change.before, "exclusive", False)
        for name, value in change.after.model_dump(exclude_unset=True).items():
            merged = isinstance(value, Mapping) and isinstance(words.get(name), Mapping) and not whole
            words[name] = {**words[name], **value} if merged else value
        self.store.held[change.address] = self.state.model_validate(words)
        return None

    def _rename(self, change: Change[Login]) -> ProvisioningError | None:
        before = self.store.login_of(change.key)
        assert change.after is not None
        assert change.after.login is not None
        for kind in _OF_AN_ACCOUNT:
            state = self.store.held.pop(Address(kind, "directory", before), None)
            if state is not None:
                self.store.held[Address(kind, "directory", change.after.login)] = state
        new = Address("directory.user", "directory", change.after.login)
        upn = {"user_principal_name": change.after.user_principal_name}
        self.store.held[new] = self.store.held[new].model_copy(update=upn)
        for address in [a for a in self.store.held if a.kind == "files.quota" and a.key.endswith(f"\\{before}")]:
            moved = Address(address.kind, address.target, address.key.replace(before, change.after.login))
            self.store.held[moved] = self.store.held.pop(address)
        for address, folder in list(self.store.held.items()):  # a server knows people by their SIDs
            if isinstance(folder, Folder) and folder.owner == before:
                access = tuple(entry.replace(before, change.after.login) for entry in folder.access or ())
                self.store.held[address] = folder.model_copy(update={"owner": change.after.login, "access": access})
        return None


@dataclass
class Seen:
    """One kind of proof, on the store."""

    name: str
    store: Store

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        passed = getattr(self, f"_{self.name.replace('.', '_')}", lambda _: True)(proof.parameters)
        return ProofResult(proof, passed, "so it is" if passed else "it is not so")

    def _mail_delivery(self, asked: Mapping[str, Any]) -> bool:
        boxes = self.store.of("mail.mailbox")
        found = [
            login
            for login, box in boxes.items()
            if asked["address"] in {one.partition(":")[2] for one in box.proxy_addresses or ()}
        ]
        return found == [asked["login"]]

    def _directory_sign_in(self, asked: Mapping[str, Any]) -> bool:
        user = self.store.users().get(asked["login"])
        return user is not None and user.enabled

    def _files_visit(self, asked: Mapping[str, Any]) -> bool:
        found = next((s for a, s in self.store.held.items() if isinstance(s, Folder) and a.key == asked["path"]), None)
        membership = self.store.state("directory.membership", asked["login"])
        names = {asked["login"], *(g for g, there in (membership.groups if membership else {}).items() if there)}
        entries = {entry.partition(" ")[2] for entry in (found.access if found is not None else None) or ()}
        return bool(names & entries) is bool(asked["admitted"])

    def _windows_package(self, asked: Mapping[str, Any]) -> bool:
        return asked["display_name"] in self.store.of("windows.package")


class StoreSessions:
    """A session is the name of its target."""

    def __init__(self, store: Store) -> None:
        self.store, self.off = store, set[str]()

    def drop(self, target: str) -> None:
        pass

    @contextmanager
    def session(self, target: str) -> Iterator[str]:
        from provisioning.errors import UnreachableError  # noqa: PLC0415

        if target in self.off:
            raise UnreachableError(target, "nobody answers")
        yield target


@dataclass
class WholeOffice:
    """The example site, its systems in memory, and an admin at the keyboard."""

    folder: Path
    store: Store
    sessions: StoreSessions
    opened: list[Site] = field(default_factory=list)

    @property
    def site(self) -> Site:
        self.opened.append(Site.load(self.folder))
        return self.opened[-1]

    def run(self, *words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words], input=answer)

    def ok(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *words: str) -> str:
        """The sentence; nothing was changed."""
        before = dict(self.store.held)
        result = self.run(*words)
        assert result.exit_code == 1, result.output
        assert "bug" not in result.stderr
        assert self.store.held == before
        return result.stderr

    def has_account(self, person: str, login: str, **more: Any) -> None:
        """Somebody of the site has had an account for long."""
        one = self.site.inventory.people[person]
        name, profile = f"{one.given_name} {one.family_name}", self.site.inventory.profiles[one.profile]
        words = {"ou": profile.ou, "name": name, "user_principal_name": f"{login}@corp.example", "employee_id": person}
        self.store.held[Address("directory.user", "directory", login)] = User.model_validate(words | more)
        addresses = f"SMTP:{login}@corp.example", f"smtp:{login}@mail.corp.example"
        box = Mailbox(mail=f"{login}@corp.example", proxy_addresses=addresses, quota=2048)
        self.store.held[Address("mail.mailbox", "directory", login)] = box

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new), encoding="utf-8")


def whole_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    """The office for one test."""
    store = Store()
    made = WholeOffice(write_site(tmp_path), store, StoreSessions(store))
    for name, kind in list(KINDS.items()):
        monkeypatch.setitem(KINDS, name, Held(name, kind.state, store))
    for name in list(PROOFS):
        monkeypatch.setitem(PROOFS, name, Seen(name, store))

    @contextmanager
    def connect(_: Site, **__: Any) -> Iterator[StoreSessions]:
        yield made.sessions

    def read_accounts(_: Any, **wanted: Sequence[str]) -> list[Account]:
        return store.accounts(**wanted)

    load = Site.load

    def remember(folder: Path) -> Site:
        made.opened.append(load(folder))
        return made.opened[-1]

    monkeypatch.setattr(Site, "connect", connect)
    monkeypatch.setattr(Site, "load", remember)
    for module in ("planning", "cards"):
        monkeypatch.setattr(f"provisioning.api.{module}.read_accounts", read_accounts)
    for constant, its_kind in (("USER", "directory.user"), ("MAILBOX", "mail.mailbox")):
        monkeypatch.setattr(f"provisioning.api.cards.{constant}", KINDS[its_kind])
    monkeypatch.setattr("provisioning.api.relocating.read_accounts", read_accounts)
    monkeypatch.setattr("provisioning.api.planning.MEMBERSHIP", KINDS["directory.membership"])
    monkeypatch.setattr("provisioning.api.planning.taken", lambda _: frozenset())
    yield made
    for site in made.opened:
        if "ledger" in vars(site):
            site.ledger.close()
