"""The whole running configuration of a switch, for the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.dialects.tables import without_log_lines
from provisioning.errors import RejectedError
from provisioning.resources.base import Keepsake

if TYPE_CHECKING:
    from provisioning.connections.switch import SwitchSession

__all__ = ["running_configuration"]


def running_configuration(session: SwitchSession) -> Keepsake:
    """What the switch prints, but for log messages in between. Raises
    :class:`~provisioning.errors.RejectedError`."""
    commands = session.dialect.configuration
    text = "\n".join(line for shown in session.show_all(commands) for line in without_log_lines(shown))
    if not text.strip():
        raise RejectedError(
            session.target, f"answered {commands[0]!r} with nothing; the account may lack the right to it"
        )
    return Keepsake(session.name, session.switch.dialect, text)
