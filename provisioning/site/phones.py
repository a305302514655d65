"""Telephones: extensions, the SIP exchange that they register with, and the files that desk phones configure themselves
from."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import Credential, Endpoint, Form, Identifier, Model, SecretReference, SitePath, Text
from provisioning.site.intranet import ServerPath
from provisioning.site.ledger import LedgerServer

Extension = Annotated[str, Form(r"^[0-9]{2,10}$", "an extension: 2 to 10 digits such as 1042")]
"""An internal number. It is a text: ``0100`` and ``100`` are two extensions."""

NumberTemplate = Annotated[
    str,
    Form(
        r"^\+?[0-9(]?[0-9 ()/.-]{0,30}\{extension\}$",
        "a telephone number that ends with {extension}, such as +49 30 5550 {extension}",
    ),
]
"""How the number that others dial is made of an extension."""

SipDomain = Annotated[
    str, Form(r"^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*$", "a DNS name in lower case such as corp.example", 64)
]
"""What stands behind the @ of SIP addresses; also the realm of the digests (64: Kamailio's column)."""

SettingName = Annotated[
    str,
    Form(r"^[A-Za-z][A-Za-z0-9_.%-]*$", "the name of a setting as the phone's maker writes it", 120),
]
"""``account.1.label`` (Yealink), ``P270`` (Grandstream), ``Dial_Plan_1_`` (Cisco SPA), ``context`` (Asterisk)."""

Transport = Literal["udp", "tcp", "tls"]

Family = Literal["yealink", "grandstream", "cisco-spa"]
"""Desk phones whose files have the same form."""

_SECRET_NAME = re.compile(r"passw|secret|pin\b|_pin|auth_key", re.IGNORECASE)
_SECRET_NUMBER = re.compile(r"P(34|[4-6]06|1[7-9]06|2|196|1361)")
"""Grandstream's settings are numbers: the SIP passwords of its accounts, those of administrator and user, and the one
for the server of the phones' files."""


def is_secret_setting(family: Family, name: str) -> bool:
    """Whether the value of a phone's setting is nobody's business, by the setting's name."""
    return bool(_SECRET_NAME.search(name) or (family == "grandstream" and _SECRET_NUMBER.fullmatch(name)))


class ExtensionRange(Model):
    """The extensions from `first` to `last`, both included; the ledger says who has which."""

    first: Extension
    last: Extension
    reserved: tuple[Extension, ...] = Field(default=(), description="numbers that nobody is given")
    number: NumberTemplate = Field(
        default="{extension}", description="how outside callers dial it, such as +49 30 5550 {extension}"
    )

    def __contains__(self, extension: str) -> bool:
        return len(extension) == len(self.first) and self.first <= extension <= self.last

    @cached_property
    def extensions(self) -> tuple[str, ...]:
        """Every extension that may be given, lowest first."""
        width, kept_back = len(self.first), set(self.reserved)
        numbers = (f"{number:0{width}}" for number in range(int(self.first), int(self.last) + 1))
        return tuple(number for number in numbers if number not in kept_back)

    def dialled(self, extension: str) -> str:
        """``+49 30 5550 1042`` for ``1042``."""
        return self.number.replace("{extension}", extension)

    def extension_in(self, telephone: str) -> str | None:
        """The extension that a number written in any way (``+49 (30) 5550-1042``) ends with; ``None`` when it does not
        begin as this range's numbers do."""
        prefix, dialled = _digits(self.number.partition("{")[0]), _digits(telephone)
        rest = dialled.removeprefix(prefix)
        return rest if dialled.startswith(prefix) and len(rest) == len(self.first) else None


class PhoneClass(Model):
    """What everybody with this class of telephone gets."""

    range: Identifier


class PhoneModel(Model):
    """One model of desk phone. `family` says how its file is called and written: Yealink ``MAC.cfg``, Grandstream
    ``cfgMAC.xml``, Cisco SPA ``spaMAC.xml``."""

    family: Family
    settings: dict[SettingName, Text] = Field(default_factory=dict, description="further lines of the phone's file")
    secrets: dict[SettingName, SecretReference] = Field(
        default_factory=dict, description="further lines whose values are secret, such as the phone's own password"
    )


class PhoneFiles(Model):
    """Where desk phones fetch their files: a folder on a web server, by SFTP.

    The files hold SIP passwords. They get `mode`; with the folder's set-group-ID bit they belong to the web server's
    group, which is then the only one that reads them beside us.
    """

    ssh: Endpoint
    credential: Credential
    known_hosts: SitePath
    folder: ServerPath
    mode: Annotated[str, Form(r"^0?[46][04]0$", "a mode such as 0640 that leaves others out")] = "0640"

    @property
    def permissions(self) -> int:
        """`mode` as a number."""
        return int(self.mode, 8)


class ExchangeControl(Model):
    """Kamailio's JSON-RPC over HTTPS (modules jsonrpcs and xhttp), with a password (Basic, RFC 7617)."""

    server: Endpoint
    path: ServerPath = "/RPC"
    credential: Credential
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )


class Exchange(Model):
    """The SIP exchange's database: a SQLite `file` on this machine, or a PostgreSQL `database`."""

    adapter: Literal["kamailio", "asterisk-realtime"]
    file: SitePath | None = None
    database: LedgerServer | None = None
    digest: Literal["md5", "sha-256"] = Field(
        default="md5", description="what the exchange's digests are made with (RFC 8760 for sha-256)"
    )
    settings: dict[SettingName, Text] = Field(
        default_factory=dict, description="further columns of ps_endpoints: context, allow, transport …"
    )
    control: ExchangeControl | None = Field(
        default=None, description="Kamailio's remote control: it signs out the telephones of leavers"
    )


class Phones(Model):
    """Everything about telephones."""

    domain: SipDomain
    registrar: Endpoint = Field(description="where phones register")
    transport: Transport = "udp"
    trust: SitePath | None = Field(
        default=None, description="PEM file of the CA for transport tls; the machine's store when left out"
    )
    exchange: Exchange
    passwords: SitePath = Field(
        default=Path(".phones"), validate_default=True, description="folder (mode 0700) where SIP passwords are kept"
    )
    ranges: dict[Identifier, ExtensionRange]
    classes: dict[Identifier, PhoneClass]
    models: dict[Identifier, PhoneModel] = Field(default_factory=dict)
    files: PhoneFiles | None = Field(default=None, description="where the models' files are put")

    def range_of(self, extension: str) -> str | None:
        """The name of the range that an extension is in."""
        return next((name for name, numbers in self.ranges.items() if extension in numbers), None)


def _digits(text: str) -> str:
    """What is dialled from abroad: ``+49 (0)30`` is ``+4930``."""
    return re.sub(r"[^0-9+]", "", text.replace("(0)", "") if text.lstrip().startswith("+") else text)
