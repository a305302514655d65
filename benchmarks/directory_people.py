"""Made-up accounts for the directory's benchmarks: the same attributes and the same groups for every contestant.

They are what a person's account gets from us (:mod:`provisioning.procedures.onboard`) as far as it is in the directory
and no mailbox: sixteen attributes, a manager among them, and three groups.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product
from typing import Any

from provisioning.connections.distinguished_names import relative_name

READ = (
    "sAMAccountName", "userPrincipalName", "givenName", "sn", "displayName", "employeeID", "department", "title",
    "telephoneNumber", "physicalDeliveryOfficeName", "company", "manager", "userAccountControl", "memberOf",
)  # fmt: skip
"""The attributes that are compared afterwards, and that the floor of reading reads."""

TEAM = 50
"""People with the same manager."""

_GIVEN = ("Zoé", "Jörg", "Łukasz", "Анна", "Дмитрий", "José", "Ünal", "Jean-Luc", "Hannah", "William", "Åsa", "Thu")
_FAMILY = ("Lefèvre", "Müller", "O'Brien", "Wiśniewski", "Соколова", "García", "Yılmaz", "Hart", "Nguyễn", "Öberg")


@dataclass(frozen=True)
class Post:
    """Where people are put: the DN of a unit, and their groups: name → DN."""

    department: str
    title: str
    ou: str
    groups: Mapping[str, str]


@dataclass(frozen=True)
class MadeUp:
    """One account. `manager` is the manager's DN, `manager_login` the login."""

    number: str
    given: str
    family: str
    post: Post
    manager: str
    manager_login: str
    domain: str
    company: str

    @property
    def login(self) -> str:
        """sAMAccountName."""
        return self.number.lower()

    @property
    def shown(self) -> str:
        """displayName."""
        return f"{self.given} {self.family}"

    @property
    def name(self) -> str:
        """CN: many are called alike."""
        return f"{self.shown} ({self.number})"

    @property
    def dn(self) -> str:
        """Where it is."""
        return f"{relative_name('CN', self.name)},{self.post.ou}"

    def texts(self) -> dict[str, str]:
        """The attributes that are texts and stay as they were written."""
        return {
            "sAMAccountName": self.login,
            "userPrincipalName": f"{self.login}@{self.domain}",
            "givenName": self.given,
            "sn": self.family,
            "displayName": self.shown,
            "employeeID": self.number,
            "department": self.post.department,
            "title": self.post.title,
            "telephoneNumber": f"+49 30 5550 {self.number[1:]}",
            "physicalDeliveryOfficeName": f"B-{self.number[-3:]}",
            "company": self.company,
            "manager": self.manager,
            "userAccountControl": "512",
        }

    def to_add(self) -> dict[str, str | bytes]:
        """All that is sent to create it, with a password (MS-ADTS 3.1.1.3.1.5.1) that must be changed."""
        password = f'"Xk4-{self.number}-qP7"'.encode("utf-16-le")
        return {"objectClass": "user", **self.texts(), "pwdLastSet": "0", "unicodePwd": password}

    def expected(self) -> dict[str, list[str]]:
        """How it reads once it is there and in its groups."""
        return {name: [value] for name, value in self.texts().items()} | {"memberOf": sorted(self.post.groups.values())}


def made_up(number: int, posts: Sequence[Post], head: tuple[str, str], domain: str, company: str) -> list[MadeUp]:
    """So many people, spread over the posts. The first of each team is the manager of the others and has `head` (DN and
    login), who is there already, as manager."""
    found: list[MadeUp] = []
    names = islice(cycle(product(_GIVEN, _FAMILY)), number)
    for index, ((given, family), post) in enumerate(zip(names, cycle(posts), strict=False)):
        first = found[index - index % TEAM] if index % TEAM else None
        manager = head if first is None else (first.dn, first.login)
        found.append(MadeUp(f"N{index + 1:05}", given, family, post, *manager, domain, company))
    return found


def members(people: Iterable[MadeUp]) -> dict[str, list[str]]:
    """DN of a group → the DNs of those who belong to it."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in people:
        for group in one.post.groups.values():
            found[group].append(one.dn)
    return dict(found)


def ldif(people: Sequence[MadeUp]) -> str:
    """RFC 2849: the accounts, then one change a group. Every value is in base64, so that none can end a line."""
    lines: list[str] = []
    for one in people:
        lines += [f"dn:: {encoded(one.dn)}", "changetype: add"]
        lines += [*(f"{name}:: {encoded(value)}" for name, value in one.to_add().items()), ""]
    for group, dns in members(people).items():
        lines += [f"dn:: {encoded(group)}", "changetype: modify", "add: member"]
        lines += [*(f"member:: {encoded(dn)}" for dn in dns), ""]
    return "\n".join(lines)


def entries_of(text: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """DN and attributes of each entry that ``ldapsearch -LLL -o ldif-wrap=no`` printed, values sorted."""
    for block in text.split("\n\n"):
        found: dict[str, list[str]] = defaultdict(list)
        for line in block.splitlines():
            name, colons, value = line.partition(":")
            if colons and not name.startswith("#"):
                found[name].append(
                    base64.b64decode(value[1:]).decode() if value.startswith(":") else value.removeprefix(" ")
                )
        if "dn" in found:
            (dn,) = found.pop("dn")
            yield dn, {name: sorted(values) for name, values in found.items()}


def encoded(value: str | bytes) -> str:
    """Base64."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def plain(people: Sequence[MadeUp]) -> list[dict[str, Any]]:
    """What our own contestant is told of them: states as Ansible's modules, or a program, would say them."""
    return [
        {
            "login": one.login,
            "user": {
                "ou": one.post.ou,
                "name": one.name,
                "user_principal_name": f"{one.login}@{one.domain}",
                "given_name": one.given,
                "family_name": one.family,
                "display_name": one.shown,
                "employee_id": one.number,
                "department": one.post.department,
                "title": one.post.title,
                "telephone": one.texts()["telephoneNumber"],
                "office": one.texts()["physicalDeliveryOfficeName"],
                "company": one.company,
                "manager": one.manager_login,
                "enabled": True,
            },
            "groups": dict.fromkeys(one.post.groups, True),
        }
        for one in people
    ]
