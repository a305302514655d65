"""Files on one PC over SMB 3 (MS-SMB2), signed: in a folder of this session's own, which only
administrators can write to."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import smbclient
import smbclient.shutil
from smbprotocol.exceptions import (
    AccessDenied,
    BadNetworkName,
    LogonFailure,
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBOSError,
)

from provisioning.connections import smb_waiting  # noqa: F401  (it changes how smbprotocol waits)
from provisioning.connections.sign_ins import SignIn
from provisioning.connections.smb_stream import AHEAD, stream
from provisioning.errors import CredentialError, RejectedError, TargetError, UnreachableError
from provisioning.site.windows import Windows
from provisioning.site.workplaces import Workstation

_log = logging.getLogger(__name__)

_TRIES = 3
_FULL = frozenset({0xC000007F, 0xC0000044})
"""MS-ERREF 2.3.1: the disk is full, or the account's quota on it."""
_PREFIX = "provisioning-"
_OURS = re.compile(rf"{_PREFIX}[0-9a-f]{{16}}")
_LEFT_BEHIND = 86_400.0  # seconds: no session is open for that long
_DENIED = 0xC0000022
"""STATUS_ACCESS_DENIED, which smbclient reports as an OSError where it is about a file."""
_NOT_NOW = frozenset({0xC0000043, 0xC00000D0, 0xC0000205})
"""MS-ERREF 2.3.1: a sharing violation (the file is in use), no more connections, not enough server resources."""


