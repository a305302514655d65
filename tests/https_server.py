"""A real HTTPS server inside a test: one thread, a certificate of the lab's own authority, answers by a function."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from provisioning.lab.certificates import LabAuthority
from provisioning.site.base import Endpoint

HOST = "desk.corp.example"


@dataclass(frozen=True)
class Asked:
    """One request as the server got it. Header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def plain(self) -> Any:
        return json.loads(self.body)


Answerer = Callable[[Asked], tuple[int, Any] | None]
"""Status and JSON body for one request; ``None`` hangs up without an answer."""


@dataclass
class Serving:
    """A running server: where it is, which certificate it is verified by, what it was asked."""

    endpoint: Endpoint
    trust: Path
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(folder: Path, answerer: Answerer, *, host: str = HOST) -> Iterator[Serving]:
    """Serve until the block ends."""
    authority = LabAuthority(folder)
    files = authority.issue([host], ["127.0.0.1"], folder, "server")
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 2.0  # a client that lost its connection is not waited for

        def _any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append(Asked(self.command, parts.path, query, headers, body))
            answer = answerer(asked[-1])
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if 300 <= answer[0] < 400:
                self.send_header("Location", "https://elsewhere.example/")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _any  # noqa: N815  (the base class's names)

        def log_message(self, *_: object) -> None:
            """Tests look at `asked` instead."""

    class Server(HTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up is part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        endpoint = Endpoint.model_validate({"host": host, "port": server.server_port, "address": "127.0.0.1"})
        yield Serving(endpoint, authority.certificate, asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
