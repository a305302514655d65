"""The mail settings that the intranet publishes, as a mail program fetches them: plain HTTPS, nobody signed in."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from provisioning.errors import RejectedError, TrustError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory

_TIMEOUT = 15.0  # seconds
_LARGEST = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    content_type: str
    body: bytes


class AutoconfigSession:
    """Fetches documents from the intranet's web server under the names that mail programs ask for. Each fetch is a
    connection of its own, so there is nothing to close."""

    def __init__(self, target: str, inventory: Inventory) -> None:
        self.target = target
        self.inventory = inventory
        trust = inventory.intranet.trust
        try:
            self._trust = ssl.create_default_context(cafile=str(trust) if trust else None)
        except (OSError, ssl.SSLError) as exc:
            raise TrustError(target, f"intranet.trust: {trust} cannot be read as PEM certificates") from exc

    def close(self) -> None:
        """Nothing is open between two fetches."""

    def fetch(self, url: str, *, body: bytes | None = None) -> Answer:
        """GET `url`, or POST `body` (XML) to it. Redirections are not followed.

        Raises :class:`UnreachableError`, :class:`TrustError` for the certificate (its names included).
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.hostname is None:
            raise RejectedError(self.target, f"{url} is not an https address")
        host, port = parts.hostname, parts.port or 443
        try:
            connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT)
            raw = socket.create_connection((str(self.inventory.intranet.address or host), port), _TIMEOUT)
            try:
                connection.sock = self._trust.wrap_socket(raw, server_hostname=host)
            except BaseException:
                raw.close()
                raise
            try:
                headers = {"Content-Type": "text/xml; charset=utf-8"} if body is not None else {}
                path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
                connection.request("GET" if body is None else "POST", path, body=body, headers=headers)
                answer = connection.getresponse()
                return Answer(answer.status, answer.headers.get_content_type(), answer.read(_LARGEST))
            finally:
                connection.close()
        except ssl.SSLCertVerificationError as exc:
            raise TrustError(
                self.target,
                f"the certificate that the web server shows for {host} is not trusted ({exc.verify_message}); it must "
                "name that host, and intranet.trust its authority",
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise UnreachableError(
                self.target, f"{host} does not answer on port {port}; does its name lead to the intranet's web server?"
            ) from exc


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> AutoconfigSession:  # noqa: ARG001
    """The session of target ``autoconfig``. Connects to nobody yet."""
    return AutoconfigSession(target, inventory)
