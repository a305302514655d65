"""``mail.sessions``: the open sessions of a login on the mail server.

Target ``doveadm`` (the mail server's administration), key the login. What exists is "LOGIN has sessions open"; only
absence can be asked for. A request that shuts an account lets this require the account's change: sessions that begin in
between are ended as well, and those that are ended cannot begin again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State

if TYPE_CHECKING:
    from provisioning.connections.doveadm import DoveadmSession


class MailSessions(State):
    """There are some. How many changes from second to second, so nothing of it is managed."""


class SessionsKind:
    """``mail.sessions``."""

    name = "mail.sessions"
    state = MailSessions

    def read(self, session: DoveadmSession, keys: Sequence[str]) -> dict[str, MailSessions]:
        """One question a login."""
        return {key: MailSessions() for key in keys if session.sessions(key)}

    def apply(self, session: DoveadmSession, changes: Sequence[Change[MailSessions]]) -> list[Outcome]:
        """One command a login."""
        return [Outcome(change.key, _end(session, change)) for change in changes]

    def unsettled(self, state: MailSessions | None) -> MailSessions:  # noqa: ARG002 - the protocol's
        """Somebody without a session now may have one when the account's turn comes."""
        return MailSessions()

    def lasting(
        self,
        change: Change[MailSessions],
        others: Sequence[Change[MailSessions]],  # noqa: ARG002 - the protocol's
    ) -> str | None:
        """What is cut off stays cut off."""
        return f"open mail sessions of {change.key} are ended; programs sign in anew, if they may"


def _end(session: DoveadmSession, change: Change[MailSessions]) -> ProvisioningError | None:
    if change.after is not None:
        return RequestError(f"{session.target}: sessions of {change.key} are ended, never begun")
    try:
        session.end_sessions(change.key)
    except UnreachableError:
        raise
    except ProvisioningError as exc:
        return exc
    return None


SESSIONS = SessionsKind()
