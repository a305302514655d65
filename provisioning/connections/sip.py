"""A small SIP client that registers (RFC 3261, section 10) with digest authentication (22.4, RFC 2617, RFC 8760), over
UDP, TCP or TLS: target ``registrar``."""

from __future__ import annotations

import re
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from provisioning.connections.sip_messages import Message, Registration, answers, best_challenge, parse, respond
from provisioning.errors import RejectedError, RequestError, TrustError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Endpoint
from provisioning.site.phones import Phones, Transport

__all__ = ["Answer", "SipClient", "SipSession", "open_session"]

_T1, _T2 = 0.5, 4.0  # seconds: retransmission over UDP (RFC 3261, 17.1.2.2)
_PATIENCE = 8.0  # seconds for one answer
_LARGEST = 65_535  # octets of one message
_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/-]{1,64}")  # RFC 3261, 25.1: what needs no escape


@dataclass(frozen=True)
class Answer:
    """A final answer: its status (200: registered; 401, 403, 404, 407: refused) and the contacts that the registrar
    names."""

    status: int
    reason: str
    contacts: tuple[str, ...] = ()


class SipClient:
    """One user agent that speaks to one registrar. `target` names it in errors."""

    def __init__(self, target: str, registrar: Endpoint, transport: Transport, domain: str, trust: Path | None) -> None:
        self.target = target
        self._registrar = registrar
        self._transport = transport
        self._domain = domain
        self._trust = trust
        self._wire: _Datagrams | _Stream | None = None

    def register(
        self, user: str, password: SecretStr, *, contact: str | None = None, expires: int = 60, sign_in_as: str = ""
    ) -> Answer:
        """Register `user`. Without a `contact` the registrar's bindings stay as they are and are only told (RFC 3261,
        10.2.3), but who asks must authenticate all the same; ``expires=0`` removes the contact.

        Raises :class:`UnreachableError`, :class:`TrustError`, and :class:`RejectedError` for answers that are not SIP.
        """
        if not _USER.fullmatch(user):
            raise RequestError(f"{self.target}: {user!r} is not a SIP user such as 1042")
        dialogue = Registration(user, self._domain, self._transport, contact, expires)
        answer = self._ask(dialogue.request(self._open().here))
        tried: set[str] = set()
        while answer.status in {401, 407}:
            challenge = best_challenge(answer)
            nonce = challenge.get("nonce", "")
            # stale=true: the nonce was too old, not the password wrong (RFC 2617, 3.2.1)
            if (
                not challenge
                or nonce in tried
                or (tried and challenge.get("stale", "").casefold() != "true")
                or len(tried) > 2
            ):
                break
            tried.add(nonce)
            header = "Authorization" if answer.status == 401 else "Proxy-Authorization"
            credentials = respond(challenge, sign_in_as or user, password, "REGISTER", dialogue.uri)
            answer = self._ask(dialogue.request(self._open().here, f"{header}: {credentials}"))
        return Answer(answer.status, answer.reason, tuple(c for c in answer.all("contact") if c.isprintable())[:10])

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _open(self) -> _Datagrams | _Stream:
        if self._wire is None:
            self._wire = _connect(self.target, self._registrar, self._transport, self._trust)
        return self._wire

    def _ask(self, request: str) -> Message:
        wire, where = self._open(), f"{self._registrar.connect_to} port {self._registrar.port}/{self._transport}"
        try:
            return wire.exchange(request)
        except TimeoutError as exc:
            self.close()
            raise UnreachableError(
                self.target, f"no SIP answer from {where} within {_PATIENCE:.0f} s; is the exchange running?"
            ) from exc
        except OSError as exc:
            self.close()
            raise UnreachableError(
                self.target,
                f"nobody answers SIP at {where} ({exc.strerror or type(exc).__name__}); is the exchange "
                "running, and does it listen there?",
            ) from exc
        except ValueError as exc:
            self.close()
            raise RejectedError(self.target, f"the answer from {where} is not SIP ({exc})") from exc


class SipSession(SipClient):
    """The site's registrar, with the SIP passwords that are kept here."""

    def __init__(self, target: str, phones: Phones, inventory: Inventory, secrets: Secrets) -> None:
        super().__init__(target, phones.registrar, phones.transport, phones.domain, phones.trust)
        self.phones = phones
        self.inventory = inventory
        self.secrets = secrets


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> SipSession:
    """Open a session; the registrar is reached on first use."""
    if inventory.phones is None:
        raise RequestError(f"the site says nothing about {target!r}; add phones: to it")
    return SipSession(target, inventory.phones, inventory, secrets)


