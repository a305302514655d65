"""``phones.registrations``: what is registered under an extension at this moment.

Target ``exchange`` (the exchange's remote control), key the extension. What exists is "telephones are registered"; only
absence can be asked for. A request that removes a subscriber lets this require that change: telephones that register in
between are thrown out as well, and none comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State

if TYPE_CHECKING:
    from provisioning.connections.exchange_control import ExchangeControl


class Registrations(State):
    """There are some. Which ones changes from minute to minute, so nothing of it is managed."""


class RegistrationsKind:
    """``phones.registrations``."""

    name = "phones.registrations"
    state = Registrations

    def read(self, session: ExchangeControl, keys: Sequence[str]) -> dict[str, Registrations]:
        """One question an extension."""
        return {key: Registrations() for key in keys if session.contacts(key)}

    def apply(self, session: ExchangeControl, changes: Sequence[Change[Registrations]]) -> list[Outcome]:
        """One command an extension."""
        return [Outcome(change.key, _end(session, change)) for change in changes]

    def unsettled(self, state: Registrations | None) -> Registrations:  # noqa: ARG002 - the protocol's
        """A telephone may register until the subscriber is gone."""
        return Registrations()

    def lasting(
        self,
        change: Change[Registrations],
        others: Sequence[Change[Registrations]],  # noqa: ARG002 - the protocol's
    ) -> str | None:
        """What is thrown out stays out."""
        return f"telephones that are registered as {change.key} are signed out; they register anew, if they may"


def _end(session: ExchangeControl, change: Change[Registrations]) -> ProvisioningError | None:
    if change.after is not None:
        return RequestError(f"{session.target}: registrations of {change.key} are ended, never begun")
    try:
        session.end_registrations(change.key)
    except UnreachableError:
        raise
    except ProvisioningError as exc:
        return exc
    return None


REGISTRATIONS = RegistrationsKind()
