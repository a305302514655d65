"""Workplaces and the workstations that stand there."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import (
    Credential,
    Form,
    HostName,
    Identifier,
    MacAddress,
    Model,
    Port,
    SitePath,
    Text,
)


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
    workplace: Identifier | None = None


class Windows(Model):
    """How the site's PCs are reached: WinRM (MS-WSMV) for commands, SMB for files."""

    credential: Credential
    transport: Literal["ntlm", "basic"] = "ntlm"
    scheme: Literal["https", "http"] = Field(
        default="https", description="http only with ntlm, which encrypts the messages"
    )
    port: Port = 5986
    smb_port: Port = 445
    smb_share: Annotated[str, Form(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\$?$", "the name of an SMB share such as C$")] = (
        "C$"
    )
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )
    verify: bool = Field(default=True, description="false turns certificate verification off; every plan then says so")
    timeout: int = Field(default=20, ge=1, le=600, description="seconds for a PC to answer")
    install_timeout: int = Field(default=900, ge=10, le=7200, description="seconds for one installer")
