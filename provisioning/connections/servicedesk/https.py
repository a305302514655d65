"""HTTPS to one server, by requests: verified, bounded, and with our errors.

The connection goes to the endpoint's address where it has one; name, certificate and ``Host`` header are the host's.
The machine's own settings (proxies, ``.netrc``) have no say, and no redirection is followed: a token must not follow
one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from provisioning.connections.servicedesk.desk import TARGET
from provisioning.errors import CredentialError, RejectedError, SiteError, TrustError, UnreachableError
from provisioning.site.base import Endpoint

_LONGEST_ANSWER = 4 * 1024 * 1024  # bytes; a desk's answer is a few KiB
_CHUNK = 64 * 1024
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that say nothing about our request: trying again later may help (RFC 9110 15.5, 15.6; RFC 6585)."""


class Answer:
    """One answer: HTTP status, headers and body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self, what: str) -> Any:
        """The body as JSON. Raises :class:`RejectedError` naming `what` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            raise RejectedError(
                TARGET, f"the answer to {what} is not JSON; check the server and path of service_desk"
            ) from exc


class _Pinned(HTTPAdapter):
    """Verifies the certificate for `host`, whatever the URL connects to."""

    def __init__(self, host: str) -> None:
        self._host = host
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **words: Any) -> None:
        super().init_poolmanager(
            connections, maxsize, block, server_hostname=self._host, assert_hostname=self._host, **words
        )


class HttpsClient:
    """Requests to one endpoint, over a connection that is kept. `timeout` is in seconds and bounds each whole
    answer."""

    def __init__(
        self,
        endpoint: Endpoint,
        trust: Path | None,
        timeout: float,
        *,
        auth: AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if trust is not None and not trust.is_file():
            raise SiteError(f"service_desk: trust: there is no file {trust}; put the CA's certificate there")
        self._endpoint = endpoint
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = True if trust is None else str(trust)
        self._session.auth = auth
        usual = "" if endpoint.port == 443 else f":{endpoint.port}"
        self._session.headers.update(
            {"Host": f"{endpoint.host}{usual}", "Accept": "application/json", **(headers or {})}
        )
        self._session.mount("https://", _Pinned(endpoint.host))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, with a JSON body if any. Statuses that mean a refusal are the caller's to judge, except:

        401 and 403 raise :class:`CredentialError`; those that say "later" (429, 5xx …) and a broken connection raise
        :class:`UnreachableError`; a wrong certificate raises :class:`TrustError`.
        """
        kind = {"Content-Type": "application/json; charset=utf-8"} if body is not None else {}
        url = f"https://{self._endpoint.connect_to}:{self._endpoint.port}{path}"
        try:
            with self._session.request(
                method, url, params=query, data=body, headers={**kind, **(headers or {})}, timeout=self._timeout,
                allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                answer = Answer(response.status_code, response.headers, self._read(response))
        except requests.exceptions.SSLError as exc:
            raise TrustError(
                TARGET,
                f"the certificate of {self._endpoint.host} is not trusted ({_cause(exc)}); check service_desk: trust",
            ) from exc
        except requests.exceptions.RequestException as exc:
            raise UnreachableError(TARGET, f"{self._where()} does not answer ({_cause(exc)}); is it running?") from exc
        self._judge(answer)
        return answer

    def _read(self, response: requests.Response) -> bytes:
        """The whole body: `timeout` of requests bounds each read only, so a dripping server is cut off here."""
        deadline, parts, size = time.monotonic() + self._timeout, [], 0
        for part in response.iter_content(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > _LONGEST_ANSWER:
                raise RejectedError(TARGET, f"{self._where()} sends an answer of more than 4 MiB; is it the desk?")
            if time.monotonic() > deadline:
                raise UnreachableError(TARGET, f"{self._where()} did not finish its answer in {self._timeout:g} s")
        return b"".join(parts)

    def _judge(self, answer: Answer) -> None:
        if answer.status in {401, 403}:
            raise CredentialError(
                TARGET,
                f"{self._endpoint.host} refuses our sign-in or our right to do this (HTTP {answer.status}); "
                "check the credential in service_desk and the rights of that account",
            )
        if answer.status in _BUSY:
            raise UnreachableError(
                TARGET, f"{self._endpoint.host} cannot do it now (HTTP {answer.status}{_said(answer)})"
            )

    def _where(self) -> str:
        return f"{self._endpoint.host} ({self._endpoint.connect_to} port {self._endpoint.port})"


def refusal(answer: Answer, what: str) -> RejectedError:
    """The error for an answer that refuses `what`, with what the desk said about it."""
    return RejectedError(
        TARGET,
        f"{what} was refused (HTTP {answer.status}{_said(answer)}); "
        "check the settings of service_desk, then `provision worklog deliver`",
    )


def _said(answer: Answer) -> str:
    """``: `` and the desk's own words, if it has any: printable, bounded, never what we sent."""
    try:
        plain = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    words = plain.get("message") or plain.get("Messages") if isinstance(plain, dict) else plain
    lines = words if isinstance(words, list) else [words]
    text = "; ".join(str(line) for line in lines if isinstance(line, str) and line)
    return f": {''.join(c if c.isprintable() else ' ' for c in text)[:200]}" if text else ""


def _cause(exc: BaseException) -> str:
    """The innermost reason, in a few words: requests and urllib3 wrap it three times."""
    seen = exc
    while True:
        inner = seen.__cause__ or getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        if not isinstance(inner, BaseException) or inner is seen:
            break
        seen = inner
    if isinstance(seen, TimeoutError) or "timed out" in str(seen):
        return "no answer in time"
    text = getattr(seen, "strerror", None) or getattr(seen, "verify_message", None) or type(seen).__name__
    return "".join(char if char.isprintable() else " " for char in str(text))[:200]
