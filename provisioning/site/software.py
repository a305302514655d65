"""The approved software catalogue, the licence pools, and what the site allows on its PCs."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from provisioning.site.base import Form, Identifier, Model, SecretReference, SitePath, Text
from provisioning.site.versions import satisfies

ProductCode = Annotated[
    str,
    Form(
        r"^\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$",
        "a product code such as '{0A1B2C3D-0000-4000-8000-00000000CAFE}', capital hex digits in braces",
    ),
]
"""MSI ProductCode: a GUID in braces, upper case."""

ProductVersion = Annotated[
    str, Form(r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$", "a version such as 4.10.0: one to four numbers")
]
"""MSI ProductVersion: up to four numbers."""

VersionRange = Annotated[
    str,
    Form(
        r"^(>=|<=|>|<) ?[0-9]{1,9}(\.[0-9]{1,9}){0,3}(, ?(>=|<=|>|<) ?[0-9]{1,9}(\.[0-9]{1,9}){0,3}){0,3}$",
        "a range of versions such as '>=4.1,<5'",
    ),
]

PropertyName = Annotated[
    str, Form(r"^[A-Z][A-Z0-9_.]{0,71}$", "a public MSI property: capital letters, digits, _ and .")
]
PropertyValue = Annotated[str, Form(r"^[^\"\x00-\x1f\x7f]{0,200}$", "a text without double quotes and line breaks")]
Argument = Annotated[
    str, Form(r"^[^\"\x00-\x1f\x7f]{1,500}$", "one argument, without double quotes and line breaks", 500)
]
"""One word of a Windows command line. Quotes are put round it where it needs them."""

Sha256 = Annotated[str, Form(r"^[0-9a-f]{64}$", "64 lower-case hex digits, as sha256sum prints them")]
ExitCode = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
PackageId = Annotated[
    str, Form(r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}$", "a package id such as Mozilla.Firefox: letters, digits, _ . + -")
]
KeyName = Annotated[
    str, Form(r'^[^\\"\x00-\x1f\x7f]{1,200}$', "the name of one key below Uninstall, without backslashes")
]
WindowsPath = Annotated[
    str,
    Form(
        r'^[A-Za-z]:(\\[^\\/:*?"<>|\x00-\x1f]+)+$',
        r"a full path on the PC such as C:\Program Files\Tool\tool.exe",
        240,
    ),
]
AnswerLine = Annotated[str, Form(r"^[^\x00-\x1f\x7f]{0,500}$", "one line of the answer file", 500)]

InstallerType = Literal["msi", "exe", "winget", "chocolatey"]
ANSWERS = "answers"
"""``{answers}`` in an argument stands for the path of the answer file on the PC."""

_PLACE = re.compile(r"\{([A-Za-z][A-Za-z0-9_.]*)\}")


def places(text: str) -> set[str]:
    """The names that stand in braces in a text: keys to be filled in at the line of use."""
    return set(_PLACE.findall(text))


def filled(text: str, values: dict[str, str]) -> str:
    """`text` with the names in braces replaced; names without a value stay as they are."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


class Installer(Model):
    """One version of a package and how it gets onto a PC.

    An `msi` registers its `product_code` and takes `properties`. An `exe` takes `arguments` that keep it silent. With
    `winget` and `chocolatey` the PC fetches `package_id` itself. `keys` are licence keys: of an MSI each is the
    property of that name; elsewhere ``{NAME}`` in an argument, or in a line of the `answer_file`, stands for it.
    """

    version: ProductVersion
    type: InstallerType = "msi"
    product_code: ProductCode | None = Field(default=None, description="what an MSI registers")
    file: SitePath | None = None
    sha256: Sha256 | None = None
    signer: Sha256 | None = Field(default=None, description="SHA-256 of the certificate that must have signed the file")
    package_id: PackageId | None = Field(default=None, description="what winget or Chocolatey call it")
    properties: dict[PropertyName, PropertyValue] = Field(
        default_factory=dict, description="public MSI properties for msiexec"
    )
    arguments: tuple[Argument, ...] = Field(default=(), description="silent arguments of an EXE")
    exit_codes: tuple[ExitCode, ...] = Field(default=(0,), min_length=1, description="exit codes that mean done")
    restart_codes: tuple[ExitCode, ...] = Field(
        default=(3010, 1641), description="exit codes that mean done after a restart"
    )
    keys: dict[PropertyName, SecretReference] = Field(default_factory=dict, description="licence keys, by reference")
    answer_file: tuple[AnswerLine, ...] = Field(
        default=(), description="lines of a file given to the installer as {answers} and removed afterwards"
    )

    @model_validator(mode="after")
    def _whole(self) -> Installer:
        wanted, refused = _FIELDS[self.type]
        missing = [name for name in wanted if getattr(self, name) is None]
        if missing:
            raise ValueError(f"an installer of type {self.type} needs {' and '.join(missing)}")
        strange = [name for name in refused if getattr(self, name)]
        if strange:
            raise ValueError(f"an installer of type {self.type} has no {' or '.join(strange)}")
        used = {name for text in (*self.arguments, *self.answer_file) for name in places(text)} - {ANSWERS}
        for name in sorted(used - set(self.keys)):
            raise ValueError(f"{{{name}}} stands for a licence key that is not among keys; add it or correct the name")
        if bool(self.answer_file) != any(ANSWERS in places(argument) for argument in self.arguments):
            raise ValueError("an answer_file and an argument with {answers} go together")
        if self.type != "msi" and (unused := set(self.keys) - used):
            raise ValueError(
                f"the key {min(unused)} is never used; put {{{min(unused)}}} into an argument or answer_file"
            )
        return self


