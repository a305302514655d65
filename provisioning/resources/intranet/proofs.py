"""Proofs about the intranet."""

from __future__ import annotations

from typing import Final

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions

_LET_IN = frozenset({200})
_TURNED_AWAY = frozenset({401, 403})  # servers differ in which one a known person without the right gets


class AccessProof:
    """``intranet.access`` {login, url, admitted}: the page opens for `login` (200), or is refused to them
    (401, 403)."""

    name: Final = "intranet.access"
    aloof_from = frozenset({"windows"})

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Errors of the connection pass through: see
        :class:`provisioning.connections.intranet.IntranetSession`."""
        login, url, admitted = (proof.parameters[name] for name in ("login", "url", "admitted"))
        with sessions.session(proof.target) as session:
            try:
                status = session.open(url, login)
            except RejectedError as exc:
                return ProofResult(proof, False, exc.message)
            group = session.inventory.intranet.group
        if status in (_LET_IN if admitted else _TURNED_AWAY):
            what = "opens for" if admitted else "is refused to"
            return ProofResult(proof, True, f"{url} {what} {login} (status {status})")
        return ProofResult(proof, False, _complaint(url, login, status, group))


def _complaint(url: str, login: str, status: int, group: str) -> str:
    if status in _LET_IN:
        return (
            f"{url} opens for {login} (status {status}), who should be turned away; check the members of "
            f"{group} and the web server"
        )
    if status in _TURNED_AWAY:
        return f"{url} is refused to {login} (status {status}); check that {login} is in {group}"
    return (
        f"{url} answers {login} with status {status}, which is neither a page nor a refusal; look at the web "
        f"server's log"
    )


ACCESS = AccessProof()
