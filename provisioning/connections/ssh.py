"""What every SSH session here starts with: a TCP connection, and host keys that must be known."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST
from paramiko.config import SSH_PORT
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from provisioning.connections.ssh_transport import Transport
from provisioning.errors import TrustError, UnreachableError
from provisioning.site.base import Endpoint

# What paramiko logs reaches us as exceptions as well; without a handler its tracebacks go to stderr.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


_HASHED = re.compile(r"\|1\|[A-Za-z0-9+/]{27}=\|[A-Za-z0-9+/]{27}=")  # two times 20 octets in base64: salt and HMAC


class UnknownHostKeyError(paramiko.SSHException):
    """The server's host name is not in the known_hosts file."""


class _Refuse(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 # paramiko's signature
        raise UnknownHostKeyError(hostname)


class SshClient(paramiko.SSHClient):
    """paramiko's client with a shell in one round trip, and without its haste: while nothing comes in, its thread wakes
    up twice a minute, not ten times a second (a thousand sessions that are kept open would keep a processor busy)."""

    _IDLE, _ANSWER = 30.0, 30.0  # seconds

    def connect(self, hostname: str, *arguments: Any, **options: Any) -> Any:
        """As paramiko's."""
        return super().connect(hostname, *arguments, **{"transport_factory": Transport, **options})

    def invoke_shell(  # noqa: PLR0917  (the signature is paramiko's)
        self,
        term: str | bytes = "vt100",
        width: int = 80,
        height: int = 24,
        width_pixels: int = 0,
        height_pixels: int = 0,
        environment: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> paramiko.Channel:
        """A shell in a terminal of that size. As with OpenSSH's client both requests go out at once; the answers come
        in their order (RFC 4254, sections 5.4 and 6.2). If a device refuses one the channel is closed: reading
        tells."""
        transport: Any = self.get_transport()
        transport.sock.settimeout(self._IDLE)
        channel: paramiko.Channel = transport.open_session(timeout=self._ANSWER)
        for request in ("pty-req", "shell"):
            message = paramiko.Message()
            message.add_byte(cMSG_CHANNEL_REQUEST)
            message.add_int(channel.remote_chanid)
            message.add_string(request)
            message.add_boolean(True)
            if request == "pty-req":
                message.add_string(term)
                for number in (width, height, width_pixels, height_pixels):
                    message.add_int(number)
                message.add_string(b"")  # no terminal modes
            transport._send_user_message(message)
        return channel


def trust_known(client: paramiko.SSHClient, target: str, path: Path, endpoint: Endpoint) -> None:
    """Let `client` trust the keys that `path` has for this server, and no other. Raises :class:`TrustError` when the
    file cannot be read."""
    client.set_missing_host_key_policy(_Refuse())
    name = endpoint.host if endpoint.port == SSH_PORT else f"[{endpoint.host}]:{endpoint.port}"
    for kind, key in _known_hosts(target, path).keys(name).items():
        client.get_host_keys().add(name, kind, key)


class _KnownHosts:
    """The lines of one known_hosts file by host name (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). As paramiko has it, a
    host's first key of a kind counts. A line with a marker (``@revoked``, ``@cert-authority``) is nothing to trust."""

    def __init__(self, path: Path) -> None:
        self._named: dict[str, list[tuple[int, paramiko.PKey]]] = defaultdict(list)
        self._hashed: list[tuple[int, str, paramiko.PKey]] = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            if not line.strip() or line.strip()[0] in "#@":
                continue
            entry = HostKeyEntry.from_line(line.strip(), number)
            if entry is None or entry.key is None:
                continue
            for name in entry.hostnames or ():
                if _HASHED.fullmatch(name):
                    self._hashed.append((number, name, entry.key))
                else:
                    self._named[name].append((number, entry.key))

    def keys(self, name: str) -> dict[str, paramiko.PKey]:
        """Kind → key of the host of that name."""
        hits = [
            (number, key) for number, salted, key in self._hashed if paramiko.HostKeys.hash_host(name, salted) == salted
        ]
        found: dict[str, paramiko.PKey] = {}
        for _, key in sorted([*self._named.get(name, ()), *hits], key=lambda hit: hit[0]):
            found.setdefault(key.get_name(), key)
        return found


_parsed: dict[Path, tuple[tuple[int, int, int], _KnownHosts]] = {}
_parsing = threading.Lock()


def _known_hosts(target: str, path: Path) -> _KnownHosts:
    """`path`, parsed once (that of a thousand switches takes a while) and again when it was written."""
    try:
        with _parsing:
            stat = path.stat()
            version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if path not in _parsed or _parsed[path][0] != version:
                _parsed[path] = (version, _KnownHosts(path))
            return _parsed[path][1]
    except (OSError, ValueError, paramiko.SSHException, InvalidHostKey) as exc:
        raise _unreadable(target, path) from exc


def _unreadable(target: str, path: Path) -> TrustError:
    return TrustError(target, f"the known_hosts file {path} cannot be read; write the host key of the server into it")


def connect_tcp(target: str, endpoint: Endpoint, seconds: float) -> socket.socket:
    """A TCP connection without Nagle's delay, which costs paramiko's handshake 60 ms."""
    where = f"{endpoint.connect_to} port {endpoint.port}"
    try:
        connection = socket.create_connection((endpoint.connect_to, endpoint.port), seconds)
    except OSError as exc:
        reason = "no answer" if isinstance(exc, TimeoutError) else exc.strerror or "the name cannot be resolved"
        raise UnreachableError(
            target,
            f"nobody answers at {where} ({reason.lower()}); check power, cable and address, then try again",
        ) from exc
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def untrusted(target: str, endpoint: Endpoint, known_hosts: Path, cause: BaseException) -> TrustError:
    """The sentence for a host key that is not the known one."""
    if isinstance(cause, paramiko.BadHostKeyException):
        fault = f"shows another host key than the one of {endpoint.host} in {known_hosts}"
    else:
        fault = f"has a host key that is not in {known_hosts} under the name {endpoint.host}"
    return TrustError(
        target,
        f"{endpoint.connect_to} {fault}; if the device was replaced, verify its key on the "
        "console and correct the file",
    )
