"""Whether PCs that are members as they should be are trusted by the domain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioning.engine.events import one_at_a_time
from provisioning.engine.prover import prove
from provisioning.resources.base import Proof

if TYPE_CHECKING:
    from provisioning.api.site import Site


def distrusted(site: Site, proofs: Iterable[Proof]) -> list[str]:
    """A sentence for each PC that never signed in with the password that its account has now, as it is at this moment;
    `proofs` are those of a join. Changes nothing."""
    now = [replace(proof, parameters={**proof.parameters, "patience": 0}) for proof in proofs]
    with site.reading(purpose="a check") as sessions:
        return [result.detail for result in prove(now, sessions, one_at_a_time(None)) if not result.passed]
