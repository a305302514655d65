"""Which module makes which kind of thing so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Where = Literal["site", "host"]
"""``site``: the target is the same for all hosts (the directory); ``host``: it is the host of the task."""


@dataclass(frozen=True)
class Module:
    """One module for a kind. `things` is the name of its list, `key` of the option that tells things apart; `system` is
    what a target is called (``windows:`` and the like, or a whole target such as ``directory``)."""

    kind: str
    things: str
    key: str
    system: str
    where: Where
    said: str


MODULES: Mapping[str, Module] = {
    "domain_user": Module("directory.user", "users", "login", "directory", "site", "accounts of people in the domain"),
    "domain_computer": Module("directory.computer", "computers", "name", "directory", "site", "computer accounts"),
    "group_membership": Module(
        "directory.membership", "members", "login", "directory", "site", "which groups people belong to"
    ),
    "mailbox": Module("mail.mailbox", "mailboxes", "login", "directory", "site", "mailboxes and mail addresses"),
    "switch_port": Module("switch.port", "ports", "name", "switch", "host", "ports of switches"),
    "package": Module("windows.package", "packages", "name", "windows", "host", "approved software"),
    "registry": Module("windows.registry", "keys", "path", "windows", "host", "registry keys and policies"),
    "printer": Module("windows.printer", "printers", "name", "windows", "host", "printer connections"),
    "local_group": Module("windows.local_group", "groups", "name", "windows", "host", "members of local groups"),
    "time_zone": Module("windows.time_zone", "zones", "name", "windows", "host", "the time zone"),
    "dhcp_reservation": Module("network.reservation", "reservations", "mac", "dhcp", "site", "DHCP reservations"),
    "home_folder": Module("files.folder", "folders", "path", "files", "site", "folders on file servers"),
    "sip_subscriber": Module("phones.subscriber", "subscribers", "extension", "phones", "site", "SIP subscribers"),
}
"""Module → what it makes so. A kind that is missing here cannot be reached from a playbook; a test names it."""
