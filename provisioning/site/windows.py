"""How the site's Windows PCs are reached, restarted and given their files."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import Credential, FileReference, Form, HostName, Model, Port, SitePath, Text
from provisioning.site.software import SoftwareRules


class Restart(Model):
    """What a restart does about people who are signed in, and how long a PC may take to come back."""

    when_signed_in: Literal["wait", "warn", "force"] = Field(
        default="wait",
        description="wait: until they sign out; warn: tell them, restart when patience is over; force: at once",
    )
    patience: int = Field(
        default=1800, ge=0, le=86_400, description="seconds to wait for people to sign out, or that the warning stands"
    )
    message: Text = Field(
        default="This PC restarts for maintenance. Please save your work and sign out.",
        description="what people who are signed in are told",
    )
    timeout: int = Field(default=900, ge=10, le=14_400, description="seconds for a PC to be back after a restart")


class PullServer(Model):
    """Where PCs fetch large files from us over HTTPS. We listen there while a file is being fetched."""

    host: HostName = Field(description="name in the certificate, as the PCs look it up")
    address: IPv4Address = Field(description="address of this machine that the PCs reach")
    port: Port = 8443
    certificate: SitePath = Field(description="PEM file, from a CA that the PCs trust")
    key: FileReference = Field(description="its private key, as file:PATH")
    larger_than: int = Field(default=16, ge=0, description="MiB; smaller files go over SMB")


ShareName = Annotated[str, Form(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\$?$", "the name of an SMB share such as C$")]


class Windows(SoftwareRules):
    """How the site's PCs are reached: WinRM (MS-WSMV) for commands, SMB for files."""

    credential: Credential
    transport: Literal["ntlm", "kerberos", "basic", "credssp"] = "ntlm"
    credssp: bool = Field(
        default=False,
        description="true allows transport credssp, which hands the account's password to every PC",
    )
    scheme: Literal["https", "http"] = Field(
        default="https", description="http only with a transport that encrypts the messages itself"
    )
    port: Port = 5986
    smb_port: Port = 445
    smb_share: ShareName = "C$"
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )
    verify: bool = Field(default=True, description="false turns certificate verification off; every plan then says so")
    timeout: int = Field(default=20, ge=1, le=600, description="seconds for a PC to answer")
    install_timeout: int = Field(default=900, ge=10, le=7200, description="seconds for one installer")
    output_limit: int = Field(default=32, ge=1, le=1024, description="MiB of output that a command may write")
    restart: Restart = Restart.model_construct()
    pull: PullServer | None = Field(default=None, description="PCs fetch large files over HTTPS instead of SMB")
