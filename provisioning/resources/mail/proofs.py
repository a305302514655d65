"""Proofs about mail."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.mail import autoconfig

if TYPE_CHECKING:
    from provisioning.connections.autoconfig import Answer

PATIENCE: Final = 20.0
"""Seconds that a message may take from the door to the mailbox."""

_XML = frozenset({"text/xml", "application/xml"})


class DeliveryProof:
    """``mail.delivery`` {login, address}: a message to `address` is read in the INBOX of `login`, and nobody
    else's.

    The message carries a random token and is removed when it is found.
    """

    name: Final = "mail.delivery"
    aloof_from = frozenset({"windows"})

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


class AutoconfigProof:
    """``mail.autoconfig`` {domain} on ``autoconfig``: a mail program that asks for an address in `domain` is told the
    servers of the site, by ``config-v1.1.xml`` and by autodiscover."""

    name: Final = "mail.autoconfig"
    aloof_from = frozenset({"windows"})

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Fetches what Thunderbird and Outlook fetch. Errors of the connection pass through: see
        :class:`provisioning.connections.autoconfig.AutoconfigSession`."""
        domain = str(proof.parameters["domain"])
        with sessions.session(proof.target) as session:
            clients = session.inventory.mail.clients
            if clients is None:
                return ProofResult(proof, False, "the site says nothing about mail: clients")
            wanted = autoconfig.expected(clients)
            address = f"somebody@{domain}"
            config = f"https://autoconfig.{domain}{autoconfig.CONFIG_PATHS[0]}?emailaddress={quote(address)}"
            discover = f"https://autodiscover.{domain}{autoconfig.AUTODISCOVER_PATH}"
            answers = (
                (config, session.fetch(config), lambda body: autoconfig.read_config(body, domain)),
                (
                    discover,
                    session.fetch(discover, body=autoconfig.autodiscover_question(address)),
                    autoconfig.read_autodiscover,
                ),
            )
        for url, answer, read in answers:
            if (wrong := _wrong(answer, read, wanted)) is not None:
                return ProofResult(proof, False, f"{url}: {wrong}")
        incoming, outgoing = wanted
        return ProofResult(
            proof,
            True,
            f"mail programs are told {incoming.host}:{incoming.port} and {outgoing.host}:{outgoing.port} for {domain}",
        )


def _wrong(
    answer: Answer, read: Callable[[bytes], tuple[autoconfig.Told, ...]], wanted: tuple[autoconfig.Told, ...]
) -> str | None:
    if answer.status != 200:
        return (
            f"answers with status {answer.status}; is the document published (`provision publish`), and readable "
            "without signing in?"
        )
    if answer.content_type not in _XML:
        return f"comes as {answer.content_type}; mail programs want text/xml"
    try:
        told = read(answer.body)
    except ValueError as exc:
        return f"cannot be used: {exc}"
    for found, right in zip(told, wanted, strict=True):
        if found != right:
            return (
                f"tells {found.protocol} at {found.host}:{found.port} ({found.security}) instead of "
                f"{right.host}:{right.port} ({right.security})"
            )
    return None


AUTOCONFIG = AutoconfigProof()
