"""One person who joins, and all that follows from profile and desk: the account, mail, port, PC, phone and folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Work
from provisioning.procedures.desk_custody import desk_custody
from provisioning.procedures.extensions import Extension
from provisioning.procedures.home_folders import PersonsFolders
from provisioning.procedures.identity import Identity
from provisioning.procedures.intranet_access import intranet_proofs
from provisioning.procedures.join import computer_account, expected_member
from provisioning.procedures.packages import package_proofs, package_resources
from provisioning.procedures.pc_settings import PcSettings
from provisioning.procedures.phones import PersonsPhone
from provisioning.procedures.ports import desk_resource
from provisioning.procedures.publish import publication_proofs
from provisioning.procedures.reservations import reservation
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.mail.mailbox import Mailbox
from provisioning.site import Inventory
from provisioning.site.inventory import nearest
from provisioning.site.people import Person, Profile


@dataclass(frozen=True)
class Joiner:
    """A person at a desk (or without one). `logins` maps person → login, of others too."""

    inventory: Inventory
    key: str
    identity: Identity
    desk: str | None
    logins: Mapping[str, str]
    extra_software: Sequence[str]
    downgrade: bool
    extension: Extension | None

    @property
    def person(self) -> Person:
        return self.inventory.people[self.key]

    @property
    def profile(self) -> Profile:
        return self.inventory.profiles[self.person.profile]

    @property
    def workstation(self) -> str | None:
        return self.inventory.workstation_at.get(self.desk) if self.desk else None

    def work(self) -> Work:
        """Everything for this person."""
        software = self._software()
        resources = [self._user(), self._memberships(), self._mailbox()]
        proofs = [
            *self._account_proofs(),
            *publication_proofs(self.inventory),
            *intranet_proofs(self.inventory, self.identity.login, self._pages()),
        ]
        if self.desk is not None:
            reserved = list(self._reservation())
            port = self._port(self.desk, frozenset(r.address for r in reserved))
            resources += [*reserved, port]
            if self.workstation is not None:
                resources += self._pc(self.desk, self.workstation, software)
                proofs += self._desk_proofs(port, self.workstation)
                proofs += self._pc_proofs(self.desk, self.workstation, software)
        if (phone := self._phone()) is not None:
            resources += phone.resources(frozenset({self._account}))
            proofs += phone.proofs()
        if (folders := self._folders()) is not None:
            resources += folders.resources(self._account)
            proofs += folders.proofs()
        expected = [] if self.workstation is None else [expected_member(self.inventory, self.workstation)]
        expected += [] if folders is None else folders.expected()
        return Work(
            tuple(resources),
            tuple(proofs),
            tuple(self._warnings()),
            expected=tuple(expected),
            custody=desk_custody(self.inventory, self.key, self.desk),
        )

    def _warnings(self) -> Iterator[str]:
        manager = self.person.manager
        if manager and manager not in self.logins:
            yield f"{self.key}: the manager {manager} has no account yet and stays unset; onboard {manager} too"
        if self.desk is None:
            yield f"{self.key} has no workplace: no port, no PC; give one in the site or with --desk"
        elif self.workstation is None:
            yield f"no workstation stands at {self.desk}: its port is configured, but no PC; seat one there in the site"
        if (phone := self._phone()) is not None:
            yield from phone.warnings()
        if (folders := self._folders()) is not None:
            yield from folders.warnings()

    def _phone(self) -> PersonsPhone | None:
        if self.inventory.phones is None or self.extension is None:
            return None
        return PersonsPhone(
            self.inventory, self.inventory.phones, self.key, self.extension, self.identity.display_name, self.desk
        )

    def _folders(self) -> PersonsFolders | None:
        files, identity = self.inventory.files, self.identity
        if files is None:
            return None
        return PersonsFolders(self.inventory, files, identity.login, self.profile, identity.home_folder)

    @property
    def _account(self) -> Address:
        return Address("directory.user", "directory", self.identity.login)

    def _user(self) -> Resource:
        person, login, directory = self.person, self.identity.login, self.inventory.directory
        fields: dict[str, Any] = {
            "ou": self.profile.ou,
            "name": self.identity.common_name,
            "user_principal_name": f"{login}@{directory.domain}",
            "given_name": person.given_name,
            "family_name": person.family_name,
            "display_name": self.identity.display_name,
            "employee_id": self.key,
            "department": person.department,
            "title": person.title or self.profile.title,
            "enabled": True,
        }
        manager = self.logins.get(person.manager) if person.manager else None
        extension = self.extension
        telephone = person.phone or (extension.telephone if extension else None)
        ip_phone = extension.number if extension else None
        known = {
            "telephone": telephone,
            "ip_phone": ip_phone,
            "company": directory.company,
            "office": self.desk,
            "manager": manager,
        }
        fields |= {name: value for name, value in known.items() if value}
        if (folders := self._folders()) is not None:
            fields |= folders.attributes()
        requires = {Address("directory.user", "directory", manager)} if manager else set()
        return Resource("directory.user", "directory", login, User(**fields), frozenset(requires))

    def _memberships(self) -> Resource:
        known, profile = self.inventory.worked_out, self.person.profile
        if (state := known.get(("groups", profile))) is None:
            belongs = {*self.profile.groups, self.inventory.intranet.group}
            groups = {group: True if group in belongs else None for group in sorted(self.inventory.managed_groups)}
            state = known["groups", profile] = Memberships.model_validate({"groups": groups})
        return Resource("directory.membership", "directory", self.identity.login, state, frozenset({self._account}))

    def _mailbox(self) -> Resource:
        primary, proxies = self.identity.addresses[0], self.identity.proxy_addresses
        state = Mailbox(mail=primary, proxy_addresses=proxies, quota=self.inventory.mail.quota)
        return Resource("mail.mailbox", "directory", self.identity.login, state, frozenset({self._account}))

    def _port(self, desk: str, requires: frozenset[Address]) -> Resource:
        return desk_resource(self.inventory, desk, self.profile.vlan, requires)

    def _pc(self, desk: str, workstation: str, software: Sequence[str]) -> Iterator[Resource]:
        yield computer_account(self.inventory, workstation)
        yield from self._settings(desk, workstation).resources()
        yield from package_resources(self.inventory, workstation, software, downgrade=self.downgrade)

    def _settings(self, desk: str, workstation: str) -> PcSettings:
        return PcSettings(self.inventory, workstation, self.inventory.workplaces[desk].room, self._pages())

    def _pages(self) -> list[str]:
        """Addresses of the profile's pages; the intranet's front page when it names none."""
        intranet = self.inventory.intranet
        return [intranet.pages[page].url for page in self.profile.pages] or [intranet.url]

    def _software(self) -> tuple[str, ...]:
        catalogue, profile = self.inventory.software, self.profile
        for name in self.extra_software:
            if name not in catalogue:
                raise RequestError(f"package {name!r} is not in the software catalogue{nearest(name, catalogue)}")
            if not catalogue[name].approved:
                raise RequestError(
                    f"package {name!r} is not approved; set `approved: true` in the catalogue once it is"
                )
            if name not in (*profile.software, *profile.optional_software):
                raise RequestError(
                    f"package {name!r} is not approved for profile {self.person.profile!r} of {self.key}; "
                    "add it to the profile's optional_software"
                )
        return tuple(dict.fromkeys((*profile.software, *self.extra_software)))

    def _account_proofs(self) -> Iterator[Proof]:
        login = self.identity.login
        yield Proof("directory.sign_in", "directory", f"{login} signs in", {"login": login})
        for address in self.identity.addresses:
            parameters = {"login": login, "address": address}
            yield Proof("mail.delivery", "mail", f"mail to {address} arrives and is read", parameters)

    def _reservation(self) -> Iterator[Resource]:
        if self.workstation is not None:
            ws = self.inventory.workstations[self.workstation]
            yield from reservation(self.inventory, ws.mac, ws.fixed_address, self.workstation)

    def _desk_proofs(self, port: Resource, workstation: str) -> Iterator[Proof]:
        network, ws = self.inventory.network, self.inventory.workstations[workstation]
        mac, vlan = ws.mac, network.vlans[self.profile.vlan]
        if network.dhcp and ws.fixed_address is not None:
            said, subnet = f"{workstation} has the address {ws.fixed_address}", f"{ws.fixed_address}/32"
            yield Proof("network.lease", "dhcp", said, {"mac": mac, "subnet": subnet})
        elif network.dhcp and vlan.subnet:
            name = f"{workstation} has an address in VLAN {self.profile.vlan}"
            yield Proof("network.lease", "dhcp", name, {"mac": mac, "subnet": str(vlan.subnet)})
        parameters = {"interface": port.key, "mac": mac, "vlan": vlan.id}
        yield Proof("network.port", port.target, f"{workstation} is on {port.key} in VLAN {vlan.id}", parameters)

    def _pc_proofs(self, desk: str, workstation: str, software: Sequence[str]) -> Iterator[Proof]:
        yield from package_proofs(self.inventory, workstation, software)
        yield from self._settings(desk, workstation).proofs()
