"""The modules for kinds of things, and by which procedure the other kinds are reached."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.ansible_door import kinds_of_domain, kinds_of_network, kinds_of_pcs
from provisioning.ansible_door.definition import Definition

_LISTS = (*kinds_of_domain.MODULES, *kinds_of_network.MODULES)

MODULES: Mapping[str, Definition] = {
    one.name: one for one in (*(listed.definition() for listed in _LISTS), *kinds_of_pcs.MODULES)
}

KIND_OF: Mapping[str, str] = {one.name: one.kind for one in (*_LISTS, *kinds_of_pcs.LISTS)} | {
    "package": "windows.package",
    "domain_membership": "windows.domain_membership",
    "time_zone": "windows.time_zone",
    "restart": "windows.restart",
}
"""Module → the kind that it makes so."""

REACHED_BY: Mapping[str, str] = {
    "directory.all_groups": "offboard",
    "directory.password": "offboard",
    "directory.login": "rename",
    "mail.sessions": "offboard",
    "mail.contents": "erase",
    "phones.registrations": "offboard",
    "files.archived": "erase",
    "switch.section": "config-restore",
    "windows.user_data": "transfer-data",
    "windows.archive": "backup",
}
"""Kinds that make sense inside a procedure alone → that procedure (``procedures.registry``)."""
