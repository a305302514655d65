"""Sieve scripts on a mail server over ManageSieve (RFC 5804), always inside verified TLS.

Whoever administers the server signs in on somebody's behalf (SASL PLAIN with an authorisation identity, RFC 4616), so
no person's password is needed.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr

from provisioning.connections.managesieve_words import Answer, Word, first_code, quoted, synchronous, words
from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.site.base import Endpoint
from provisioning.site.mail import Security

_TIMEOUT = 15.0  # seconds for one answer
_LONGEST = 1 << 20  # octets of one answer: Dovecot's own limit of a script
_LITERAL = re.compile(rb"\{([0-9]{1,9})\+?\}\r\n\Z")


class NobodyError(RejectedError):
    """The server has no mailbox for this login."""


@dataclass(frozen=True)
class SignIn:
    """Who signs in (`user`, `password`), and as whom (`login`)."""

    login: str
    user: str
    password: SecretStr


class ManageSieve:
    """One connection, signed in. Every call raises :class:`UnreachableError`, and :class:`RejectedError` with the
    server's words for what it refuses."""

    def __init__(self, target: str, server: Endpoint, security: Security, tls: ssl.SSLContext, sign_in: SignIn) -> None:
        """Raises :class:`UnreachableError`, :class:`TrustError`, :class:`CredentialError`, :class:`NobodyError`."""
        self._target = target
        self._server = server
        self._buffer = b""
        self._login = sign_in.login
        with self._boundary():
            self._socket = socket.create_connection((server.connect_to, server.port), _TIMEOUT)
        try:
            with self._boundary():
                self._begin(security, tls)
                self._authenticate(sign_in)
        except BaseException:
            self.close()
            raise

    def scripts(self) -> dict[str, bool]:
        """Name → whether it is the active one."""
        found = {}
        for line in self._ask("LISTSCRIPTS", "list its scripts").lines:
            name = line[0].text if line else ""
            found[name] = len(line) > 1 and line[1].text.upper() == "ACTIVE"
        return found

    def get(self, name: str) -> str:
        """The text of a script, its lines ending with ``\\n``."""
        lines = self._ask(f"GETSCRIPT {quoted(name)}", f"read the script {name!r}").lines
        text = lines[0][0].text if lines and lines[0] else ""
        return text.replace("\r\n", "\n")

    def put(self, name: str, text: str) -> None:
        """Store a script; the server refuses one that it could not carry out."""
        octets = text.replace("\n", "\r\n").encode("utf-8")
        self._ask(f"PUTSCRIPT {quoted(name)} {synchronous(octets)}", f"store the script {name!r}", octets)

    def activate(self, name: str | None) -> None:
        """Make one script the active one; ``None``: no script is active."""
        self._ask(f"SETACTIVE {quoted(name or '')}", f"activate the script {name!r}" if name else "deactivate")

    def delete(self, name: str) -> None:
        """Delete a script that is not active."""
        self._ask(f"DELETESCRIPT {quoted(name)}", f"delete the script {name!r}")

    @property
    def extensions(self) -> frozenset[str]:
        """What the server's Sieve can do beside the base (``vacation``, ``copy``, ``include`` …)."""
        return frozenset(self._capabilities.get("SIEVE", "").lower().split())

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.sendall(b"LOGOUT\r\n")
        with contextlib.suppress(OSError):
            self._socket.close()

    def _begin(self, security: Security, tls: ssl.SSLContext) -> None:
        host = self._server.host
        if security == "tls":
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        self._capabilities = _capabilities(self._answer())
        if security == "starttls":
            if "STARTTLS" not in self._capabilities:
                raise TrustError(self._target, f"{host} port {self._server.port} does not offer TLS; nothing was sent")
            self._ask("STARTTLS", "begin TLS")
            self._buffer = b""  # what somebody slipped in before TLS has no say (RFC 5804, 2.2)
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
            self._capabilities = _capabilities(self._answer())

    def _authenticate(self, sign_in: SignIn) -> None:
        if "PLAIN" not in self._capabilities.get("SASL", "").upper().split():
            raise CredentialError(
                self._target, f"{self._server.host} offers no sign-in that can act for others (PLAIN)"
            )
        identity = f"{sign_in.login}\0{sign_in.user}\0{sign_in.password.get_secret_value()}".encode()
        self._send(f'AUTHENTICATE "PLAIN" {quoted(base64.b64encode(identity).decode("ascii"))}', b"")
        try:
            answer = self._answer()
        except _HungUpError:
            answer = Answer("BYE", "", "", ())
        if answer.verdict == "OK":
            self._capabilities |= _capabilities(answer)  # Dovecot sends them anew (RFC 5804, 2.1)
        elif answer.verdict == "BYE":  # Dovecot: the administrator is right, and the mailbox is not there
            raise NobodyError(self._target, f"{self._server.host} has no mailbox of {sign_in.login!r}")
        else:
            raise CredentialError(
                self._target,
                f"{self._server.host} does not let {sign_in.user!r} act for {sign_in.login!r}; check the user, the "
                f"password and its right to act for others (mail: sieve: credential, or mail: check_reader)",
            )

    def _ask(self, command: str, doing: str, octets: bytes | None = None) -> Answer:
        with self._boundary():
            self._send(command, octets)
            answer = self._answer()
        if answer.verdict == "OK":
            return answer
        code = f"{answer.code}: " if answer.code else ""
        raise RejectedError(
            self._target,
            f"{self._server.host} refuses to {doing} of {self._login} ({code}{_printable(answer.said)})",
        )

    def _send(self, command: str, octets: bytes | None) -> None:
        self._socket.sendall(command.encode("utf-8") + b"\r\n" + (octets + b"\r\n" if octets else b""))

    def _answer(self) -> Answer:
        """Lines up to OK, NO or BYE."""
        lines: list[tuple[Word, ...]] = []
        size = 0
        while True:
            raw = self._line()
            size += len(raw)
            if size > _LONGEST:
                raise RejectedError(self._target, f"{self._server.host} sends an answer of more than 1 MiB")
            try:
                line = words(raw)
            except ValueError as exc:
                raise RejectedError(self._target, f"{self._server.host} does not speak ManageSieve: {exc}") from exc
            verdict = line[0].text.upper() if line and not line[0].is_string else ""
            if verdict in {"OK", "NO", "BYE"}:
                rest = line[1:]
                said = next((word.text for word in rest if word.is_string and not word.in_code), "")
                return Answer(verdict, first_code(rest), said, tuple(lines))
            lines.append(line)

    def _line(self) -> bytes:
        """One line with the literals inside it."""
        start = 0
        while True:
            while (end := self._buffer.find(b"\r\n", start)) < 0:
                self._receive()
            head = self._buffer[: end + 2]
            literal = _LITERAL.search(head, start)
            if literal is None:
                self._buffer = self._buffer[end + 2 :]
                return head
            if (count := int(literal[1])) > _LONGEST:
                raise RejectedError(self._target, f"{self._server.host} sends an answer of more than 1 MiB")
            while len(self._buffer) < len(head) + count:
                self._receive()
            start = len(head) + count

    def _receive(self) -> None:
        received = self._socket.recv(65_536)
        if not received:
            raise _HungUpError
        self._buffer += received
        if len(self._buffer) > 2 * _LONGEST:
            raise RejectedError(self._target, f"{self._server.host} sends an answer of more than 1 MiB")

    @contextlib.contextmanager
    def _boundary(self) -> Iterator[None]:
        """Their exceptions become ours."""
        host = self._server.host
        try:
            yield
        except ssl.SSLCertVerificationError as exc:
            raise TrustError(
                self._target,
                f"the certificate of {host} is not trusted ({exc.verify_message}); check mail.trust and the host name",
            ) from exc
        except (OSError, _HungUpError) as exc:
            cause = (isinstance(exc, OSError) and exc.strerror) or "it hung up"
            raise UnreachableError(
                self._target,
                f"{host} ({self._server.connect_to} port {self._server.port}) does not answer ManageSieve ({cause}); "
                "is it running?",
            ) from exc


class _HungUpError(Exception):
    """The server closed the connection."""


def _capabilities(answer: Answer) -> dict[str, str]:
    """Name → value, as servers greet (RFC 5804, 1.7)."""
    return {line[0].text.upper(): line[1].text if len(line) > 1 else "" for line in answer.lines if line}


def _printable(text: str) -> str:
    """Remote text for a sentence: one line, no control characters, bounded."""
    return "".join(char if char.isprintable() else " " for char in text).strip()[:300] or "no reason given"
