"""A Kerberos ticket for a server in somebody else's name, made with that server's own key (MS-SFU 3.1.5.1.1, S4U2Self).

MIT Kerberos's own programs get it, in a private folder; no secret appears in an argument. The KDC gives it out for the
server's account (``FILES$``), while clients look for one for the service (``cifs/files.corp.example``). Both names mean
the same key, and the name in a credential cache is only a label (krb5 docs, "Credential cache file format"), so the
cache is written again with the service's.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from provisioning.errors import CredentialError, RejectedError, SecretError, UnreachableError
from provisioning.site.base import Endpoint
from provisioning.site.files import VisitCheck

_TIMEOUT = 20  # seconds
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\$?")
_COUNT = struct.Struct(">I")
_VERSION = b"\x05\x04"
_SERVICE_AND_HOST = 3  # KRB_NT_SRV_HST (RFC 4120 6.2)


class StandInTickets:
    """Tickets for ``cifs/host`` in a private `folder`."""

    def __init__(self, target: str, folder: Path, domain: str, check: VisitCheck, keytab: Path) -> None:
        self._target = target
        self._folder = folder
        self._realm = domain.upper()
        self._kdc = check.kdc
        self._account = check.principal
        self._keytab = keytab
        self._own = f"FILE:{folder}/own"
        (folder / "krb5.conf").write_text(_krb5_conf(domain, check.kdc), encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """What programs that use the tickets need; the machine's own Kerberos settings have no say."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self._folder),
            "KRB5_CONFIG": str(self._folder / "krb5.conf"),
        }

    def sign_in(self) -> None:
        """Get the server's own ticket. Raises :class:`SecretError` (no keytab), :class:`UnreachableError` (no KDC) and
        :class:`CredentialError` (it refuses the keytab)."""
        if not os.access(self._keytab, os.R_OK):
            raise SecretError(f"{self._keytab} cannot be read; export the keytab of {self._account}")
        if not _ACCOUNT.fullmatch(self._account):
            raise CredentialError(self._target, f"{self._account!r} is not an account such as FILES$")
        try:
            with socket.create_connection((self._kdc.connect_to, self._kdc.port), _TIMEOUT):
                pass
        except OSError as exc:
            at = f"{self._kdc.host} ({self._kdc.connect_to} port {self._kdc.port})"
            raise UnreachableError(self._target, f"the KDC {at} does not answer; is it running?") from exc
        done = self.run(["kinit", "-k", "-t", str(self._keytab), self._account], self._own)
        if done.returncode != 0:
            raise CredentialError(
                self._target,
                f"the KDC {self._kdc.host} gives {self._account} no ticket ({last_line(done.stderr)}); export its "
                "keytab again and check files: servers: check",
            )

    def ticket(self, login: str, host: str) -> Path:
        """A credential cache with nothing but a ticket for ``cifs/host`` in the name of `login`."""
        if not _LOGIN.fullmatch(login):
            raise RejectedError(self._target, f"{login!r} is not a login that a folder can be opened for")
        file = self._folder / f"as-{login}"
        words = ["kvno", "-k", str(self._keytab), "-U", login, "--out-cache", f"FILE:{file}", self._account]
        done = self.run(words, self._own)
        if done.returncode != 0:
            raise RejectedError(
                self._target,
                f"the KDC gives {self._account} no ticket in the name of {login} ({last_line(done.stderr)}); check "
                "that the account is enabled",
            )
        try:
            octets = relabelled(file.read_bytes(), self._realm, ("cifs", host))
        except ValueError as exc:
            raise RejectedError(self._target, f"the ticket in the name of {login} cannot be used: {exc}") from exc
        file.write_bytes(octets)  # the file keeps its mode 0600
        return file

    def run(
        self, words: Sequence[str], tickets: str, *, timeout: float = _TIMEOUT + 10
    ) -> subprocess.CompletedProcess[str]:
        """Run one program with these tickets. Raises :class:`RejectedError` when it is not installed.

        What it prints goes into files: should we be killed, it comes to its end all the same (a program that prints
        into a pipe without a reader is ended by SIGPIPE), and leaves no half of its work behind.
        """
        with TemporaryFile(dir=self._folder) as out, TemporaryFile(dir=self._folder) as complaints:
            try:
                done = subprocess.run(
                    list(words),
                    env=self.environment | {"KRB5CCNAME": tickets},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=complaints,
                    timeout=timeout,
                    check=False,
                    cwd=self._folder,
                )
            except FileNotFoundError as exc:
                raise RejectedError(
                    self._target,
                    f"{words[0]} is not installed on this machine; install krb5-user (kinit, kvno) and smbclient",
                ) from exc
            except subprocess.TimeoutExpired as exc:
                raise UnreachableError(self._target, f"{words[0]} got no answer within {timeout:.0f} s") from exc
            return subprocess.CompletedProcess(done.args, done.returncode, _text(out), _text(complaints))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def relabelled(cache: bytes, realm: str, names: Sequence[str]) -> bytes:
    """A credential cache of format 4 with one ticket, whose server is called `names` afterwards. Raises
    :class:`ValueError` for other octets."""
    if cache[:2] != _VERSION:
        raise ValueError("not a credential cache of format 4")
    try:
        header = 4 + struct.unpack_from(">H", cache, 2)[0]
        client = _after_principal(cache, header)
        server = _after_principal(cache, client)
        rest = _after_principal(cache, server)
    except struct.error as exc:
        raise ValueError("the credential cache is cut off") from exc
    words = b"".join(_COUNT.pack(len(word)) + word for word in (text.encode() for text in (realm, *names)))
    return cache[:server] + struct.pack(">II", _SERVICE_AND_HOST, len(names)) + words + cache[rest:]


def _after_principal(cache: bytes, at: int) -> int:
    count = struct.unpack_from(">II", cache, at)[1]
    at += 8
    for _ in range(count + 1):  # the realm, then the components
        at += 4 + _COUNT.unpack_from(cache, at)[0]
    return at


def _krb5_conf(domain: str, kdc: Endpoint) -> str:
    """krb5.conf(5) for one realm and one KDC, over TCP: one that is down is noticed at once."""
    realm = domain.upper()
    return (
        f"[libdefaults]\n default_realm = {realm}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
        " dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
        f"[realms]\n {realm} = {{\n  kdc = {kdc.connect_to}:{kdc.port}\n }}\n"
        f"[domain_realm]\n .{domain} = {realm}\n {domain} = {realm}\n"
    )


def last_line(text: str) -> str:
    """The last line of a program's complaint, printable and bounded."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return "".join(char if char.isprintable() else " " for char in (lines or ["no reason given"])[-1])[:200]
