"""Kerberos and CredSSP for WinRM over HTTPS, by pyspnego: the token exchange of RFC 4559, on one connection.

Kerberos needs the packages of the extra ``kerberos``. CredSSP (MS-CSSP) hands the account's password to the PC, so that
it can sign in further from there; it carries NTLM or Kerberos inside.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from typing import Any

import requests
import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from requests.auth import AuthBase
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

_ROUNDS = 12  # tokens each way; CredSSP with NTLM inside TLS needs about six
_SAFE_CREDSSP = 5  # TSRequest version with the mending of CVE-2018-0886 (MS-CSSP 2.2.1)


class NoTicketError(Exception):
    """The realm gives no ticket for this account: a wrong password, an account that it does not know."""


class SpnegoSignIn(AuthBase):
    """Signs each connection in when the PC asks for it. `transport` is ``kerberos`` or ``credssp``."""

    def __init__(self, transport: str, host: str, user: str, password: str) -> None:
        self._transport = transport
        self._host = host
        self._user = user
        self._password = password
        self._scheme = "CredSSP" if transport == "credssp" else "Negotiate"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Connection"] = "Keep-Alive"
        request.register_hook("response", self._answer)
        return request

    def _answer(self, response: requests.Response, **how: Any) -> requests.Response:
        if response.status_code != 401 or self._scheme.lower() not in _offered(response):
            return response
        context, token = self._first(_bindings(response))
        for _ in range(_ROUNDS):
            response.content  # noqa: B018 - the connection is free again only when the answer is read
            response.raw.release_conn()
            request = response.request.copy()
            request.headers["Authorization"] = f"{self._scheme} {base64.b64encode(token or b'').decode()}"
            answered = response.connection.send(request, **how)
            answered.history.append(response)
            answered.request = request
            response = answered
            offer = _offered(response).get(self._scheme.lower(), b"")
            token = context.step(offer) if offer and not context.complete else None
            if response.status_code != 401 or not token:
                break
        return response

    def _first(self, bindings: GssChannelBindings | None) -> tuple[Any, bytes | None]:
        try:
            context = self._context(bindings)
            return context, context.step()
        except (ImportError, SpnegoError):
            raise
        except Exception as exc:  # gssapi and krb5 have exceptions of their own, which are known when they are there
            raise NoTicketError(type(exc).__name__) from exc

    def _context(self, bindings: GssChannelBindings | None) -> Any:
        extra: Any = {"credssp_min_protocol": _SAFE_CREDSSP} if self._transport == "credssp" else {}
        return spnego.client(
            self._user,
            self._password,
            hostname=self._host,
            service="HTTP",
            protocol=self._transport,
            **extra,
            channel_bindings=None if self._transport == "credssp" else bindings,
        )


def _offered(response: requests.Response) -> dict[str, bytes]:
    """Scheme in lower case → token, of all WWW-Authenticate headers (urllib3 joins them by commas)."""
    found: dict[str, bytes] = {}
    for offer in response.headers.get("WWW-Authenticate", "").split(","):
        scheme, _, token = offer.strip().partition(" ")
        try:
            found[scheme.lower()] = base64.b64decode(token, validate=True)
        except binascii.Error:
            found[scheme.lower()] = b""
    return found


def _bindings(response: requests.Response) -> GssChannelBindings | None:
    """tls-server-end-point (RFC 5929 4.1) of the connection, ``None`` where urllib3 has let go of it."""
    connection = getattr(response.raw, "_connection", None) or getattr(response.raw, "connection", None)
    sock = getattr(connection, "sock", None)
    octets = sock.getpeercert(True) if isinstance(sock, ssl.SSLSocket) else None
    if not octets:
        return None
    certificate = x509.load_der_x509_certificate(octets)
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or algorithm.name in {"md5", "sha1"}:
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate.public_bytes(serialization.Encoding.DER))
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())
