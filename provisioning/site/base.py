"""The words that every part of a site is made of: the frozen base model, checked texts, endpoints,
credentials.

Control characters are refused here, once, so that no name can smuggle a line break into a switch or a command
shell.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_MAC = re.compile(r"[0-9a-f]{12}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Model(BaseModel):
    """Base of everything in a site: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # built by `load`, as parts of a site


@dataclass(frozen=True)
class Form:
    """A text of one form: the regular expression (Rust syntax, whole text), the words for people who got it
    wrong, and the greatest length in characters (which Rust's expressions count badly).
    """

    pattern: str
    expected: str
    longest: int = 200

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(
            core_schema.str_schema(pattern=self.pattern, max_length=self.longest),
            custom_error_type="form",
            custom_error_message=f"expected {self.expected}",
        )


def _printable(text: str) -> str:
    if not text.isprintable():
        for char in text:
            if unicodedata.category(char) in _INVISIBLE:
                raise ValueError(f"contains the control character U+{ord(char):04X}; remove it")
    if text != text.strip():
        raise ValueError("begins or ends with a space; remove it")
    return unicodedata.normalize("NFC", text)


def _mac(text: str) -> str:
    digits = re.sub(r"[-:. ]", "", text).lower()
    if not _MAC.fullmatch(digits):
        raise ValueError(f"{text!r} is not a MAC address; expected twelve hex digits such as 02:00:5e:10:00:42")
    if int(digits[1], 16) & 1:
        raise ValueError(f"{text!r} is a multicast address; no network card has it")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


class Reference(str):
    """A checked secret reference: ``scheme:where``. It is a text, and says of itself that it is not a secret."""

    __slots__ = ()

    @property
    def scheme(self) -> str:
        """``env``, ``file``, ``vault``, ``keyring`` or ``hashicorp``."""
        return self.partition(":")[0]

    @property
    def where(self) -> str:
        """What stands behind the scheme."""
        return self.partition(":")[2]


class ReferenceToFile(Reference):
    """A reference that is always ``file:PATH``, to a file that another program reads (a keytab)."""

    __slots__ = ()


REFERENCE_FORMS = {
    "env": (re.compile(r"[^=\s]+"), "env:VARIABLE"),
    "file": (re.compile(r".+"), "file:PATH"),
    "vault": (re.compile(r"[^#]+#[^.#]+(\.[^.#]+)*"), "vault:FILE#key.path"),
    "keyring": (re.compile(r".+/[^/]+"), "keyring:SERVICE/USER"),
    "hashicorp": (re.compile(r"[^#/?]+(/[^#/?]+)*#[^#]+"), "hashicorp:PATH#field"),
}
"""Scheme → what must follow it, and the form as people write it."""


def _reference(text: str) -> str:
    scheme, _, where = text.partition(":")
    if scheme in REFERENCE_FORMS and REFERENCE_FORMS[scheme][0].fullmatch(where) and text.isprintable():
        return Reference(text)
    # The text may be the secret itself: it is not repeated.
    forms = [form for _, form in REFERENCE_FORMS.values()]
    expected = f"{', '.join(forms[:-1])} or {forms[-1]}"
    raise PydanticCustomError(
        "secret_reference", "this is not a secret reference; expected {expected}", {"expected": expected}
    )


def _file_reference(text: str) -> str:
    if not text.startswith("file:") or text == "file:":
        raise PydanticCustomError(
            "secret_reference", "expected file:PATH; the program that uses this reads the file itself"
        )
    return ReferenceToFile(_reference(text))


def _text(value: object) -> object:
    # The loader hands over texts only; this is for sites that are built in Python.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError("is a number here; put it in quotes to make it a text")
    return value


def _iso_date(value: object) -> object:
    # pydantic would also take seconds since 1970.
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        raise PydanticCustomError("date_parsing", "expected a date such as 2026-11-30")
    return value


def _in_site(path: Path, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", "")) / path.expanduser()


SitePath = Annotated[Path, AfterValidator(_in_site)]
"""A file, relative to the site's folder unless it begins with ``/`` or ``~``; absolute once it is loaded."""

Text = Annotated[str, BeforeValidator(_text), AfterValidator(_printable), Field(min_length=1, max_length=200)]
"""A printable text of 1 to 200 characters, in Unicode normal form C."""

Identifier = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        "1 to 64 letters (a-z), digits and _ . -, beginning with a letter or digit",
    ),
]
"""What things are called in the site's own files: letters, digits, ``_ . -``."""

GroupName = Annotated[
    str,
    Form(
        r"^[^\p{C}\s\"/\\\[\]:;|=,+*?<>@]([^\p{C}\"/\\\[\]:;|=,+*?<>@]*[^\p{C}\s\"/\\\[\]:;|=,+*?<>@.])?$",
        'a group name (sAMAccountName) without " / \\ [ ] : ; | = , + * ? < > @',
        256,
    ),
]
"""sAMAccountName of a directory group (MS-SAMR 3.1.1.8.4 lists the characters that it must not have)."""

ComputerName = Annotated[
    str,
    Form(
        r"^[A-Za-z]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?$",
        "a computer name: a letter, then up to 14 letters, digits or dashes",
    ),
]
"""NetBIOS-safe computer name of at most 15 characters (MS-ADTS 3.1.1.1.2.1; sAMAccountName without the
``$``).
"""

HostName = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)*$",
        "a DNS name such as dc1.corp.example or an IPv4 address",
    ),
]
"""DNS name or IPv4 address."""

MacAddress = Annotated[str, BeforeValidator(_text), AfterValidator(_mac)]
"""MAC address in any usual notation, kept as ``02:00:5e:10:00:42``."""

InterfaceName = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9][A-Za-z0-9/.:_-]{0,39}$",
        "an interface in the switch's full spelling, such as GigabitEthernet1/0/7",
    ),
]
"""Switch interface in the device's full spelling, for example ``GigabitEthernet1/0/7``, ``ge-0/0/7``, ``A7``, ``7``."""

VlanId = Annotated[int, Field(ge=1, le=4094)]
"""IEEE 802.1Q VLAN number."""

Port = Annotated[int, Field(ge=1, le=65535)]
"""TCP or UDP port."""

IsoDate = Annotated[date, BeforeValidator(_iso_date)]
"""A day, written ``2026-11-30`` (ISO 8601)."""

SecretReference = Annotated[str, AfterValidator(_reference)]
"""Where a secret is, in one of the forms of :data:`REFERENCE_FORMS`; files are relative to the site's folder.
Never the secret itself.
"""

FileReference = Annotated[str, AfterValidator(_file_reference)]
"""A secret that is a file (a keytab), as ``file:PATH``."""


class Endpoint(Model):
    """One TCP service. `host` is the name that its certificate or host key proves; `address`, where it is
    given, is connected to instead of asking DNS.
    """

    host: HostName
    port: Port
    address: IPv4Address | None = None

    @property
    def connect_to(self) -> str:
        """Where to open the TCP connection."""
        return str(self.address) if self.address else self.host


class Credential(Model):
    """A user name and the reference to its password."""

    user: Text
    password: SecretReference
