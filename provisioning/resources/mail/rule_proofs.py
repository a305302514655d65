"""Proofs about mail rules: what is forwarded arrives, and senders are told."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.mail import proofs

if TYPE_CHECKING:
    from provisioning.connections.mail import MailSession

_SUBJECT = "Your mail rules are being checked"


class ForwardingProof:
    """``mail.forwarding`` {address, login, to, keep_copy}: a message to `address` is read in the INBOX of `to`, and is
    kept (`keep_copy`) in that of `login`, or is not. The message is removed everywhere."""

    name: Final = "mail.forwarding"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Errors of the connection pass through: see :class:`provisioning.connections.mail.MailSession`."""
        with sessions.session(proof.target) as session:
            try:
                return self._check(session, proof, proof.parameters)
            except RejectedError as exc:
                return ProofResult(proof, False, exc.message)

    def _check(self, session: MailSession, proof: Proof, asked: Any) -> ProofResult:
        address, login, to, keep_copy = asked["address"], asked["login"], asked["to"], asked["keep_copy"]
        token = secrets.token_hex(16)
        session.send(address, _SUBJECT, token)
        arrived = session.find(to, token, patience=proofs.PATIENCE)
        # A server forwards before it keeps, in one go: a second look is for the time between the two.
        kept = session.find(login, token, patience=proofs.PATIENCE if keep_copy else 0.5)
        if not arrived:
            said = f"a message to {address} did not reach the INBOX of {to} within {proofs.PATIENCE:.0f} s"
            return ProofResult(proof, False, f"{said}; look at the rules of {login} and at the mail server's log")
        if kept != keep_copy:
            said = "and is kept there, which it should not be" if kept else f"but is not kept for {login}"
            return ProofResult(proof, False, f"a message to {address} reached {to}, {said}")
        said = f"and is kept for {login}" if kept else f"and is not kept for {login}"
        return ProofResult(proof, True, f"a message to {address} arrived in the INBOX of {to}, {said}")


class ReplyProof:
    """``mail.reply`` {address, kept_in}: whoever writes to `address` gets an automatic reply. The question is removed
    from the mailboxes `kept_in`, the reply from the site's `check_mailbox`."""

    name: Final = "mail.reply"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Errors of the connection pass through: see :class:`provisioning.connections.mail.MailSession`."""
        with sessions.session(proof.target) as session:
            try:
                return self._check(session, proof)
            except RejectedError as exc:
                return ProofResult(proof, False, exc.message)

    def _check(self, session: MailSession, proof: Proof) -> ProofResult:
        address = proof.parameters["address"]
        sieve = session.inventory.mail.sieve
        if sieve is None or sieve.check_mailbox is None:
            return ProofResult(proof, False, "the site names no mailbox for replies (mail: sieve: check_mailbox)")
        token = secrets.token_hex(16)
        session.send(address, _SUBJECT, token, awaits_reply=True)
        told = session.find(sieve.check_mailbox, token, patience=proofs.PATIENCE, header="In-Reply-To")
        for login in proof.parameters["kept_in"]:
            session.find(login, token, patience=2.0)
        if told:
            return ProofResult(proof, True, f"whoever writes to {address} gets an automatic reply")
        return ProofResult(
            proof,
            False,
            f"nobody answered a message to {address} within {proofs.PATIENCE:.0f} s; look at its rules, and whether "
            f"mail to {_example(session)} is delivered to {sieve.check_mailbox}",
        )


def _example(session: MailSession) -> str:
    name, _, domain = session.inventory.mail.check_sender.rpartition("@")
    return f"{name}+anything@{domain}"


FORWARDING, REPLY = ForwardingProof(), ReplyProof()
