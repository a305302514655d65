"""``files.room``: the quota holds for the person it was set for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.files.principals import named

if TYPE_CHECKING:
    from provisioning.connections.files import FilesSession

_MIB = 1024 * 1024


class RoomProof:
    """``files.room`` {login, path, share, limit}: the server tells `login`, who looks at the folder `path`, of no more
    room than `limit` MiB, and reads back that limit on `share`. Where the server has no quotas there is nothing to
    prove, and it passes. Errors of the connection pass through."""

    name: Final = "files.room"
    aloof_from = frozenset({"windows"})

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        with sessions.session(proof.target) as session:
            try:
                return self._check(session, proof)
            except RejectedError as exc:
                return ProofResult(proof, False, exc.message)

    def _check(self, session: FilesSession, proof: Proof) -> ProofResult:
        login, path, share = (str(proof.parameters[name]) for name in ("login", "path", "share"))
        limit = int(proof.parameters["limit"])
        if not session.quotas_offered(share):
            return ProofResult(proof, True, f"{session.server.server.host} has no quotas on {share}: nothing to prove")
        octets = session.quota(share, named(session, {login}).sid(login))
        found = "no limit" if octets is None else f"{octets // _MIB} MiB"
        if octets != limit * _MIB:
            return ProofResult(proof, False, f"the server has {found} for {login} instead of {limit} MiB; plan again")
        room = session.visitor().room(login, path)
        if room > limit * _MIB:
            said = f"{login} is shown a disk of {room // _MIB} MiB, though {limit} MiB are set"
            return ProofResult(proof, False, f"{said}; does the server enforce quotas?")
        return ProofResult(proof, True, f"{login} is shown a disk of {room // _MIB} MiB; {limit} MiB are set")


ROOM = RoomProof()