# ------------------------------------------------------------------------------------------------------------- wire


class _Datagrams:
    """UDP: what is not answered is sent again, at growing intervals."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.here: tuple[str, int] = connection.getsockname()[:2]

    def exchange(self, request: str) -> Message:
        began, interval = time.monotonic(), _T1
        while (left := began + _PATIENCE - time.monotonic()) > 0:
            self._connection.send(request.encode())
            answer = self._wait(request, min(interval, left), began + _PATIENCE)
            if answer is not None:
                return answer
            interval = min(2 * interval, _T2)
        raise TimeoutError

    def _wait(self, request: str, seconds: float, deadline: float) -> Message | None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._connection.settimeout(left)
            try:
                message = parse(self._connection.recv(_LARGEST).decode("utf-8", "replace"))
            except TimeoutError:
                return None
            if answers(message, request):
                if message.status >= 200:
                    return message
                until = deadline  # it works on it: only the final answer counts
        return None

    def close(self) -> None:
        self._connection.close()


class _Stream:
    """TCP and TLS: messages one after another, framed by Content-Length (RFC 3261, 18.3)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = b""
        self._deadline = 0.0
        self.here: tuple[str, int] = connection.getsockname()[:2]

    def exchange(self, request: str) -> Message:
        self._deadline = time.monotonic() + _PATIENCE
        self._connection.settimeout(_PATIENCE)
        self._connection.sendall(request.encode())
        while True:
            message = parse(self._next())
            if answers(message, request) and message.status >= 200:
                return message

    def _next(self) -> str:
        while b"\r\n\r\n" not in self._left.lstrip(b"\r\n"):
            self._more()
        head, _, rest = self._left.lstrip(b"\r\n").partition(b"\r\n\r\n")
        text = head.decode("utf-8", "replace")
        said = re.search(r"^(?:content-length|l)\s*:\s*([0-9]{1,6})\s*$", text, re.IGNORECASE | re.MULTILINE)
        length = int(said[1]) if said else 0
        self._left = rest
        while len(self._left) < length:
            self._more()
        self._left = self._left[length:]
        return text

    def _more(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:  # also where somebody sends octet by octet
            raise TimeoutError
        self._connection.settimeout(left)
        more = self._connection.recv(_LARGEST)
        if not more:
            raise ConnectionResetError("the registrar hung up")
        self._left += more
        if len(self._left) > _LARGEST:
            raise ValueError("the message does not end")

    def close(self) -> None:
        self._connection.close()


def _connect(target: str, registrar: Endpoint, transport: Transport, trust: Path | None) -> _Datagrams | _Stream:
    where = f"{registrar.connect_to} port {registrar.port}/{transport}"
    try:
        if transport == "udp":
            family, _, _, _, address = socket.getaddrinfo(registrar.connect_to, registrar.port, type=socket.SOCK_DGRAM)[
                0
            ]
            datagrams = socket.socket(family, socket.SOCK_DGRAM)
            datagrams.connect(address)
            return _Datagrams(datagrams)
        plain = socket.create_connection((registrar.connect_to, registrar.port), _PATIENCE)
    except OSError as exc:
        raise UnreachableError(
            target, f"nobody answers SIP at {where} ({exc.strerror or type(exc).__name__}); is the exchange running?"
        ) from exc
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if transport == "tcp":
        return _Stream(plain)
    return _Stream(_secured(target, plain, registrar, trust))


def _secured(target: str, plain: socket.socket, registrar: Endpoint, trust: Path | None) -> ssl.SSLSocket:
    try:
        context = ssl.create_default_context(cafile=None if trust is None else str(trust))
        return context.wrap_socket(plain, server_hostname=registrar.host)
    except ssl.SSLCertVerificationError as exc:
        plain.close()
        raise TrustError(
            target,
            f"the certificate of {registrar.host} is not trusted ({exc.verify_message}); correct phones: trust or the "
            "exchange's certificate",
        ) from exc
    except OSError as exc:
        plain.close()
        raise UnreachableError(
            target, f"{registrar.connect_to} port {registrar.port} does not complete TLS ({type(exc).__name__})"
        ) from exc
