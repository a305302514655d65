"""What the whole site comes to, as far as it can be said: a person whose desk has no trace hides nobody else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Request
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Address, Resource
from provisioning.site import Inventory

__all__ = ["Compiled", "compile_each"]


@dataclass(frozen=True)
class Compiled:
    """The things of `persons` and of the other requests; `refused`: person, or what a request is called → why nothing
    can be said of it; `torn`: addresses that are asked to be two different things."""

    resources: tuple[Resource, ...]
    persons: tuple[str, ...]
    refused: Mapping[str, str]
    torn: tuple[Address, ...] = ()

    def with_more(self, resources: Iterable[Resource]) -> Compiled:
        """And `resources`, where they are not among these already."""
        known = {resource.address for resource in self.resources} | set(self.torn)
        return replace(self, resources=(*self.resources, *(r for r in resources if r.address not in known)))


_AT_ONCE = 200
"""People who are compiled together: what else they come to (proofs above all) is let go before the next ones."""


def compile_each(
    inventory: Inventory,
    persons: Sequence[str],
    accounts: Accounts,
    others: Iterable[Request] = (),
    keep: Callable[[Resource], bool] = lambda _: True,
) -> Compiled:
    """Compile many people at once, and of it the things to `keep`; where that is refused, look for those whom it is
    refused for (by halves, so that a large site costs little) and leave them out."""
    refused: dict[str, str] = {}
    resources: list[Resource] = []
    compiled: list[str] = []
    for start in range(0, len(persons), _AT_ONCE):
        fitting: Sequence[str] = persons[start : start + _AT_ONCE]
        while fitting:
            try:
                resources += filter(keep, onboard(*fitting).compile(inventory, accounts).resources)
                break
            except RequestError as exc:
                known = len(refused)
                fitting = _fitting(inventory, fitting, accounts, refused)
                if len(refused) == known:  # each of them could be, but not all together
                    refused |= dict.fromkeys(fitting, str(exc))
                    fitting = ()
        compiled += fitting
    for request in others:
        try:
            resources += filter(keep, request.compile(inventory, accounts).resources)
        except RequestError as exc:
            refused[request.title] = str(exc)
    kept, torn = _agreeing(resources)
    return Compiled(tuple(kept), tuple(compiled), refused, tuple(torn))


def _fitting(inventory: Inventory, persons: Sequence[str], accounts: Accounts, refused: dict[str, str]) -> list[str]:
    """Those who can be compiled, each half of `persons` by itself; `refused` gets the others."""
    half = (len(persons) + 1) // 2
    found: list[str] = []
    for part in filter(None, (persons[:half], persons[half:])):
        try:
            onboard(*part).compile(inventory, accounts)
        except RequestError as exc:
            if len(part) > 1:
                found += _fitting(inventory, part, accounts, refused)
            else:
                refused[part[0]] = str(exc)
        else:
            found += part
    return found


def _agreeing(resources: Iterable[Resource]) -> tuple[list[Resource], list[Address]]:
    wanted: dict[Address, Resource] = {}
    torn: dict[Address, None] = {}
    for resource in resources:
        if wanted.setdefault(resource.address, resource).desired != resource.desired:
            torn[resource.address] = None
    return [resource for resource in wanted.values() if resource.address not in torn], list(torn)
