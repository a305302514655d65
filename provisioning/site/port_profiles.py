"""Port profiles: everything that a switch port is set to, under one name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from provisioning.site.base import Form, Identifier, Model

_PLACEHOLDER = r"\{(workplace|outlet|workstation)\}"

DescriptionTemplate = Annotated[
    str,
    Form(
        rf"^([A-Za-z0-9]|{_PLACEHOLDER})([A-Za-z0-9 ._:/-]|{_PLACEHOLDER})*$",
        "letters, digits, spaces, . _ : / - and {workplace}, {outlet}, {workstation}",
    ),
]
"""What a port's description says."""


@dataclass(frozen=True)
class NumberOr:
    """A whole number between two bounds, or a word that stands for none."""

    word: str
    low: int
    high: int
    unit: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda number: self.word if number is None else number
            ),
        )

    def _read(self, value: object) -> int | None:
        if value is None or str(value) == self.word:
            return None
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ValueError(f"{text!r} does not fit; expected {self._expected}")
        if not self.low <= int(text) <= self.high:
            raise ValueError(f"{text!r} does not fit; expected {self._expected}")
        return int(text)

    @property
    def _expected(self) -> str:
        return f"a whole number{self.unit} from {self.low} to {self.high}, or {self.word}"


Speed = Annotated[int | None, NumberOr("auto", 10, 800_000, " of Mbit/s")]
Percent = Annotated[int | None, NumberOr("off", 0, 100, " of percent")]
Maximum = Annotated[int | None, NumberOr("off", 1, 8192, " of addresses")]


class PortProfile(Model):
    """What is left out is not managed. VLANs are given by name.

    On a desk's or a device's port, the VLAN of the person or the device goes before `access_vlan`.
    """

    mode: Literal["access", "trunk"] = "access"
    enabled: bool = True
    access_vlan: Identifier | None = Field(default=None, description="where no person and no device says which")
    voice_vlan: Identifier | None = Field(default=None, description="left out: on desk ports that of the network")
    native_vlan: Identifier | None = Field(default=None, description="untagged on a trunk")
    allowed_vlans: tuple[Identifier, ...] = Field(
        default=(), description="on a trunk; they are added to those that are allowed there already"
    )
    description: DescriptionTemplate | None = None
    power: bool | None = Field(default=None, description="power over Ethernet")
    portfast: bool | None = None
    bpduguard: bool | None = None
    storm_control: Percent = Field(default=None, description="broadcasts, in percent of the line, or off")
    security_maximum: Maximum = Field(default=None, description="MAC addresses at once, or off")
    security_sticky: bool | None = None
    security_violation: Literal["protect", "restrict", "shutdown"] | None = None
    dot1x: Literal["auto", "force-authorized", "force-unauthorized", "off"] | None = None
    speed: Speed = Field(default=None, description="Mbit/s, or auto")
    duplex: Literal["full", "half", "auto"] | None = None

    @property
    def vlans(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every VLAN that it names, with the setting that names it."""
        for setting in ("access_vlan", "voice_vlan", "native_vlan"):
            if (name := getattr(self, setting)) is not None:
                yield (setting,), name
        for i, name in enumerate(self.allowed_vlans):
            yield ("allowed_vlans", i), name

    @model_validator(mode="after")
    def _makes_sense(self) -> PortProfile:
        wrong = ("native_vlan", "allowed_vlans") if self.mode == "access" else ("access_vlan", "voice_vlan")
        named = [setting for setting in wrong if setting in self.model_fields_set]
        if named:
            raise ValueError(f"{named[0]} does not go with mode: {self.mode}; leave it out or correct the mode")
        if self.mode == "trunk" and not self.allowed_vlans:
            raise ValueError("a trunk needs allowed_vlans: name the VLANs that it carries")
        if self.security_maximum is None and (self.security_sticky or self.security_violation):
            raise ValueError("security_sticky and security_violation need security_maximum: say how many addresses")
        if self.duplex == "half" and self.speed is not None and self.speed >= 1000:
            raise ValueError(f"there is no half duplex at {self.speed} Mbit/s; leave duplex out or choose 10 or 100")
        return self
