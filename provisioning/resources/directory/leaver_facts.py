"""What has to be looked up of somebody who leaves or comes back, beside the states of kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from provisioning.connections.distinguished_names import any_of
from provisioning.resources.directory import attributes as ad
from provisioning.resources.directory.accounts import Account, read_accounts

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession


def find_account(session: DirectorySession, name: str) -> list[Account]:
    """The accounts of people (no groups, no computers) that have `name` as employee number, or as login (letter case
    does not matter)."""
    found = [
        one
        for one in read_accounts(session, employee_ids=[name], logins=[name])
        if one.login and (one.employee_id == name or one.login.casefold() == name.casefold())
    ]
    people = ad.find(session, [one.login for one in found], [])
    return [one for one in found if one.login in people]


def managed_by(session: DirectorySession, dn: str) -> dict[str, str]:
    """Login → employee number (empty: none) of the enabled accounts whose manager is the account `dn`."""
    condition = ad.USERS.format(any_of("manager", [dn]))
    found = session.search(condition, ["sAMAccountName", "employeeID", "userAccountControl"])
    return {
        entry.text("sAMAccountName") or "": entry.text("employeeID") or ""
        for entry in found
        if not (entry.number("userAccountControl") or 0) & ad.DISABLED
    }


def missing_groups(session: DirectorySession, names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that are no groups (any more)."""
    wanted = list(names)
    found = ad.find(session, wanted, [], among=ad.GROUPS)
    return tuple(name for name in wanted if name not in found)
