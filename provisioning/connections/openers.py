"""Which module opens the sessions of which system: one explicit dict.

The modules are imported on first use, because the protocol libraries behind them are slow to import.
"""

from __future__ import annotations

from importlib import import_module

from provisioning.connections.pool import Opener, Session
from provisioning.secrets import Secrets
from provisioning.site import Inventory


def _lazily(module: str) -> Opener:
    def open_session(target: str, inventory: Inventory, secrets: Secrets) -> Session:
        opener: Opener = import_module(f"provisioning.connections.{module}").open_session
        return opener(target, inventory, secrets)

    return open_session


OPENERS: dict[str, Opener] = {
    "directory": _lazily("directory"),
    "mail": _lazily("mail"),
    "doveadm": _lazily("doveadm"),
    "intranet": _lazily("intranet"),
    "dhcp": _lazily("shell"),
    "web": _lazily("shell"),
    "phones": _lazily("exchange"),
    "exchange": _lazily("exchange_control"),
    "phone-files": _lazily("shell"),
    "registrar": _lazily("sip"),
    "files": _lazily("files"),
    "autoconfig": _lazily("autoconfig"),
    "switch": _lazily("switch"),
    "windows": _lazily("windows"),
}
