"""Which person each thing of a plan is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioning.procedures.base import Request, foreseen
from provisioning.resources.base import Address, State
from provisioning.resources.directory.user import User
from provisioning.resources.files.folder import Folder
from provisioning.resources.files.quota import Quota
from provisioning.resources.phones.configuration import Configuration, holder_of
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.site import Inventory


def owners(
    inventory: Inventory, request: Request, things: Iterable[tuple[Address, State | None]]
) -> Mapping[Address, str]:
    """Address → person, for accounts (known by the number that they carry), their memberships and mailboxes, for the PC
    and the port of each person's desk, for SIP subscribers, home folders and quotas. Of a desk that several people
    have, the first is named; what a department shares is nobody's."""
    known = dict(things)
    of_login = {
        address.key: state.employee_id
        for address, state in known.items()
        if isinstance(state, User) and "employee_id" in state.model_fields_set and state.employee_id
    }
    of_target, of_port = _places(foreseen(request, inventory), request)
    found: dict[Address, str] = {}
    for address, state in known.items():
        person = of_target.get(address.target) or of_port.get((address.target, address.key))
        if person is None and address.target == "directory":
            person = of_login.get(address.key)
        if person is None and address.kind == "directory.login":
            person = address.key
        if person is None and isinstance(state, Quota):
            person = of_login.get(address.key.rpartition("\\")[2])
        if person is None and isinstance(state, Subscriber):
            person = state.holder
        if person is None and isinstance(state, Folder) and state.owner is not None:
            person = of_login.get(state.owner)
        if person is None and isinstance(state, Configuration):
            person = holder_of(state)
        if person is not None:
            found[address] = person
    return found


def _places(inventory: Inventory, request: Request) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    of_target: dict[str, str] = {}
    of_port: dict[tuple[str, str], str] = {}
    for person, desk in request.desks(inventory).items():
        if desk is None:
            continue
        if workstation := inventory.workstation_at.get(desk):
            of_target.setdefault(f"windows:{workstation}", person)
        outlet = inventory.outlets[inventory.workplaces[desk].outlet]
        if outlet.switch and outlet.switch_port:
            of_port.setdefault((f"switch:{outlet.switch}", outlet.switch_port), person)
    return of_target, of_port
