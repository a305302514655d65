"""The network: VLANs, access switches, DHCP."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import (
    Credential,
    Endpoint,
    Form,
    Identifier,
    InterfaceName,
    Model,
    SitePath,
    Text,
    VlanId,
)

_PLACEHOLDER = r"\{(workplace|outlet|workstation)\}"

DescriptionTemplate = Annotated[
    str,
    Form(
        rf"^([A-Za-z0-9]|{_PLACEHOLDER})([A-Za-z0-9 ._:/-]|{_PLACEHOLDER})*$",
        "letters, digits, spaces, . _ : / - and {workplace}, {outlet}, {workstation}",
    ),
]
"""What a desk port's description says."""


class Vlan(Model):
    """One VLAN. A `protected` one is given to a desk only after the approval that ``approvals: vlans`` names."""

    id: VlanId
    subnet: IPv4Network | None = None
    protected: bool = False


class Switch(Model):
    """One access switch, reached over SSH. `known_hosts` (OpenSSH format) has its key by `ssh.host`."""

    ssh: Endpoint
    dialect: Literal["ios"] = "ios"
    credential: Credential
    known_hosts: SitePath
    closet: Identifier
    uplinks: tuple[InterfaceName, ...] = Field(
        default=(), description="never touched; the device's answer is checked as well"
    )


class Dhcp(Model):
    """A DHCP server whose leases are read over SSH, for proofs. `leases` is its lease file in dnsmasq's
    format.
    """

    ssh: Endpoint
    credential: Credential
    known_hosts: SitePath
    leases: Annotated[str, Form(r"^/[A-Za-z0-9._/-]+$", "an absolute path")] = Field(
        description="path on the DHCP server"
    )
    reservations: Annotated[str, Form(r"^/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", "an absolute path")] | None = Field(
        default=None, description="folder on the DHCP server that dnsmasq has as its dhcp-hostsdir"
    )
    reload: Annotated[str, Form(r"^[A-Za-z0-9/][A-Za-z0-9 ./@=_-]*$", "a command without quotes or signs")] | None = (
        Field(
            default=None,
            description="command that makes dnsmasq read reservations again (SIGHUP), such as "
            "sudo -n systemctl reload dnsmasq",
        )
    )


class Network(Model):
    """Everything between the wall outlet and the rest of the world."""

    vlans: dict[Identifier, Vlan]
    switches: dict[Identifier, Switch]
    voice_vlan: Identifier | None = Field(default=None, description="tagged beside the access VLAN on every desk port")
    port_description: DescriptionTemplate = "{workplace} {outlet} {workstation}"
    dhcp: Dhcp | None = None


class Closet(Model):
    """A wiring closet: its patch panels and how many ports each has."""

    room: Text
    panels: dict[Identifier, Annotated[int, Field(ge=1, le=96)]]


class Outlet(Model):
    """A wall outlet, traced: panel port in a closet and, where a patch cable lies, a switch port."""

    closet: Identifier
    panel: Identifier
    panel_port: Annotated[int, Field(ge=1, le=96)]
    switch: Identifier | None = None
    switch_port: InterfaceName | None = None
