"""Equipment that is nobody's PC: printers, scanners, telephones and the like, on an outlet and with an address."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

from pydantic import Field

from provisioning.site.base import ComputerName, Identifier, MacAddress, Model, Text


class Equipment(Model):
    """One device. Its port gets `vlan` and its port profile, nothing else; with `address`, the DHCP server always gives
    it that one.

    A telephone with a `workplace` is set up for whoever sits there. It may share the desk's outlet: the PC is plugged
    into the phone then, and the port is the desk's.
    """

    kind: Literal["printer", "scanner", "telephone", "projector", "camera", "access-control", "other"]
    room: Text
    outlet: Identifier
    vlan: Identifier
    mac: MacAddress
    address: IPv4Address | None = Field(default=None, description="fixed by a reservation on the DHCP server")
    host: ComputerName | None = Field(default=None, description="name in DNS; the DHCP server hands it out")
    model: Text | None = None
    workplace: Identifier | None = Field(default=None, description="the desk that a telephone belongs to")
    port_profile: Identifier | None = Field(default=None, description="laid over its port, beside the VLAN")
