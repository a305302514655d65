"""A new login for an account that exists: the kind, the password that waits, the home folder that stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioning.connections.directory import DirectorySession, Entry, Modify
from provisioning.procedures.base import Accounts
from provisioning.procedures.identity import identify
from provisioning.resources.base import Address, Change
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.login import LOGIN, Login
from provisioning.secrets.waiting import Waiting
from provisioning.site.directory import PasswordPolicy
from provisioning.site.handover import Handover
from provisioning.site.load import load
from tests.conftest import EXAMPLE

BEFORE = Login(login="anna.petrova", user_principal_name="anna.petrova@corp.example")
AFTER = Login(login="anna.sokolova", user_principal_name="anna.sokolova@corp.example")
HOMES = r"\\dc1.corp.example\homes$"


class MadeUp:
    """A directory: its accounts as (DN, login, number), and what was written there."""

    def __init__(self, folder: Path, *accounts: tuple[str, str, str]) -> None:
        self.accounts, self.written = accounts, list[Modify]()
        self.secrets = SimpleNamespace(waiting=Waiting(Handover(folder=folder)))

    def search_many(self, conditions: list[str], _: object) -> list[Entry]:
        return [
            Entry(dn, {"samaccountname": (login.encode(),), "employeeid": (number.encode(),)})
            for dn, login, number in self.accounts
            if any(f"={number})" in condition for condition in conditions)
        ]

    def write(self, operations: list[Modify]) -> list[None]:
        self.written += operations
        return [None] * len(operations)


def outcome(directory: MadeUp, after: Login = AFTER) -> str | None:
    change = Change(Address("directory.login", "directory", "E1042"), BEFORE, after)
    (result,) = LOGIN.apply(cast(DirectorySession, directory), [change])
    return None if result.error is None else str(result.error)


def test_both_names_change_together_and_the_password_that_waits_follows(tmp_path: Path) -> None:
    directory = MadeUp(tmp_path, ("CN=Anna", "anna.petrova", "E1042"), ("CN=Bo", "bo", "E1043"))
    waiting: Waiting = directory.secrets.waiting
    password = waiting.issue("anna.petrova", PasswordPolicy())
    assert LOGIN.read(cast(DirectorySession, directory), ["E1042", "E9"])["E9"] == Login(
        login=None, user_principal_name=None
    )
    assert outcome(directory) is None
    wanted = {"sAMAccountName": ["anna.sokolova"], "userPrincipalName": ["anna.sokolova@corp.example"]}
    assert directory.written == [Modify("CN=Anna", wanted)]
    assert waiting.logins() == ["anna.sokolova"]
    assert waiting.read("anna.sokolova") == password
    waiting.rename("anna.petrova", "anna.sokolova")  # killed in between: done twice is done once
    assert waiting.read("anna.sokolova") == password


@pytest.mark.parametrize(
    ("accounts", "after", "sentence"),
    [
        ((), AFTER, "one account with the employeeID E1042 was expected, found: none"),
        ((("CN=A", "a", "E1042"), ("CN=B", "adm-a", "E1042")), AFTER, "found: a, adm-a; leave the number to one"),
        ((("CN=A", "a", "E1042"),), Login(login="a" * 21, user_principal_name="a@b"), "cannot be an account name"),
        ((("CN=A", "a", "E1042"),), Login(login=None, user_principal_name=None), "cannot be without a login"),
    ],
)
def test_what_is_refused_is_not_written(
    tmp_path: Path, accounts: tuple[tuple[str, str, str], ...], after: Login, sentence: str
) -> None:
    directory = MadeUp(tmp_path, *accounts)
    assert sentence in str(outcome(directory, after))
    assert directory.written == []


@pytest.mark.parametrize(
    ("folder", "reserved", "kept"),
    [
        (rf"{HOMES}\anna.petrova", {"anna.petrova": "E1042"}, True),
        (rf"{HOMES}\anna.petrova", {}, False),
        (rf"{HOMES}\hannah.brandt", {"hannah.brandt": "E1001"}, False),
        (rf"{HOMES}\..", {}, False),
        ("", {}, False),
    ],
)
def test_only_a_folder_of_ones_own_former_login_is_kept(folder: str, reserved: dict[str, str], kept: bool) -> None:
    """Else a wrong attribute would hand somebody's files to somebody else."""
    inventory: Any = load(EXAMPLE)
    account = Account("anna.sokolova", "E1042", "CN=x", "Анна Петрова", (), "", folder)
    identity = identify(inventory, ("E1042",), Accounts((account,), reserved=reserved))["E1042"]
    assert (identity.home_folder == folder and folder != "") is kept
    own = replace(account, home_folder=rf"{HOMES}\anna.sokolova")
    assert identify(inventory, ("E1042",), Accounts((own,)))["E1042"].home_folder == own.home_folder
