"""Kamailio's remote control, JSON-RPC over HTTPS (modules jsonrpcs, xhttp and usrloc): target ``exchange``."""

from __future__ import annotations

import base64
from typing import Any

from provisioning.connections.remote_control import RemoteControl, trusting
from provisioning.errors import RejectedError, RequestError
from provisioning.secrets import Secrets
from provisioning.site import Inventory

_SETTING = "phones: exchange: control"
_TABLE = "location"  # Kamailio's usual name of the table of registrations
_ABSENT = "AOR not found"
"""How usrloc's ul.lookup says that nothing is registered for an address. The code alone (404; 500 up to Kamailio 5.6)
also stands for faults; Kamailio's words are the same in every language."""


class ExchangeControl:
    """What is registered at the exchange, and how to end that."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        phones = inventory.phones
        control = None if phones is None else phones.exchange.control
        if phones is None or control is None:
            raise RequestError(f"{target}: the site does not say how the exchange is controlled; add {_SETTING}")
        self.target = target
        self._domain = phones.domain
        password = secrets.resolve(control.credential.password).get_secret_value()
        basic = base64.b64encode(f"{control.credential.user}:{password}".encode()).decode("ascii")
        self._control = RemoteControl(
            target,
            control.server,
            control.path,
            trusting(target, control.trust, f"{_SETTING}: trust"),
            authorization=f"Basic {basic}",
            setting=_SETTING,
        )

    def contacts(self, extension: str) -> tuple[str, ...]:
        """The addresses of the telephones that are registered under an extension."""
        found = self._ask("ul.lookup", extension)
        if found is None:
            return ()
        contacts = found.get("Contacts", []) if isinstance(found, dict) else []
        return tuple(str(one.get("Contact", {}).get("Address", "")) for one in contacts if isinstance(one, dict))

    def end_registrations(self, extension: str) -> None:
        """Forget them. An extension without any is fine."""
        self._ask("ul.rm", extension)

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _ask(self, method: str, extension: str) -> Any:
        if not extension.isascii() or not extension.isdigit():
            raise RejectedError(self.target, f"{extension!r} is not an extension; correct the request")
        address = f"{extension}@{self._domain}"
        answer = self._control.ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": [_TABLE, address]})
        match answer:
            case {"error": {"message": str(said)}} if said.startswith(_ABSENT):
                return None
            case {"error": error}:
                said = "".join(char if char.isprintable() else " " for char in str(error))[:200]
                raise RejectedError(self.target, f"the exchange refuses {method} for {address} ({said}); see its log")
            case {"result": result}:
                return result
        raise RejectedError(self.target, f"the exchange's answer to {method} is none of JSON-RPC; check {_SETTING}")


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> ExchangeControl:
    """A session; the exchange is asked at use. Raises :class:`RequestError`, :class:`SecretError`,
    :class:`TrustError`."""
    return ExchangeControl(target, inventory, secrets)
