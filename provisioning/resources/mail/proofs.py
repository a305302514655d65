"""Proofs about mail."""

from __future__ import annotations

import secrets
from typing import Final

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions

PATIENCE: Final = 20.0
"""Seconds that a message may take from the door to the mailbox."""


class DeliveryProof:
    """``mail.delivery`` {login, address}: a message to `address` is read in the INBOX of `login`, and nobody
    else's.

    The message carries a random token and is removed when it is found.
    """

    name: Final = "mail.delivery"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Errors of the connection pass through: see :class:`provisioning.connections.mail.MailSession`."""
        login, address = proof.parameters["login"], proof.parameters["address"]
        token = secrets.token_hex(16)
        with sessions.session(proof.target) as session:
            try:
                session.send(address, "Your mailbox is being checked", token)
                found = session.find(login, token, patience=PATIENCE)
            except RejectedError as exc:
                return ProofResult(proof, False, exc.message)
        if found:
            return ProofResult(proof, True, f"a message to {address} arrived in the INBOX of {login}")
        return ProofResult(
            proof,
            False,
            f"a message to {address} was taken but did not reach the INBOX of {login} within {PATIENCE:.0f} "
            f"s; look at the mail "
            f"server's queue and at who else has this address",
        )


DELIVERY = DeliveryProof()
