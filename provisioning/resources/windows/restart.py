"""The restart that our own changes made necessary: collected while packages are installed, done once at the end.

Whoever sees that a restart is needed (:func:`note`) leaves a value in ``HKLM\\HARDWARE\\DESCRIPTION\\System``. That
hive lives in memory only, so the note is gone as soon as the PC has really restarted, whoever restarted it. Restarts
that Windows Update or somebody else waits for are not ours: they leave a PC alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from provisioning.connections.windows import WindowsSession
from provisioning.errors import ProvisioningError, RejectedError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows.exports import export

RESTART_KEY = "restart"
"""The one key of this kind on a PC."""

NOTE_KEY = "HKEY_LOCAL_MACHINE\\HARDWARE\\DESCRIPTION\\System"
NOTE_VALUE = "ProvisioningRestart"
_SERVICING = (
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending"
)
_SESSION_MANAGER = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
_RENAMES = "PendingFileRenameOperations"
_PRINTED = re.compile(rf"^ {{4}}{_RENAMES} {{4}}REG_MULTI_SZ {{4}}(?P<pairs>.*)$", re.MULTILINE)


class Restart(State):
    """Whether changes of ours wait for a restart. Never absent."""

    pending: bool


class RestartKind:
    """``windows.restart``: target ``windows:NAME``, key ``restart``."""

    name = "windows.restart"
    state = Restart

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, Restart]:
        """Whether the note is there."""
        result = session.run(["reg", "query", NOTE_KEY])
        if result.exit_code != 0:  # the key is always there; a PC that is going down starts no programs any more
            raise RejectedError(session.target, f"cannot read {NOTE_KEY} (reg query: {result.exit_code}); try again")
        pending = re.search(rf"^ {{4}}{NOTE_VALUE} {{4}}REG_SZ ", result.stdout, re.MULTILINE) is not None
        return {key: Restart(pending=pending) for key in keys}

    def apply(self, session: WindowsSession, changes: Sequence[Change[Restart]]) -> list[Outcome]:
        """One restart; people who are signed in are treated as the site says."""
        error: ProvisioningError | None = None
        try:
            if any(change.after is None or change.after.pending for change in changes):
                raise RequestError(f"{session.target}: a pending restart is found, not made")
            session.restart(reason="software was installed or removed")
        except UnreachableError:
            raise
        except ProvisioningError as exc:
            error = exc
        return [Outcome(change.key, error) for change in changes]

    def unsettled(self, state: Restart | None) -> Restart:  # noqa: ARG002 - the protocol's
        """What the packages that it requires may leave behind."""
        return Restart(pending=True)


def note(session: WindowsSession) -> None:
    """Remember that the PC must restart before our changes are whole."""
    words = ["reg", "add", NOTE_KEY, "/v", NOTE_VALUE, "/t", "REG_SZ", "/d", "pending", "/f"]
    code = session.run(words).exit_code
    if code != 0:
        raise RejectedError(session.target, f"cannot note that a restart is due (reg add: {code}); restart it by hand")


@dataclass(frozen=True)
class Waiting:
    """What waits for a restart on a PC, whoever began it: servicing of Windows itself, and files to be replaced."""

    servicing: bool
    replacements: frozenset[str]

    def grew_since(self, before: Waiting) -> bool:
        """Whether more waits now than before."""
        return (self.servicing and not before.servicing) or bool(self.replacements - before.replacements)


def waiting(session: WindowsSession) -> Waiting:
    """What Windows itself says of restarts.

    ``PendingFileRenameOperations`` (Microsoft Learn, "MoveFileEx function", MOVEFILE_DELAY_UNTIL_REBOOT) lists pairs of
    files; an empty second one is a deletion, which is tidying up and makes nobody wait.
    """
    servicing = bool(export(session, [_SERVICING])[_SERVICING])
    _, files = pending_renames(session)
    return Waiting(servicing, frozenset(target for target in (files or [])[1::2] if target))


def pending_renames(session: WindowsSession) -> tuple[int, list[str] | None]:
    """The exit code of ``reg query``, and the pairs of files that it printed (``None``: none that are understood)."""
    result = session.run(["reg", "query", _SESSION_MANAGER, "/v", _RENAMES])
    match = _PRINTED.search(result.stdout.replace("\r\n", "\n"))
    return result.exit_code, match["pairs"].split("\\0") if match else None


def note_growth(session: WindowsSession, before: Waiting) -> None:
    """Note a restart if more waits for one than `before`."""
    if waiting(session).grew_since(before):
        note(session)


RESTART = RestartKind()
