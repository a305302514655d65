"""``env:`` and ``file:`` references.

Here and in its neighbours a :class:`SecretError` is raised only where no local variable, and no exception that it
came from, holds a value: error reporters copy both. (A ``UnicodeDecodeError`` carries the whole file.)
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from provisioning.errors import SecretError


def from_environment(reference: str, name: str) -> SecretStr:
    """The value of an environment variable."""
    if not os.environ.get(name):
        raise SecretError(f"{reference}: the environment variable {name} is not set; export it and try again")
    return SecretStr(os.environ[name])


def from_file(reference: str, path: Path) -> SecretStr:
    """A file's text without its final line break."""
    try:
        found = as_text(path.read_bytes())
        cause = "not UTF-8 text" if found is None else "it is empty"
    except OSError as exc:
        found, cause = None, exc.strerror or type(exc).__name__
    if found is None or not found.get_secret_value():
        raise SecretError(
            f"{reference}: {path} cannot be read ({cause}); create it with mode 0600 or correct the reference"
        )
    return found


def as_text(raw: bytes) -> SecretStr | None:
    """UTF-8 text without its final line break; ``None`` when it is not UTF-8."""
    try:
        return SecretStr(raw.decode("utf-8").rstrip("\r\n"))
    except UnicodeDecodeError:
        return None
