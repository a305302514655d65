"""Several requests as one: the whole site, for example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from provisioning.procedures.base import Accounts, Asking, Changing, Fact, Request, Work, foreseen
from provisioning.site import Inventory
from provisioning.site.collection import no_collection


@dataclass(frozen=True)
class Together:
    """What `parts` ask for, at once. What two of them ask for in the same words is done once."""

    parts: tuple[Request, ...]

    @property
    def title(self) -> str:
        return " and ".join(part.title for part in self.parts)

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        return tuple(dict.fromkeys(person for part in self.parts for person in part.people(inventory)))

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        return {person: desk for part in self.parts for person, desk in part.desks(inventory).items()}

    @no_collection()
    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises what the parts raise."""
        works = [part.compile(inventory, accounts) for part in self.parts]
        return Work(
            tuple(resource for work in works for resource in work.resources),
            tuple(dict.fromkeys(proof for work in works for proof in work.proofs)),
            tuple(warning for work in works for warning in work.warnings),
            tuple(dict.fromkeys(person for work in works for person in work.off_premises)),
            tuple(dict.fromkeys(expected for work in works for expected in work.expected)),
            tuple(order for work in works for order in work.orders),
            tuple(dict.fromkeys(amendment for work in works for amendment in work.amendments)),
            tuple(dict.fromkeys(transfer for work in works for transfer in work.custody)),
            {name: person for work in works for name, person in work.reserved.items()},
        )

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """What any part asks for."""
        return frozenset(fact for part in self.parts if isinstance(part, Asking) for fact in part.asks(inventory))

    def foreseen(self, inventory: Inventory) -> Inventory:
        """The site as it will be once all parts are fulfilled."""
        return reduce(lambda site, part: foreseen(part, site), self.parts, inventory)

    @property
    def new_logins(self) -> frozenset[str]:
        """Who gets another login by any part."""
        return frozenset(who for part in self.parts if isinstance(part, Changing) for who in part.new_logins)

    def to_plain(self) -> dict[str, Any]:
        parts = [part.to_plain() for part in self.parts]
        people = [person for part in parts for person in part.get("persons", ())]
        return {"procedure": "together", "persons": list(dict.fromkeys(people)), "parts": parts}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], part: Callable[[Mapping[str, Any]], Request]) -> Together:
        """The request that :meth:`to_plain` wrote; `part` reads each of its parts. Raises KeyError for another."""
        return cls(tuple(part(inner) for inner in plain["parts"]))
