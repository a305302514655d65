"""Whole files encrypted to recipients with age, as streams: nothing plain touches the disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from pydantic import SecretStr

from provisioning.errors import SecretError
from provisioning.secrets.sealing import check_recipient, recipient


def seal_stream(plain: IO[bytes], sealed: IO[bytes], recipients: Sequence[str]) -> None:
    """Encrypt all of `plain` into `sealed`. Raises :class:`SecretError` for a key that is none."""
    for text in recipients:
        check_recipient(text)
    import pyrage  # noqa: PLC0415  (optional; check_recipient says so when it is missing)

    pyrage.encrypt_io(plain, sealed, [recipient(text) for text in recipients])


def open_stream(sealed: IO[bytes], plain: IO[bytes], identity: SecretStr) -> None:
    """Decrypt all of `sealed` into `plain`. Raises :class:`SecretError` when `identity` does not open it."""
    try:
        import pyrage  # noqa: PLC0415  (optional)
    except ImportError:
        raise SecretError("opening an archive needs the library pyrage; install provisioning[age]") from None
    keys = [_identity(pyrage, line) for line in identity.get_secret_value().splitlines() if line.startswith("AGE-")]
    if not keys:
        raise SecretError("user_data.identity holds no age private key; expected a line AGE-SECRET-KEY-…")
    try:
        pyrage.decrypt_io(sealed, plain, keys)
    except pyrage.DecryptError as exc:
        raise SecretError(f"user_data.identity does not open this archive, or it is damaged ({exc})") from exc


def _identity(pyrage: Any, line: str) -> Any:
    try:
        return pyrage.x25519.Identity.from_str(line.strip())
    except pyrage.IdentityError:
        raise SecretError("user_data.identity holds a damaged age private key") from None
