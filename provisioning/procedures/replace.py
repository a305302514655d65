"""Replacing a PC: another one from the store takes its desk, its software, the data, and its name if wished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Literal, get_args

from provisioning.errors import RequestError
from provisioning.ledger.books import Amendment, CustodyTransfer
from provisioning.procedures.base import Accounts, Expectation, Fact, Work
from provisioning.procedures.install_scope import listed
from provisioning.procedures.join import Join, computer_account, expected_member
from provisioning.procedures.onboard import Onboard
from provisioning.procedures.packages import package_proofs, package_resources
from provisioning.procedures.pc_settings import PcSettings
from provisioning.procedures.replace_data import BroughtData
from provisioning.procedures.reservations import reservation
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.directory.computer import Computer
from provisioning.resources.windows.domain_membership import KEY, refuse_domain_account
from provisioning.site import Inventory
from provisioning.site.inventory import unknown

OldTo = Literal["repair", "scrap", "store"]
OLD_TO: tuple[OldTo, ...] = get_args(OldTo)
"""Where the old machine may go."""

_OURS = frozenset({"windows.package", "windows.restart", "windows.domain_membership", "network.reservation"})
"""Kinds that are not taken from what onboarding wants of the new PC."""


@dataclass(frozen=True)
class Replace:
    """The PC `new`, from the store, takes the place of `old` at `desk`, where `persons` sit.

    What was so when it was asked for: `address`, the one that the DHCP server kept for the old PC; `account`, whether
    that has a computer account; `software`, optional packages to be brought over; `brought`, data of people; `notes`,
    sentences about what was found; `old_name`, what the old one is called in the domain. `keep_name`: that is what the
    new one is called from now on, and it uses that computer account again.
    """

    old: str
    new: str
    desk: str
    persons: tuple[str, ...]
    reason: str
    old_name: str
    keep_name: bool = False
    old_to: OldTo = "repair"
    address: str | None = None
    account: bool = False
    software: tuple[str, ...] = ()
    brought: tuple[BroughtData, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"replace {self.old} by {self.new} at {self.desk}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        return Onboard(self.persons[:1]).people(inventory) if self.persons else ()

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """What onboarding the person would ask: the same settings follow."""
        return Onboard(self.persons[:1]).asks(inventory) if self.persons else frozenset()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return dict.fromkeys(self.persons, self.desk)

    def to_plain(self) -> dict[str, Any]:
        lists = {name: list(getattr(self, name)) for name in ("persons", "software", "notes")}
        return {"procedure": "replace", **vars(self), **lists, "brought": [one.to_plain() for one in self.brought]}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Replace:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        if (old_to := plain["old_to"]) not in OLD_TO:
            raise ValueError(old_to)
        return cls(
            old=str(plain["old"]),
            new=str(plain["new"]),
            desk=str(plain["desk"]),
            persons=tuple(map(str, plain["persons"])),
            reason=str(plain["reason"]),
            old_name=str(plain["old_name"]),
            keep_name=plain["keep_name"] is True,
            old_to=old_to,
            address=None if plain["address"] is None else str(plain["address"]),
            account=plain["account"] is True,
            software=tuple(map(str, plain["software"])),
            brought=tuple(map(BroughtData.from_plain, plain["brought"])),
            notes=tuple(map(str, plain["notes"])),
        )

    @property
    def new_logins(self) -> frozenset[str]:
        return frozenset()

    @property
    def passes_on(self) -> Mapping[str, str]:
        """The new PC gets the seats of pools that count devices: the old one need not be asked to give them up."""
        return {self.new: self.old}

    def foreseen(self, inventory: Inventory) -> Inventory:
        """The site as it will be: whose the new PC is then tells whose licences its packages take."""
        for name in (self.old, self.new):
            if name not in inventory.workstations:
                unknown("workstation", name, inventory.workstations)
        stations = dict(inventory.workstations)
        for name, changes in self._changes(inventory).items():
            stations[name] = stations[name].model_copy(update=changes)
        return inventory.model_copy(update={"workstations": stations})

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """The same before and after its own amendments hold. Raises :class:`RequestError` for PCs that the site does
        not have, and what onboarding raises."""
        self._refuse_taken(inventory)
        return _Swap(self, self.foreseen(inventory), inventory.workstations[self.old].mac).work(accounts)

    @property
    def amendments(self) -> tuple[Amendment, ...]:
        """What the site's files do not say yet."""
        found = [Amendment("workstations", self.old, "workplace", None)]
        found.append(Amendment("workstations", self.new, "workplace", self.desk))
        if self.keep_name:
            found.append(Amendment("workstations", self.new, "computer_name", self.old_name))
            if self.old_name != self.old:
                found.append(Amendment("workstations", self.old, "computer_name", None))
        if self.address is not None:
            found.append(Amendment("workstations", self.old, "fixed_address", None))
        return tuple(found)

    def _changes(self, inventory: Inventory) -> dict[str, dict[str, Any]]:
        changes: dict[str, dict[str, Any]] = {self.old: {}, self.new: {}}
        for one in self.amendments:
            changes[one.key][one.field] = one.value
        if self.address is not None and inventory.workstations[self.new].fixed_address is None:
            changes[self.new]["fixed_address"] = IPv4Address(self.address)
        return changes

    def _refuse_taken(self, inventory: Inventory) -> None:
        stands = inventory.workstations[self.new].workplace if self.new in inventory.workstations else None
        if stands not in {None, self.desk}:
            raise RequestError(f"{self.new} stands at {stands} by now; ask again with another PC from the store")
        there = inventory.workstation_at.get(self.desk)
        if there not in {None, self.old, self.new}:
            raise RequestError(f"{there} stands at {self.desk} by now, not {self.old}; ask again")


