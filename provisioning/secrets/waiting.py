"""Initial passwords between the moment their account is made and the moment somebody gets them, once."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from provisioning.errors import SecretError
from provisioning.secrets.passwords import generate_password
from provisioning.secrets.sealing import seal
from provisioning.site.directory import PasswordPolicy
from provisioning.site.handover import Handover

OPEN, SEALED = ".initial-password", ".age"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Parcel:
    """What is given out: the password, or, where only its recipients can read it, the age file's content."""

    login: str
    password: SecretStr | None
    sealed: bytes | None = None


class Waiting:
    """The folder (mode 0700) of the passwords that wait, one file each (mode 0600)."""

    def __init__(self, settings: Handover) -> None:
        self.settings = settings
        self.folder = settings.folder
        # Sealed passwords that this process made: it may still prove that they work.
        self._made: dict[str, SecretStr] = {}

    def file(self, login: str) -> Path:
        """Where the password of `login` waits, or would. A password that waits stays where it is when the setting
        changes."""
        files = self._files(login)
        return next((file for file in files if file.exists()), files[0])

    def _files(self, login: str) -> list[Path]:
        """Every place where it could wait, today's setting first."""
        if not _NAME.fullmatch(login):
            raise SecretError(f"{login!r} is not a login; `provision handover` lists whose passwords wait")
        suffixes = (SEALED, OPEN) if self.settings.form == "age" else (OPEN, SEALED)
        return [self.folder / f"{login}{suffix}" for suffix in suffixes]

    def logins(self) -> list[str]:
        """Whose passwords wait."""
        try:
            names = [entry.name for entry in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise SecretError(f"the hand-over folder {self.folder} cannot be read ({exc.strerror})") from exc
        return sorted({name.removesuffix(s) for name in names for s in (OPEN, SEALED) if name.endswith(s)})

    def waits(self, login: str) -> bool:
        """Whether a password of `login` waits, readable or not."""
        return self.file(login).exists()

    def must_wait(self, login: str) -> None:
        """Raise :class:`SecretError` unless a password of `login` waits."""
        if not self.waits(login):
            raise _nothing(login)

    def issue(self, login: str, policy: PasswordPolicy) -> SecretStr:
        """See :meth:`provisioning.secrets.Secrets.issue_initial_password`."""
        waiting = self.read(login)
        if waiting is not None:
            return waiting
        password, sealed = generate_password(policy), self.settings.form == "age"
        path = self._files(login)[0]
        if cause := self._leave(path, seal(password, self.settings.recipients) if sealed else _line(password)):
            raise SecretError(
                f"the initial password of {login} cannot be left in {self.folder} ({cause}); "
                "make that folder writable or set `handover` in the site"
            )
        for old in self._files(login)[1:]:
            old.unlink(missing_ok=True)
        if sealed:
            self._made[login] = password
        return password

    def read(self, login: str) -> SecretStr | None:
        """The password that waits; ``None`` when none does, or only its recipients can read it."""
        file = self.file(login)
        try:
            if file.suffix == SEALED:
                return self._made.get(login) if file.exists() else None
            return _password(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise SecretError(f"the initial password of {login} in {file} cannot be read ({exc.strerror})") from exc

    def withdraw(self, login: str) -> None:
        """Destroy what waits, if anything does."""
        self._made.pop(login, None)
        for file in self._files(login):
            file.unlink(missing_ok=True)
            _partial(file).unlink(missing_ok=True)

    def rename(self, login: str, to: str) -> None:
        """What waits for `login` waits for `to` from now on: the account has another login. Twice is once; a password
        that waits for `to` already is left alone. Raises :class:`SecretError`."""
        file = self.file(login)
        if login == to or not file.exists() or self.waits(to):
            return
        try:
            file.rename(file.with_name(f"{to}{file.suffix}"))
            _sync(self.folder)
        except OSError as exc:
            raise SecretError(
                f"the initial password in {file} cannot be given the name {to} ({exc.strerror}); rename that file"
            ) from exc
        if (made := self._made.pop(login, None)) is not None:
            self._made[to] = made

    def hand_over(self, login: str, give: Callable[[Parcel], None]) -> None:
        """Give the password out, once, and destroy it.

        It is destroyed only after `give` has returned, so that a crash or a full disk never loses it; a lock on the
        file lets exactly one hand-over have it. Raises :class:`SecretError` when nothing waits or somebody is handing
        it over, and whatever `give` raises (then it goes on waiting).
        """
        file = self.file(login)
        with _alone(login, file) as descriptor:
            raw = _all_of(descriptor)
            parcel = Parcel(login, None, raw) if file.suffix == SEALED else Parcel(login, _password(raw))
            del raw
            give(parcel)
            self._made.pop(login, None)
            file.unlink()
            _sync(self.folder)

    def _leave(self, path: Path, content: bytes) -> str | None:
        """Write `content`, whole or not at all; the cause when it cannot be done."""
        partial = _partial(path)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)
            write_private(partial, content)
            partial.rename(path)
            _sync(self.folder)
        except OSError as exc:
            return exc.strerror or type(exc).__name__
        return None


def write_private(path: Path, content: bytes) -> None:
    """Write a new file, mode 0600, down to the disk, or nothing. Raises ``OSError``, also when there is such a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _nothing(login: str) -> SecretError:
    return SecretError(
        f"no initial password of {login} waits: it was handed over already, or the account was not made here; set a "
        "new password in the directory if nobody has it"
    )


@contextmanager
def _alone(login: str, file: Path) -> Iterator[int]:
    """The file, open and locked for us alone. The lock ends with the process, however that ends."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise _nothing(login) from None
    except OSError as exc:
        raise SecretError(f"the initial password of {login} in {file} cannot be opened ({exc.strerror})") from exc
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            if exc.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise
            raise SecretError(f"somebody is handing over the initial password of {login} at this moment") from None
        if not _still_there(descriptor, file):  # somebody had it between our opening and our locking
            raise _nothing(login)
        yield descriptor
    finally:
        os.close(descriptor)


def _still_there(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _all_of(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


def _line(password: SecretStr) -> bytes:
    return password.get_secret_value().encode() + b"\n"


def _password(raw: bytes) -> SecretStr:
    return SecretStr(raw.decode("utf-8", "replace").rstrip("\n"))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
