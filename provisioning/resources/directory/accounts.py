"""Facts for naming: whose account is whose, and which logins, names and mail addresses are taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.connections.distinguished_names import canonical, filter_value
from provisioning.resources.directory.attributes import CHUNK

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Entry

_ATTRIBUTES = ["sAMAccountName", "employeeID", "name", "mail", "proxyAddresses", "userPrincipalName", "homeDirectory"]


@dataclass(frozen=True)
class Account:
    """One existing account or other named object. `dn` is in canonical spelling, `name` its CN; `addresses`
    are the mail addresses that it occupies (lower case), `principal` its user principal name, `home_folder` where its
    home folder is. Texts that it does not have are empty."""

    login: str
    employee_id: str
    dn: str
    name: str
    addresses: tuple[str, ...] = ()
    principal: str = ""
    home_folder: str = ""


def read_accounts(
    session: DirectorySession,
    *,
    employee_ids: Iterable[str] = (),
    logins: Iterable[str] = (),
    names: Iterable[str] = (),
    addresses: Iterable[str] = (),
) -> list[Account]:
    """Every account that carries one of `employee_ids`, and everything that occupies one of `logins` (also as
    the first part of its UPN), of `names` (as CN) or of `addresses` (mail), ordered by DN. One search for
    every 50 values."""
    domain = session.directory.domain
    wanted = [("employeeID", value) for value in employee_ids] + [("name", value) for value in names]
    for login in logins:
        wanted += [("sAMAccountName", login), ("userPrincipalName", f"{login}@{domain}")]
    for address in addresses:
        wanted += [("mail", address), ("proxyAddresses", f"smtp:{address}")]
    each = [f"({attribute}={filter_value(value)})" for attribute, value in wanted]
    conditions = [f"(|{''.join(each[start : start + CHUNK])})" for start in range(0, len(each), CHUNK)]
    found = {entry.dn: entry for entry in session.search_many(conditions, _ATTRIBUTES)}
    return [_account(found[dn]) for dn in sorted(found)]


def _account(entry: Entry) -> Account:
    mail = entry.text("mail")
    proxies = [text.partition(":")[2] for text in entry.texts("proxyAddresses") if text.lower().startswith("smtp:")]
    addresses = {address.lower() for address in (*proxies, *([mail] if mail else []))}
    return Account(
        entry.text("sAMAccountName") or "",
        entry.text("employeeID") or "",
        canonical(entry.dn),
        entry.text("name") or "",
        tuple(sorted(addresses)),
        entry.text("userPrincipalName") or "",
        entry.text("homeDirectory") or "",
    )
