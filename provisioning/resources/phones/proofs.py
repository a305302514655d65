"""Proofs about telephones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.secrets.passwords import generate_password
from provisioning.site.directory import PasswordPolicy

if TYPE_CHECKING:
    from provisioning.connections.sip import Answer, SipSession

_REFUSED = frozenset({401, 403, 407})


class RegistrationProof:
    """``phones.registration`` {extension, admitted}: a REGISTER with the kept password of the extension is answered 200
    (`admitted`), or one with a wrong password is refused (401, 403, 407).

    It asks for the bindings without adding one (RFC 3261, 10.2.3), so no call goes astray.
    """

    name: Final = "phones.registration"
    aloof_from = frozenset({"windows"})

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Errors of the connection pass through: see :class:`provisioning.connections.sip.SipClient`."""
        extension, admitted = str(proof.parameters["extension"]), bool(proof.parameters["admitted"])
        with sessions.session(proof.target) as session:
            if not admitted:
                answer = session.register(extension, generate_password(PasswordPolicy(length=24)))
                return _refusal(proof, extension, answer)
            kept = session.secrets.phone_passwords.current(extension)
            if kept is None:
                said = f"no SIP password of {extension} is kept here; onboard its holder, who then gets one"
                return ProofResult(proof, False, said)
            return _admission(proof, extension, session, session.register(extension, kept.password))


def _admission(proof: Proof, extension: str, session: SipSession, answer: Answer) -> ProofResult:
    where = f"{session.phones.domain} on {session.phones.registrar.host}"
    if answer.status == 200:
        there = (
            f"; registered there: {', '.join(answer.contacts)}" if answer.contacts else "; no phone is registered yet"
        )
        return ProofResult(proof, True, f"{extension} registers with {where} (200 {answer.reason}){there}")
    if answer.status in _REFUSED:
        said = "the exchange has another password, or another realm than phones: domain"
    elif answer.status == 404:
        said = "the exchange does not know it"
    else:
        said = "look at the exchange's log"
    return ProofResult(
        proof, False, f"{extension} does not register with {where} ({answer.status} {answer.reason}): {said}"
    )


def _refusal(proof: Proof, extension: str, answer: Answer) -> ProofResult:
    shown = f"({answer.status} {answer.reason})"
    if answer.status in _REFUSED:
        return ProofResult(proof, True, f"{extension} is refused with a wrong password {shown}")
    if answer.status == 200:
        said = f"the exchange lets anybody register as {extension} {shown}; let it ask for the password"
        return ProofResult(proof, False, said)
    return ProofResult(
        proof, False, f"{extension} with a wrong password gets {shown}, which is no refusal; see its log"
    )


REGISTRATION = RegistrationProof()