@dataclass(frozen=True)
class _Swap:
    """One replacement, on the site as it will be. `old_mac`: what the switch and the DHCP server knew."""

    asked: Replace
    site: Inventory
    old_mac: str

    @property
    def target(self) -> str:
        return f"windows:{self.asked.new}"

    @property
    def bare(self) -> bool:
        """Whether the join is left to others: who signs in with an account of the domain cannot join a PC to it."""
        try:
            refuse_domain_account("windows", self.site)
        except RequestError:
            return True
        return False

    def work(self, accounts: Accounts) -> Work:
        join = Join((self.asked.new,), self.bare).compile(self.site, accounts)
        person = self._of_person(accounts)
        software = self._software()
        resources = [*join.resources, *self._retired(join), *self._reservations()]
        resources += [r for r in person.resources if self._is_wanted(r)]
        resources += package_resources(self.site, self.asked.new, software)
        resources += self._data()
        proofs = [*(p for p in person.proofs if self._is_proven(p)), *join.proofs]
        proofs += package_proofs(self.site, self.asked.new, software)
        proofs += [one.proof(self.asked.new) for one in self.asked.brought]
        return Work(
            tuple(resources),
            tuple(dict.fromkeys(proofs)),
            (*self.asked.notes, *self._warnings(join)),
            expected=self._expected(),
            amendments=self._amendments(),
            custody=tuple(self._custody()),
        )

    def _of_person(self, accounts: Accounts) -> Work:
        """What onboarding wants of the desk and its PC; of a shared desk, for the first who has it."""
        if self.asked.persons:
            return Onboard(self.asked.persons[:1]).compile(self.site, accounts)
        room = self.site.workplaces[self.asked.desk].room
        settings = PcSettings(self.site, self.asked.new, room, [self.site.intranet.url])
        return Work(tuple(settings.resources()), tuple(settings.proofs()))

    def _is_wanted(self, resource: Resource) -> bool:
        there = resource.target == self.target or resource.kind == "switch.port"
        return there and resource.kind not in _OURS

    def _is_proven(self, proof: Proof) -> bool:
        there = proof.target in {self.target, "dhcp"} or proof.kind in {"network.port", "directory.sign_in"}
        return there and proof.kind != "windows.package"

    def _software(self) -> tuple[str, ...]:
        profiles = [self.site.profiles[self.site.people[key].profile] for key in self.asked.persons]
        wanted = [name for profile in profiles for name in profile.software]
        return tuple(dict.fromkeys((*wanted, *self.asked.software)))

    def _member(self) -> frozenset[Address]:
        """What must be done before the old PC loses its account and data is brought: the new one is a member."""
        account = computer_account(self.site, self.asked.new).address
        return frozenset({account if self.bare else Address("windows.domain_membership", self.target, KEY)})

    def _retired(self, join: Work) -> Iterator[Resource]:
        """The account of the old PC, unless the new one uses it: disabled, so that nobody is let in by it."""
        used = {resource.key for resource in join.resources if resource.kind == "directory.computer"}
        if self.asked.account and self.asked.old_name not in used:
            state = Computer(location=None, enabled=False)
            yield Resource("directory.computer", "directory", self.asked.old_name, state, self._member())

    def _reservations(self) -> Iterator[Resource]:
        """The address goes from one MAC address to the other: never two with the same one."""
        dhcp, new = self.site.network.dhcp, self.site.workstations[self.asked.new]
        gone: list[Resource] = []
        if self.asked.address is not None and dhcp is not None and dhcp.reservations is not None:
            gone = [Resource("network.reservation", "dhcp", self.old_mac, None)]
        yield from gone
        for one in reservation(self.site, new.mac, new.fixed_address, self.asked.new):
            yield Resource(one.kind, one.target, one.key, one.desired, frozenset(r.address for r in gone))

    def _data(self) -> Iterator[Resource]:
        for one in self.asked.brought:
            yield one.resource(self.asked.new, self._member())

    def _expected(self) -> tuple[Expectation, ...]:
        return (expected_member(self.site, self.asked.new),) if self.bare else ()

    def _amendments(self) -> tuple[Amendment, ...]:
        fixed = self.site.workstations[self.asked.new].fixed_address
        if self.asked.address is None or str(fixed) != self.asked.address:
            return self.asked.amendments
        return (*self.asked.amendments, Amendment("workstations", self.asked.new, "fixed_address", self.asked.address))

    def _custody(self) -> Iterator[CustodyTransfer]:
        old, new = self.site.workstations[self.asked.old], self.site.workstations[self.asked.new]
        if len(self.asked.persons) == 1 and not self.site.workplaces[self.asked.desk].shared:
            instead = f"instead of {old.asset_tag}: {self.asked.reason}"
            yield CustodyTransfer(new.asset_tag, self.asked.persons[0], note=instead)
        yield CustodyTransfer(old.asset_tag, self.asked.old_to, note=self.asked.reason)

    def _warnings(self, join: Work) -> Iterator[str]:
        old, new, desk = self.asked.old, self.asked.new, self.asked.desk
        yield from join.warnings[:1]
        if not self.asked.persons:
            yield f"nobody has the workplace {desk}, so its port stays as it is, and no profile's software is installed"
        elif len(self.asked.persons) > 1:
            yield f"{listed(self.asked.persons)} share {desk}; settings and port are those of {self.asked.persons[0]}"
        if self.bare:
            yield (
                f"windows.credential is an account of the domain, which cannot join a PC: {new} must be a member "
                "already, or be installed with `provision unattend`"
            )
        if any(not one.is_archive for one in self.asked.brought):
            yield f"{old} must stay switched on and reachable until the data is brought; then take it away"
        if self.asked.brought:
            yield f"undo removes from {new} what was brought and nobody changed since; what is at the source is kept"
        profile = self.site.network.profile(self.site.network.desk_ports)
        if self.asked.persons and profile is not None and profile.security_sticky:
            yield (
                f"the port of {desk} remembers MAC addresses (sticky): if it does not let {new} in, make it forget "
                f"{self.old_mac} there"
            )
        if self.asked.keep_name:
            yield (
                f"{new} is called {self.asked.old_name} in the domain from now on, and still answers us as "
                f"{self.site.workstations[new].host}, the name in its certificate"
            )
