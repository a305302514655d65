"""Things to be made so that are named one by one: what a task of a playbook asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.registry import KINDS, PROOFS
from provisioning.site import Inventory
from provisioning.site.collection import no_collection
from provisioning.site.lines import did_you_mean


@dataclass(frozen=True)
class Ensure:
    """`resources` to be made so, and `proofs` to be run. `said` is how the ledger calls it."""

    said: str
    resources: tuple[Resource, ...] = ()
    proofs: tuple[Proof, ...] = ()

    @property
    def title(self) -> str:
        return self.said

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002  (accounts are named by login)
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002
        return Work(self.resources, self.proofs)

    @no_collection()
    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "ensure",
            "said": self.said,
            "resources": [
                {
                    "kind": one.kind,
                    "target": one.target,
                    "key": one.key,
                    "state": None if one.desired is None else one.desired.to_plain(),
                    "requires": sorted([a.kind, a.target, a.key] for a in one.requires),
                }
                for one in self.resources
            ],
            "proofs": [[one.kind, one.target, one.name, dict(one.parameters)] for one in self.proofs],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Ensure:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        resources = tuple(
            Resource(
                one["kind"],
                one["target"],
                one["key"],
                None if one["state"] is None else KINDS[one["kind"]].state.from_plain(one["state"]),
                frozenset(Address(*words) for words in one["requires"]),
            )
            for one in plain["resources"]
        )
        return cls(str(plain["said"]), resources, tuple(Proof(*words) for words in plain["proofs"]))


def ensure(said: str, resources: Iterable[Resource] = (), proofs: Iterable[Proof] = ()) -> Ensure:
    """A request to make `resources` so and to run `proofs`. Raises :class:`RequestError` for kinds that there are none
    of, and for a thing that is named twice."""
    with no_collection():
        wanted, to_prove = tuple(resources), tuple(proofs)
    seen: set[Address] = set()
    for one in wanted:
        if one.kind not in KINDS:
            raise RequestError(f"there is no kind {one.kind!r}{did_you_mean(one.kind, KINDS)}")
        if one.address in seen:
            raise RequestError(f"{one.key} is named twice; name it once, with all that it is to be")
        seen.add(one.address)
    for proof in to_prove:
        if proof.kind not in PROOFS:
            raise RequestError(f"there is no proof {proof.kind!r}{did_you_mean(proof.kind, PROOFS)}")
    return Ensure(said, wanted, to_prove)
