"""What the lab's SSH servers share: host keys, known_hosts lines, one account with a password."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

import asyncssh


class PasswordServer(asyncssh.SSHServer):
    """Lets one user in with the password in a file, read anew at every sign-in."""

    def __init__(self, user: str, password_file: Path) -> None:
        self._user = user
        self._password_file = password_file

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 # the signature is asyncssh's
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        expected = self._password_file.read_text(encoding="utf-8").rstrip("\r\n")
        same = hmac.compare_digest(password.encode(), expected.encode())
        return same and hmac.compare_digest(username.encode(), self._user.encode())


def ensure_host_key(path: Path) -> Path:
    """The server's Ed25519 host key, made on first use with mode 0600."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_private(path, asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return path


def ensure_password(path: Path) -> Path:
    """The account's password file, made on first use with mode 0600. (AD wants three sorts of characters; chance does
    not always bring them.)"""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_private(path, f"{secrets.token_urlsafe(18)}aA1\n".encode())
    return path


def known_hosts_line(host: str, port: int, key: Path) -> str:
    """The line of an OpenSSH known_hosts file that trusts the key in `key` for `host` (and for nothing
    else)."""
    name = host if port == 22 else f"[{host}]:{port}"
    public = asyncssh.read_private_key(str(key)).export_public_key().decode().split()
    return f"{name} {public[0]} {public[1]}\n"


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
