"""The end of a change on a switch: confirmed where the device guards it, and saved only then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioning.errors import RejectedError, UnreachableError
from provisioning.resources.base import Change, Kind
from provisioning.resources.switch.look import refuse_if_pending

if TYPE_CHECKING:
    from provisioning.connections.switch import SwitchSession

__all__ = ["finish", "save"]


def save(session: SwitchSession, errors: Mapping[str, RejectedError]) -> None:
    """Raises :class:`RejectedError`: ports that read as wanted are not done while a restart would lose them."""
    try:
        session.save()
    except RejectedError as exc:
        others = "".join(f"; {error.message}" for error in errors.values())
        raise RejectedError(exc.target, f"changed, but the switch {exc.message}{others}") from exc


def finish(kind: Kind[Any, SwitchSession], session: SwitchSession, changes: Sequence[Change[Any]]) -> None:
    """The ports are as wanted, but whoever changed them may have been killed before they were kept and saved.

    Raises :class:`UnreachableError` when the change that waits for its confirmation is somebody else's, and when
    the switch took ours back while we were looking.
    """
    refuse_if_pending(session, but_of=session.switch.credential.user)
    session.confirm()
    found = kind.read(session, [change.key for change in changes])
    if lost := [change.key for change in changes if not change.done_in(found[change.key])]:
        raise UnreachableError(
            session.target, f"the switch took the change of {', '.join(lost)} back just now; it is made again"
        )
    session.save()
