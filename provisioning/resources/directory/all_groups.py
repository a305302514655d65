"""All memberships of a user at once, also in groups that nobody manages here: for whoever leaves or comes back.

The primary group is not among them: AD keeps it elsewhere (``primaryGroupID``, MS-ADTS 3.1.1.1.11), and an account
always has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator

from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory.known_entries import PartOfAccount
from provisioning.resources.directory.membership import MEMBERSHIP, Groups, Memberships

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession


def _sorted(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names, key=str.casefold))


class AllGroups(State):
    """`groups`: the names (sAMAccountName) of all groups of a user but the primary one."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"groups"})

    groups: Annotated[tuple[str, ...], AfterValidator(_sorted)] = ()


@dataclass(frozen=True)
class AllGroupsKind(PartOfAccount):
    """``directory.all_groups``; target ``directory``; the key is the login. Never absent: who has no account is a
    member of nothing."""

    attributes: ClassVar[tuple[str, ...]] = MEMBERSHIP.attributes
    name: str = "directory.all_groups"
    state: type[AllGroups] = AllGroups

    def read(self, session: DirectorySession, keys: Sequence[str]) -> dict[str, AllGroups]:
        """Two searches a batch."""
        found = MEMBERSHIP.read(session, keys)
        return {key: AllGroups(groups=tuple(one.groups)) for key, one in found.items()}

    def apply(self, session: DirectorySession, changes: Sequence[Change[AllGroups]]) -> list[Outcome]:
        """Only what differs is written, one modify a group."""
        return MEMBERSHIP.apply(session, [entry_by_entry(change) for change in changes])


def entry_by_entry(change: Change[AllGroups]) -> Change[Memberships]:
    """The same change as memberships, group by group."""
    before, after = _names(change.before), _names(change.after)
    wanted: Groups = dict.fromkeys(after.values(), True)
    wanted |= {name: None for folded, name in before.items() if folded not in after}
    had: Groups = dict.fromkeys(before.values(), True)
    had |= {name: True for folded, name in after.items() if folded in before}
    return Change(change.address, Memberships(groups=had), Memberships(groups=wanted), change.requires)


def _names(state: AllGroups | None) -> dict[str, str]:
    groups: Iterable[str] = () if state is None else state.groups
    return {name.casefold(): name for name in groups}


ALL_GROUPS = AllGroupsKind()
