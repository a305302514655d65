"""Electronic mail: addresses, quota, and where mail is sent and read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import Credential, Endpoint, Form, Model, SecretReference, SitePath, Text
from provisioning.site.intranet import Url

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


MailDomain = Annotated[str, Form(rf"^{_DOMAIN}$", "a mail domain such as corp.example", 253)]
"""What stands behind the @ of addresses."""

Security = Literal["tls", "starttls"]
"""TLS from the first octet (RFC 8314), or begun by STARTTLS (RFC 2595, RFC 3207). Nothing else is published."""


class ClientServer(Model):
    """One server as mail programs are told of it."""

    server: Endpoint
    security: Security = "tls"


class MailClients(Model):
    """What mail programs on PCs are told: published on the intranet's web server, and set on the PCs.

    `domains` are the domains of people's addresses; for each of them, DNS must lead ``autoconfig.<domain>`` and
    ``autodiscover.<domain>`` to the intranet's web server.
    """

    domains: tuple[MailDomain, ...] = Field(min_length=1)
    incoming: ClientServer = Field(description="IMAP")
    outgoing: ClientServer = Field(description="message submission (RFC 6409)")
    user_name: Literal["address", "local part"] = Field(
        default="address", description="what people sign in with: the whole mail address, or what stands before its @"
    )
    authentication: Literal["password", "kerberos"] = "password"
    exchange: bool = Field(
        default=False, description="true where Outlook finds an Exchange server in the directory (ZeroConfigExchange)"
    )


class Sieve(Model):
    """Where people's Sieve scripts are kept: ManageSieve (RFC 5804), for forwarding and automatic replies.

    The `credential` may act for everybody (Dovecot: a master user); left out, `check_reader` is it. Mail to
    `check_sender`, also with ``+WORD`` before its @, is delivered to the mailbox of `check_mailbox`: automatic replies
    are proved there, or not at all.
    """

    server: Endpoint
    security: Security = "starttls"
    credential: Credential | None = None
    check_mailbox: Text | None = Field(
        default=None, description="login whose mailbox gets the replies to check_sender; left out: they are not proved"
    )


class MailAdministration(Model):
    """Dovecot's HTTP API (``service doveadm``, `doveadm_api_key`), over TLS: it ends the sessions of leavers."""

    server: Endpoint
    key: SecretReference


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
    clients: MailClients | None = Field(default=None, description="what mail programs on PCs are told")
    webmail: Url | None = Field(default=None, description="mail in the browser, for people's cards")
    sieve: Sieve | None = Field(default=None, description="where forwarding and automatic replies are set")
    administration: MailAdministration | None = Field(default=None, description="how sessions are ended")
