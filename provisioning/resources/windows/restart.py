"""The restart that our own changes made necessary: collected while packages are installed, done once at the end.

Whoever sees that a restart is needed (:func:`note`) leaves a value in ``HKLM\\HARDWARE\\DESCRIPTION\\System``. That
hive lives in memory only, so the note is gone as soon as the PC has really restarted, whoever restarted it. Restarts
that Windows Update or somebody else waits for are not ours: they leave a PC alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RejectedError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows.exports import SharesExports, exported_ahead
from provisioning.resources.windows.reg_file import values_of

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

RESTART_KEY = "restart"
"""The one key of this kind on a PC."""

NOTE_KEY = "HKEY_LOCAL_MACHINE\\HARDWARE\\DESCRIPTION\\System"
NOTE_VALUE = "ProvisioningRestart"
_SERVICING = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"
_WAITS = "RebootPending"
"""A key below that one. ``reg query`` lists the keys below a key, but of one that is empty it prints nothing."""

_SESSION_MANAGER = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
_RENAMES = "PendingFileRenameOperations"
_ASK_RENAMES = ["reg", "query", _SESSION_MANAGER, "/v", _RENAMES]
WAITING: Sequence[Sequence[str]] = (["reg", "query", _SERVICING], _ASK_RENAMES)
"""What :func:`waiting` asks."""

_PRINTED = re.compile(rf"^ {{4}}{_RENAMES} {{4}}REG_MULTI_SZ {{4}}(?P<pairs>.*)$", re.MULTILINE)


class Restart(State):
    """Whether changes of ours wait for a restart. Never absent."""

    pending: bool


class RestartKind(SharesExports):
    """``windows.restart``: target ``windows:NAME``, key ``restart``."""

    name = "windows.restart"
    state = Restart

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, Restart]:
        """Whether the note is there."""
        if exported := exported_ahead(session, NOTE_KEY):
            values = {name.casefold(): value.type for name, value in values_of(exported, NOTE_KEY).items()}
            return dict.fromkeys(keys, Restart(pending=values.get(NOTE_VALUE.casefold()) == "REG_SZ"))
        result = session.run(["reg", "query", NOTE_KEY])
        if result.exit_code != 0:  # the key is always there; a PC that is going down starts no programs any more
            raise RejectedError(session.target, f"cannot read {NOTE_KEY} (reg query: {result.exit_code}); try again")
        pending = re.search(rf"^ {{4}}{NOTE_VALUE} {{4}}REG_SZ ", result.stdout, re.MULTILINE) is not None
        return {key: Restart(pending=pending) for key in keys}

    def questions(self, session: WindowsSession, keys: Sequence[str]) -> list[str]:  # noqa: ARG002  (all are in one key)
        """Where the note is."""
        return [NOTE_KEY]

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
    return waiting_in(session.output_of(WAITING))


def waiting_in(printed: str) -> Waiting:
    """The same, of what the commands :data:`WAITING` printed."""
    said = printed.replace("\r\n", "\n")
    keys = {line.rstrip().casefold() for line in said.splitlines()}
    files = _pairs(said) or []
    return Waiting(
        servicing=f"{_SERVICING}\\{_WAITS}".casefold() in keys,
        replacements=frozenset(target for target in files[1::2] if target),
    )


def pending_renames(session: WindowsSession) -> tuple[int, list[str] | None]:
    """The exit code of ``reg query``, and the pairs of files that it printed (``None``: none that are understood)."""
    result = session.run(_ASK_RENAMES)
    return result.exit_code, _pairs(result.stdout.replace("\r\n", "\n"))


def _pairs(said: str) -> list[str] | None:
    match = _PRINTED.search(said)
    return match["pairs"].split("\\0") if match else None


def note_growth(session: WindowsSession, before: Waiting) -> None:
    """Note a restart if more waits for one than `before`."""
    if waiting(session).grew_since(before):
        note(session)


RESTART = RestartKind()
