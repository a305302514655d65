"""Mail as its users see it: a message goes in by SMTP (RFC 5321) and is read by IMAP (RFC 3501), both over
verified TLS.

For proofs, and as the way to people's Sieve scripts: what a mailbox is called and how big it may grow is written to the
directory, not here.
"""

from __future__ import annotations

import imaplib
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from pydantic import SecretStr

from provisioning.connections.managesieve import ManageSieve, SignIn
from provisioning.errors import CredentialError, RejectedError, RequestError, TrustError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Endpoint

TOKEN_HEADER = "X-Provisioning-Check"  # noqa: S105 - the name of a header
"""Header in which a test message carries its token."""

_TIMEOUT = 15.0  # seconds for one answer of a server
_SMTPS = 465  # TLS from the first byte (RFC 8314); every other port begins in clear and must offer STARTTLS
_IMAP_STARTTLS = 143
_ADDRESS = re.compile(r"[^\s\x00-\x20<>()\[\]\\,;:@\"]{1,64}@[A-Za-z0-9.-]{1,255}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TOKEN = re.compile(r"[A-Za-z0-9-]{8,64}")
_POLL = 0.25  # seconds between two looks into a mailbox


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> MailSession:
    """The session of target ``mail``. Raises :class:`SecretError` and :class:`TrustError`; servers are
    asked at use."""
    return MailSession(target, inventory, secrets)


class MailSession:
    """Sends test messages and reads them back. Each call is one connection of its own.

    Every call raises :class:`UnreachableError`, :class:`TrustError` and, for what it says itself,
    :class:`CredentialError` and :class:`RejectedError`.
    """

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self._site = inventory.mail
        self._reader_password: SecretStr = secrets.resolve(self._site.check_reader.password)
        self._tls = _trusting(target, inventory)

    def close(self) -> None:
        """Nothing stays open between calls."""

    def send(self, to: str, subject: str, token: str, *, awaits_reply: bool = False) -> None:
        """Hand one test message to the mail server, from the site's `check_sender`.

        One that `awaits_reply` looks like a person's, and has a sender of its own (``check+TOKEN@…``), as automatic
        replies go once to each sender (RFC 5230, 4.2). Raises :class:`RejectedError` when the server does not take it
        (for example 550: nobody has this address).
        """
        self._check(_ADDRESS, "mail address", to)
        self._check(_TOKEN, "token", token)
        sender, message = self._site.check_sender, self._message(to, subject, token)
        if awaits_reply:
            name, _, domain = sender.rpartition("@")
            sender = f"{name}+{token}@{domain}"
            message.replace_header("From", sender)
            del message["Auto-Submitted"]
        with self._boundary(self._site.smtp), self._smtp() as smtp:
            smtp.send_message(message, sender, [to])

    def find(self, login: str, token: str, *, patience: float = 0.0, header: str = TOKEN_HEADER) -> bool:
        """Whether the INBOX of `login` holds the test message with this token in this `header`; looks again for
        `patience` seconds.

        The message that is found is removed. Raises :class:`CredentialError` when the reader is not let into
        this mailbox.
        """
        self._check(_LOGIN, "login", login)
        self._check(_TOKEN, "token", token)
        deadline = time.monotonic() + patience
        with self._boundary(self._site.imap), self._mailbox(login) as imap:
            while not (found := self._search(imap, header, token)):
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_POLL)
                imap.noop()
            self._remove(imap, found)
        return True

    @contextmanager
    def sieve(self, login: str) -> Iterator[ManageSieve]:
        """The Sieve scripts of `login`. Raises :class:`RequestError` where the site names no server for them, and what
        :class:`ManageSieve` raises (:class:`~provisioning.connections.managesieve.NobodyError`: no mailbox)."""
        settings = self._site.sieve
        if settings is None:
            raise RequestError(f"{self.target}: the site does not say where mail rules are kept; add mail: sieve to it")
        self._check(_LOGIN, "login", login)
        who = settings.credential or self._site.check_reader
        sign_in = SignIn(login, who.user, self.secrets.resolve(who.password))
        scripts = ManageSieve(self.target, settings.server, settings.security, self._tls, sign_in)
        try:
            yield scripts
        finally:
            scripts.close()

    def _message(self, to: str, subject: str, token: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._site.check_sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = f"<{token}@{self._site.check_sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
        message[TOKEN_HEADER] = token
        message.set_content("This message proves that mail arrives. It removes itself; you may delete it.\n")
        return message

    @contextmanager
    def _smtp(self) -> Iterator[smtplib.SMTP]:
        at = self._site.smtp
        smtp = _Smtps(at, self._tls) if at.port == _SMTPS else _Smtp(at)
        with smtp:
            if at.port != _SMTPS:
                smtp.starttls(context=self._tls)
            yield smtp

    @contextmanager
    def _mailbox(self, login: str) -> Iterator[imaplib.IMAP4]:
        at = self._site.imap
        imap = _Imap(at, None) if at.port == _IMAP_STARTTLS else _Imap(at, self._tls)
        try:
            if at.port == _IMAP_STARTTLS:
                imap.starttls(self._tls)
            self._sign_in(imap, login)
            self._answer(imap.select("INBOX"), "opening INBOX")
            yield imap
        finally:
            with suppress(imap.error, OSError):
                imap.logout()
            with suppress(OSError):  # a connection that broke is not closed by `logout`
                imap.shutdown()

    def _sign_in(self, imap: imaplib.IMAP4, login: str) -> None:
        host, reader = self._site.imap.host, self._site.check_reader.user
        # SASL PLAIN (RFC 4616): act as `login`, sign in as the reader.
        plain = f"{login}\0{reader}\0{self._reader_password.get_secret_value()}".encode()
        try:
            imap.authenticate("PLAIN", lambda _: plain)
        except imap.abort as exc:
            # Dovecot hangs up when the reader is right and the mailbox is not there.
            raise RejectedError(
                self.target, f"{host} hangs up when asked for the mailbox of {login!r}; check that {login!r} has one"
            ) from exc
        except imap.error:
            raise CredentialError(
                self.target,
                f"{host} does not let {reader!r} read the mailbox of {login!r}; check the password and the "
                f"rights of "
                f"mail.check_reader, and that the mailbox exists",
            ) from None

    def _search(self, imap: imaplib.IMAP4, header: str, token: str) -> list[bytes]:
        answer = self._answer(imap.uid("SEARCH", "HEADER", header, token), "searching INBOX")
        return answer[0].split() if answer and answer[0] else []

    def _remove(self, imap: imaplib.IMAP4, uids: list[bytes]) -> None:
        which = b",".join(uids).decode("ascii")
        self._answer(imap.uid("STORE", which, "+FLAGS.SILENT", r"(\Deleted)"), "removing the test message")
        # imaplib knows what the server offered before the sign-in; UIDPLUS (RFC 4315) is offered after it. A
        # plain EXPUNGE would also remove what the owner of the mailbox has marked.
        if b"UIDPLUS" in self._answer(imap.capability(), "asking for capabilities")[0].split():
            self._answer(imap.uid("EXPUNGE", which), "removing the test message")

    def _answer(self, answer: tuple[str, list[Any]], doing: str) -> list[Any]:
        status, lines = answer
        if status != "OK":
            raise RejectedError(
                self.target, f"{doing} over IMAP was answered with {status}; look at the mail server's log"
            )
        return lines

    def _check(self, pattern: re.Pattern[str], what: str, value: str) -> None:
        if not pattern.fullmatch(value):
            raise RejectedError(
                self.target, f"{value!r} is not a {what} that can be asked for; correct it in the request"
            )

    @contextmanager
    def _boundary(self, at: Endpoint) -> Iterator[None]:
        """Their exceptions become ours, here and nowhere else."""
        try:
            yield
        except ssl.SSLCertVerificationError as exc:
            raise TrustError(
                self.target,
                f"the certificate of {at.host} is not trusted ({exc.verify_message}); check mail.trust and "
                f"the host name",
            ) from exc
        except smtplib.SMTPNotSupportedError as exc:
            raise TrustError(
                self.target, f"{at.host} port {at.port} does not offer TLS; the message was not sent"
            ) from exc
        except smtplib.SMTPRecipientsRefused as exc:
            (address, (code, text)) = next(iter(exc.recipients.items()))
            advice = "no mailbox has this address" if code >= 500 else "try again, and look at its log"
            raise RejectedError(
                self.target, f"{at.host} refuses mail to {address} ({code} {_printable(text)}); {advice}"
            ) from exc
        except smtplib.SMTPResponseException as exc:
            raise RejectedError(
                self.target, f"{at.host} refuses the test message ({exc.smtp_code} {_printable(exc.smtp_error)})"
            ) from exc
        except (smtplib.SMTPException, imaplib.IMAP4.abort, OSError) as exc:
            raise UnreachableError(
                self.target,
                f"{at.host} ({at.connect_to} port {at.port}) does not answer ({_cause(exc)}); is the mail "
                f"server running?",
            ) from exc
        except imaplib.IMAP4.error as exc:
            raise RejectedError(self.target, f"{at.host} refuses the request ({_printable(str(exc))})") from exc


class _Smtp(smtplib.SMTP):
    """Connects to the endpoint's address, verifies its name."""

    def __init__(self, at: Endpoint) -> None:
        self._at = at
        # Our own name is given, because asking DNS for it (the default) can take many seconds.
        own_name = socket.gethostname() or "localhost"
        super().__init__(at.host, at.port, local_hostname=own_name, timeout=_TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - smtplib's own signature
        return socket.create_connection((self._at.connect_to, port), timeout)


class _Smtps(_Smtp):
    def __init__(self, at: Endpoint, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__(at)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _wrapped(super()._get_socket(host, port, timeout), self._tls, host)


class _Imap(imaplib.IMAP4):
    """Connects to the endpoint's address, verifies its name; without `tls` the caller must ask for
    STARTTLS."""

    def __init__(self, at: Endpoint, tls: ssl.SSLContext | None) -> None:
        self._at = at
        self._tls_from_start = tls
        super().__init__(at.host, at.port, timeout=_TIMEOUT)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        raw = socket.create_connection((self._at.connect_to, self._at.port), timeout)
        return _wrapped(raw, self._tls_from_start, self._at.host) if self._tls_from_start else raw


def _wrapped(raw: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    try:
        return tls.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def _trusting(target: str, inventory: Inventory) -> ssl.SSLContext:
    trust = inventory.mail.trust
    try:
        return ssl.create_default_context(cafile=str(trust) if trust else None)
    except (OSError, ssl.SSLError) as exc:
        raise TrustError(
            target, f"mail.trust: {trust} cannot be read as PEM certificates; correct the path or the file"
        ) from exc


def _printable(text: bytes | str) -> str:
    """Remote text for a sentence: one line, no control characters, bounded."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return "".join(char if char.isprintable() else " " for char in words)[:200]


def _cause(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    return _printable(str(exc)) or type(exc).__name__
