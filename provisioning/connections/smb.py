"""Files on one PC over SMB 3 (MS-SMB2), signed: in a folder of this session's own, which only
administrators can write to."""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import smbclient
import smbclient.shutil
from smbprotocol.exceptions import (
    AccessDenied,
    BadNetworkName,
    LogonFailure,
    SMBAuthenticationError,
    SMBException,
    SMBOSError,
)

from provisioning.errors import CredentialError, RejectedError, TargetError, UnreachableError
from provisioning.site.workplaces import Windows, Workstation

_log = logging.getLogger(__name__)

_BLOCK = 1024 * 1024  # octets
_PREFIX = "provisioning-"
_OURS = re.compile(rf"{_PREFIX}[0-9a-f]{{16}}")
_LEFT_BEHIND = 86_400.0  # seconds: no session is open for that long
_NOT_NOW = frozenset({0xC0000043, 0xC00000D0, 0xC0000205})
"""MS-ERREF 2.3.1: a sharing violation (the file is in use), no more connections, not enough server resources."""


class SmbFiles:
    """The files of one PC. `base` is where the share lies on the PC (``C:\\`` for ``C$``)."""

    def __init__(self, target: str, workstation: Workstation, windows: Windows, password: str) -> None:
        self._target = target
        self._windows = windows
        self._password = password
        self._server = str(workstation.address or workstation.host)
        self._cache: dict[str, Any] = {}
        self._folder: str | None = None

    def folder(self) -> str:
        """This session's folder below the share, made on first use. ``C$`` users cannot plant files below
        ``Windows``."""
        if self._folder is None:
            system_drive = self._windows.smb_share == "C$"
            parent = "Windows\\" if system_drive else ""
            name = f"{parent}{_PREFIX}{secrets.token_hex(8)}"
            with self._mapped("make a folder"):
                self._sign_in()
                smbclient.mkdir(self._unc(name), **self._how())
            self._folder = name
            if system_drive:
                self._sweep(name)
        return self._folder

    def _sweep(self, own: str) -> None:
        """Remove the folders of sessions that were killed, by the PC's own clock. What cannot be removed stays: it is
        in nobody's way. Only below ``Windows``: elsewhere anybody might have put a folder of such a name there."""
        parent, _, name = own.rpartition("\\")
        with contextlib.suppress(OSError, SMBException, ValueError):
            there = list(smbclient.scandir(self._unc(parent), search_pattern=f"{_PREFIX}*", **self._how()))
            written = {entry.name: entry.stat(follow_symlinks=False).st_mtime for entry in there}
            old = [n for n, at in written.items() if _OURS.fullmatch(n) and at < written[name] - _LEFT_BEHIND]
            for folder in old:
                smbclient.shutil.rmtree(self._unc(f"{parent}\\{folder}"), **self._how())
                _log.info("%s: removed %s, which an earlier session left", self._target, folder)

    def put(self, local: Path, name: str) -> str:
        """Copy a local file; gives its path below the share. Raises :class:`RejectedError` when the size
        differs there."""
        remote = f"{self.folder()}\\{_plain(self._target, name)}"
        with self._mapped(f"push {local.name}"):
            with (
                local.open("rb") as source,
                smbclient.open_file(self._unc(remote), mode="wb", **self._how()) as sink,
            ):
                shutil.copyfileobj(source, sink, _BLOCK)
            size = smbclient.stat(self._unc(remote), **self._how()).st_size
        if size != local.stat().st_size:
            raise RejectedError(
                self._target,
                f"{local.name} arrived with {size} octets, expected {local.stat().st_size}; try again",
            )
        return remote

    def write(self, name: str, content: bytes) -> str:
        """Write a small file; gives its path below the share."""
        remote = f"{self.folder()}\\{_plain(self._target, name)}"
        with (
            self._mapped(f"write {name}"),
            smbclient.open_file(self._unc(remote), mode="wb", **self._how()) as sink,
        ):
            sink.write(content)
        return remote

    def read(self, name: str) -> bytes | None:
        """A small file of this session's folder, ``None`` when there is none."""
        remote = f"{self.folder()}\\{_plain(self._target, name)}"
        with self._mapped(f"read {name}"):
            try:
                with smbclient.open_file(self._unc(remote), mode="rb", **self._how()) as source:
                    return bytes(source.read())
            except SMBOSError as exc:
                if exc.errno != errno.ENOENT:
                    raise
                return None

    def delete(self, name: str) -> None:
        """Remove a file of this session's folder; one that is gone already is fine."""
        remote = f"{self.folder()}\\{_plain(self._target, name)}"
        with self._mapped(f"remove {name}"):
            try:
                smbclient.remove(self._unc(remote), **self._how())
            except SMBOSError as exc:
                if exc.errno != errno.ENOENT:
                    raise

    def close(self) -> None:
        """Remove this session's folder and close the connection."""
        folder, self._folder = self._folder, None
        with contextlib.suppress(Exception):  # a PC that went away keeps a folder of temporary files; nothing else
            if folder is not None:
                smbclient.shutil.rmtree(self._unc(folder), **self._how())
        with contextlib.suppress(Exception):
            smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._cache)
        self._cache = {}

    def _how(self) -> dict[str, Any]:
        return {"port": self._windows.smb_port, "connection_cache": self._cache}

    def _sign_in(self) -> None:
        smbclient.register_session(
            self._server,
            username=self._windows.credential.user,
            password=self._password,
            port=self._windows.smb_port,
            connection_timeout=self._windows.timeout,
            connection_cache=self._cache,
            auth_protocol="ntlm",
            require_signing=True,
        )

    def _unc(self, path: str) -> str:
        return f"\\\\{self._server}\\{self._windows.smb_share}\\{path}"

    @contextlib.contextmanager
    def _mapped(self, operation: str) -> Iterator[None]:
        """Their exceptions → ours, once."""
        where = f"SMB at {self._server} port {self._windows.smb_port}"
        try:
            yield
        except TargetError:
            raise
        except (LogonFailure, SMBAuthenticationError, AccessDenied) as exc:
            raise CredentialError(
                self._target,
                f"{where} refuses {self._windows.credential.user} (cannot {operation}); check "
                "windows.credential in the "
                "site and that this account administers the PC",
            ) from exc
        except BadNetworkName as exc:
            raise RejectedError(
                self._target, f"{where} has no share {self._windows.smb_share}; check windows.smb_share"
            ) from exc
        except (SMBOSError, SMBException) as exc:
            if _number(exc) in _NOT_NOW:
                raise UnreachableError(self._target, f"{where} cannot {operation} now: {_status(exc)}") from exc
            raise RejectedError(self._target, f"{where} cannot {operation}: {_status(exc)}") from exc
        except (OSError, ValueError) as exc:  # smbprotocol reports a failed connection as a ValueError
            raise UnreachableError(
                self._target, f"{where} does not answer (cannot {operation}); is the PC switched on?"
            ) from exc


def _plain(target: str, name: str) -> str:
    if not name or set(name) & set('\\/:*?"<>|%!&^') or name.startswith("."):
        raise RejectedError(target, f"{name!r} is not a plain file name")
    return name


def _number(exc: Exception) -> object:
    return getattr(exc, "ntstatus", None) or getattr(exc, "status", None)


def _status(exc: Exception) -> str:
    status = _number(exc)
    return f"{type(exc).__name__} (NT status 0x{status:08X})" if isinstance(status, int) else type(exc).__name__
