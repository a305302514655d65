"""How the lab's other servers look people up in the lab's directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DirectoryLookup:
    """A directory server and an account that may read it.

    `address` is the server's IPv4 address (its certificate names it, so verification holds without DNS),
    `user` what the account binds as (a DN or ``login@domain``), `password` the file that holds its password,
    `trust` the PEM file of the authority that signed the server's certificate.
    """

    address: str
    base_dn: str
    user: str
    password: Path
    trust: Path

    @property
    def url(self) -> str:
        """``ldaps://`` URL; LDAP in clear is not used anywhere in the lab."""
        return f"ldaps://{self.address}"

    def read_password(self) -> str:
        """The password itself, for a configuration file with mode 0600."""
        return self.password.read_text(encoding="utf-8").strip()