class SmbFiles:
    """The files of one PC. `base` is where the share lies on the PC (``C:\\`` for ``C$``)."""

    def __init__(self, target: str, workstation: Workstation, windows: Windows, password: str) -> None:
        self._target = target
        self._windows = windows
        self._password = password
        kerberos = windows.transport == "kerberos"  # its tickets are for names
        self._server = workstation.host if kerberos else str(workstation.address or workstation.host)
        self._attempt = SignIn(target, f"SMB, port {windows.smb_port}", windows.credential.user, password)
        self._cache: dict[str, Any] = {}
        self._folder: str | None = None

    def folder(self) -> str:
        """This session's folder below the share, made on first use. ``C$`` users cannot plant files below
        ``Windows``."""
        if self._folder is None:
            system_drive = self._windows.smb_share == "C$"
            parent = "Windows\\" if system_drive else ""
            name = f"{parent}{_PREFIX}{secrets.token_hex(8)}"
            with self.mapped("make a folder"):
                smbclient.mkdir(self.unc(name), **self.how())
            self._folder = name
            if system_drive:
                self._sweep(name)
        return self._folder

    def place(self, name: str) -> str:
        """The path below the share of a file of this session's folder. Raises :class:`RejectedError` for a name that is
        not plain."""
        return f"{self.folder()}\\{_plain(self._target, name)}"

    def _sweep(self, own: str) -> None:
        """Remove the folders of sessions that were killed, by the PC's own clock. What cannot be removed stays: it is
        in nobody's way. Only below ``Windows``: elsewhere anybody might have put a folder of such a name there."""
        parent, _, name = own.rpartition("\\")
        with contextlib.suppress(OSError, SMBException, ValueError):
            there = list(smbclient.scandir(self.unc(parent), search_pattern=f"{_PREFIX}*", **self.how()))
            written = {entry.name: entry.smb_info.last_write_time.timestamp() for entry in there}
            old = [n for n, at in written.items() if _OURS.fullmatch(n) and at < written[name] - _LEFT_BEHIND]
            for folder in old:
                smbclient.shutil.rmtree(self.unc(f"{parent}\\{folder}"), **self.how())
                _log.info("%s: removed %s, which an earlier session left", self._target, folder)

    def put(self, local: Path, name: str) -> str:
        """Copy a local file; gives its path below the share. A connection that breaks is made anew, and the copy goes
        on where it stopped."""
        remote = self.place(name)
        for left in reversed(range(_TRIES)):
            try:
                self._copy(local, remote, max(0, self._size(remote) - AHEAD) if left < _TRIES - 1 else 0)
                break
            except UnreachableError:
                self.drop()
                if not left:
                    raise
        return remote

    def _copy(self, local: Path, remote: str, offset: int) -> None:
        with (
            self.mapped(f"push {local.name}"),
            local.open("rb") as source,
            self._written(remote, "r+b" if offset else "wb") as sink,
        ):
            source.seek(offset)
            sink.seek(offset)
            stream(source, sink)

    def _size(self, remote: str) -> int:
        with self.mapped("look at a file"):
            try:
                return int(smbclient.stat(self.unc(remote), **self.how()).st_size)
            except SMBOSError as exc:
                if exc.errno != errno.ENOENT:
                    raise
                return 0

    def write(self, name: str, content: bytes) -> str:
        """Write a small file; gives its path below the share."""
        remote = self.place(name)
        with self.mapped(f"write {name}"), self._written(remote, "wb") as sink:
            stream(io.BytesIO(content), sink)
        return remote

    def _written(self, remote: str, mode: Literal["wb", "r+b"]) -> Any:
        """A file to be written without a buffer: with one, closing it would ask the PC to write it through to its disk
        (MS-SMB2 2.2.17), and nothing of this folder is to survive a power cut."""
        return smbclient.open_file(self.unc(remote), mode=mode, buffering=0, **self.how())

    def read(self, name: str) -> bytes | None:
        """A small file of this session's folder, ``None`` when there is none."""
        remote = self.place(name)
        with self.mapped(f"read {name}"):
            try:
                with smbclient.open_file(self.unc(remote), mode="rb", **self.how()) as source:
                    return bytes(source.read())
            except SMBOSError as exc:
                if exc.errno != errno.ENOENT:
                    raise
                return None

    def delete(self, name: str) -> None:
        """Remove a file of this session's folder; one that is gone already is fine."""
        remote = self.place(name)
        with self.mapped(f"remove {name}"):
            try:
                smbclient.remove(self.unc(remote), **self.how())
            except SMBOSError as exc:
                if exc.errno != errno.ENOENT:
                    raise

    def close(self) -> None:
        """Remove this session's folder and close the connection."""
        folder, self._folder = self._folder, None
        with contextlib.suppress(Exception):  # a PC that went away keeps a folder of temporary files; nothing else
            if folder is not None and self._cache:
                smbclient.shutil.rmtree(self.unc(folder), **self.how())
        self.drop()

    def drop(self) -> None:
        """Forget the connection; the next use signs in anew and finds this session's folder as it was."""
        with contextlib.suppress(Exception):
            smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._cache)
        self._cache = {}

    def probe(self) -> None:
        """Sign in, unless that is done. Raises :class:`~provisioning.errors.TargetError`."""
        with self.mapped("sign in"):
            self.how()

    def how(self) -> dict[str, Any]:
        """What smbclient's functions need beside a path; signs in when that is not done."""
        if not self._cache:
            self._sign_in()
        return {"port": self._windows.smb_port, "connection_cache": self._cache}

    def _sign_in(self) -> None:
        self._attempt.check()
        try:
            session = smbclient.register_session(
                self._server,
                username=self._windows.credential.user,
                password=self._password,
                port=self._windows.smb_port,
                connection_timeout=self._windows.timeout,
                connection_cache=self._cache,
                auth_protocol="kerberos" if self._windows.transport == "kerberos" else "ntlm",
                require_signing=True,
            )
        except (LogonFailure, SMBAuthenticationError):
            self.drop()  # the connection that is left there has no session
            self._attempt.refused()
            raise
        self._attempt.accepted()
        if session.connection.supports_encryption:  # offered: taken (MS-SMB2 3.2.5.3); else everything is signed
            session.encrypt_data = True
            session.signing_required = False  # what is encrypted is not signed as well (MS-SMB2 3.2.4.1.1)

    def protection(self) -> tuple[int, bool, bool]:
        """See :meth:`~provisioning.connections.windows_tree.SmbTree.protection`."""
        self.probe()
        connection = next(iter(self._cache.values()))
        session = next(iter(connection.session_table.values()))
        return int(connection.dialect), bool(session.signing_required), bool(session.encrypt_data)

    def unc(self, path: str) -> str:
        """The UNC path of a path below the share."""
        return f"\\\\{self._server}\\{self._windows.smb_share}\\{path}"

    @contextlib.contextmanager
    def mapped(self, operation: str) -> Iterator[None]:
        """Their exceptions → ours, once."""
        where = f"SMB at {self._server} port {self._windows.smb_port}"
        try:
            yield
        except TargetError:
            raise
        except (LogonFailure, SMBAuthenticationError, AccessDenied) as exc:
            raise self._no_access(where, operation) from exc
        except BadNetworkName as exc:
            raise RejectedError(
                self._target, f"{where} has no share {self._windows.smb_share}; check windows.smb_share"
            ) from exc
        except SMBConnectionClosed as exc:
            raise UnreachableError(self._target, f"{where} went away (cannot {operation})") from exc
        except (SMBOSError, SMBException) as exc:
            if _number(exc) in _FULL:
                raise RejectedError(self._target, f"cannot {operation}: its disk is full; make room there") from exc
            if _number(exc) == _DENIED:
                raise self._no_access(where, operation) from exc
            if _number(exc) in _NOT_NOW:
                raise UnreachableError(self._target, f"{where} cannot {operation} now: {_status(exc)}") from exc
            raise RejectedError(self._target, f"{where} cannot {operation}: {_status(exc)}") from exc
        except (OSError, ValueError) as exc:  # smbprotocol reports a failed connection as a ValueError
            raise UnreachableError(
                self._target, f"{where} does not answer (cannot {operation}); is the PC switched on?"
            ) from exc

    def _no_access(self, where: str, operation: str) -> CredentialError:
        return CredentialError(
            self._target,
            f"{where} refuses {self._windows.credential.user} (cannot {operation}); check windows.credential in the "
            "site and that this account administers the PC",
        )


def _plain(target: str, name: str) -> str:
    if not name or set(name) & set('\\/:*?"<>|%!&^') or name.startswith("."):
        raise RejectedError(target, f"{name!r} is not a plain file name")
    return name


def _number(exc: Exception) -> object:
    return getattr(exc, "ntstatus", None) or getattr(exc, "status", None)


def _status(exc: Exception) -> str:
    status = _number(exc)
    return f"{type(exc).__name__} (NT status 0x{status:08X})" if isinstance(status, int) else type(exc).__name__
