"""Judging accounts: who may sign in and is nobody, who left and still may, who should have an account and has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from provisioning.procedures.audit import Finding, has_left, matches
from provisioning.procedures.lines import Weight
from provisioning.resources.base import Address
from provisioning.resources.directory.survey import Surveyed
from provisioning.site import Inventory

__all__ = ["LEAVER", "judge_accounts", "judge_people"]

LEAVER = "leaver can sign in"
"""What is found of an account that is to be disabled."""


def judge_accounts(
    inventory: Inventory, found: Sequence[Surveyed], today: date, offboarded: Collection[str] = ()
) -> Iterator[Finding]:
    """Enabled accounts that carry no personnel number or one that nobody has, or whose people have left; and numbers
    that several enabled accounts carry. Whoever was `offboarded` is gone on
    the last day already. What the site lists as known (``directory: audit: ignore``) is left out."""
    carried: dict[str, list[Surveyed]] = defaultdict(list)
    for account in sorted(found, key=lambda one: one.login.casefold()):
        if not account.enabled or matches(account.login, inventory.directory.audit.ignore):
            continue
        if not account.number:
            yield _finding(
                account, "account without number", "warning",
                f"the account {account.named} is enabled and carries no personnel number: it is nobody's",
                expected="a personnel number (employeeID)", found="none",
                repair="write the number on it, disable it, or list its login in directory: audit: ignore",
            )  # fmt: skip
            continue
        carried[account.number].append(account)
        if account.number not in inventory.people:
            yield _finding(
                account, "account without person", "fault",
                f"the account {account.named} is enabled, but the site has nobody with its number {account.number}",
                expected="a person of the site", found=account.number,
                repair=f"`provision offboard {account.login}`; or write {account.number} into the site's people",
            )  # fmt: skip
        elif account.number in offboarded or has_left(inventory, account.number, today):
            left = inventory.people[account.number].left
            finding = _finding(
                account, LEAVER, "fault",
                f"{account.number} has left on {left}, and the account {account.named} is enabled",
                expected="disabled", found="enabled", repair=f"provision audit {account.number} --repair",
            )  # fmt: skip
            address = Address("directory.user", "directory", account.login)
            yield replace(finding, address=address, person=account.number)
    yield from _several(carried)


def _several(carried: Mapping[str, Sequence[Surveyed]]) -> Iterator[Finding]:
    for number, accounts in sorted(carried.items()):
        if len(accounts) > 1:
            logins = ", ".join(account.login for account in accounts)
            yield _finding(
                accounts[0], "number carried twice", "warning",
                f"the enabled accounts {logins} carry the same personnel number {number}",
                expected="one account", found=logins, repair=f"take {number} from those that are not the person's own",
            )  # fmt: skip


def judge_people(
    inventory: Inventory, people: Iterable[str], logins: Mapping[str, str], waiting: Mapping[str, str], today: date
) -> Iterator[Finding]:
    """People who should have an account and have none. `logins`: person → login; `waiting`: person → what is asked for
    already, in words."""
    for key in people:
        person = inventory.people[key]
        if key in logins or person.left is not None:
            continue
        name, severity, why = f"{person.given_name} {person.family_name}", "warning", ""
        if key in waiting:
            severity, why = "remark", f"; {waiting[key]}"
        elif person.start is not None and person.start > today:
            severity, why = "remark", f"; the first day is {person.start}"
        elif person.workplace is None:
            severity, why = "remark", ", and no workplace either"
        chosen: Weight = "warning" if severity == "warning" else "remark"
        yield Finding(
            "directory", "person without account", key, chosen, f"{key} ({name}) has no account{why}",
            "an account", "none", f"provision onboard {key}", about=frozenset({key, person.workplace or key}),
            person=key,
        )  # fmt: skip


def _finding(
    account: Surveyed, sort: str, severity: Weight, sentence: str, *, expected: str, found: str, repair: str
) -> Finding:
    about = frozenset({account.login, account.number or account.login})
    return Finding("directory", sort, account.login, severity, sentence, expected, found, repair, about=about)
