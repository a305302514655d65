"""SIP passwords, kept as long as their subscribers exist: a desk phone that is replaced needs its password again.

One file an extension (mode 0600) in a folder of mode 0700. A file also says whose password it is, and keeps the one
before it: a process that dies between the new password and its way to the exchange leaves nothing that cannot be told.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from provisioning.errors import SecretError
from provisioning.secrets.passwords import generate_password
from provisioning.secrets.waiting import write_private
from provisioning.site.directory import PasswordPolicy

_POLICY = PasswordPolicy(length=24, groups_of=0, symbols="")  # letters and digits: every phone's file can hold them
_NAME = re.compile(r"[0-9]{2,10}")
_ENDING = ".sip-password"
_KEPT = 2


@dataclass(frozen=True)
class KeptPassword:
    """A SIP password and the person whom it was made for."""

    holder: str
    password: SecretStr


class PhonePasswords:
    """The folder of the SIP passwords of one site. May be used by several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def issue(self, extension: str, holder: str) -> SecretStr:
        """The password of `extension` for `holder`: the one that is kept, or a new one. Asking twice gives the same.

        Raises :class:`SecretError` when it cannot be kept.
        """
        with self._alone():
            kept = self.kept(extension)
            if kept and kept[-1].holder == holder:
                return kept[-1].password
            new = KeptPassword(holder, generate_password(_POLICY))
            self._write(extension, (*kept, new)[-_KEPT:])
            return new.password

    def kept(self, extension: str) -> tuple[KeptPassword, ...]:
        """What is kept of `extension`, newest last."""
        file = self._file(extension)
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except (OSError, ValueError) as exc:
            raise SecretError(f"the SIP password of {extension} in {file} cannot be read ({_why(exc)})") from exc
        found = [line.partition("\t") for line in lines if "\t" in line]
        return tuple(KeptPassword(holder, SecretStr(password)) for holder, _, password in found)

    def current(self, extension: str) -> KeptPassword | None:
        """The newest password of `extension`, ``None`` when none is kept."""
        return next(reversed(self.kept(extension)), None)

    def extensions(self) -> list[str]:
        """The extensions that a password is kept of."""
        try:
            names = [file.name.removesuffix(_ENDING) for file in self.folder.iterdir() if file.suffix == _ENDING]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as exc:
            raise SecretError(f"the folder of SIP passwords {self.folder} cannot be read ({_why(exc)})") from exc
        return sorted(name for name in names if _NAME.fullmatch(name))

    def withdraw(self, extension: str) -> None:
        """Destroy what is kept: the subscriber is gone. Raises :class:`SecretError` when that cannot be."""
        file = self._file(extension)
        try:
            file.unlink(missing_ok=True)
        except OSError as exc:
            raise SecretError(
                f"the SIP password of {extension} in {file} cannot be destroyed ({_why(exc)}); remove the file"
            ) from exc

    def _file(self, extension: str) -> Path:
        if not _NAME.fullmatch(extension):
            raise SecretError(f"{extension!r} is not an extension; expected 2 to 10 digits such as 1042")
        return self.folder / f"{extension}{_ENDING}"

    def _write(self, extension: str, entries: tuple[KeptPassword, ...]) -> None:
        file = self._file(extension)
        partial = file.with_name(f".{file.name}.partial")
        text = "".join(f"{entry.holder}\t{entry.password.get_secret_value()}\n" for entry in entries)
        try:
            partial.unlink(missing_ok=True)
            write_private(partial, text.encode())
            partial.rename(file)
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as exc:
            with suppress(OSError):
                partial.unlink()
            raise self._unkept(exc) from exc

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else issues a password meanwhile; the lock ends with the process, however that ends."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise self._unkept(exc) from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _unkept(self, exc: OSError) -> SecretError:
        return SecretError(
            f"SIP passwords cannot be kept in {self.folder} ({_why(exc)}); make that folder writable or set "
            "phones: passwords in the site"
        )


def _why(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or type(exc).__name__
