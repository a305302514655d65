"""The directory (Active Directory or Samba AD): how it is reached and how accounts are named."""

from __future__ import annotations

import string
from typing import Annotated

from pydantic import Field, model_validator

from provisioning.site.audit import AccountAudit
from provisioning.site.base import Credential, Endpoint, Form, Model, SitePath, Text

_RDN = r"(?i:cn|ou|dc)=([^,\\+\"<>;=\x00-\x1f\s#]|\\[^\x00-\x1f])([^,\\+\"<>;=\x00-\x1f]|\\[^\x00-\x1f])*"

_FEWEST = 5  # characters that a class must keep, or passwords become easy to guess

DistinguishedName = Annotated[
    str, Form(rf"^{_RDN}(,{_RDN})*$", "a distinguished name such as OU=Staff,DC=corp,DC=example", 1000)
]
"""RFC 4514 text form, for example ``OU=Staff,DC=corp,DC=example``."""

LoginPattern = Annotated[
    str,
    Form(
        r"^([a-z0-9]|\{(given|family|g|f)\})([a-z0-9._-]|\{(given|family|g|f)\})*$",
        "lower-case letters, digits, . _ - and {given}, {family}, {g}, {f}",
    ),
]
"""How one login name is put together."""


class PasswordPolicy(Model):
    """How initial passwords are made: small letters, capitals, digits and `symbols` (where there are any) are always
    present, the characters of `without` never.
    """

    length: int = Field(default=16, ge=12, le=64, description="characters")
    groups_of: int = Field(
        default=4, ge=0, le=16, description="characters between dashes, for reading aloud; 0: no dashes"
    )
    symbols: Annotated[str, Form(r"^[!-/:-@\[-`{-~]{0,32}$", "ASCII punctuation marks", 32)] = Field(
        default="!#+=?@", description="marks that are easy to find on every keyboard; empty: none"
    )
    without: Annotated[str, Form(r"^[!-~]{0,32}$", "ASCII characters, no spaces", 32)] = Field(
        default="0O1lI", description="look-alikes that are left out"
    )

    @model_validator(mode="after")
    def _enough(self) -> PasswordPolicy:
        if min(len(group) for group in self.classes[:3]) < _FEWEST:
            raise ValueError(f"`without` leaves fewer than {_FEWEST} characters of a class; shorten it")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """The characters of each class: small letters, capitals, digits, and symbols where there are any."""
        alphabets = (string.ascii_lowercase, string.ascii_uppercase, string.digits, self.symbols)
        left = ["".join(dict.fromkeys(c for c in alphabet if c not in self.without)) for alphabet in alphabets]
        return tuple(left if left[3] else left[:3])


class LoginPolicy(Model):
    """How a login name (sAMAccountName) is made from a person's transliterated names.

    `patterns` are tried in turn until one is free; ``{given}``, ``{family}`` and their first letters ``{g}``,
    ``{f}`` may be used. After the last pattern, it is tried again with 2, 3, 4 … behind it.
    """

    patterns: tuple[LoginPattern, ...] = Field(default=("{given}.{family}", "{g}.{family}"), min_length=1)
    max_length: int = Field(default=20, ge=3, le=20, description="characters; AD's limit for sAMAccountName is 20")


class Directory(Model):
    """One AD domain, reached over LDAPS."""

    server: Endpoint
    base_dn: DistinguishedName
    domain: Annotated[
        str,
        Form(r"^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$", "a DNS domain in lower case such as corp.example"),
    ]
    netbios_domain: Annotated[str, Form(r"^[A-Z0-9][A-Z0-9-]{0,14}$", "1 to 15 capital letters, digits or dashes")]
    credential: Credential
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )
    verify: bool = Field(default=True, description="false turns certificate verification off; every plan then says so")
    computers_ou: DistinguishedName
    company: Text | None = None
    logins: LoginPolicy = LoginPolicy.model_construct()
    passwords: PasswordPolicy = PasswordPolicy.model_construct()
    audit: AccountAudit = AccountAudit.model_construct()
