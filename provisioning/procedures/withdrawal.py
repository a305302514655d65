"""What a job profile gave and another one does not give: withdrawn as far as the old profile had given it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from provisioning.procedures.identity import Identity
from provisioning.procedures.move_phones import vacant_phone
from provisioning.procedures.packages import removal_resources, with_requirements
from provisioning.resources.base import Proof, Resource
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.site import Inventory
from provisioning.site.people import Profile


@dataclass(frozen=True)
class Withdrawal:
    """The way of `person` from one profile to another. `site` has the new one; `keep` are packages that stay, `numbers`
    the extensions that the person has."""

    site: Inventory
    person: str
    identity: Identity
    former: str
    profile: str
    keep: Sequence[str]
    numbers: Sequence[str]

    @property
    def old(self) -> Profile:
        return self.site.profiles[self.former]

    @property
    def new(self) -> Profile:
        return self.site.profiles[self.profile]

    @property
    def workstation(self) -> str | None:
        """The PC at the person's own desk; a shared one is left to the others who work there."""
        desk = self.site.people[self.person].workplace
        if desk is None or self.site.workplaces[desk].shared:
            return None
        return self.site.workstation_at.get(desk)

    @property
    def packages(self) -> tuple[str, ...]:
        """What goes from the PC: everything that the old profile gave, or offered, and the new one does not. What the
        new one merely offers stays when it is to be kept; what was asked for beside the old profile stays."""
        needed = set(with_requirements(self.site, (*self.new.software, *self.keep)))
        given = set(with_requirements(self.site, self.old.software))
        offered = set(with_requirements(self.site, self.new.optional_software))
        every = with_requirements(self.site, (*self.old.software, *self.old.optional_software))
        return tuple(name for name in every if name not in needed and (name in given or name not in offered))

    def resources(self, given: Iterable[Resource]) -> tuple[Resource, ...]:
        """`given`, which onboarding into the new profile asks for, with what is withdrawn. The port comes last: while
        software is installed, the PC stays in the network that it is in."""
        found = [self._narrowed(resource) for resource in given]
        if self.workstation is not None:
            found += removal_resources(self.site, self.workstation, self.packages)
        found += self._telephone()
        pc = frozenset(r.address for r in found if r.target.startswith("windows:"))
        return tuple(replace(r, requires=r.requires | pc) if r.kind == "switch.port" else r for r in found)

    def _narrowed(self, resource: Resource) -> Resource:
        state = resource.desired
        if isinstance(state, Memberships):
            belongs = {*self.new.groups, self.site.intranet.group}
            gone = {group for group in self.old.groups if group not in belongs}
            groups = {**dict.fromkeys(sorted(gone)), **dict.fromkeys(sorted(belongs), True)}
            return replace(resource, desired=Memberships.model_validate({"groups": groups}))
        if isinstance(state, User):  # whether the account is enabled is not the job's business
            words = state.model_dump(exclude_unset=True, exclude={"enabled"})
            if self._loses_telephone:
                words |= {"ip_phone": None}
                words |= {"telephone": None} if self.site.people[self.person].phone is None else {}
            return replace(resource, desired=User.model_validate(words))
        return resource

    @property
    def _loses_telephone(self) -> bool:
        return self.site.phones is not None and self.old.phone_class is not None and self.new.phone_class is None

    def _telephone(self) -> Iterator[Resource]:
        """Without a class of telephone there is no extension, and nothing that the desk phone could sign in with."""
        if not self._loses_telephone:
            return
        gone = [Resource("phones.subscriber", "phones", number, None) for number in self.numbers]
        yield from gone
        desk = self.site.people[self.person].workplace
        if gone and desk is not None:
            yield from vacant_phone(self.site, desk)

    def proofs(self) -> Iterator[Proof]:
        """The shares of the old profile no longer let the person in."""
        files = self.site.files
        for name in self.old.shares if files is not None else ():
            share = files.shares[name] if files is not None else None
            if share is None or files is None or name in self.new.shares:
                continue
            server = files.servers[share.server]
            if server.check is None or share.group in self._groups or share.group not in self.old.groups:
                continue
            path, login = f"{share.share}\\{share.folder}", self.identity.login
            said = f"\\\\{server.server.host}\\{path} is refused to {login}"
            parameters = {"login": login, "path": path, "admitted": False, "may_be_missing": True}
            yield Proof("files.visit", f"files:{share.server}", said, parameters)

    @property
    def _groups(self) -> frozenset[str]:
        return frozenset({*self.new.groups, self.site.intranet.group})

    def warnings(self) -> Iterator[str]:
        """What the admin should know."""
        desk = self.site.people[self.person].workplace
        if self.packages and desk is not None and self.site.workplaces[desk].shared:
            yield f"{desk} is shared: what the profile {self.former} had installed there stays"
        offered = [n for n in self.packages if n in self.new.optional_software and self.workstation is not None]
        if offered:
            yield (
                f"{', '.join(offered)} goes from {self.workstation}, and the profile {self.profile} offers it: --keep "
                f"{' --keep '.join(offered)} leaves it there"
            )
        if self._loses_telephone and self.numbers:
            yield f"{self.person} had the extension {', '.join(self.numbers)}; the profile {self.profile} has none"
