"""JSON over HTTPS to the remote control of a server (Dovecot's doveadm, Kamailio's JSON-RPC): one POST, one answer.

The connection goes to the endpoint's address where it has one; the certificate must be the host's. Proxies of the
machine have no say and no redirection is followed.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from pathlib import Path
from typing import Any

from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.site.base import Endpoint

_TIMEOUT = 15.0  # seconds for one answer
_LONGEST = 4 << 20  # octets of one answer


class RemoteControl:
    """One remote control. `authorization` is the whole header of that name, a secret; `setting` is where the site says
    all this, for the sentences."""

    def __init__(
        self, target: str, server: Endpoint, path: str, tls: ssl.SSLContext, *, authorization: str, setting: str
    ) -> None:
        self._target = target
        self._server = server
        self._path = path
        self._tls = tls
        self._authorization = authorization
        self._setting = setting

    def ask(self, question: Any) -> Any:
        """Post `question`, get the answer. Raises :class:`UnreachableError`, :class:`TrustError`,
        :class:`CredentialError` and :class:`RejectedError`."""
        status, body = self._post(json.dumps(question).encode("utf-8"))
        where = f"{self._server.host} ({self._server.connect_to} port {self._server.port})"
        if status in {401, 403}:
            raise CredentialError(self._target, f"{where} refuses our sign-in (HTTP {status}); correct {self._setting}")
        if status in {429, 502, 503, 504}:
            raise UnreachableError(self._target, f"{where} cannot answer just now (HTTP {status})")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise RejectedError(
                self._target,
                f"{where} does not answer with JSON (HTTP {status}); is {self._setting} the right address?",
            ) from exc

    def _post(self, body: bytes) -> tuple[int, bytes]:
        server = self._server
        connection = _Pinned(server, self._tls)
        try:
            headers = {"Content-Type": "application/json", "Authorization": self._authorization}
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(_LONGEST)
        except ssl.SSLCertVerificationError as exc:
            raise TrustError(
                self._target,
                f"the certificate of {server.host} is not trusted ({exc.verify_message}); check the trust of "
                f"{self._setting} and the host name",
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            cause = (isinstance(exc, OSError) and exc.strerror) or type(exc).__name__
            raise UnreachableError(
                self._target, f"{server.host} ({server.connect_to} port {server.port}) does not answer ({cause})"
            ) from exc
        finally:
            connection.close()


class _Pinned(http.client.HTTPSConnection):
    """Connects to the endpoint's address, verifies its name."""

    def __init__(self, server: Endpoint, tls: ssl.SSLContext) -> None:
        super().__init__(server.host, server.port, timeout=_TIMEOUT, context=tls)
        self._server, self._tls = server, tls

    def connect(self) -> None:
        raw = socket.create_connection((self._server.connect_to, self._server.port), _TIMEOUT)
        try:
            self.sock = self._tls.wrap_socket(raw, server_hostname=self._server.host)
        except BaseException:
            raw.close()
            raise


def trusting(target: str, trust: Path | None, setting: str) -> ssl.SSLContext:
    """TLS that trusts the authority in the PEM file `trust`, or the machine's."""
    try:
        return ssl.create_default_context(cafile=str(trust) if trust else None)
    except (OSError, ssl.SSLError) as exc:
        raise TrustError(
            target, f"{setting}: {trust} cannot be read as PEM certificates; correct the path or the file"
        ) from exc
