"""User accounts (class user, MS-ADSC): created in one LDAPS add with an initial password that must be
changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from provisioning.connections.distinguished_names import canonical, parent, relative_name
from provisioning.connections.ldap_operations import Add, Delete, Modify, Rename
from provisioning.errors import ProvisioningError, RejectedError, SecretError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory import attributes as ad
from provisioning.resources.directory.known_entries import PartOfAccount

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Operation, Values

CN_LIMIT = 64  # characters (rangeUpper of cn, MS-ADSC); Samba does not enforce it, AD does

TEXTS = {
    "user_principal_name": "userPrincipalName",
    "given_name": "givenName",
    "family_name": "sn",
    "display_name": "displayName",
    "employee_id": "employeeID",
    "department": "department",
    "title": "title",
    "telephone": "telephoneNumber",
    "ip_phone": "ipPhone",
    "office": "physicalDeliveryOfficeName",
    "company": "company",
    "home_folder": "homeDirectory",
    "home_drive": "homeDrive",
}


class User(State):
    """One person's account. `ou` is the DN of its unit, `name` its CN there, `manager` the manager's login.

    The initial password is not part of it: it is generated when the account is created and waits for
    hand-over.
    """

    ignore_case: ClassVar[frozenset[str]] = frozenset({"ou", "user_principal_name", "manager"})

    ou: ad.DistinguishedName | None = None
    name: str | None = None
    user_principal_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    display_name: str | None = None
    employee_id: str | None = None
    department: str | None = None
    title: str | None = None
    manager: str | None = None
    telephone: str | None = None
    ip_phone: str | None = None
    office: str | None = None
    company: str | None = None
    home_folder: str | None = None
    home_drive: str | None = None
    enabled: bool = True


@dataclass(frozen=True)
class UserKind(PartOfAccount):
    """``directory.user``; the key is the login (sAMAccountName).

    A deleted account comes back as a new one: with a new SID and a new initial password.
    """

    attributes: ClassVar[tuple[str, ...]] = ("name", "manager", "userAccountControl", *TEXTS.values())
    name: str = "directory.user"
    state: type[User] = User

    def read(self, session: DirectorySession, keys: Sequence[str]) -> dict[str, User]:
        """One search a batch, one more for the managers' logins."""
        entries = ad.find(session, keys, self.attributes)
        managers = ad.logins_of(session, {dn for entry in entries.values() if (dn := entry.text("manager"))})
        users = {}
        for key, entry in entries.items():
            control = entry.number("userAccountControl") or 0
            users[key] = User(
                ou=parent(entry.dn),
                name=entry.text("name"),
                enabled=not control & ad.DISABLED,
                manager=managers.get((entry.text("manager") or "").casefold()),
                **ad.read_texts(entry, TEXTS),
            )
        return users

    def apply(self, session: DirectorySession, changes: Sequence[Change[User]]) -> list[Outcome]:
        """Creations, updates and deletions, each pipelined; one search for what they refer to."""
        batch = _Batch(session, changes)
        batch.create([change for change in changes if change.action == "create"])
        batch.update([change for change in changes if change.action == "update"])
        batch.delete([change for change in changes if change.action == "delete"])
        return ad.outcomes(cast("Sequence[Change[State]]", changes), batch.errors)

    def finish(self, session: DirectorySession, changes: Sequence[Change[User]]) -> None:
        """The accounts are gone, but the passwords that wait for their owners may still be there."""
        for change in changes:
            if change.action == "delete":
                session.secrets.withdraw_initial_password(change.key)


