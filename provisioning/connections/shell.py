"""Files of Unix servers over SFTP: target ``dhcp`` is the DHCP server (leases, reservations), ``web`` the intranet's
web server (documents), ``phone-files`` the server that desk phones fetch their files from."""

from __future__ import annotations

import contextlib
import posixpath
import secrets as random
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import paramiko

from provisioning.connections.ssh import (
    SshClient,
    UnknownHostKeyError,
    connect_tcp,
    trust_known,
    untrusted,
)
from provisioning.errors import CredentialError, RejectedError, RequestError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Credential, Endpoint
from provisioning.site.intranet import WebFiles
from provisioning.site.network import Dhcp
from provisioning.site.phones import PhoneFiles

__all__ = ["ShellSession", "open_session", "sign_in"]

_CONNECT, _ANSWER = 10.0, 30.0  # seconds
_LARGEST = 64 * 1024 * 1024  # bytes


class ShellSession:
    """One signed-in SSH session on a Unix server."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        where, self._section = _SERVERS[target]
        at = where(inventory)
        if at is None:
            raise RequestError(f"the site says nothing about {target!r}; add {self._section}: to it")
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self._client = sign_in(target, at.ssh, at.credential, at.known_hosts, secrets)
        self._files: paramiko.SFTPClient | None = None

    @property
    def dhcp(self) -> Dhcp:
        """The site's DHCP server. Raises :class:`RequestError` when it has none."""
        if self.inventory.network.dhcp is None:
            raise RequestError("the site says nothing about 'dhcp'; add network: dhcp: to it")
        return self.inventory.network.dhcp

    def read_file(self, path: str) -> str:
        """The text of a file on the server. Raises :class:`RejectedError` when it is not there or may not be
        read."""
        text = self.read_if_there(path)
        if text is None:
            raise RejectedError(self.target, f"the file {path} does not exist; correct {self._section}: in the site")
        return text

    def read_if_there(self, path: str) -> str | None:
        """The text of a file on the server, ``None`` when there is none. Raises :class:`RejectedError` when it may not
        be read."""
        with self._mapped("read", path):
            try:
                with self._sftp().open(path, "r") as file:
                    return file.read(_LARGEST).decode("utf-8", "replace")
            except FileNotFoundError:
                return None

    def write_file(self, path: str, text: str, mode: int = 0o644) -> None:
        """Replace a file in one step, so that nobody reads half of it; missing folders above it are made. It has `mode`
        before anything is in it. Raises :class:`RejectedError` when this account may not."""
        with self._mapped("written", path):
            files, folder = self._sftp(), posixpath.dirname(path)
            self._make_folders(files, folder)
            partial = f"{folder}/.{random.token_hex(8)}.partial"
            try:
                with files.open(partial, "wx") as file:
                    files.chmod(partial, mode)
                    file.write(text.encode("utf-8"))
                files.posix_rename(partial, path)
            except OSError:
                with contextlib.suppress(OSError):
                    files.remove(partial)
                raise

    def delete_file(self, path: str) -> None:
        """Remove a file; one that is gone already is fine."""
        with self._mapped("removed", path), contextlib.suppress(FileNotFoundError):
            self._sftp().remove(path)

    def run(self, command: str) -> int:
        """Run a command of the site's own and give its exit code; what it prints is nobody's verdict."""
        with self._mapped("run", command):
            _, output, _ = self._client.exec_command(command, timeout=_ANSWER)
            output.read(_LARGEST)
            return output.channel.recv_exit_status()

    def _sftp(self) -> paramiko.SFTPClient:
        if self._files is None:
            self._files = self._client.open_sftp()
            if (channel := self._files.get_channel()) is not None:
                channel.settimeout(_ANSWER)
        return self._files

    def _make_folders(self, files: paramiko.SFTPClient, folder: str) -> None:
        try:
            mode = files.stat(folder).st_mode or 0
        except FileNotFoundError:
            if folder == "/":  # an account that sees nothing of the server but what it was given
                raise RejectedError(
                    self.target, f"there is no such folder for this account; correct {self._section}: in the site"
                ) from None
            self._make_folders(files, posixpath.dirname(folder))
            files.mkdir(folder, 0o755)
        else:
            if not stat.S_ISDIR(mode):
                raise RejectedError(
                    self.target, f"{folder} is not a folder there; correct {self._section}: in the site"
                )

    @contextlib.contextmanager
    def _mapped(self, operation: str, path: str) -> Iterator[None]:
        """Their exceptions → ours, once."""
        try:
            yield
        except PermissionError as exc:
            raise RejectedError(
                self.target, f"{path} may not be {operation} by this account; correct {self._section}: in the site"
            ) from exc
        except (paramiko.SSHException, OSError, EOFError) as exc:
            raise UnreachableError(
                self.target, f"the connection broke while {path} was {operation}; try again"
            ) from exc

    def close(self) -> None:
        """Sign out."""
        self._client.close()


_SERVERS: Mapping[str, tuple[Callable[[Inventory], Dhcp | WebFiles | PhoneFiles | None], str]] = {
    "dhcp": (lambda site: site.network.dhcp, "network: dhcp"),
    "web": (lambda site: site.intranet.files, "intranet: files"),
    "phone-files": (lambda site: site.phones.files if site.phones else None, "phones: files"),
}
"""Target → where the site has it, and how people write that."""


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> ShellSession:
    """Open a session on ``dhcp``, ``web`` or ``phone-files``."""
    return ShellSession(target, inventory, secrets)


def sign_in(
    target: str, ssh: Endpoint, credential: Credential, known_hosts: Path, secrets: Secrets
) -> paramiko.SSHClient:
    password = secrets.resolve(credential.password)
    client = SshClient()
    trust_known(client, target, known_hosts, ssh)
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
