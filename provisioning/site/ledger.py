"""Where the ledger is kept when it is not a file: a PostgreSQL server, which many machines can share."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag

from provisioning.site.base import Model, SecretReference, SitePath

_URL = re.compile(r"postgres(ql)?://([^/?#]*@)?[^/?#@]*/[^/?#]+(\?[^#]*)?")


def _server_url(text: str) -> str:
    # The text may hold a password: it is not repeated.
    if not _URL.fullmatch(text) or not text.isprintable() or " " in text:
        raise ValueError("expected postgresql://USER@HOST:PORT/DATABASE")
    user = text.partition("://")[2].partition("/")[0].rpartition("@")[0]
    if ":" in user or "password=" in text.casefold():
        raise ValueError("the URL must not hold a password; write `password:` with a reference such as env:VARIABLE")
    return text


class LedgerServer(Model):
    """A PostgreSQL database. Over the network its certificate is verified."""

    url: Annotated[str, AfterValidator(_server_url)] = Field(description="postgresql://USER@HOST:PORT/DATABASE")
    password: SecretReference | None = Field(default=None, description="reference to the user's password")
    trust: SitePath | None = Field(
        default=None, description="PEM file of the CA that the server is verified by; the machine's own without it"
    )

    def __str__(self) -> str:
        return self.url

    @property
    def host(self) -> str:
        """The server's name or address, or the folder of its socket; empty for libpq's own default."""
        words = urlsplit(self.url)
        return words.hostname or parse_qs(words.query).get("host", [""])[-1]

    @property
    def relaxed(self) -> str | None:
        """The URL's ``sslmode`` if it lets somebody else pose as a server on the network."""
        mode = parse_qs(urlsplit(self.url).query).get("sslmode", ["verify-full"])[-1]
        return None if mode in {"verify-full", "verify-ca"} or is_here(self.host) else mode


def is_here(host: str) -> bool:
    """Whether a database's host is this machine: nothing (libpq's default), the folder of a socket, loopback."""
    if host in {"", "localhost"} or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _form(value: Any) -> str:
    return "server" if isinstance(value, (dict, LedgerServer)) else "file"


LedgerPlace = Annotated[Annotated[SitePath, Tag("file")] | Annotated[LedgerServer, Tag("server")], Discriminator(_form)]
"""A SQLite file (relative to the site's folder), or a server."""
