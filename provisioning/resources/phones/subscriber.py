"""``phones.subscriber``: who may register with the SIP exchange, under which extension.

The state says whose the password is, never what it is: `holder` is the person whom the password that the exchange has
was made for, as the passwords that are kept here tell; ``None`` means that it is another one. That one cannot be put
back, so a state that asks for it is content with whatever is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from provisioning.errors import ProvisioningError, RejectedError, SecretError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.on_demand import OnDemand
from provisioning.resources.phones.adapters import Adapter, Edit, Login, Row

if TYPE_CHECKING:
    from provisioning.connections.exchange import ExchangeSession

ADAPTERS: OnDemand[Adapter] = OnDemand(
    {
        "kamailio": "provisioning.resources.phones.kamailio:KAMAILIO",
        "asterisk-realtime": "provisioning.resources.phones.asterisk:ASTERISK",
    }
)


class Subscriber(State):
    """`holder` is a person's key. `display_name` and `settings` are managed on exchanges that have them (Asterisk)."""

    holder: str | None = None
    display_name: str | None = None
    settings: Mapping[str, str | None] | None = None

    def differences(self, actual: Self | None) -> dict[str, tuple[Any, Any]]:
        """An unknown password differs from none."""
        found = super().differences(actual)
        if actual is not None and self.holder is None:
            found.pop("holder", None)
        return found


class SubscriberKind:
    """Target ``phones``, key the extension. A deleted subscriber comes back with a new password."""

    name = "phones.subscriber"
    state = Subscriber

    def read(self, session: ExchangeSession, keys: Sequence[str]) -> dict[str, Subscriber]:
        """One query a batch (Kamailio: one for every 500)."""
        phones = session.phones
        with session.transaction() as connection:
            rows = ADAPTERS[phones.exchange.adapter].read(connection, phones.domain, list(keys))
        return {
            key: Subscriber(holder=_holder(session, key, row), display_name=row.display_name, settings=row.settings)
            for key, row in rows.items()
        }

    def apply(self, session: ExchangeSession, changes: Sequence[Change[Subscriber]]) -> list[Outcome]:
        """One transaction a change; the password is kept before the exchange has it."""
        errors: dict[str, ProvisioningError] = {}
        for change in changes:
            try:
                _apply(session, change)
            except (RejectedError, SecretError) as exc:
                errors[change.key] = exc
        return [Outcome(change.key, errors.get(change.key)) for change in changes]

    def finish(self, session: ExchangeSession, changes: Sequence[Change[Subscriber]]) -> None:
        """The subscribers are gone, but their passwords may still be kept."""
        for change in changes:
            if change.action == "delete":
                session.secrets.phone_passwords.withdraw(change.key)

    def lasting(self, change: Change[Subscriber], others: Sequence[Change[Subscriber]]) -> str | None:  # noqa: ARG002
        """A password that is replaced or destroyed is gone."""
        if change.action == "delete":
            return f"the SIP password of {change.key} is destroyed; taken back, it gets a new one"
        if change.action == "update" and "holder" in change.differences():
            return f"the SIP password of {change.key} is replaced; phones with the former one no longer register"
        return None


def taken(session: ExchangeSession) -> frozenset[str]:
    """Every extension that the exchange has a subscriber for."""
    phones = session.phones
    with session.transaction() as connection:
        return ADAPTERS[phones.exchange.adapter].taken(connection, phones.domain)


def _holder(session: ExchangeSession, extension: str, row: Row) -> str | None:
    phones = session.phones
    for kept in session.secrets.phone_passwords.kept(extension):
        if Login.of(extension, phones.domain, kept.password, phones.exchange.digest).ha1 == row.ha1:
            return kept.holder
    return None


def _apply(session: ExchangeSession, change: Change[Subscriber]) -> None:
    phones, extension, after = session.phones, change.key, change.after
    adapter = ADAPTERS[phones.exchange.adapter]
    if after is None:
        with session.transaction() as connection:
            adapter.delete(connection, phones.domain, extension)
        session.secrets.phone_passwords.withdraw(extension)
        return
    changed = {name.partition("[")[0] for name in change.differences()}
    if change.before is None and after.holder is None:
        raise RejectedError(
            session.target,
            f"the password of {extension} was never known here, so the subscriber cannot be made again; onboard its "
            "holder, who then gets a new one",
        )
    login = _login(session, extension, after.holder) if after.holder is not None and "holder" in changed else None
    edit = Edit(
        login,
        {"display_name": after.display_name} if "display_name" in changed else {},
        dict(after.settings or {}) if "settings" in changed else {},
    )
    with session.transaction() as connection:
        if login is None or change.action == "update":
            adapter.update(connection, phones.domain, extension, edit)
        elif extension in adapter.read(connection, phones.domain, [extension]):
            raise RejectedError(session.target, f"{extension} has a subscriber already; plan again")
        else:
            adapter.create(connection, login, after.display_name, edit.settings)


def _login(session: ExchangeSession, extension: str, holder: str) -> Login:
    phones = session.phones
    password = session.secrets.phone_passwords.issue(extension, holder)
    return Login.of(extension, phones.domain, password, phones.exchange.digest)


SUBSCRIBER = SubscriberKind()
