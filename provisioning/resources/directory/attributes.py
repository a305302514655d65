"""What the directory's kinds share: tables of text attributes, look-ups in batches, account flags,
outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator

from provisioning.connections.directory import DirectorySession, Entry, Operation, Values
from provisioning.connections.distinguished_names import any_of, canonical
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.resources.base import Change, Outcome, State

NORMAL_ACCOUNT = 0x200  # userAccountControl flags: MS-ADTS 2.2.16
WORKSTATION_ACCOUNT = 0x1000
DISABLED = 0x2
CHUNK = 200  # values in one OR filter

USERS = "(&(objectCategory=person)(objectClass=user){0})"
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

    One search for every 200 keys. Case does not matter, as in the directory.
    """
    asked: dict[str, list[str]] = {}
    for key in keys:
        asked.setdefault((key + ending).casefold(), []).append(key)
    values, found = list(asked), dict[str, Entry]()
    for start in range(0, len(values), CHUNK):
        condition = among.format(any_of(by, values[start : start + CHUNK]))
        for entry in session.search(condition, [by, *attributes]):
            for value in entry.texts(by) or ([entry.dn] if by == "distinguishedName" else []):
                for key in asked.get(value.casefold(), ()):
                    found[key] = entry
    return found


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


def apply_in_one(session: DirectorySession, wanted: Mapping[str, Operation]) -> dict[str, ProvisioningError]:
    """Send one operation a key, all together; gives the refusals by key."""
    refusals = session.write(list(wanted.values()))
    return {key: error for key, error in zip(wanted, refusals, strict=True) if error is not None}


def outcomes(changes: Sequence[Change[State]], errors: Mapping[str, ProvisioningError]) -> list[Outcome]:
    """One outcome a change, in order."""
    return [Outcome(change.key, errors.get(change.key)) for change in changes]
