"""What of a plan needs whose approval. Pure: the site's policy, the changes and whose they are decide, nothing else.

Only what would change counts: somebody who is in a privileged group already needs nobody's approval to stay in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from provisioning.dialects import load
from provisioning.ledger.books import Amendment
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.all_groups import AllGroups, entry_by_entry
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.switch.port import SwitchPort
from provisioning.resources.switch.section import InterfaceSection
from provisioning.resources.windows.package import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.approvals import Rule

_VLANS = ("access_vlan", "voice_vlan", "native_vlan")

Grounds = Mapping[str, tuple[str, ...]]
"""Role → what it is asked to approve, as sentences. They name people and places, never logins that may still change,
so that the same plan made again gives the same sentences."""


def grounds(
    inventory: Inventory,
    changes: Iterable[Change[State]],
    owners: Mapping[Address, str],
    off_premises: Sequence[str] = (),
    amendments: Iterable[Amendment] = (),
) -> Grounds:
    """The roles that must approve these changes (`owners` says whose each is), copying the user data of the people
    `off_premises`, and `amendments` of the site."""
    policy, found = inventory.approvals, defaultdict[str, dict[str, None]](dict)
    case = _Case(inventory, owners)
    for change in changes:
        for roles, sentence in case.of(change):
            for role in roles:
                found[role][sentence] = None
    for person in off_premises:
        for role in policy.copy_off_premises:
            found[role][f"user data of {person} is copied off the premises"] = None
    for one in amendments:
        if (one.section, one.field) == ("people", "profile") and one.value is not None:
            for role in policy.profiles.get(one.value, ()):
                found[role][f"{one.key} gets the profile {one.value}"] = None
    return {role: tuple(sorted(sentences)) for role, sentences in sorted(found.items())}


def deletion_of(person: str) -> str:
    """What is approved where an account is deleted."""
    return f"account, mailbox and home folder of {person} are deleted for good"


Asked = Iterator[tuple[Sequence[str], str]]


def _carried(port: SwitchPort) -> dict[str, int]:
    """Every VLAN that a port is asked to carry, by the field (and entry) that says so."""
    found = {name: getattr(port, name) for name in _VLANS if name in port.model_fields_set}
    found |= {f"allowed_vlans[{vlan}]": vlan for vlan, on in (port.allowed_vlans or {}).items() if on}
    return {name: number for name, number in found.items() if number is not None}


@dataclass(frozen=True)
class _Case:
    inventory: Inventory
    owners: Mapping[Address, str]

    def of(self, change: Change[State]) -> Asked:
        """Roles and sentence, for everything about a change that needs approval."""
        match change.after:
            case Memberships():
                yield from self._groups(change, change.before, change.after)
            case SwitchPort():
                yield from self._vlans(change, change.before, change.after)
            case InterfaceSection():
                yield from self._section(change, change.before, change.after)
            case InstalledPackage() if change.before is None or not change.before.model_fields_set:
                yield from self._licence(change)
            case AllGroups():
                turn = entry_by_entry(cast("Change[AllGroups]", change))
                yield from self._groups(change, turn.before, cast("Memberships", turn.after))
            case User(enabled=True):
                yield from self._profile(change)
            case None if isinstance(change.before, User) and self.inventory.leavers is not None:
                whose = change.before.employee_id or change.key
                yield [self.inventory.leavers.erase_approval], deletion_of(whose)

    def _groups(self, change: Change[State], before: State | None, after: Memberships) -> Asked:
        rules = {group.casefold(): rule for group, rule in self.inventory.approvals.groups.items()}
        had = {g.casefold() for g, member in before.groups.items() if member} if isinstance(before, Memberships) else {}
        for group, member in after.groups.items():
            rule = rules.get(group.casefold())
            if member and group.casefold() not in had and rule and self._asks(rule, change):
                yield rule.roles, f"{self._who(change)} joins the group {group}"

    def _vlans(self, change: Change[State], before: State | None, after: SwitchPort) -> Asked:
        names = {vlan.id: name for name, vlan in self.inventory.network.vlans.items()}
        had = _carried(before) if isinstance(before, SwitchPort) else {}
        for field, number in _carried(after).items():
            name = names.get(number)
            rule = self.inventory.approvals.vlans.get(name) if name is not None and had.get(field) != number else None
            if rule and self._asks(rule, change):
                port = f"port {change.key} of {change.target.partition(':')[2]}"
                whose = self.owners.get(change.address) or self._device_at(change.address) or "nobody known"
                yield rule.roles, f"{port} ({whose}) gets the VLAN {name}"

    def _section(self, change: Change[State], before: State | None, after: InterfaceSection) -> Asked:
        """A port's archived section asks for the same approvals as the VLANs that are in it."""
        dialect = load(self.inventory.network.switches[change.target.partition(":")[2]].dialect)
        former = before.as_port(dialect, change.key) if isinstance(before, InterfaceSection) else None
        yield from self._vlans(change, former, after.as_port(dialect, change.key))

    def _device_at(self, port: Address) -> str | None:
        """The equipment whose outlet leads to a switch port."""
        for name, device in self.inventory.equipment.items():
            outlet = self.inventory.outlets[device.outlet]
            if (f"switch:{outlet.switch}", outlet.switch_port) == (port.target, port.key):
                return name
        return None

    def _licence(self, change: Change[State]) -> Asked:
        package = next((p for p in self.inventory.software.values() if p.display_name == change.key), None)
        rule = self.inventory.approvals.licences.get(package.licence) if package and package.licence else None
        if package and rule and self._asks(rule, change):
            pc = change.target.partition(":")[2]
            yield (
                rule.roles,
                f"{self._who(change)} takes a licence of {package.licence} ({package.display_name} on {pc})",
            )

    def _profile(self, change: Change[State]) -> Asked:
        person = self.owners.get(change.address)
        profile = self.inventory.people[person].profile if person in self.inventory.people else None
        roles = self.inventory.approvals.profiles.get(profile) if profile else None
        if roles and (change.before is None or {"ou", "enabled"} & set(change.differences())):
            yield roles, f"{person} gets the profile {profile}"

    def _asks(self, rule: Rule, change: Change[State]) -> bool:
        person = self.owners.get(change.address)
        return person not in self.inventory.people or (
            self.inventory.people[person].profile not in rule.except_profiles
        )

    def _who(self, change: Change[State]) -> str:
        return self.owners.get(change.address) or (change.key if change.target == "directory" else "nobody known")
