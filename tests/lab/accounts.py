"""Accounts for a test, written to the lab's directory by plain LDAP and removed afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from provisioning.connections.directory import Add, Delete, Modify
from provisioning.connections.pool import Pool
from provisioning.site import Inventory


@dataclass(frozen=True)
class Account:
    """What a test needs to know of an account that exists while it runs."""

    login: str
    dn: str
    password: str


@contextmanager
def account(
    pool: Pool, inventory: Inventory, login: str, attributes: Mapping[str, list[str]] | None = None
) -> Iterator[Account]:
    """A person of the first profile's unit, enabled unless `attributes` say otherwise, gone when the block
    ends."""
    ou = next(iter(inventory.profiles.values())).ou
    person = Account(login, f"CN={login},{ou}", secrets.token_urlsafe(12) + "aA1!")
    entry: dict[str, list[str | bytes]] = {
        "objectClass": ["user"],
        "sAMAccountName": [login],
        "userPrincipalName": [f"{login}@{inventory.directory.domain}"],
        "userAccountControl": ["512"],
        "unicodePwd": [f'"{person.password}"'.encode("utf-16-le")],
    }
    entry |= {name: list(values) for name, values in (attributes or {}).items()}
    with pool.session("directory") as directory:
        directory.write([Delete(person.dn)])
        assert directory.write([Add(person.dn, entry)]) == [None]
    try:
        yield person
    finally:
        with pool.session("directory") as directory:
            directory.write([Delete(person.dn)])


def change(pool: Pool, dn: str, operation: Modify) -> None:
    """Carry out one modification; it must succeed."""
    with pool.session("directory") as directory:
        assert directory.write([operation]) == [None], dn
