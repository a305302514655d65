"""Files that a PC fetches from us over HTTPS: a short-lived server, with a path that nobody can guess for each file.

Where SMB is slow (a branch office, a VPN) or closed, the PC's own ``curl.exe`` (part of Windows since 10 1803) fetches
a file from here, with ranges (RFC 9110 section 14), so that a broken transfer is continued. The server listens while a
file is being fetched and not longer; several transfers of one process share it. The caller proves what arrived by its
hash.
"""

from __future__ import annotations

import contextlib
import http.server
import logging
import os
import re
import secrets
import shutil
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.errors import RequestError
from provisioning.site.windows import PullServer

_log = logging.getLogger(__name__)
_SILENCE = 60.0  # seconds after which a connection that says nothing is closed
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")

CURL_SENTENCES = {
    6: "cannot find the host name of windows.pull.host",
    7: "cannot connect to windows.pull; is the port open in the firewall between the PC and this machine?",
    18: "lost the connection again and again",
    22: "was refused by our server",
    23: "cannot write the file; is its disk full?",
    28: "waited in vain for our server",
    33: "could not continue where it stopped",
    35: "could not agree on TLS with our server",
    56: "lost the connection again and again",
    60: "does not trust the certificate of windows.pull; its CA must be in the PC's store",
    77: "does not trust the certificate of windows.pull; its CA must be in the PC's store",
    9009: "has no curl.exe (Windows 10 before 1803?); leave windows.pull out",
}
"""What curl's exit codes mean here (curl.se, "Exit codes")."""

GO_ON = frozenset({18, 28, 52, 55, 56})
"""Exit codes after which the same command with ``-C -`` goes on where the transfer stopped."""


@dataclass(frozen=True)
class Offer:
    """A file that may be fetched from `url`, by the PC at `peer` (anybody's when it is ``None``)."""

    url: str
    token: str
    file: Path
    peer: str | None


def command(offer: Offer, destination: str) -> list[str]:
    """The words with which the PC fetches an offered file, or goes on with it. Revocation lists are not asked for: an
    internal CA rarely publishes one that a PC reaches."""
    return [
        *("curl.exe", "-q", "--fail", "--silent", "--show-error", "--ssl-no-revoke"),
        *("--proto", "=https", "--noproxy", "*"),
        *("--connect-timeout", "20", "--continue-at", "-", "--output", destination, offer.url),
    ]  # fmt: skip


@contextlib.contextmanager
def offered(file: Path, server: PullServer, peer: str | None) -> Iterator[Offer]:
    """Offer a file while the block runs. Raises :class:`RequestError` when we cannot listen there."""
    token = secrets.token_urlsafe(32)
    offer = Offer(f"https://{server.host}:{server.port}/{token}", token, file, peer)
    running = _SERVERS.enter(server, offer)
    try:
        yield offer
    finally:
        _SERVERS.leave(running, offer)


class _FileServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, settings: PullServer) -> None:
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self.tls.load_cert_chain(settings.certificate, settings.key.partition(":")[2])
        self.where = (str(settings.address), settings.port)
        self.offers: dict[str, Offer] = {}
        super().__init__(self.where, _Answer)
        threading.Thread(target=self.serve_forever, name="pull", daemon=True).start()

    def server_bind(self) -> None:  # HTTPServer would look the address up in DNS
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "provision", self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_SILENCE)
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's
        _log.debug("a transfer to %s ended early", client_address[0], exc_info=True)


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "provision"
    sys_version = ""
    server: _FileServer

    def do_GET(self) -> None:
        offer = self.server.offers.get(self.path.strip("/"))
        if offer is None or (offer.peer is not None and self.client_address[0] != offer.peer):
            return self._refuse(404)
        with offer.file.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            match = _RANGE.fullmatch(self.headers.get("Range") or "")
            start = int(match[1]) if match else 0
            if start >= size and start:
                return self._refuse(416, {"Content-Range": f"bytes */{size}"})
            self.send_response(206 if match else 200)
            if match:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(size - start))
            self.end_headers()
            file.seek(start)
            shutil.copyfileobj(file, self.wfile, 1024 * 1024)
        return None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the path is a secret."""

    def _refuse(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()


class _Servers:
    """The servers of this process, one an address, each as long as it offers something."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], _FileServer] = {}
        self._lock = threading.Lock()

    def enter(self, settings: PullServer, offer: Offer) -> _FileServer:
        where = (str(settings.address), settings.port)
        with self._lock:
            server = self._running.get(where)
            if server is None:
                server = self._running[where] = _start(settings)
            server.offers[offer.token] = offer
            return server

    def leave(self, server: _FileServer, offer: Offer) -> None:
        with self._lock:
            del server.offers[offer.token]
            if not server.offers:
                del self._running[server.where]
                server.shutdown()
                server.server_close()


_SERVERS = _Servers()


def _start(settings: PullServer) -> _FileServer:
    where = f"windows.pull: {settings.address} port {settings.port}"
    try:
        return _FileServer(settings)
    except ssl.SSLError as exc:
        raise RequestError(f"{where}: certificate and key do not go together ({exc.reason}); check both files") from exc
    except OSError as exc:
        raise RequestError(
            f"{where} cannot be served ({exc.strerror or exc}); is another process of ours at it, is the address this "
            "machine's, can the certificate and the key be read?"
        ) from exc


__all__ = ["CURL_SENTENCES", "GO_ON", "Offer", "command", "offered"]