_FIELDS: dict[InstallerType, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "msi": (("product_code", "file", "sha256"), ("arguments", "answer_file", "package_id")),
    "exe": (("file", "sha256"), ("properties", "package_id")),
    "winget": (("package_id",), ("file", "sha256", "signer", "properties", "arguments", "keys", "answer_file")),
    "chocolatey": (("package_id",), ("file", "sha256", "signer", "properties", "arguments", "keys", "answer_file")),
}
"""Type → what it needs, and what it cannot have."""


class Detection(Model):
    """How an installed package is known where its DisplayName does not do: by the name of its key below Uninstall
    (64- or 32-bit), or by the version that a program file carries."""

    uninstall_key: KeyName | None = None
    file: WindowsPath | None = Field(default=None, description="its VERSIONINFO tells the version")

    @model_validator(mode="after")
    def _one(self) -> Detection:
        if (self.uninstall_key is None) == (self.file is None):
            raise ValueError("expected one of uninstall_key and file")
        return self


class Uninstall(Model):
    """How an EXE goes: its own uninstaller with silent `arguments`. `program` is read from the Uninstall key
    (QuietUninstallString, UninstallString) where it is left out."""

    program: WindowsPath | None = None
    arguments: tuple[Argument, ...] = ()
    exit_codes: tuple[ExitCode, ...] = Field(default=(0,), min_length=1)
    restart_codes: tuple[ExitCode, ...] = (3010, 1641)


class Package(Model):
    """A catalogue entry. `display_name` is what its Uninstall key shows; the first of `versions` is the one
    to install, the others are known so that an upgrade can be taken back. With `accepts`, a PC that has a version in
    that range is left alone.
    """

    display_name: Text
    vendor: Text | None = None
    approved: bool = True
    licence: Identifier | None = None
    versions: tuple[Installer, ...] = Field(min_length=1)
    accepts: VersionRange | None = None
    requires: tuple[Identifier, ...] = Field(default=(), description="packages that must be installed before this one")
    detect: Detection | None = None
    uninstall: Uninstall | None = None

    @property
    def wanted(self) -> str:
        """The version, or the range of versions, that a PC should have."""
        return self.accepts or self.versions[0].version

    def installer(self, wanted: str) -> Installer | None:
        """The first of `versions` that is `wanted` (a version or a range)."""
        return next((one for one in self.versions if satisfies(one.version, wanted)), None)


class LicencePool(Model):
    """Seats that the organisation owns."""

    seats: int = Field(ge=0)
    metric: Literal["per-user", "per-device"] = "per-user"


class Bundle(Model):
    """Packages that are asked for under one name: ``provision install BUNDLE``."""

    title: Text | None = None
    packages: tuple[Identifier, ...] = Field(min_length=1)


Amount = Annotated[str, Form(r"^([1-9][0-9]{0,4}|([1-9][0-9]?|100)%)$", "a number such as 5, or a share such as 20%")]
"""So many PCs, or that share of them."""


class Rollout(Model):
    """How ``provision install`` goes about many PCs, where it is not told otherwise."""

    waves: tuple[Amount, ...] = Field(
        default=("1", "10%"), min_length=1, description="PCs in each wave; all others are in one more at the end"
    )
    stop_at: Amount = Field(default="10%", description="failures at which no further wave begins")


class SoftwareRules(Model):
    """What the site allows on its PCs; part of its ``windows:`` section."""

    rollout: Rollout = Rollout.model_construct()

    package_sources: tuple[Literal["winget", "chocolatey"], ...] = Field(
        default=(), description="where PCs may fetch packages themselves"
    )
    signed: bool = Field(default=False, description="true refuses installers without a trusted Authenticode signature")
    signing_trust: SitePath | None = Field(
        default=None, description="PEM file of the CAs that may stand behind signed installers"
    )
    tolerated: tuple[Text, ...] = Field(
        default=(), description="display names that audit does not report; * stands for anything"
    )
