"""The managed attributes of a switch port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from anyascii import anyascii
from pydantic import AfterValidator, BeforeValidator, Field

from provisioning.dialects import Section
from provisioning.resources.base import State
from provisioning.site.base import VlanId


def _plain(text: str | None) -> str | None:
    return None if text is None else anyascii(text).strip() or None


Description = Annotated[str | None, AfterValidator(_plain)]
"""Switches store ASCII: other letters are transliterated (AnyASCII), so that what is read equals what was
asked for."""

PortMode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 -]*$")]
"""``access`` and, for a change that names the trunk's VLANs, ``trunk`` are ever set; a read may find others
(``dynamic desirable``, ``routed`` …)."""


def _asks_somebody(value: object) -> object:
    return None if value == "force-authorized" else value


Dot1x = Annotated[Literal["auto", "force-unauthorized"] | None, BeforeValidator(_asks_somebody)]
"""Devices do not show ``force-authorized`` where it is their default, and it is the same as no 802.1X at all."""

_LOST_WITH_MODE = ("access_vlan", "voice_vlan", "native_vlan")


class SwitchPort(State):
    """A port. Never absent: a port without configuration reads as enabled, in VLAN 1, with nothing else set.

    What a family of switches does not have reads as ``None``.
    """

    description: Description = None
    enabled: bool | None = None
    mode: PortMode | None = Field(default=None, description="None: no mode is configured, the device's default rules")
    access_vlan: VlanId | None = None
    voice_vlan: VlanId | None = None
    native_vlan: VlanId | None = Field(default=None, description="of a trunk: untagged; None: the device's default")
    allowed_vlans: Mapping[VlanId, Literal[True] | None] | None = Field(
        default=None, description="of a trunk, managed VLAN by VLAN: those that are not named stay as they are"
    )
    speed: int | None = Field(default=None, description="Mbit/s; None: negotiated")
    duplex: Literal["full", "half"] | None = Field(default=None, description="None: negotiated")
    power: bool | None = Field(default=None, description="power over Ethernet for whoever asks for it")
    security_maximum: int | None = Field(
        default=None, description="MAC addresses that the port lets in; None: port security is off"
    )
    security_sticky: bool | None = Field(default=None, description="whether it remembers the addresses that it saw")
    security_violation: Literal["protect", "restrict", "shutdown"] | None = None
    dot1x: Dot1x = Field(
        default=None,
        description="IEEE 802.1X port control; None: the port asks nobody (force-authorized, the devices' default)",
    )
    storm_control: float | None = Field(
        default=None, description="broadcasts, in percent of the port's bandwidth; None: without limit"
    )
    portfast: bool | None = Field(default=None, description="forwards at once: no switch is behind it (STP edge port)")
    bpduguard: bool | None = Field(default=None, description="shuts the port when a switch is behind it")

    @classmethod
    def of(cls, section: Section) -> SwitchPort:
        """What a port's configuration says, every field of it."""
        if cls not in section.models:
            section.models[cls] = cls._made_of(section)
        port: SwitchPort = section.models[cls]
        return port

    @classmethod
    def _made_of(cls, section: Section) -> SwitchPort:
        known = {name: value for name, value in section.fields.items() if name in cls.model_fields}
        vlans = section.fields.get("allowed_vlans")
        # Of thousands of VLANs no model needs to be validated one by one.
        read = cls.model_validate({**known, "allowed_vlans": None})
        return read.model_copy(update={"allowed_vlans": None if vlans is None else dict.fromkeys(vlans, True)})

    @classmethod
    def _same(cls, name: str, one: Any, other: Any) -> bool:  # noqa: ARG003  (the base's signature)
        """What a family does not have reads as ``None``, and is off."""
        return bool(one == other) or not (one or other)

    def lost_of(self, actual: Self) -> Sequence[str]:
        """A change of mode costs a port its VLANs on many families."""
        if "mode" not in self.model_fields_set or self.mode == actual.mode:
            return ()
        return sorted({*_LOST_WITH_MODE} & {*actual.managed()} - {*self.managed()})

    def fields(self) -> dict[str, Any]:
        """What is managed, as a dialect takes it: the trunk's VLANs as a set."""
        said = {name: getattr(self, name) for name in self.managed()}
        if "allowed_vlans" in said:
            said["allowed_vlans"] = frozenset(vlan for vlan, on in (self.allowed_vlans or {}).items() if on)
        return said

    def laid_over(self, actual: SwitchPort) -> SwitchPort:
        """`actual` with everything that this state manages as it wants it; VLANs that it does not name stay."""
        merged = {name: getattr(self, name) for name in self.managed()}
        if self.allowed_vlans is not None:
            vlans: dict[int, Literal[True] | None] = {**(actual.allowed_vlans or {}), **self.allowed_vlans}
            merged["allowed_vlans"] = {vlan: on for vlan, on in vlans.items() if on}
        return actual.model_copy(update=merged)
