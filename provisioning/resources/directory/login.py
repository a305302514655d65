"""``directory.login``: the login (sAMAccountName) and the sign-in name (UPN) of an account that has one already.

Other kinds know an account by its login; this one changes it, so it knows the account by the person's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from provisioning.connections.ldap_operations import Modify
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Entry, Operation, Values

_ATTRIBUTES = {"login": "sAMAccountName", "user_principal_name": "userPrincipalName"}


class Login(State):
    """`login` is the sAMAccountName (MS-ADTS 3.1.1.6: 20 characters), `user_principal_name` what people may type
    instead."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"login", "user_principal_name"})

    login: str | None = None
    user_principal_name: str | None = None


@dataclass(frozen=True)
class LoginKind:
    """``directory.login``; the key is the person's number (employeeID). Never absent: whoever has no account has no
    login. An initial password that waits for hand-over waits under the new login afterwards."""

    name: str = "directory.login"
    state: type[Login] = Login

    def read(self, session: DirectorySession, keys: Sequence[str]) -> dict[str, Login]:
        """One search for every 50 people."""
        found = dict.fromkeys(keys, Login(login=None, user_principal_name=None))
        for key, entries in _accounts(session, keys).items():
            found[key] = Login.model_validate(ad.read_texts(entries[0], _ATTRIBUTES))
        return found

    def apply(self, session: DirectorySession, changes: Sequence[Change[Login]]) -> list[Outcome]:
        """One modify an account; both names change together."""
        accounts = _accounts(session, [change.key for change in changes])
        errors: dict[str, ProvisioningError] = {}
        wanted: dict[str, Operation] = {}
        for change in changes:
            try:
                wanted[change.key] = _modify(change, accounts.get(change.key, []))
            except RejectedError as exc:
                errors[change.key] = exc
        errors |= ad.apply_in_one(session, wanted)
        self.finish(session, [change for change in changes if change.key not in errors])
        return ad.outcomes(cast("Sequence[Change[State]]", changes), errors)

    def finish(self, session: DirectorySession, changes: Sequence[Change[Login]]) -> None:
        """The accounts have their logins; the passwords that wait follow."""
        for change in changes:
            before, after = change.before, change.after
            if before is not None and after is not None and before.login and after.login:
                session.secrets.waiting.rename(before.login, after.login)


def _accounts(session: DirectorySession, keys: Sequence[str]) -> dict[str, list[Entry]]:
    """Person → the accounts that carry the number, by DN. Case counts in the key, as it does in the site."""
    found: dict[str, list[Entry]] = {}
    entries = session.search_many(ad.one_of("employeeID", keys), ["employeeID", *_ATTRIBUTES.values()])
    for entry in sorted(entries, key=lambda entry: entry.dn):
        found.setdefault(entry.text("employeeID") or "", []).append(entry)
    return found


def _modify(change: Change[Login], entries: Sequence[Entry]) -> Modify:
    if len(entries) != 1:
        found = ", ".join(entry.text("sAMAccountName") or entry.dn for entry in entries) or "none"
        raise RejectedError(
            change.target,
            f"one account with the employeeID {change.key} was expected, found: {found}; leave the number to one of "
            "them, then plan again",
        )
    after = change.after or Login()
    if after.login is None:
        raise RejectedError(change.target, f"the account of {change.key} cannot be without a login; name one")
    if refusal := ad.refuse_login(change.target, after.login):
        raise refusal
    replace: dict[str, Values] = {
        attribute: list(values) for attribute, values in ad.written_texts(after, _ATTRIBUTES).items()
    }
    return Modify(entries[0].dn, replace)


LOGIN = LoginKind()
