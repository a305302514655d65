"""The approved software catalogue and the licence pools."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import Form, Identifier, Model, SitePath, Text

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

PropertyName = Annotated[
    str, Form(r"^[A-Z][A-Z0-9_.]{0,71}$", "a public MSI property: capital letters, digits, _ and .")
]
PropertyValue = Annotated[
    str, Form(r"^[^\"%\x00-\x1f\x7f]{0,200}$", "a text without double quotes, per cent signs and line breaks")
]


class Installer(Model):
    """One version of a package: the MSI file, its SHA-256 and what it registers."""

    version: ProductVersion
    product_code: ProductCode
    file: SitePath
    sha256: Annotated[str, Form(r"^[0-9a-f]{64}$", "64 lower-case hex digits, as sha256sum prints them")]
    properties: dict[PropertyName, PropertyValue] = Field(
        default_factory=dict, description="public MSI properties for msiexec"
    )


class Package(Model):
    """A catalogue entry. `display_name` is what its Uninstall key shows; the first of `versions` is the one
    to install, the others are known so that an upgrade can be taken back.
    """

    display_name: Text
    vendor: Text | None = None
    approved: bool = True
    licence: Identifier | None = None
    versions: tuple[Installer, ...] = Field(min_length=1)


class LicencePool(Model):
    """Seats that the organisation owns."""

    seats: int = Field(ge=0)
    metric: Literal["per-user", "per-device"] = "per-user"
