"""People, and the job profiles that say what a function gets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from provisioning.site.base import Form, GroupName, Identifier, IsoDate, Model, Text
from provisioning.site.directory import DistinguishedName
from provisioning.site.files import DiskSpace
from provisioning.site.help_desk import Language

Phone = Annotated[
    str, Form(r"^\+?[0-9(][0-9 ()/.-]{0,30}[0-9]$", "a telephone number such as +49 30 5550 1042 or 1042")
]
"""A telephone number, for people to read."""

Login = Annotated[
    str,
    Form(
        r"^[a-z0-9]([a-z0-9._-]{0,18}[a-z0-9_-])?$",
        "up to 20 lower-case letters, digits and . _ -, not ending in a dot",
    ),
]
"""A login name (sAMAccountName; MS-ADTS 3.1.1.6: 20 characters for users)."""


class Profile(Model):
    """A job function: everything that follows from it."""

    title: Text
    ou: DistinguishedName
    groups: tuple[GroupName, ...] = ()
    software: tuple[Identifier, ...] = Field(default=(), description="packages that everybody in this function gets")
    optional_software: tuple[Identifier, ...] = Field(
        default=(), description="packages that may be asked for beside them"
    )
    vlan: Identifier
    pages: tuple[Identifier, ...] = Field(
        default=(), description="intranet pages: the first is the home page, all open at start"
    )
    shares: tuple[Identifier, ...] = Field(default=(), description="shares of departments (files: shares)")
    home_quota: DiskSpace | None = Field(
        default=None, description="how much each of them may store beside their homes, such as 50 GiB (files: homes)"
    )
    phone_class: Identifier | None = Field(default=None, description="class of telephone (phones: classes)")


class Person(Model):
    """One person as the personnel office writes them."""

    given_name: Text
    family_name: Text
    profile: Identifier
    department: Text
    title: Text | None = Field(default=None, description="shown instead of the profile's title")
    manager: Identifier | None = None
    workplace: Identifier | None = None
    phone: Phone | None = None
    start: IsoDate | None = None
    login: Login | None = Field(default=None, description="fixed login name; made by the login policy when left out")
    language: Language | None = Field(default=None, description="of the person's card; the site's when left out")
    left: IsoDate | None = Field(default=None, description="last day; written by `provision offboard`")
