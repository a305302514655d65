"""The proof that a desk's port is released: the switch says what the site's policy wants of it."""

from __future__ import annotations

from typing import Final

from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.switch.port import PORT
from provisioning.resources.switch.state import SwitchPort


class ReleasedProof:
    """``network.released`` {interface, wanted} on ``switch:NAME``: the port is as the policy wants it (`wanted`, a
    :class:`SwitchPort` in plain form)."""

    name: Final = "network.released"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        """Errors of the connection pass through."""
        interface = str(proof.parameters["interface"])
        wanted = SwitchPort.from_plain(proof.parameters["wanted"])
        with sessions.session(proof.target) as session:
            found = PORT.read(session, [interface]).get(interface)
        if found is None:
            return ProofResult(proof, False, f"{proof.target.partition(':')[2]} has no port {interface}")
        other = wanted.differences(found)
        if other:
            said = ", ".join(f"{name} is {old!r} instead of {new!r}" for name, (old, new) in other.items())
            return ProofResult(proof, False, f"{interface} is not released: {said}")
        how = "is shut" if wanted.enabled is False else f"is in VLAN {wanted.access_vlan}"
        return ProofResult(proof, True, f"{interface} {how}; nothing of the desk is left on it")


RELEASED = ReleasedProof()
