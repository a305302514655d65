"""Telephones in a move: the extension goes along with the person, a phone that nobody has any more forgets it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioning.procedures.base import Accounts
from provisioning.procedures.extensions import Extension, choose
from provisioning.procedures.identity import display_name
from provisioning.procedures.phones import PersonsPhone
from provisioning.resources.base import Resource
from provisioning.resources.phones.configuration import Configuration
from provisioning.resources.phones.families import FAMILIES, Account
from provisioning.site import Inventory
from provisioning.site.phones import Family

_OFF: Mapping[Family, Mapping[str, str]] = {
    "yealink": {"account.1.enable": "0"},
    "grandstream": {"P271": "0"},
    "cisco-spa": {"Line_Enable_1_": "No"},
}
"""What a phone reads as: this line is nobody's."""


def given_extensions(inventory: Inventory, persons: Iterable[str], accounts: Accounts) -> dict[str, Extension]:
    """The extensions that people have by the ledger. Who has none gets none by moving."""
    held = {person for numbers in accounts.numbering.held.values() for person in numbers.values()}
    return choose(inventory, [key for key in persons if key in held], accounts.numbering)


def persons_phone(inventory: Inventory, person: str, extension: Extension | None) -> PersonsPhone | None:
    """What `person` needs to be reached at the new desk (`inventory` is the site after the move)."""
    if inventory.phones is None or extension is None:
        return None
    desk = inventory.people[person].workplace
    name = display_name(inventory, person)
    return PersonsPhone(inventory, inventory.phones, person, extension, name, desk)


def vacant_phone(inventory: Inventory, desk: str) -> Iterator[Resource]:
    """The file of the phone of a desk that nobody has any more: the line is off, without extension and password. (With
    its file removed, a phone would go on with what it remembers.)"""
    name, phones = inventory.telephone_at.get(desk), inventory.phones
    if name is None or phones is None or phones.files is None or inventory.workplaces[desk].shared:
        return
    device = inventory.equipment[name]
    model = phones.models.get(device.model or "")
    if model is None:
        return
    family = FAMILIES[model.family]
    lines = family.account(Account("", "", "", "", 0, phones.transport))
    settings: dict[str, Any] = {**dict.fromkeys(lines), **_OFF[model.family]}
    state = Configuration(settings=settings, secrets={family.password: None})
    yield Resource("phones.configuration", "phone-files", family.file_of(device.mac), state)
