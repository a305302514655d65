"""The WS-Management endpoint of one PC: HTTPS 5986 and HTTP 5985, NTLM (SPNEGO or bare) and Basic (over HTTPS
only).

Runs as its own process, ``python -m provisioning.lab.windows SETTINGS.json``, inside a UTS namespace that
carries the PC's name. NTLM is pyspnego's acceptor, which finds the account in the file that
``NTLM_USER_FILE`` names.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import http.server
import json
import logging
import re
import socket
import socketserver
import ssl
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from provisioning.lab.windows import djoin, wmi, wsman
from provisioning.lab.windows.machine import Machine
from provisioning.lab.windows.shells import Shells

_log = logging.getLogger(__name__)
_ENCRYPTED = "application/HTTP-SPNEGO-session-encrypted"
_BOUNDARY = b"--Encrypted Boundary"
_KERBEROS = bytes.fromhex("06092a864886f712010202")
"""The mechanism's OID, 1.2.840.113554.1.2.2 (RFC 4121), as it stands at the head of a token (RFC 2743 3.1)."""
_SPNEGO = spnego.NegotiateOptions.use_negotiate | spnego.NegotiateOptions.use_ntlm


@dataclass(frozen=True)
class Settings:
    """What the PC's process is told. `password` is a file; the users file is in the environment."""

    name: str
    address: str
    prefix: Path
    scratch: Path
    certificate: Path
    key: Path
    user: str
    password: Path
    machine: Path

    @classmethod
    def load(cls, path: Path) -> Settings:
        plain: dict[str, Any] = json.loads(path.read_text())
        paths = {"prefix", "scratch", "certificate", "key", "password", "machine"}
        values: dict[str, Any] = {name: Path(value) if name in paths else value for name, value in plain.items()}
        return cls(**values)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({name: str(value) for name, value in vars(self).items()}))


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, settings: Settings, port: int, shells: Shells, tls: ssl.SSLContext | None) -> None:
        super().__init__((settings.address, port), _Connection)
        self.settings = settings
        self.shells = shells
        self.tls = tls
        self.bindings = _channel_bindings(settings.certificate) if tls else None

    def server_bind(self) -> None:  # HTTPServer would look the address up in DNS
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "lab", self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(600)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True)  # in the connection's own thread
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's
        _log.info("connection from %s ended: %s", client_address, sys.exc_info()[1])