class _Batch:
    """One call of `apply`: what it looked up and what failed so far."""

    def __init__(self, session: DirectorySession, changes: Sequence[Change[User]]) -> None:
        self._session = session
        self.errors: dict[str, ProvisioningError] = {}
        for change in changes:
            if refusal := ad.refuse_login(change.target, change.key):
                self.errors[change.key] = refusal
        managers = {c.after.manager for c in changes if c.after is not None and c.after.manager}
        known = {change.key for change in changes} - self.errors.keys()
        self._found = ad.find(session, sorted(known | managers), ["userAccountControl", "name"])

    def create(self, changes: Sequence[Change[User]]) -> None:
        sent: list[str] = []
        waiting_before: set[str] = set()
        # Without an answer (UnreachableError) the files stay: the accounts may exist, and a second attempt
        # reuses them.
        refusals = ad.write(self._session, self._new_entries(changes, sent, waiting_before))
        refused = {login: error for login, error in zip(sent, refusals, strict=True) if error is not None}
        # A file that waited before belongs to an account that an interrupted attempt made, if that account
        # exists.
        exist = ad.find(self._session, [login for login in refused if login in waiting_before], [])
        for login in refused:
            if login not in exist:
                self._session.secrets.withdraw_initial_password(login)
        self.errors |= refused

    def _new_entries(
        self, changes: Sequence[Change[User]], sent: list[str], waiting_before: set[str]
    ) -> Iterator[Operation]:
        """One after the other, each with the password that waits for hand-over: the disk is written while the server
        works. Their logins go to `sent`, and to `waiting_before` where a password waited already."""
        secrets, policy = self._session.secrets, self._session.directory.passwords
        for change in changes:
            try:
                dn, values = self._new_entry(change)
                waited = secrets.waiting.waits(change.key)
                password = secrets.issue_initial_password(change.key, policy).get_secret_value()
            except SecretError as exc:
                self.errors[change.key] = exc
                continue
            except (RejectedError, ValueError) as exc:
                self._refuse(change, exc)
                continue
            if waited:
                waiting_before.add(change.key)
            sent.append(change.key)
            values["unicodePwd"] = [f'"{password}"'.encode("utf-16-le")]  # MS-ADTS 3.1.1.3.1.5.1
            yield Add(dn, values)

    def _new_entry(self, change: Change[User]) -> tuple[str, dict[str, Values]]:
        user = change.after
        if change.key in self.errors:
            raise cast(RejectedError, self.errors[change.key])
        if change.key in self._found:
            raise RejectedError(change.target, f"the login {change.key} is taken by {self._found[change.key].dn}")
        if user is None or user.ou is None or user.name is None:
            raise RejectedError(change.target, f"{change.key} cannot be created without ou and name; set both")
        enabled = user.enabled or "enabled" not in user.managed()
        values: dict[str, Values] = {
            "objectClass": ["user"],
            "sAMAccountName": [change.key],
            "pwdLastSet": ["0"],
            "userAccountControl": [ad.with_flag(ad.NORMAL_ACCOUNT, enabled=enabled)],
        }
        values |= {name: texts for name, texts in ad.written_texts(user, TEXTS).items() if texts}
        if user.manager:
            values["manager"] = [self._dn_of_manager(change)]
        return f"{_relative_name(user.name)},{user.ou}", values

    def update(self, changes: Sequence[Change[User]]) -> None:
        modifies: dict[str, Operation] = {}
        renames: dict[str, Operation] = {}
        for change in changes:
            try:
                modify, rename = self._changed_entry(change)
            except (RejectedError, ValueError) as exc:
                self._refuse(change, exc)
                continue
            if modify.replace:
                modifies[change.key] = modify
            if rename:
                renames[change.key] = rename
        # A server may work on pipelined requests in any order, and a rename changes the DN: so the attributes
        # go first.
        self.errors |= ad.apply_in_one(self._session, modifies)
        ready = {key: rename for key, rename in renames.items() if key not in self.errors}
        self.errors |= ad.apply_in_one(self._session, ready)

    def _changed_entry(self, change: Change[User]) -> tuple[Modify, Rename | None]:
        user = change.after
        if change.key in self.errors:
            raise cast(RejectedError, self.errors[change.key])
        entry = self._found.get(change.key)
        if user is None or entry is None:
            raise RejectedError(change.target, f"the account {change.key} is gone; plan again")
        changed = ad.changed_fields(cast("Change[State]", change))
        replace = ad.written_texts(user, TEXTS, only=changed)
        if "manager" in changed:
            replace["manager"] = [self._dn_of_manager(change)] if user.manager else []
        if "enabled" in changed:
            control = entry.number("userAccountControl") or ad.NORMAL_ACCOUNT
            replace["userAccountControl"] = [ad.with_flag(control, enabled=user.enabled)]
        rename = None
        if changed & {"ou", "name"}:
            name, ou = user.name or entry.text("name") or "", user.ou or parent(entry.dn)
            rename = Rename(entry.dn, _relative_name(name), ou)
        return Modify(entry.dn, replace), rename

    def delete(self, changes: Sequence[Change[User]]) -> None:
        deletes = {c.key: Delete(self._found[c.key].dn) for c in changes if c.key in self._found}
        refused = ad.apply_in_one(self._session, deletes)
        for change in changes:
            if change.key not in refused and change.key not in self.errors:
                self._session.secrets.withdraw_initial_password(change.key)
        self.errors |= refused

    def _dn_of_manager(self, change: Change[User]) -> str:
        manager = change.after.manager if change.after else None
        if manager not in self._found:
            raise RejectedError(
                change.target,
                f"the manager {manager} of {change.key} has no account; onboard {manager} first",
            )
        return canonical(self._found[manager].dn)

    def _refuse(self, change: Change[User], exc: Exception) -> None:
        kept = exc if isinstance(exc, RejectedError) else RejectedError(change.target, f"{change.key}: {exc}")
        self.errors[change.key] = kept


def _relative_name(name: str) -> str:
    if len(name) > CN_LIMIT:
        raise ValueError(f"the name {name!r} is longer than {CN_LIMIT} characters, the limit of a CN; shorten it")
    return relative_name("CN", name)


USER = UserKind()
