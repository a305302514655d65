"""``directory.password``: whether anybody knows an account's password.

A password that nobody knows is a long random one together with the flag SMARTCARD_REQUIRED (MS-ADTS 2.2.16), which is
how it can be read back: a domain controller lets nobody with that flag sign in by password, and makes the password
random itself when the flag is set (MS-SAMR 3.1.1.8.10). Reading says nothing about any other password.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from provisioning.connections.ldap_operations import Modify
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Operation, Values

SMARTCARD_REQUIRED = 0x40000
"""ADS_UF_SMARTCARD_REQUIRED (MS-ADTS 2.2.16)."""

_LENGTH = 120
"""Characters: 127 are the most that every client takes."""
_EACH = ("aA1!",)  # whatever the domain's policy wants of a password's characters


class Password(State):
    """`random`: it was made so that nobody knows it."""

    random: bool


@dataclass(frozen=True)
class PasswordKind:
    """``directory.password``; target ``directory``; the key is the login.

    One that is no longer to be random becomes an initial password: it waits for hand-over and must be changed at the
    first sign-in.
    """

    name: str = "directory.password"
    state: type[Password] = Password

    def read(self, session: DirectorySession, keys: Sequence[str]) -> dict[str, Password]:
        """One search a batch; who has no account has no password."""
        found = ad.find(session, keys, ["userAccountControl"])
        return {
            key: Password(random=bool((entry.number("userAccountControl") or 0) & SMARTCARD_REQUIRED))
            for key, entry in found.items()
        }

    def apply(self, session: DirectorySession, changes: Sequence[Change[Password]]) -> list[Outcome]:
        """One pipelined modify an account."""
        found = ad.find(session, [change.key for change in changes], ["userAccountControl"])
        errors: dict[str, ProvisioningError] = {}
        wanted: dict[str, Operation] = {}
        for change in changes:
            entry = found.get(change.key)
            if entry is None or change.after is None:
                errors[change.key] = RejectedError(change.target, f"the account {change.key} is gone; plan again")
                continue
            control = entry.number("userAccountControl") or ad.NORMAL_ACCOUNT
            wanted[change.key] = Modify(entry.dn, _values(session, change.key, control, change.after))
        errors |= ad.apply_in_one(session, wanted)
        for change in changes:
            if change.key not in errors and change.after is not None and change.after.random:
                session.secrets.withdraw_initial_password(change.key)
        return ad.outcomes(cast("Sequence[Change[State]]", changes), errors)

    def lasting(self, change: Change[Password], others: Sequence[Change[State]]) -> str | None:  # noqa: ARG002
        """The former password is gone."""
        if change.after is not None and change.after.random:
            return f"the password of {change.key} is replaced by one that nobody knows; taken back, it is a new one"
        return f"the password of {change.key} is replaced by an initial one; taken back, nobody knows it"


def _values(session: DirectorySession, login: str, control: int, after: Password) -> dict[str, Values]:
    if after.random:
        password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_LENGTH)) + _EACH[0]
        return {"unicodePwd": [_encoded(password)], "userAccountControl": [str(control | SMARTCARD_REQUIRED)]}
    issued = session.secrets.issue_initial_password(login, session.directory.passwords).get_secret_value()
    return {
        "userAccountControl": [str(control & ~SMARTCARD_REQUIRED)],
        "unicodePwd": [_encoded(issued)],
        "pwdLastSet": ["0"],
    }


def _encoded(password: str) -> bytes:
    return f'"{password}"'.encode("utf-16-le")  # MS-ADTS 3.1.1.3.1.5.1


PASSWORD = PasswordKind()
