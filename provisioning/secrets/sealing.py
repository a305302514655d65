"""Encryption to recipients with age (the C2SP age specification), by pyrage (an extra)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pydantic import SecretStr

from provisioning.errors import SecretError


def seal(secret: SecretStr, recipients: Sequence[str]) -> bytes:
    """`secret` with a line break, armoured (ASCII); any of the recipients opens it with ``age -d -i KEY``.

    Raises :class:`SecretError` for a key that is none, and when pyrage is not installed.
    """
    try:
        import pyrage  # noqa: PLC0415  (optional)
    except ImportError:
        raise SecretError("encrypting to recipients needs the library pyrage; install provisioning[age]") from None
    keys = [recipient(text) for text in recipients]
    return bytes(pyrage.encrypt(secret.get_secret_value().encode() + b"\n", keys, armored=True))


def check_recipient(text: str) -> None:
    """Raise :class:`SecretError` unless `text` is a key that can be encrypted to."""
    try:
        import pyrage  # noqa: F401, PLC0415
    except ImportError:
        raise SecretError("encrypting to recipients needs the library pyrage; install provisioning[age]") from None
    recipient(text)


def recipient(text: str) -> Any:
    """The key as pyrage takes it. Raises :class:`SecretError`."""
    import pyrage  # noqa: PLC0415

    kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
    with suppress(pyrage.RecipientError):
        return kind.from_str(text)
    if text.upper().startswith("AGE-SECRET-KEY"):  # it is not repeated
        raise SecretError(
            "an age recipient is a private key; give its public half (age1…) and keep the other to itself"
        )
    raise SecretError(f"{text[:80]!r} is not an age recipient; expected a public key such as age1… or ssh-ed25519 …")
