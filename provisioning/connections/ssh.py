"""What every SSH session here starts with: a TCP connection, and host keys that must be known."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import paramiko

from provisioning.errors import TrustError, UnreachableError
from provisioning.site.base import Endpoint

# What paramiko logs reaches us as exceptions as well; without a handler its tracebacks go to stderr.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class UnknownHostKeyError(paramiko.SSHException):
    """The server's host name is not in the known_hosts file."""


class _Refuse(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 # paramiko's signature
        raise UnknownHostKeyError(hostname)


def refuse_unknown_keys(client: paramiko.SSHClient) -> None:
    """Accept no host key that the client does not know already."""
    client.set_missing_host_key_policy(_Refuse())


def load_known_hosts(target: str, path: Path) -> paramiko.HostKeys:
    """The host keys in `path`. Raises :class:`TrustError` when it cannot be read."""
    try:
        return paramiko.HostKeys(str(path))
    except (OSError, paramiko.SSHException) as exc:
        raise TrustError(
            target, f"the known_hosts file {path} cannot be read; write the host key of the server into it"
        ) from exc


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
