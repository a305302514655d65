"""The proof that a person can sign in: the directory itself is asked, with the initial password that
waits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from provisioning.connections.ldap_refusals import code_text
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Entry

_MUST_CHANGE = "773"  # AD says this only after it found the password right
_LOCKED, _PASSWORD_EXPIRED = 0x10, 0x800000  # msDS-User-Account-Control-Computed (MS-ADTS 2.2.16)
_NEVER = (0, 0x7FFFFFFFFFFFFFFF)  # accountExpires (MS-ADA1 2.1)
_EPOCH_1601 = 11_644_473_600  # seconds from 1601-01-01, where AD's clock begins, to 1970-01-01


@dataclass(frozen=True)
class SignInProof:
    """``directory.sign_in`` {login}: a bind with the initial password is accepted, or must only change it
    first.

    Once the password has been handed over nobody here knows it; then the account's state is read, and the
    detail says so.
    """

    name: str = "directory.sign_in"
    aloof_from: ClassVar[frozenset[str]] = frozenset({"windows"})

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        login = str(proof.parameters["login"])
        with sessions.session(proof.target) as session:
            return self._check(session, proof, login)

    def _check(self, session: DirectorySession, proof: Proof, login: str) -> ProofResult:
        entry = ad.find(
            session,
            [login],
            [
                "userPrincipalName",
                "userAccountControl",
                "accountExpires",
                "msDS-User-Account-Control-Computed",
                "pwdLastSet",
            ],
        ).get(login)
        if entry is None:
            return ProofResult(proof, False, f"there is no account {login}; run the onboarding first")
        password = None if ad.refuse_login(proof.target, login) else session.secrets.initial_password(login)
        if password is None:
            fault = _fault(entry)
            detail = (
                f"{login}: {fault}"
                if fault
                else (
                    f"{login} is enabled, not locked and not expired; "
                    "the password was not tested because it was handed over"
                )
            )
            return ProofResult(proof, fault is None, detail)
        user = entry.text("userPrincipalName") or f"{login}@{session.directory.domain}"
        code = session.sign_in(user, password.get_secret_value())
        if code is None:
            return ProofResult(proof, True, f"{user} signs in with the initial password")
        if code == _MUST_CHANGE:
            return ProofResult(
                proof, True, f"{user} signs in with the initial password and must change it at first sign-in"
            )
        return ProofResult(proof, False, f"{user} cannot sign in with the initial password: {code_text(code)}")


def _fault(entry: Entry) -> str | None:
    computed = entry.number("msDS-User-Account-Control-Computed") or 0
    if (entry.number("userAccountControl") or 0) & ad.DISABLED:
        return "the account is disabled"
    if computed & _LOCKED:
        return "the account is locked after too many wrong passwords"
    expires = entry.number("accountExpires") or 0
    if expires not in _NEVER and expires / 10_000_000 - _EPOCH_1601 < time.time():
        return "the account has expired"
    # A password that must be changed at the first sign-in counts as expired too (pwdLastSet 0, MS-ADTS 3.1.1.4.5.17).
    must_change = entry.number("pwdLastSet") == 0
    return "the password has expired" if computed & _PASSWORD_EXPIRED and not must_change else None


SIGN_IN = SignInProof()
