"""What the directory's kinds share: tables of text attributes, look-ups in batches, account flags,
outcomes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from provisioning.connections.distinguished_names import any_of, canonical
from provisioning.connections.ldap_operations import Entry
from provisioning.errors import ProvisioningError, RejectedError, TargetError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory.known_entries import Known, forget, known, remember

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Operation, Values

NORMAL_ACCOUNT = 0x200  # userAccountControl flags: MS-ADTS 2.2.16
WORKSTATION_ACCOUNT = 0x1000
DISABLED = 0x2
CHUNK = 50
"""Values in one OR filter. A server holds what its index finds against each of them, so the time grows with the square:
Samba takes 0.29 ms of its processor an account with 20 to 50 of them, 0.35 with 200 and 0.70 with 1,000."""

USERS = "(&(objectCategory=person)(objectClass=user){0})"
_WITH_LOGIN = f"(&{{0}}(userAccountControl:1.2.840.113556.1.4.803:={NORMAL_ACCOUNT}))"
"""As :data:`USERS`, of those with a login that is asked for: groups and computers do not have the flag (MS-ADTS 2.2.16;
the rule: 3.1.1.3.4.4.1). No server has an index for it, so it looks at the few that were found. For USERS, Samba also
fetches a list of all accounts with every question: a sixth of the time where there are 4,000."""
COMPUTERS = "(&(objectClass=computer){0})"
GROUPS = "(&(objectClass=group){0})"

DistinguishedName = Annotated[str, AfterValidator(canonical)]
"""A DN in one spelling, so that equal names are equal texts but for their case."""

# At most 20 characters and none that MS-SAMR 3.1.1.6 forbids in a sAMAccountName, none that would make the
# hand-over file leave its folder.
_LOGIN = re.compile(r"""[^\x00-\x20\x7f"/\\\[\]:;|=,+*?<>@]{1,20}""")


def refuse_login(target: str, login: str) -> RejectedError | None:
    """The refusal of a login or computer name that no account can have, or ``None``."""
    if _LOGIN.fullmatch(login) and not login.startswith(".") and not login.endswith("."):
        return None
    return RejectedError(target, f"{login!r} cannot be an account name; use letters, digits, dots and dashes")


def find(
    session: DirectorySession,
    keys: Iterable[str],
    attributes: Sequence[str],
    *,
    among: str = USERS,
    by: str = "sAMAccountName",
    ending: str = "",
) -> dict[str, Entry]:
    """The entries whose attribute `by` is one of `keys` (plus `ending`), by key; keys that do not exist are
    left out.

    One search for every 50 keys, several on their way at once. Case does not matter, as in the directory.
    """
    asked: dict[str, list[str]] = {}
    for key in keys:
        asked.setdefault((key + ending).casefold(), []).append(key)
    if (among, by) == (USERS, "sAMAccountName"):
        entries = _accounts(session, asked, attributes)
    else:
        entries = session.search_many(one_of(by, asked, among=among), [by, *attributes])
    found: dict[str, Entry] = {}
    for entry in entries:
        for value in entry.texts(by) or ([entry.dn] if by == "distinguishedName" else []):
            for key in asked.get(value.casefold(), ()):
                found[key] = entry
    return found


def _accounts(session: DirectorySession, logins: Collection[str], attributes: Sequence[str]) -> list[Entry]:
    """The accounts with these logins (casefolded), looked up unless they are known."""
    look = known(session, attributes)
    at_hand = [] if look is None else [look.entries[login] for login in logins if login in look.entries]
    left = logins if look is None else [login for login in logins if login not in look.logins]
    if not left:
        return at_hand
    conditions = one_of("sAMAccountName", left, among=_WITH_LOGIN)
    found = session.search_many(conditions, ["sAMAccountName", *attributes])
    by_login = {(entry.text("sAMAccountName") or "").casefold(): entry for entry in found}
    remember(session, Known(frozenset(left), frozenset(attributes), by_login))
    return at_hand + found


def one_of(attribute: str, values: Iterable[str], *, among: str = USERS) -> list[str]:
    """Filters for the entries whose `attribute` is one of `values`: one for every 50."""
    every = list(values)
    return [among.format(any_of(attribute, every[at : at + CHUNK])) for at in range(0, len(every), CHUNK)]


def logins_of(session: DirectorySession, dns: Iterable[str], *, among: str = USERS) -> dict[str, str]:
    """DN (casefolded) → sAMAccountName, for those that exist."""
    entries = find(session, sorted(set(dns)), ["sAMAccountName"], among=among, by="distinguishedName")
    return {dn.casefold(): login for dn, entry in entries.items() if (login := entry.text("sAMAccountName"))}


def read_texts(entry: Entry, table: Mapping[str, str]) -> dict[str, str | None]:
    """``{field: value}`` by a table ``{field: attribute}``."""
    return {field: entry.text(attribute) for field, attribute in table.items()}


def written_texts(state: State, table: Mapping[str, str], *, only: Iterable[str] | None = None) -> dict[str, Values]:
    """``{attribute: values}`` for the managed fields in `table` (no value: to be removed)."""
    fields = state.managed() if only is None else only
    return {
        table[name]: [value] if (value := getattr(state, name)) is not None else [] for name in fields if name in table
    }


def changed_fields(change: Change[State]) -> set[str]:
    """Names of the fields that differ between `before` and `after`."""
    return {name.partition("[")[0] for name in change.differences()}


def with_flag(control: int, *, enabled: bool) -> str:
    """A userAccountControl value with the account enabled or disabled."""
    return str(control & ~DISABLED if enabled else control | DISABLED)


def write(session: DirectorySession, operations: Iterable[Operation]) -> list[TargetError | None]:
    """See :meth:`~provisioning.connections.directory.DirectorySession.write`; what was read before is read anew."""
    forget(session)
    return session.write(list(operations) if isinstance(operations, Collection) else operations)


def apply_in_one(session: DirectorySession, wanted: Mapping[str, Operation]) -> dict[str, ProvisioningError]:
    """Send one operation a key, all together; gives the refusals by key."""
    refusals = write(session, wanted.values())
    return {key: error for key, error in zip(wanted, refusals, strict=True) if error is not None}


def outcomes(changes: Sequence[Change[State]], errors: Mapping[str, ProvisioningError]) -> list[Outcome]:
    """One outcome a change, in order."""
    return [Outcome(change.key, errors.get(change.key)) for change in changes]
