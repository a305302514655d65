"""The network: VLANs, access switches, DHCP."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioning import dialects
from provisioning.site.archive import ConfigurationArchive
from provisioning.site.base import (
    Credential,
    Endpoint,
    Form,
    Identifier,
    InterfaceName,
    Model,
    SecretReference,
    SitePath,
    Text,
    VlanId,
)
from provisioning.site.line_checks import LineChecks
from provisioning.site.lines import did_you_mean
from provisioning.site.patching import Patching
from provisioning.site.port_profiles import DescriptionTemplate, PortProfile


def _known_dialect(name: str) -> str:
    if name not in dialects.NAMES:
        hint = did_you_mean(name, dialects.NAMES) or f"; expected one of: {', '.join(dialects.NAMES)}"
        raise ValueError(f"there is no dialect {name!r}{hint}")
    return name


DialectName = Annotated[str, AfterValidator(_known_dialect)]
"""A family of switches that ``provisioning/dialects`` has a file for."""


class Vlan(Model):
    """One VLAN. A `protected` one is given to a desk only after the approval that ``approvals: vlans`` names."""

    id: VlanId
    subnet: IPv4Network | None = None
    protected: bool = False


class Switch(Model):
    """One access switch, reached over SSH. `known_hosts` (OpenSSH format) has its key by `ssh.host`."""

    ssh: Endpoint
    dialect: DialectName = "ios"
    credential: Credential
    enable: SecretReference | None = Field(
        default=None, description="password for privileged mode; without it, the account's own"
    )
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
    port_profiles: dict[Identifier, PortProfile] = Field(
        default_factory=dict, description="what ports may be set to, under a name"
    )
    desk_ports: Identifier | None = Field(
        default=None, description="port profile laid over every desk port, beside description and VLANs"
    )
    patching: Patching = Field(
        default=Patching.model_construct(), description="how free ports are chosen, cables and labels"
    )
    lines: LineChecks = Field(
        default=LineChecks.model_construct(), description="what the checks of the lines complain about"
    )
    archive: ConfigurationArchive = Field(
        default=ConfigurationArchive.model_construct(),
        description="where configurations are kept, on schedule and before changes",
    )
    dhcp: Dhcp | None = None

    def profile(self, name: str | None) -> PortProfile | None:
        """The port profile of that name; ``None`` for none."""
        return self.port_profiles[name] if name is not None else None


class Closet(Model):
    """A wiring closet: its patch panels and how many ports each has."""

    room: Text
    panels: dict[Identifier, Annotated[int, Field(ge=1, le=96)]]
    beside: dict[Identifier, tuple[Identifier, ...]] = Field(
        default_factory=dict, description="panel → the switches that its cables go to; any of the closet if left out"
    )
    rack_units: dict[Identifier, Annotated[int, Field(ge=1, le=60)]] = Field(
        default_factory=dict, description="panel or switch → rack unit where it hangs, for the length of the cable"
    )


class Outlet(Model):
    """A wall outlet, traced: panel port in a closet and, where a patch cable lies, a switch port."""

    closet: Identifier
    panel: Identifier
    panel_port: Annotated[int, Field(ge=1, le=96)]
    switch: Identifier | None = None
    switch_port: InterfaceName | None = None
