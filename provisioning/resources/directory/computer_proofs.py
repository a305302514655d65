"""The proof that a PC and the domain trust each other: its account signed in with the password that it has now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession

_PATIENCE = 60.0  # seconds for a PC that has just started
_POLL = 2.0
_SLACK = 10_000_000  # 1 s in units of 100 ns: the two times are noted by different parts of the server


class ComputerSignInProof:
    """``directory.computer_sign_in`` target ``directory`` {computer}.

    `lastLogon` is kept by each domain controller for itself (MS-ADA1 2.351), so this asks the one that the site names;
    a PC that found another one first is seen there as well once it asks this one for a ticket.
    """

    name = "directory.computer_sign_in"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Look until it has signed in, at most for a minute."""
        computer = str(proof.parameters["computer"])
        deadline = time.monotonic() + float(proof.parameters.get("patience", _PATIENCE))
        while True:
            with sessions.session(proof.target) as session:
                passed, detail = _look(session, computer)
            if passed or time.monotonic() > deadline:
                return ProofResult(proof, passed, detail)
            time.sleep(_POLL)


def _look(session: DirectorySession, computer: str) -> tuple[bool, str]:
    wanted = ["lastLogon", "pwdLastSet", "userAccountControl"]
    entry = ad.find(session, [computer], wanted, among=ad.COMPUTERS, ending="$").get(computer)
    if entry is None:
        return False, f"there is no computer account {computer}; `provision join {computer}` makes it"
    if (entry.number("userAccountControl") or 0) & ad.DISABLED:
        return False, f"the computer account {computer} is disabled"
    signed_in, password_set = entry.number("lastLogon") or 0, entry.number("pwdLastSet") or 0
    if signed_in and signed_in + _SLACK >= password_set:
        return True, f"{computer} signed in to the domain with its own account after its password was set"
    return False, (
        f"{computer} has not signed in to {session.directory.server.host} since its password was set; is it on, does "
        "it reach the domain controller, and was it this PC that got the last blob? If it lost its trust: "
        f"provision join --again {computer}"
    )


COMPUTER_SIGN_IN = ComputerSignInProof()
