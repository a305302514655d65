"""Workplaces and the workstations that stand there."""

from __future__ import annotations

from ipaddress import IPv4Address

from pydantic import Field

from provisioning.site.base import ComputerName, HostName, Identifier, MacAddress, Model, Text


class Workplace(Model):
    """A desk: where it is and the outlet that its PC is plugged into."""

    building: Text
    room: Text
    outlet: Identifier
    shared: bool = Field(
        default=False, description="true where several people take turns; otherwise a desk is one person's"
    )


class Workstation(Model):
    """A Windows PC. `workplace` is where it stands (none: in store)."""

    asset_tag: Identifier
    mac: MacAddress
    model: Text | None = None
    host: HostName = Field(description="name that its WinRM certificate proves")
    address: IPv4Address | None = Field(default=None, description="connect here instead of asking DNS")
    fixed_address: IPv4Address | None = Field(
        default=None, description="reserved on the DHCP server; without it the PC gets any address of its VLAN"
    )
    workplace: Identifier | None = None
    computer_name: ComputerName | None = Field(
        default=None, description="its name in the domain where that is another one: it took the place of that PC"
    )
