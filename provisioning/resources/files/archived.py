"""``files.archived``: a folder in the archive of a file server. It is put there by :mod:`.folder`; only its deletion,
with all that is in it, can be asked for here.

Target ``files:NAME``; the key is where the folder was: ``homes$\\anna.petrova``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.files.folder import archive_of

if TYPE_CHECKING:
    from provisioning.connections.files import FilesSession


class Archived(State):
    """It is there. Nothing of it is managed."""


class ArchivedKind:
    """``files.archived``."""

    name = "files.archived"
    state = Archived

    def read(self, session: FilesSession, keys: Sequence[str]) -> dict[str, Archived]:
        """One look a folder."""
        return {key: Archived() for key in keys if session.descriptor(archive_of(session, key)) is not None}

    def apply(self, session: FilesSession, changes: Sequence[Change[Archived]]) -> list[Outcome]:
        """One folder after the other."""
        return [Outcome(change.key, _apply(session, change)) for change in changes]

    def lasting(self, change: Change[Archived], others: Sequence[Change[State]]) -> str | None:  # noqa: ARG002
        """What is deleted is gone."""
        return f"the archived folder {change.key} is deleted with all that is in it; no undo brings it back"


def _apply(session: FilesSession, change: Change[Archived]) -> ProvisioningError | None:
    if change.after is not None:
        return RequestError(f"{session.target}: {change.key} was deleted for good; only a backup has it")
    try:
        session.remove_all(archive_of(session, change.key))
    except UnreachableError:
        raise
    except ProvisioningError as exc:
        return exc
    return None


ARCHIVED = ArchivedKind()
