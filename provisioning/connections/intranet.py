"""The intranet as one of its visitors sees it: a page is opened with a Kerberos ticket in that person's name.

The site's check account gets the ticket without the person's password (MS-SFU), in one of two ways:

* it *is* the web service (``principal: HTTP/<host>`` and that service's keytab): S4U2Self to itself;
* it is another account, with the right to delegate to ``HTTP/<host>`` with protocol transition: S4U2Self,
  then S4U2Proxy.

Samba's KDC refuses the second way for people whose password is to be changed at the first sign-in (measured
on 4.17); the first way works for them as well. Both are done by MIT Kerberos's own programs in a folder of
their own (mode 0700), and no secret appears in an argument.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from provisioning.errors import CredentialError, RejectedError, SecretError, TrustError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory

_TIMEOUT = 20  # seconds for one page
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/$-]*(@[A-Za-z0-9.-]+)?")

# curl(1), "EXIT CODES"
_CURL_UNREACHABLE = frozenset({5, 6, 7, 28, 35, 52, 56})
_CURL_UNTRUSTED = frozenset({51, 58, 59, 60, 77, 83, 90})


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> IntranetSession:
    """The session of target ``intranet``, with the check account signed in.

    Raises :class:`UnreachableError` (the KDC does not answer), :class:`CredentialError` (it refuses the
    keytab) and :class:`SecretError` (there is no keytab).
    """
    session = IntranetSession(target, inventory, secrets)
    try:
        session.sign_in()
    except BaseException:
        session.close()
        raise
    return session


class IntranetSession:
    """Opens pages in other people's names. Tickets live in a private folder that :meth:`close` removes."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self._site = inventory.intranet
        self._check = inventory.intranet.check
        self._keytab = secrets.path(self._check.keytab)
        self.folder = Path(tempfile.mkdtemp(prefix="provisioning-intranet-"))  # mkdtemp makes it 0700
        self._own_tickets = f"FILE:{self.folder}/check"
        (self.folder / "krb5.conf").write_text(_krb5_conf(inventory), encoding="utf-8")

    def close(self) -> None:
        """Remove all tickets."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def sign_in(self) -> None:
        """Get the check account's own ticket from its keytab. Errors: see :func:`open_session`."""
        if not os.access(self._keytab, os.R_OK):
            raise SecretError(
                f"{self._check.keytab}: {self._keytab} cannot be read; export the keytab of {self._check.principal}"
            )
        if not _PRINCIPAL.fullmatch(self._check.principal):
            raise CredentialError(
                self.target,
                f"intranet.check.principal: {self._check.principal!r} is not a Kerberos principal",
            )
        self._reach_kdc()
        done = self._run(["kinit", "-k", "-t", str(self._keytab), self._check.principal], self._own_tickets)
        if done.returncode != 0:
            raise CredentialError(
                self.target,
                f"the KDC {self._check.kdc.host} gives {self._check.principal} no ticket "
                f"({_last_line(done.stderr)}); "
                "export its keytab again and check intranet.check.principal",
            )

    def open(self, url: str, as_login: str) -> int:
        """HTTP status of `url` for the person with this login: 200 let in, 403 (some servers: 401) turned
        away.

        Raises :class:`RejectedError` when the directory gives no ticket in that person's name,
        :class:`UnreachableError` and :class:`TrustError` for the web server.
        """
        parts = urlsplit(url)
        if parts.hostname is None or parts.hostname != urlsplit(self._site.url).hostname:
            raise RejectedError(self.target, f"{url} is not a page of {self._site.url}; correct intranet.pages")
        return self._fetch(url, self._ticket_for(as_login, parts.hostname))

    def _ticket_for(self, login: str, host: str) -> str:
        """Credential cache that holds nothing but a ticket for the web service in the name of `login`."""
        if not _LOGIN.fullmatch(login):
            raise RejectedError(self.target, f"{login!r} is not a login that a page can be opened for")
        service = f"HTTP/{host}"
        tickets = f"FILE:{self.folder}/as-{login}"
        itself = self._check.principal.partition("@")[0].casefold() == service.casefold()
        delegate = [] if itself else ["-P"]
        words = ["kvno", "-k", str(self._keytab), "-U", login, *delegate, "--out-cache", tickets, service]
        done = self._run(words, self._own_tickets)
        if done.returncode != 0:
            advice = "check that the account is enabled"
            if not itself:
                advice += (
                    f" and that {self._check.principal} may act for others at {service}; for people who must "
                    f"change their password first, a Samba directory wants intranet.check to be {service} itself"
                )
            raise RejectedError(
                self.target,
                f"the KDC gives {self._check.principal} no ticket for {service} in the name of {login} "
                f"({_last_line(done.stderr)}); {advice}",
            )
        return tickets

    def _fetch(self, url: str, tickets: str) -> int:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        words = [
            "curl",
            "--disable",
            "--silent",
            "--show-error",
            "--globoff",
            "--noproxy",
            "*",
            "--proto",
            "=http,https",
            "--max-time",
            str(_TIMEOUT),
            "--output",
            os.devnull,
            "--write-out",
            "%{http_code}",
            "--negotiate",
            "--user",
            ":",
        ]
        if self._site.trust:
            words += ["--cacert", str(self._site.trust)]
        if self._site.address:
            words += ["--resolve", f"{parts.hostname}:{port}:{self._site.address}"]
        done = self._run([*words, "--", url], tickets)
        if done.returncode in _CURL_UNTRUSTED:
            raise TrustError(
                self.target,
                f"the certificate of {parts.hostname} is not trusted ({_last_line(done.stderr)}); check "
                f"intranet.trust and the host name",
            )
        if done.returncode in _CURL_UNREACHABLE:
            raise UnreachableError(
                self.target,
                f"{parts.hostname} does not answer ({_last_line(done.stderr)}); is the intranet's web server running?",
            )
        if done.returncode != 0 or not done.stdout.isdigit():
            raise RejectedError(self.target, f"{url} could not be opened ({_last_line(done.stderr)})")
        return int(done.stdout)

    def _reach_kdc(self) -> None:
        at = self._check.kdc
        try:
            with socket.create_connection((at.connect_to, at.port), _TIMEOUT):
                return
        except OSError as exc:
            raise UnreachableError(
                self.target,
                f"the KDC {at.host} ({at.connect_to} port {at.port}) does not answer "
                f"({exc.strerror or exc}); is it running?",
            ) from exc

    def _run(self, words: Sequence[str], tickets: str) -> subprocess.CompletedProcess[str]:
        """Run one program with our Kerberos settings. Its verdict is its exit code; its words are only
        quoted."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder),
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5CCNAME": tickets,
        }
        try:
            return subprocess.run(
                list(words),
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT + 10,
                check=False,
            )
        except FileNotFoundError as exc:
            raise RejectedError(
                self.target, f"{words[0]} is not installed on this machine; install krb5-user (kinit, kvno) and curl"
            ) from exc
        except subprocess.TimeoutExpired as exc:
            raise UnreachableError(
                self.target, f"{words[0]} got no answer within {_TIMEOUT + 10} s; is the KDC running?"
            ) from exc


def _krb5_conf(inventory: Inventory) -> str:
    """krb5.conf(5) for one realm and one KDC; the machine's own settings and DNS have no say."""
    domain = inventory.directory.domain
    kdc = inventory.intranet.check.kdc
    return (
        f"[libdefaults]\n default_realm = {domain.upper()}\n"
        " dns_lookup_kdc = false\n dns_lookup_realm = false\n dns_canonicalize_hostname = false\n"
        " rdns = false\n"
        " forwardable = true\n"  # S4U2Proxy passes on none but forwardable tickets
        " udp_preference_limit = 1\n"  # TCP first: a KDC that is down is noticed at once
        f"[realms]\n {domain.upper()} = {{\n  kdc = {kdc.connect_to}:{kdc.port}\n }}\n"
        f"[domain_realm]\n .{domain} = {domain.upper()}\n {domain} = {domain.upper()}\n"
    )


def _last_line(text: str) -> str:
    """The last line of a program's complaint, printable and bounded."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return "".join(char if char.isprintable() else " " for char in (lines or ["no reason given"])[-1])[:200]
