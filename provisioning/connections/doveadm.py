"""Dovecot's administration over its HTTP API (Dovecot manual, "Doveadm HTTP API"): target ``doveadm``."""

from __future__ import annotations

import base64
import re
from typing import Any

from provisioning.connections.remote_control import RemoteControl, trusting
from provisioning.errors import RejectedError, RequestError
from provisioning.secrets import Secrets
from provisioning.site import Inventory

_SETTING = "mail: administration"
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_ONE_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNKNOWN = 67  # exit code of doveadm: there is no such user (sysexits.h, EX_NOUSER)
_NOBODY = 68  # exit code of doveadm kick: nobody was there to be kicked (sysexits.h, EX_NOHOST)


class DoveadmSession:
    """Who is signed in to the mail server, and how to end that."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        settings = inventory.mail.administration
        if settings is None:
            raise RequestError(f"{target}: the site does not say how the mail server is administered; add {_SETTING}")
        self.target = target
        key = base64.b64encode(secrets.resolve(settings.key).get_secret_value().encode()).decode("ascii")
        self._control = RemoteControl(
            target,
            settings.server,
            "/doveadm/v1",
            trusting(target, inventory.mail.trust, "mail: trust"),
            authorization=f"X-Dovecot-API {key}",
            setting=_SETTING,
        )

    def sessions(self, login: str) -> int:
        """How many connections `login` has open (IMAP, POP3, ManageSieve …)."""
        rows = self._ask("who", login)
        return sum(int(row.get("connections", 0)) for row in rows if row.get("username") == login)

    def end_sessions(self, login: str) -> None:
        """End them. Whoever has none is fine."""
        self._ask("kick", login)

    def messages(self, login: str) -> int:
        """How many messages the mailbox of `login` holds, in all folders. Nobody's mailbox holds none."""
        asked = {"user": login, "field": ["messages"], "mailboxMask": ["*"]}
        return sum(int(row.get("messages", 0)) for row in self._of_user("mailboxStatus", login, asked))

    def expunge_all(self, login: str) -> None:
        """Delete every message of a mailbox, in all folders, for good (doveadm-expunge(1))."""
        self._of_user("expunge", login, {"user": login, "query": ["mailbox", "*", "all"]})

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _of_user(self, command: str, login: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        if not _ONE_LOGIN.fullmatch(login):
            raise RejectedError(self.target, f"{login!r} is not a login that can be asked for; correct the request")
        answer = self._control.ask([[command, asked, "provision"]])
        match answer:
            case [["doveadmResponse", list(rows), "provision"]]:
                return [row for row in rows if isinstance(row, dict)]
            case [["error", {"exitCode": code}, "provision"]] if code == _UNKNOWN:
                return []
        raise RejectedError(
            self.target, f"the mail server refuses to carry out {command!r} ({_printable(answer)}); look at its log"
        )

    def _ask(self, command: str, login: str) -> list[dict[str, Any]]:
        if not _LOGIN.fullmatch(login):  # `who` and `kick` take masks: a * would end everybody's
            raise RejectedError(self.target, f"{login!r} is not a login that can be asked for; correct the request")
        answer = self._control.ask([[command, {"mask": [login]}, "provision"]])
        match answer:
            case [["doveadmResponse", list(rows), "provision"]]:
                return [row for row in rows if isinstance(row, dict)]
            case [["error", {"exitCode": code}, "provision"]] if command == "kick" and code == _NOBODY:
                return []
        raise RejectedError(
            self.target, f"the mail server refuses to carry out {command!r} ({_printable(answer)}); look at its log"
        )


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> DoveadmSession:
    """A session; the server is asked at use. Raises :class:`RequestError`, :class:`SecretError`,
    :class:`TrustError`."""
    return DoveadmSession(target, inventory, secrets)


def _printable(answer: Any) -> str:
    return "".join(char if char.isprintable() else " " for char in str(answer))[:200]
