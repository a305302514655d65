"""The managed attributes of a switch port."""

from __future__ import annotations

from typing import Annotated

from anyascii import anyascii
from pydantic import AfterValidator, Field

from provisioning.resources.base import State
from provisioning.site.base import VlanId


def _plain(text: str | None) -> str | None:
    return None if text is None else anyascii(text).strip() or None


Description = Annotated[str | None, AfterValidator(_plain)]
"""Switches store ASCII: other letters are transliterated (AnyASCII), so that what is read equals what was
asked for."""

PortMode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 -]*$")]
"""``access`` is the only mode ever set; a read may find others (``trunk``, ``dynamic desirable``, ``routed``
…)."""


class SwitchPort(State):
    """An access port. Never absent: a port without configuration reads as enabled, in VLAN 1, with nothing
    else set."""

    description: Description = None
    enabled: bool | None = None
    mode: PortMode | None = Field(default=None, description="None: no mode is configured, the device's default rules")
    access_vlan: VlanId | None = None
    voice_vlan: VlanId | None = None
