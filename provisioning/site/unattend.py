"""How bare PCs are installed: what the answer file says that is the same for every PC of the site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import Form, Model, SecretReference, Text

Culture = Annotated[str, Form(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){1,2}$", "a language tag such as de-DE")]
"""A BCP 47 tag as Windows has it."""

InputLocale = Annotated[
    str,
    Form(
        r"^([0-9A-Fa-f]{4}:[0-9A-Fa-f]{8}|[a-z]{2,3}(-[A-Za-z0-9]{2,8}){1,2})$",
        "a keyboard such as 0407:00000407 (language:layout), or a language tag such as de-DE",
    ),
]
"""Keyboard: ``language:layout`` as Windows numbers them, or the usual one of a language."""

WindowsTimeZone = Annotated[
    str, Form(r"^[A-Za-z][A-Za-z0-9 .()+/-]{0,126}$", "a name that `tzutil /l` lists, such as W. Europe Standard Time")
]


class Unattend(Model):
    """Settings of the answer file. Source of their names: Microsoft Learn, "Unattended Windows Setup Reference"."""

    language: Culture = Field(default="en-US", description="of the Windows image: its own texts")
    locale: Culture | None = Field(default=None, description="dates, numbers, sorting; the language when left out")
    keyboard: InputLocale | None = Field(default=None, description="the usual one of the locale when left out")
    time_zone: WindowsTimeZone | None = Field(default=None, description="Windows' own name; Setup asks when left out")
    architecture: Literal["amd64", "arm64"] = "amd64"
    edition: Text | None = Field(
        default=None, description="name of the image on the medium, such as Windows 11 Pro; Setup asks when left out"
    )
    product_key: SecretReference | None = None
    disk: Literal["ask", "erase"] = Field(
        default="ask", description="erase: disk 0 is erased without a question and partitioned for UEFI"
    )
    administrator: Literal["disabled", "random"] = Field(
        default="disabled", description="the built-in account; random: enabled, for Windows LAPS to take over"
    )
    certificate_days: int = Field(default=397, ge=1, le=1825, description="life of the WinRM certificate made for a PC")
