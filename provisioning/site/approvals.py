"""Who may approve what. A site without this section asks nobody, and protected VLANs stay out of reach."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from provisioning.site.base import Form, GroupName, Identifier, Model

User = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9_]([A-Za-z0-9_.@\\$-]{0,102}[A-Za-z0-9_$-])?$",
        "a user's name as `whoami` shows it on this machine, such as anna.petrova or CORP\\anna",
        104,
    ),
]
"""A user as the operating system knows them: the directory login, where machines are joined to the directory."""

OFF_PREMISES = "security"
"""The role that approves copying user data off the premises, unless the site names others."""


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Roles = Annotated[tuple[Identifier, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
"""One role, or a list of roles that must all approve."""


class Rule(Model):
    """Which roles must approve, and the job functions that have it without asking."""

    roles: Roles
    except_profiles: tuple[Identifier, ...] = Field(
        default=(), description="people with these profiles have it without asking"
    )


def _roles_alone(value: Any) -> Any:
    return {"roles": value} if isinstance(value, (str, list, tuple)) else value


RuleSetting = Annotated[Rule, BeforeValidator(_roles_alone)]
"""``role``, ``[role, role]``, or a rule's settings."""


class Approvals(Model):
    """Roles, their people, and what each of them must approve before it is done."""

    roles: dict[Identifier, tuple[User, ...]] = Field(
        default_factory=dict, description="role → the users who may speak for it"
    )
    groups: dict[GroupName, RuleSetting] = Field(
        default_factory=dict, description="privileged directory groups: who may let people in"
    )
    vlans: dict[Identifier, RuleSetting] = Field(
        default_factory=dict, description="VLANs, protected ones above all: who may give them to a desk"
    )
    licences: dict[Identifier, RuleSetting] = Field(
        default_factory=dict, description="licence pools: who may spend a seat"
    )
    profiles: dict[Identifier, Roles] = Field(
        default_factory=dict, description="job functions: who may give them to somebody"
    )
    copy_off_premises: Roles = Field(
        default=(OFF_PREMISES,), description="who may let user data be copied off the premises"
    )

    def who_may(self, roles: Iterable[str], *, but: str = "") -> Collection[str]:
        """The users who may speak for one of `roles`, sorted, without the user `but`."""
        users = {user for role in roles for user in self.roles.get(role, ())}
        return sorted(user for user in users if user.casefold() != but.casefold())

    def roles_of(self, user: str) -> frozenset[str]:
        """The roles that a user may speak for. Letter case does not matter, as in the directory."""
        folded = user.casefold()
        return frozenset(role for role, users in self.roles.items() if folded in {u.casefold() for u in users})
