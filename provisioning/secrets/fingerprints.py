"""The key with which secrets in configurations are fingerprinted: one an archive, for its owner alone."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from provisioning.errors import SecretError

__all__ = ["KEY_FILE", "fingerprint_key"]

KEY_FILE = "fingerprint.key"
_BYTES = 32


def fingerprint_key(folder: Path) -> bytes:
    """The key in the archive's `folder`, both made on first use. Raises :class:`SecretError` for one that others may
    read, or that is damaged."""
    file = folder / KEY_FILE
    try:
        if not file.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(file)
        mode = file.stat().st_mode & 0o777
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not a text"
        raise SecretError(f"the key {file} of the archive of configurations cannot be used: {why}") from exc
    if mode & 0o077:
        raise SecretError(f"{file} is open to others (mode {mode:o}); `chmod 600 {file}`")
    if not re.fullmatch(rf"[0-9a-f]{{{2 * _BYTES}}}", text):
        raise SecretError(
            f"{file} is damaged: expected {2 * _BYTES} hex digits; put it back from a backup, or remove it (then every "
            "secret shows as changed once)"
        )
    return bytes.fromhex(text)


def _make(file: Path) -> None:
    """It is there whole or not at all, and of several who make it at the same time one wins."""
    partial = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as opened:
            opened.write(f"{secrets.token_hex(_BYTES)}\n")
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):
            os.link(partial, file)
    finally:
        partial.unlink(missing_ok=True)
