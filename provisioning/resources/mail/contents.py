"""``mail.contents``: the messages of a mailbox. Only their deletion can be asked for.

Target ``doveadm`` (the mail server's administration), key the login. It comes before the account's: without an account
the mail server no longer knows whose the mailbox is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State

if TYPE_CHECKING:
    from provisioning.connections.doveadm import DoveadmSession


class MailContents(State):
    """There are some. How many changes with every mail, so nothing of it is managed."""


class ContentsKind:
    """``mail.contents``."""

    name = "mail.contents"
    state = MailContents

    def read(self, session: DoveadmSession, keys: Sequence[str]) -> dict[str, MailContents]:
        """One question a login."""
        return {key: MailContents() for key in keys if session.messages(key)}

    def apply(self, session: DoveadmSession, changes: Sequence[Change[MailContents]]) -> list[Outcome]:
        """One command a login."""
        return [Outcome(change.key, _apply(session, change)) for change in changes]

    def lasting(self, change: Change[MailContents], others: Sequence[Change[State]]) -> str | None:  # noqa: ARG002
        """What is deleted is gone."""
        return f"all messages of {change.key} are deleted; no undo brings them back"


def _apply(session: DoveadmSession, change: Change[MailContents]) -> ProvisioningError | None:
    if change.after is not None:
        return RequestError(
            f"{session.target}: the messages of {change.key} were deleted for good; only a backup has them"
        )
    try:
        session.expunge_all(change.key)
    except UnreachableError:
        raise
    except ProvisioningError as exc:
        return exc
    return None


CONTENTS = ContentsKind()
