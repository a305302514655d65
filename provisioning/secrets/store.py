"""References → values at the line of use, and the one-time files in which initial passwords are handed over."""

from __future__ import annotations

import os
import secrets as randomness
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from provisioning.errors import SecretError
from provisioning.site.directory import PasswordPolicy

_LOOKALIKES = set("0O1lI")
_CLASSES = tuple(
    "".join(c for c in group if c not in _LOOKALIKES)
    for group in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#+=?@")
)


class Secrets:
    """Resolves the references of one site. `base` is the folder that relative file references start from, `handover`
    the folder (mode 0700) of one-time password files."""

    def __init__(self, base: Path, handover: Path) -> None:
        self._base = base
        self._handover = handover

    def resolve(self, reference: str) -> SecretStr:
        """The value behind ``env:NAME`` or ``file:PATH`` (without its final line break)."""
        scheme, _, rest = reference.partition(":")
        if scheme == "env":
            value = os.environ.get(rest)
            if not value:
                raise SecretError(f"{reference}: the environment variable {rest} is not set; export it and try again")
            return SecretStr(value)
        path = self.path(reference)
        try:
            return SecretStr(path.read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "not UTF-8 text"
            raise SecretError(
                f"{reference}: {path} cannot be read ({reason}); create it with mode 0600 or correct the reference"
            ) from None

    def path(self, reference: str) -> Path:
        """The file behind a ``file:`` reference (for keytabs and the like, which programs read themselves)."""
        scheme, _, rest = reference.partition(":")
        if scheme != "file":
            raise SecretError(f"{reference}: expected a file reference (file:PATH)")
        return self._base / Path(rest).expanduser()

    def issue_initial_password(self, login: str, policy: PasswordPolicy) -> SecretStr:
        """Generate the initial password of a new account and leave it for hand-over in a file with mode 0600.

        Called again before the hand-over (a second attempt after a crash), it gives the same password.
        """
        waiting = self.initial_password(login)
        if waiting is not None:
            return waiting
        password = generate_password(policy)
        with self._explained(f"the initial password of {login} cannot be left"):
            self._leave(self.handover_file(login), password)
        return password

    def _leave(self, path: Path, password: SecretStr) -> None:
        self._handover.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(password.get_secret_value() + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)

    def initial_password(self, login: str) -> SecretStr | None:
        """The initial password that still waits for hand-over, or ``None``."""
        with self._explained(f"the initial password of {login} cannot be looked for"):
            try:
                return SecretStr(self.handover_file(login).read_text(encoding="utf-8").rstrip("\n"))
            except FileNotFoundError:
                return None

    def withdraw_initial_password(self, login: str) -> None:
        """Remove the hand-over file: its account is gone, or the password was handed over."""
        with self._explained(f"the initial password of {login} cannot be withdrawn"):
            self.handover_file(login).unlink(missing_ok=True)

    @contextmanager
    def _explained(self, fault: str) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise SecretError(
                f"{fault} in {self._handover} ({exc.strerror}); make that folder writable or set `handover` in the site"
            ) from exc

    def handover_file(self, login: str) -> Path:
        """Where the initial password of `login` waits."""
        return self._handover / f"{login}.initial-password"


def generate_password(policy: PasswordPolicy) -> SecretStr:
    """A random password (CSPRNG) of ``policy.length`` characters, dashes not counted."""
    letters = [randomness.choice(group) for group in _CLASSES]
    letters += [randomness.choice("".join(_CLASSES)) for _ in range(policy.length - len(letters))]
    randomness.SystemRandom().shuffle(letters)
    step = policy.groups_of or len(letters)
    return SecretStr("-".join("".join(letters[i : i + step]) for i in range(0, len(letters), step)))
