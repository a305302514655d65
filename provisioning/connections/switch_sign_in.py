"""Signing in to a switch: netmiko does it, strictly, and without its session preparation."""

from __future__ import annotations

from typing import Any

import paramiko
from netmiko.cisco.cisco_ios import CiscoIosSSH
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoBaseException

from provisioning.connections.ssh import (
    SshClient,
    UnknownHostKeyError,
    connect_tcp,
    trust_known,
    untrusted,
)
from provisioning.errors import CredentialError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site.network import Switch

__all__ = ["SignIn", "sign_in"]

_CONNECT = 10.0  # seconds


class SignIn(CiscoIosSSH):
    """netmiko's sign-in without its session preparation: a pause of 0.1 s and five round trips that we do
    not need. `client` is the one it connects: it has the host keys already."""

    def __init__(self, client: paramiko.SSHClient, **settings: Any) -> None:
        self._client = client
        super().__init__(**settings)

    def _try_session_preparation(self, force_data: bool = True) -> None:  # noqa: ARG002 # the signature is netmiko's
        return

    def _build_ssh_client(self) -> paramiko.SSHClient:
        return self._client

    def cleanup(self, command: str = "exit") -> None:  # noqa: ARG002 # the signature is netmiko's
        return


def sign_in(target: str, switch: Switch, secrets: Secrets) -> SignIn:
    """Sign in to a switch. The password is tried once: a second try with the
    same one would only bring the account nearer to its lock. Raises :class:`CredentialError`, :class:`TrustError`,
    :class:`UnreachableError`."""
    password = secrets.resolve(switch.credential.password)
    client = SshClient()
    trust_known(client, target, switch.known_hosts, switch.ssh)
    sock = connect_tcp(target, switch.ssh, _CONNECT)
    try:
        return SignIn(
            client,
            host=switch.ssh.host,
            port=switch.ssh.port,
            username=switch.credential.user,
            password=password.get_secret_value(),
            device_type="cisco_ios",
            sock=sock,
            use_keys=False,
            allow_agent=False,
            conn_timeout=_CONNECT,
            auth_timeout=_CONNECT,
            banner_timeout=_CONNECT,
            blocking_timeout=_CONNECT,
        )
    except NetmikoAuthenticationException as exc:
        sock.close()
        raise CredentialError(
            target,
            f"refused the password of user {switch.credential.user!r} ({switch.credential.password}); "
            "correct it and try again",
        ) from exc
    except (paramiko.SSHException, NetmikoBaseException, OSError, EOFError) as exc:
        sock.close()
        cause = exc.__context__ or exc  # netmiko wraps what paramiko said into a timeout of its own
        if isinstance(cause, (paramiko.BadHostKeyException, UnknownHostKeyError)):
            raise untrusted(target, switch.ssh, switch.known_hosts, cause) from exc
        raise UnreachableError(
            target,
            f"{switch.ssh.connect_to} port {switch.ssh.port} accepts connections but does not complete SSH "
            f"({type(cause).__name__}); is it the switch's SSH port?",
        ) from exc
    except BaseException:
        sock.close()
        raise
