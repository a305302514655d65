"""Files of Unix servers over SFTP: target ``dhcp`` is the DHCP server, whose lease file proofs read."""

from __future__ import annotations

from pathlib import Path

import paramiko

from provisioning.connections.ssh import (
    UnknownHostKeyError,
    connect_tcp,
    load_known_hosts,
    refuse_unknown_keys,
    untrusted,
)
from provisioning.errors import CredentialError, RejectedError, RequestError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Credential, Endpoint

__all__ = ["ShellSession", "open_session"]

_CONNECT, _ANSWER = 10.0, 30.0  # seconds
_LARGEST = 64 * 1024 * 1024  # bytes


class ShellSession:
    """One signed-in SSH session on a Unix server."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        if target != "dhcp" or inventory.network.dhcp is None:
            raise RequestError(f"the site says nothing about {target!r}; add network: dhcp: to it")
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self.dhcp = inventory.network.dhcp
        self._client = _sign_in(target, self.dhcp.ssh, self.dhcp.credential, self.dhcp.known_hosts, secrets)
        self._files: paramiko.SFTPClient | None = None

    def read_file(self, path: str) -> str:
        """The text of a file on the server. Raises :class:`RejectedError` when it is not there or may not be
        read."""
        try:
            if self._files is None:
                self._files = self._client.open_sftp()
                if (channel := self._files.get_channel()) is not None:
                    channel.settimeout(_ANSWER)
            with self._files.open(path, "r") as file:
                return file.read(_LARGEST).decode("utf-8", "replace")
        except (FileNotFoundError, PermissionError) as exc:
            reason = "does not exist" if isinstance(exc, FileNotFoundError) else "may not be read by this account"
            raise RejectedError(self.target, f"the file {path} {reason}; correct network: dhcp: in the site") from exc
        except (paramiko.SSHException, OSError, EOFError) as exc:
            raise UnreachableError(self.target, f"the connection broke while {path} was read; try again") from exc

    def close(self) -> None:
        """Sign out."""
        self._client.close()


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> ShellSession:
    """Open a session on ``dhcp``."""
    return ShellSession(target, inventory, secrets)


def _sign_in(
    target: str, ssh: Endpoint, credential: Credential, known_hosts: Path, secrets: Secrets
) -> paramiko.SSHClient:
    password = secrets.resolve(credential.password)
    load_known_hosts(target, known_hosts)
    client = paramiko.SSHClient()
    client.load_host_keys(str(known_hosts))
    refuse_unknown_keys(client)
    connection = connect_tcp(target, ssh, _CONNECT)
    try:
        client.connect(
            ssh.host,
            ssh.port,
            credential.user,
            password.get_secret_value(),
            sock=connection,
            look_for_keys=False,
            allow_agent=False,
            timeout=_CONNECT,
            auth_timeout=_CONNECT,
            banner_timeout=_CONNECT,
        )
    except paramiko.AuthenticationException as exc:
        client.close()
        raise CredentialError(
            target,
            f"refused the password of user {credential.user!r} ({credential.password}); correct it and try again",
        ) from exc
    except (paramiko.BadHostKeyException, UnknownHostKeyError) as exc:
        client.close()
        raise untrusted(target, ssh, known_hosts, exc) from exc
    except (paramiko.SSHException, OSError, EOFError) as exc:
        client.close()
        raise UnreachableError(
            target, f"{ssh.connect_to} port {ssh.port} does not complete SSH ({type(exc).__name__})"
        ) from exc
    return client
