"""Electronic mail: addresses, quota, and where mail is sent and read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from provisioning.site.base import Credential, Endpoint, Form, Model, SitePath

_DOMAIN = r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+"

AddressPattern = Annotated[
    str,
    Form(
        r"^([a-z0-9]|\{(given|family|g|f|login)\})([a-z0-9._+-]|\{(given|family|g|f|login)\})*@" + _DOMAIN + "$",
        "an address pattern such as {given}.{family}@corp.example, "
        "of {given}, {family}, {g}, {f}, {login} and lower case",
    ),
]
"""How one mail address is put together."""

MailAddress = Annotated[
    str, Form(r"^[A-Za-z0-9][A-Za-z0-9._+-]*@" + _DOMAIN + "$", "a mail address such as check@corp.example")
]
"""A mail address of the usual kind (no quoted local part, no literal IP)."""


class Mail(Model):
    """The mail system. Mailboxes are looked up in the directory by `mail` and `proxyAddresses`.

    `addresses` are patterns like the login policy's (``{given}``, ``{family}``, ``{g}``, ``{f}``,
    ``{login}``); the first one gives the primary address, the rest are aliases.
    """

    smtp: Endpoint
    imap: Endpoint
    addresses: tuple[AddressPattern, ...] = Field(min_length=1)
    quota: int = Field(default=2048, ge=1, description="MiB a mailbox")
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )
    check_sender: MailAddress = Field(description="envelope sender of the messages that proofs send")
    check_reader: Credential = Field(
        description="account that may read every mailbox (Dovecot master user), for proofs"
    )
