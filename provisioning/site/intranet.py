"""The intranet: its pages, the group that it admits, and how a check acts for a person."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import Field

from provisioning.site.base import (
    Credential,
    Endpoint,
    FileReference,
    Form,
    GroupName,
    Identifier,
    Model,
    SitePath,
    Text,
)

Url = Annotated[
    str,
    Form(
        r"^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?$",
        "an address such as https://intranet.corp.example/sales",
        500,
    ),
]

ServerPath = Annotated[
    str, Form(r"^/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", "an absolute path of letters, digits and . _ - /")
]
"""A path on a Unix server."""

HostPattern = Annotated[
    str, Form(r"^(\*\.?)?[A-Za-z0-9][A-Za-z0-9.-]*$", "a host name or a pattern such as *.corp.example")
]


class AccessCheck(Model):
    """How proofs open a page as somebody else without knowing that person's password: Kerberos constrained
    delegation (MS-SFU S4U2Self, S4U2Proxy) by a service account that may delegate to the intranet's web
    service only.
    """

    kdc: Endpoint
    principal: Text = Field(description="service account, for example svc-check")
    keytab: FileReference = Field(description="its keytab: a file reference")
    outsider: Text = Field(description="login of an account that the intranet must refuse")


class Bookmark(Model):
    """One managed bookmark."""

    name: Text
    url: Url


class WebFiles(Model):
    """Where documents are put on the web server, by SFTP. `known_hosts` (OpenSSH format) has its key by `ssh.host`."""

    ssh: Endpoint
    credential: Credential
    known_hosts: SitePath
    root: ServerPath = Field(description="folder on the server that its address / shows")


class Intranet(Model):
    """The intranet web server."""

    url: Url
    address: IPv4Address | None = Field(default=None, description="connect here instead of asking DNS")
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )
    group: GroupName = Field(description="directory group that is let in")
    pages: dict[Identifier, Bookmark] = Field(default_factory=dict, description="pages that profiles may name")
    check: AccessCheck
    files: WebFiles | None = Field(
        default=None, description="how documents are published there (mail settings for clients)"
    )


class Browser(Model):
    """What every managed browser of the site gets, whatever the profile."""

    proxy_pac: Url | None = None
    sign_in_hosts: tuple[HostPattern, ...] = Field(
        default=(), description="host patterns that get Kerberos sign-in (AuthServerAllowlist)"
    )
    delegate_hosts: tuple[HostPattern, ...] = Field(
        default=(), description="those of them that may act for the person elsewhere (AuthNegotiateDelegateAllowlist)"
    )
    intranet_zone: tuple[HostPattern, ...] = Field(
        default=(), description="hosts that Windows puts into its zone Local intranet"
    )
