"""Joining PCs to the domain: their accounts, and their membership."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Expectation, Work
from provisioning.resources.base import Proof, Resource
from provisioning.resources.directory.computer import Computer
from provisioning.resources.windows.domain_membership import KEY, DomainMembership, refuse_domain_account
from provisioning.site import Inventory
from provisioning.site.inventory import unknown


@dataclass(frozen=True)
class Join:
    """PCs that should be members of the domain under the name that the site gives them.

    The account of a PC that is replaced is used again: it keeps its SID and its groups, and gets a new password.
    `bare`: only the accounts, for PCs that have no Windows yet and join by an answer file. `again`: when it was asked
    for (UTC, ISO 8601) that members leave and join anew, too.
    """

    workstations: tuple[str, ...]
    bare: bool = False
    again: str | None = None

    @property
    def title(self) -> str:
        what = "make accounts for" if self.bare else "join"
        names = ", ".join(self.workstations) if len(self.workstations) <= 3 else f"{len(self.workstations)} PCs"
        return f"{what} {names}" + (" anew" if self.again else "")

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002  (a PC is nobody's account)
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def to_plain(self) -> dict[str, Any]:
        plain = {"procedure": "join", "workstations": list(self.workstations), "bare": self.bare}
        return {**plain, "again": self.again} if self.again else plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Join:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        again = plain.get("again")
        return cls(tuple(plain["workstations"]), bool(plain["bare"]), None if again is None else str(again))

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002
        """Raises :class:`RequestError` for a PC that the site does not have, and for credentials that could not see a
        join through."""
        if not self.bare:
            refuse_domain_account("windows", inventory)
        return Work(tuple(self._resources(inventory)), tuple(self._proofs(inventory)), tuple(self._warnings()))

    def _resources(self, inventory: Inventory) -> Iterator[Resource]:
        for name in self.workstations:
            account = computer_account(inventory, name)
            yield account
            if not self.bare:
                anew = {"joined_anew": self.again} if self.again else {}
                called = computer_name(inventory, name)
                member = DomainMembership(domain=inventory.directory.domain, computer_name=called, **anew)
                target = f"windows:{name}"
                requires = frozenset({account.address})
                yield Resource("windows.domain_membership", target, KEY, member, requires)

    def _proofs(self, inventory: Inventory) -> Iterator[Proof]:
        if self.bare:
            return
        for name in self.workstations:
            called = computer_name(inventory, name)
            said = f"{called} signs in to the domain with its own account"
            yield Proof("directory.computer_sign_in", "directory", said, {"computer": called})

    def _warnings(self) -> Iterator[str]:
        if not self.bare:
            yield "a PC that joins restarts, as `windows: restart:` of the site says about people who are signed in"
        if self.again:
            yield "a PC that is a member already leaves first, which is one restart more"
        if self.bare:
            yield (
                f"the answer file gives {', '.join(self.workstations)} a new password, which no undo takes back: an "
                "earlier answer file, and a PC that is a member under that name now, are worth nothing afterwards"
            )


def join(*workstations: str, bare: bool = False, again: bool = False) -> Join:
    """A request to join `workstations` (names of the site's PCs), with `again` also those that are members already.
    Nothing happens until it is planned and applied."""
    if not workstations:
        raise RequestError("join: name at least one PC")
    since = datetime.now(UTC).isoformat(timespec="seconds") if again else None
    return Join(tuple(dict.fromkeys(workstations)), bare, since)


def expected_member(inventory: Inventory, name: str) -> Expectation:
    """That a PC is a member under the name that the site gives it: only then its people can sign in there."""
    domain, called = inventory.directory.domain, computer_name(inventory, name)
    state = DomainMembership(domain=domain, computer_name=called)
    return Expectation(
        Resource("windows.domain_membership", f"windows:{name}", KEY, state),
        f"{name} is not a member of {domain} under that name, so nobody signs in there with an account of the domain; "
        f"`provision join {name}` joins it",
    )


def computer_account(inventory: Inventory, name: str) -> Resource:
    """The computer account that a PC of the site should have. Raises :class:`RequestError` for an unknown one."""
    if name not in inventory.workstations:
        unknown("workstation", name, inventory.workstations)
    ws, called = inventory.workstations[name], computer_name(inventory, name)
    fields: dict[str, Any] = {
        "ou": inventory.directory.computers_ou,
        "description": " ".join(filter(None, (ws.asset_tag, ws.model))),
        "dns_host_name": dns_name(inventory, name),
        "enabled": True,
    }
    if ws.workplace is not None:
        place = inventory.workplaces[ws.workplace]
        fields["location"] = f"{place.building}/{place.room}/{ws.workplace}"
    return Resource("directory.computer", "directory", called, Computer(**fields))


def computer_name(inventory: Inventory, workstation: str) -> str:
    """What a PC of the site is called in the domain: as in the site, unless it took the place of another one."""
    return inventory.workstations[workstation].computer_name or workstation


def dns_name(inventory: Inventory, workstation: str) -> str:
    """What it is called in DNS as a member of the domain."""
    called = computer_name(inventory, workstation)
    return (
        inventory.workstations[workstation].host
        if called == workstation
        else f"{called.lower()}.{inventory.directory.domain}"
    )
