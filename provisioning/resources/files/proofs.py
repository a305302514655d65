"""``files.visit``: a person gets into a folder, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions

if TYPE_CHECKING:
    from provisioning.connections.files import FilesSession


class VisitProof:
    """``files.visit`` {login, path, admitted}: `login` writes a file into the folder, reads it and removes it again, or
    is refused to list it and to write into it. Errors of the connection pass through."""

    name: Final = "files.visit"
    aloof_from = frozenset({"windows"})

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        login, path = str(proof.parameters["login"]), str(proof.parameters["path"])
        with sessions.session(proof.target) as session:
            try:
                return self._check(session, proof, login, path)
            except RejectedError as exc:
                return ProofResult(proof, False, exc.message)

    def _check(self, session: FilesSession, proof: Proof, login: str, path: str) -> ProofResult:
        visitor, host = session.visitor(), session.server.server.host
        place = f"\\\\{host}\\{path}"
        if session.descriptor(path) is None and proof.parameters.get("may_be_missing"):
            return ProofResult(proof, True, f"{place} is not there, so {login} does not get in")
        if session.descriptor(path) is None:
            return ProofResult(proof, False, f"{place} is not there; run the onboarding first")
        if proof.parameters["admitted"]:
            refused = visitor.writes_and_reads(login, path)
            if refused is None:
                return ProofResult(proof, True, f"{login} writes, reads and removes a file in {place}")
            return ProofResult(proof, False, f"{login} cannot write and read in {place} ({refused})")
        if visitor.is_kept_out(login, path):
            return ProofResult(proof, True, f"{place} is refused to {login}")
        return ProofResult(
            proof, False, f"{login} gets into {place}, which should be refused; check its access list and the share's"
        )


VISIT = VisitProof()