class _Connection(http.server.BaseHTTPRequestHandler):
    """One TCP connection; NTLM authenticates the connection, not the request (MS-NTHT)."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    wbufsize = -1
    server: _Server
    context: Any = None

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.partition("?")[0] != "/wsman":
            return self._answer(404)
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            if self.server.tls is None or not self._basic_is_right(token):
                return self._refuse()
            return self._serve(body, sealed=False)
        if scheme.lower() in {"negotiate", "ntlm", "credssp"} and not (
            scheme.lower() == "credssp" and self.server.tls is None
        ):
            return self._negotiate(scheme, token, body)
        if self.context is None or not self.context.complete:
            return self._refuse()
        return self._serve_authenticated(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        _log.debug(format, *args)

    def _negotiate(self, scheme: str, token: str, body: bytes) -> None:
        try:
            octets = base64.b64decode(token)
            if self.context is None or self.context.complete:
                self.context = self._acceptor(scheme, octets)
            answer = self.context.step(octets)
        except (SpnegoError, binascii.Error, ValueError) as exc:
            _log.info("sign-in refused: %s", exc)
            self.context = None
            return self._refuse()
        offer = f"{scheme} {base64.b64encode(answer).decode()}" if answer else None
        if not self.context.complete:
            return self._answer(401, headers={"WWW-Authenticate": offer or scheme})
        return self._serve_authenticated(body, headers={"WWW-Authenticate": offer} if offer else {})

    def _acceptor(self, scheme: str, first: bytes) -> Any:
        if scheme.lower() == "credssp":  # what is inside its TLS is NTLM; the bindings are those of that TLS
            return spnego.server(protocol="credssp", options=_SPNEGO)
        if _KERBEROS in first[:20]:  # not wrapped in SPNEGO; needs KRB5_KTNAME and the package gssapi
            return spnego.server(protocol="kerberos", channel_bindings=self.server.bindings)
        plain = first.startswith(b"NTLMSSP\0")
        return spnego.server(
            protocol="ntlm" if plain else "negotiate",
            options=spnego.NegotiateOptions.use_ntlm if plain else _SPNEGO,
            channel_bindings=self.server.bindings,
        )

    def _serve_authenticated(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        if not body:
            return self._answer(200, headers=headers)
        sealed = self.headers.get("Content-Type", "").startswith("multipart/encrypted")
        if sealed:
            try:
                body = _unseal(self.context, body)
            except (SpnegoError, ValueError) as exc:
                _log.info("message not accepted: %s", exc)
                return self._answer(400)
        elif self.server.tls is None:
            return self._answer(403)  # AllowUnencrypted is false, as on a fresh Windows
        return self._serve(body, sealed=sealed, headers=headers)

    def _serve(self, body: bytes, *, sealed: bool, headers: dict[str, str] | None = None) -> None:
        request = None
        try:
            request = wsman.parse(body)
            status, answer = 200, _perform(self.server.shells, request)
        except wsman.WsmanError as exc:
            status, answer = 500, wsman.fault(request, exc)
        kind = "application/soap+xml;charset=UTF-8"
        if sealed:
            answer = _seal(self.context, answer)
            kind = f'multipart/encrypted;protocol="{_ENCRYPTED}";boundary="Encrypted Boundary"'
        self._answer(status, answer, {**(headers or {}), "Content-Type": kind})

    def _basic_is_right(self, token: str) -> bool:
        settings = self.server.settings
        try:
            given = base64.b64decode(token, validate=True)
        except binascii.Error:
            return False
        password = settings.password.read_text(encoding="utf-8").rstrip("\r\n")
        return hmac.compare_digest(given, f"{settings.user}:{password}".encode())

    def _refuse(self) -> None:
        self.context = None
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Negotiate")
        if self.server.tls is not None:
            self.send_header("WWW-Authenticate", 'Basic realm="WSMAN"')
            self.send_header("WWW-Authenticate", "CredSSP")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _perform(shells: Shells, request: wsman.Request) -> bytes:
    if request.resource.startswith(wmi.CLASSES):
        return wmi.answer(shells.machine_file, request)
    if request.resource != wsman.CMD_SHELL:
        raise wsman.WsmanError(
            wsman.INTERNAL,
            "wsman:DestinationUnreachable",
            f"lab: this PC serves {wsman.CMD_SHELL} only, not {request.resource}",
        )
    if request.action == wsman.CREATE:
        return wsman.shell_created(request, shells.create())
    if request.action == wsman.COMMAND:
        return wsman.command_started(request, shells.begin(request.shell_id, request.command_line()))
    if request.action == wsman.RECEIVE:
        command_id = request.attribute("DesiredStream", "CommandId")
        stdout, stderr, code = shells.command(request.shell_id, command_id).receive(request.timeout)
        return wsman.received(request, command_id, stdout, stderr, code)
    if request.action == wsman.SEND:
        command = shells.command(request.shell_id, request.attribute("Stream", "CommandId"))
        command.send(base64.b64decode(request.text("Stream")), end=request.attribute("Stream", "End").lower() == "true")
    elif request.action == wsman.SIGNAL:
        shells.end(request.shell_id, request.attribute("Signal", "CommandId"))
    elif request.action == wsman.DELETE:
        shells.delete(request.shell_id)
    else:
        raise wsman.WsmanError(wsman.INTERNAL, "wsa:ActionNotSupported", f"lab: there is no action {request.action}")
    return wsman.done(request)


def _unseal(context: Any, body: bytes) -> bytes:
    """The message inside a multipart/encrypted body (MS-WSMV 2.2.9.1)."""
    head, _, rest = body.partition(b"application/octet-stream\r\n")
    expected = re.search(rb"Length=(\d+)", head)
    sealed = rest.removesuffix(_BOUNDARY + b"--\r\n").removesuffix(_BOUNDARY + b"--")
    length = int.from_bytes(sealed[:4], "little")
    message: bytes = context.unwrap_winrm(sealed[4 : 4 + length], sealed[4 + length :])
    if expected is None or int(expected.group(1)) != len(message):
        raise ValueError("the length of the sealed message is not the announced one")
    return message


def _seal(context: Any, message: bytes) -> bytes:
    sealed = context.wrap_winrm(message)
    sealed_message: bytes = (
        _BOUNDARY
        + b"\r\n\tContent-Type: "
        + _ENCRYPTED.encode()
        + b"\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
        + str(len(message) + sealed.padding_length).encode()
        + b"\r\n"
        + _BOUNDARY
        + b"\r\n\tContent-Type: application/octet-stream\r\n"
        + len(sealed.header).to_bytes(4, "little")
        + sealed.header
        + sealed.data
        + _BOUNDARY
        + b"--\r\n"
    )
    return sealed_message


def _channel_bindings(certificate: Path) -> GssChannelBindings:
    """tls-server-end-point (RFC 5929 4.1): the certificate under its own signature's hash, SHA-256 at
    least."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    algorithm = loaded.signature_hash_algorithm
    if algorithm is None or algorithm.name in {"md5", "sha1"}:
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(loaded.public_bytes(serialization.Encoding.DER))
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())


def serve(settings: Settings) -> None:
    """Take the PC's name and serve until the process is ended."""
    socket.sethostname(settings.name)
    settings.scratch.mkdir(parents=True, exist_ok=True)
    shells = Shells(settings.machine, settings.scratch)
    djoin.complete(Machine.load(settings.machine))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(settings.certificate, settings.key)
    servers = [_Server(settings, 5986, shells, tls), _Server(settings, 5985, shells, None)]
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
