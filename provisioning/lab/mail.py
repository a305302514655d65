"""The lab's mail server: Postfix takes mail, Dovecot keeps it, and both look people up in the lab's
directory.

Both are instances of their own: configuration, queue, sockets, logs and mailboxes lie in one folder, and the
machine's own Postfix and Dovecot (if any) are not touched. Mail belongs to the system account ``mail``.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.lookup import DirectoryLookup
from provisioning.lab.process import Daemon, listening, speaks_tls, wait_for
from provisioning.lab.templates import render

SMTP_PORT = 25
IMAPS_PORT = 993
ADMINISTRATION_PORT = 8443
QUOTA_ATTRIBUTE = "maxStorage"
"""AD attribute that holds a mailbox's quota in bytes (see ``resources/mail/mailbox.py``)."""

# What `postfix check` would make, without its look at /etc/postfix: directory → owner, group, mode
# (postfix-files(5)).
_QUEUE = {
    **dict.fromkeys(
        (
            "active",
            "bounce",
            "corrupt",
            "defer",
            "deferred",
            "flush",
            "hold",
            "incoming",
            "private",
            "saved",
            "trace",
        ),
        ("postfix", "root", 0o700),
    ),
    "maildrop": ("postfix", "postdrop", 0o730),
    "public": ("postfix", "postdrop", 0o710),
    "pid": ("root", "root", 0o755),
}


class MailServer:
    """One mail server on `address`: SMTP (25, STARTTLS), IMAP (143 STARTTLS, 993 TLS), ManageSieve (4190, STARTTLS),
    doveadm's HTTP API (8443, TLS).

    It takes mail for `domains`. The account `reader`, whose generated password waits in the file
    `reader_password` (mode 0600), may open every mailbox and change everybody's Sieve scripts; the key of the HTTP API
    waits beside it in ``doveadm``. `folder` is its own and is removed by :meth:`down`; these files stay where they are.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        authority: LabAuthority,
        lookup: DirectoryLookup,
        *,
        reader_password: Path,
        reader: str = "mail-check",
        host: str = "mail.corp.example",
        domains: Sequence[str] = ("corp.example", "mail.corp.example"),
    ) -> None:
        self.folder = folder
        self.address = address
        self.authority = authority
        self.lookup = lookup
        self.reader = reader
        self.reader_password = reader_password
        self.host = host
        self.domains = tuple(domains)
        self._postfix = Daemon(folder, "postfix-master")
        self._dovecot = Daemon(folder, "dovecot-master")

    def up(self) -> None:
        """Start both servers and wait until they answer (about a second)."""
        if self.running():
            return
        self._postfix.stop()
        self._dovecot.stop()
        self._write_settings()
        self._dovecot.start(["dovecot", "-F", "-c", str(self.folder / "dovecot" / "etc" / "dovecot.conf")])
        postfix = str(self.folder / "postfix" / "etc")
        self._postfix.start(["/usr/lib/postfix/sbin/master", "-s", "-c", postfix])
        wait_for(f"the mail server on {self.address}", self.running, daemons=[self._postfix, self._dovecot])

    def down(self) -> None:
        """Stop both servers and remove their folder with all mail in it."""
        self._postfix.stop()
        self._dovecot.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self) -> bool:
        """Whether both of our servers run and answer."""
        return (
            self._postfix.pid is not None
            and self._dovecot.pid is not None
            and listening(self.address, SMTP_PORT)
            and speaks_tls(self.address, IMAPS_PORT, self.authority.certificate, self.host)
        )

    def _write_settings(self) -> None:
        _folder(self.folder, "root", "root", 0o755)
        files = self.authority.issue([self.host], [self.address], self.folder / "tls", "mail")
        values = {
            "address": self.address,
            "host": self.host,
            "domains": self.domains,
            "certificate": files.certificate,
            "key": files.key,
            "lmtp_socket": self.folder / "dovecot" / "lmtp",
            "administration_port": ADMINISTRATION_PORT,
            "quota_attribute": QUOTA_ATTRIBUTE,
            "mailboxes": self.folder / "dovecot" / "mail",
            "url": self.lookup.url,
            "base_dn": self.lookup.base_dn,
            "user": self.lookup.user,
            "password": self.lookup.read_password(),
            "trust": self.lookup.trust,
        }
        self._write_postfix(self.folder / "postfix", values)
        self._write_dovecot(self.folder / "dovecot", values)

    def _write_postfix(self, folder: Path, values: dict[str, object]) -> None:
        for path in (folder, folder / "etc", folder / "queue"):
            _folder(path, "root", "root", 0o755)
        _folder(folder / "state", "postfix", "root", 0o700)
        for name, (user, group, mode) in _QUEUE.items():
            _folder(folder / "queue" / name, user, group, mode)
        etc = folder / "etc"
        _write(etc / "main.cf", render("postfix-main.cf.j2", folder=folder, **values))
        _write(etc / "master.cf", render("postfix-master.cf.j2", **values))
        # Postfix loads its LDAP client from a plug-in, and looks for the list of plug-ins in its own
        # configuration.
        _write(etc / "dynamicmaps.cf", "ldap\tpostfix-ldap.so\tdict_ldap_open\n")
        _write(etc / "recipients.cf", render("postfix-recipients.cf.j2", **values), owner="root")

    def _write_dovecot(self, folder: Path, values: dict[str, object]) -> None:
        for path in (folder, folder / "etc", folder / "run", folder / "state"):
            _folder(path, "root", "root", 0o755)
        _folder(folder / "mail", "mail", "mail", 0o700)
        etc = folder / "etc"
        _write(etc / "dovecot.conf", render("dovecot.conf.j2", folder=folder, **values))
        _write(etc / "ldap.conf", render("dovecot-ldap.conf.j2", **values), owner="dovecot")
        _write(etc / "masters", f"{self.reader}:{_salted(_secret(self.reader_password))}\n", owner="dovecot")
        key = _secret(self.reader_password.with_name("doveadm"))
        _write(etc / "secrets.conf", f"doveadm_api_key = {key}\n", owner="root")


def _secret(file: Path) -> str:
    """What is in the file, which is made at first."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, secrets.token_urlsafe(24), owner="root")
    return file.read_text(encoding="utf-8").strip()


def _salted(password: str) -> str:
    """Dovecot's SSHA512 scheme: base64 of SHA-512(password + salt) followed by the salt."""
    salt = os.urandom(16)
    return "{SSHA512}" + base64.b64encode(hashlib.sha512(password.encode() + salt).digest() + salt).decode()


def _folder(path: Path, user: str, group: str, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    try:
        shutil.chown(path, user, group)
    except LookupError as exc:
        raise LabError(f"{exc}: Postfix and Dovecot make their accounts when they are installed") from exc
    path.chmod(mode)


def _write(path: Path, text: str, *, owner: str | None = None) -> None:
    """Write a file; one that holds a secret belongs to the account `owner` and has mode 0600 from its
    first byte."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if owner is None:
        path.chmod(0o644)
    else:
        shutil.chown(path, owner)
