"""Who may open the intranet: members of one group, and the proof with the browser's own way of signing in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.resources.base import Proof, Resource
from provisioning.resources.directory.membership import Memberships
from provisioning.site import Inventory


@dataclass(frozen=True)
class IntranetAccess:
    """`persons` (of the site) and `logins` are `admitted` to the intranet, or are not any more."""

    persons: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    admitted: bool = True

    @property
    def title(self) -> str:
        verb = "open" if self.admitted else "close"
        return f"{verb} the intranet for {', '.join((*self.persons, *self.logins))}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """The persons."""
        for key in self.persons:
            inventory.person(key)
        return self.persons

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        """The persons at their desks."""
        return {key: inventory.person(key).workplace for key in self.persons}

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "intranet-access",
            "persons": list(self.persons),
            "logins": list(self.logins),
            "admitted": self.admitted,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> IntranetAccess:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        return cls(tuple(plain["persons"]), tuple(plain["logins"]), plain["admitted"] is True)

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises :class:`RequestError` for persons without an account."""
        pages = {login: [inventory.intranet.url] for login in self.logins}
        for key in self.persons:
            if key not in accounts.logins:
                raise RequestError(f"{key} has no account yet; `provision onboard {key}` makes one")
            profile = inventory.profiles[inventory.people[key].profile]
            pages[accounts.logins[key]] = [inventory.intranet.pages[page].url for page in profile.pages]
        state = Memberships(groups={inventory.intranet.group: True if self.admitted else None})
        resources = (Resource("directory.membership", "directory", login, state) for login in pages)
        proofs = (
            p for login, theirs in pages.items() for p in intranet_proofs(inventory, login, theirs, self.admitted)
        )
        return Work(tuple(resources), tuple(dict.fromkeys(proofs)))


def intranet_proofs(inventory: Inventory, login: str, pages: Sequence[str], admitted: bool = True) -> Iterator[Proof]:
    """The intranet's pages among `pages` (addresses) open for `login`, or are refused; and the first of them is refused
    to somebody who must not see it."""
    intranet = inventory.intranet
    inside = [url for url in pages if url.startswith(intranet.url)] or [intranet.url]
    for url in inside:
        parameters = {"login": login, "url": url, "admitted": admitted}
        said = f"{url} opens for {login}" if admitted else f"{url} is refused to {login}"
        yield Proof("intranet.access", "intranet", said, parameters)
    outsider = intranet.check.outsider
    parameters = {"login": outsider, "url": inside[0], "admitted": False}
    yield Proof("intranet.access", "intranet", f"{inside[0]} is refused to {outsider}", parameters)
