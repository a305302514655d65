"""Proofs that somebody can no longer sign in. Nobody knows a leaver's password, so it is not tried."""

from __future__ import annotations

from typing import Final

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.directory import attributes as ad
from provisioning.resources.directory.password import SMARTCARD_REQUIRED

_LET_IN = 200


class ShutOutProof:
    """``directory.shut_out`` {login}: the directory says that the account is disabled, that nobody knows its password
    and that it is in no group but its primary one."""

    name: Final = "directory.shut_out"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        login = str(proof.parameters["login"])
        with sessions.session(proof.target) as session:
            entry = ad.find(session, [login], ["userAccountControl", "memberOf"]).get(login)
        if entry is None:
            return ProofResult(proof, True, f"there is no account {login}")
        control, groups = entry.number("userAccountControl") or 0, entry.texts("memberOf")
        faults = []
        if not control & ad.DISABLED:
            faults.append("the account is enabled")
        if not control & SMARTCARD_REQUIRED:
            faults.append("its password may be known")
        if groups:
            faults.append(f"it is a member of {', '.join(groups)}")
        if faults:
            return ProofResult(proof, False, f"{login}: {'; '.join(faults)}; who changed that? Offboard again")
        return ProofResult(
            proof, True, f"{login} is disabled, in no group, and nobody knows its password; no sign-in was tried"
        )


class NoTicketProof:
    """``directory.no_ticket`` {login, url} on ``intranet``: the Kerberos server itself gives no ticket in the name of
    `login`, while it gives one in the name of the site's outsider.

    It is asked by S4U2Self (MS-SFU 3.2.5.1.1), which needs no password and looks at the account as a sign-in does.
    """

    name: Final = "directory.no_ticket"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Errors of the connection pass through: see :class:`provisioning.connections.intranet.IntranetSession`."""
        login, url = str(proof.parameters["login"]), str(proof.parameters["url"])
        with sessions.session(proof.target) as session:
            outsider = session.inventory.intranet.check.outsider
            try:
                session.open(url, outsider)  # else a refusal would prove nothing
            except RejectedError as exc:
                return ProofResult(proof, False, f"the check does not work for anybody: {exc.message}")
            try:
                status = session.open(url, login)
            except RejectedError as exc:
                said = exc.message.partition("; check that")[0]
                return ProofResult(proof, True, f"{said}; {outsider} gets one")
        if status == _LET_IN:
            return ProofResult(
                proof, False, f"{login} gets a ticket, and {url} opens (status 200); disable the account"
            )
        return ProofResult(proof, False, f"{login} still gets a ticket ({url}: status {status}); disable the account")


SHUT_OUT = ShutOutProof()
NO_TICKET = NoTicketProof()
