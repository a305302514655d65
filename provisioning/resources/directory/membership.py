"""Memberships: which groups a user belongs to. Only the groups that a state names are ever touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Self, cast

from pydantic import Field

from provisioning.connections.ldap_operations import Modify
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory import attributes as ad
from provisioning.resources.directory.known_entries import PartOfAccount

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Entry

MEMBERS_AT_ONCE = 1000  # values in one modify

Groups = dict[str, Literal[True] | None]


class Memberships(State):
    """`groups`: group (sAMAccountName) → ``True`` (is a member) or ``None`` (is not)."""

    groups: Groups = Field(default_factory=dict)

    def view_of(self, actual: Self) -> Self:
        """As the base says, but group names are found without regard to case, as the directory does."""
        if "groups" not in self.managed():
            return super().view_of(actual)
        found = {name.casefold() for name, there in actual.groups.items() if there}
        groups: Groups = {name: True if name.casefold() in found else None for name in self.groups}
        return actual.model_copy(update={"groups": groups})


@dataclass
class _Roster:
    """What one group gains and loses: login → DN."""

    group: str
    add: dict[str, str] = field(default_factory=dict)
    remove: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MembershipKind(PartOfAccount):
    """``directory.membership``; the key is the login. Never absent: who has no account is a member of
    nothing."""

    attributes: ClassVar[tuple[str, ...]] = ("memberOf",)
    name: str = "directory.membership"
    state: type[Memberships] = Memberships

    def read(self, session: DirectorySession, keys: Sequence[str]) -> dict[str, Memberships]:
        """All groups of each user (but the primary group, which AD keeps elsewhere): two searches a batch."""
        users = ad.find(session, keys, self.attributes)
        names = ad.logins_of(session, {dn for user in users.values() for dn in user.texts("memberOf")}, among=ad.GROUPS)
        found: dict[str, Memberships] = {}
        for key in keys:
            dns = users[key].texts("memberOf") if key in users else []
            groups: Groups = {names[dn.casefold()]: True for dn in sorted(dns) if dn.casefold() in names}
            found[key] = Memberships(groups=groups)
        return found

    def apply(self, session: DirectorySession, changes: Sequence[Change[Memberships]]) -> list[Outcome]:
        """One modify a group for all its users of the batch; where that is refused, one a user, to spare the
        others."""
        users = ad.find(session, [change.key for change in changes], [])
        errors: dict[str, ProvisioningError] = {}
        rosters = _rosters(changes, users, errors)
        groups = ad.find(session, rosters, [], among=ad.GROUPS)
        for name, roster in rosters.items():
            if name not in groups:
                for login in (*roster.add, *roster.remove):
                    target = next(change.target for change in changes if change.key == login)
                    errors[login] = RejectedError(target, f"there is no group {name}; create it or correct the profile")
        present = [roster for name, roster in rosters.items() if name in groups]
        batches = [part for roster in present for part in _parts(roster, MEMBERS_AT_ONCE)]
        refused = ad.write(session, [_modify(groups[part.group], part) for part in batches])
        again = [one for part, error in zip(batches, refused, strict=True) if error for one in _parts(part, 1)]
        refused = ad.write(session, [_modify(groups[one.group], one) for one in again])
        for one, error in zip(again, refused, strict=True):
            if error:
                errors |= dict.fromkeys((*one.add, *one.remove), error)
        return ad.outcomes(cast("Sequence[Change[State]]", changes), errors)


def _rosters(
    changes: Sequence[Change[Memberships]], users: dict[str, Entry], errors: dict[str, ProvisioningError]
) -> dict[str, _Roster]:
    rosters: dict[str, _Roster] = {}
    for change in changes:
        wanted = change.after.groups if change.after else {}
        before = change.before.groups if change.before else {}
        changed = {name: member for name, member in wanted.items() if before.get(name) != member}
        if change.key not in users:
            if any(changed.values()):
                errors[change.key] = RejectedError(change.target, f"{change.key} has no account; create it first")
            continue
        for name, member in changed.items():
            roster = rosters.setdefault(name, _Roster(name))
            (roster.add if member else roster.remove)[change.key] = users[change.key].dn
    return rosters


def _parts(roster: _Roster, size: int) -> list[_Roster]:
    parts = []
    for sign in ("add", "remove"):
        entries = list(getattr(roster, sign).items())
        for start in range(0, len(entries), size):
            part = _Roster(roster.group)
            getattr(part, sign).update(entries[start : start + size])
            parts.append(part)
    return parts


def _modify(group: Entry, roster: _Roster) -> Modify:
    add = {"member": list(roster.add.values())} if roster.add else {}
    remove = {"member": list(roster.remove.values())} if roster.remove else {}
    return Modify(group.dn, add=add, remove=remove)


MEMBERSHIP = MembershipKind()
