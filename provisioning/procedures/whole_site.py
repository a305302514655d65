"""The whole site as one request."""

from __future__ import annotations

from provisioning.procedures.audit_repair import the_rest
from provisioning.procedures.base import Request
from provisioning.procedures.onboard import onboard
from provisioning.procedures.together import Together
from provisioning.site import Inventory


def whole_site(inventory: Inventory) -> Request:
    """Everybody who has a workplace and has not left, all equipment that has a patch cable, and what the intranet
    publishes. Raises :class:`~provisioning.errors.RequestError` when nobody has a workplace."""
    everybody = onboard(*seated(inventory))
    rest = the_rest(inventory)
    return Together((everybody, *rest)) if rest else everybody


def seated(inventory: Inventory) -> tuple[str, ...]:
    """Whom a plan of the whole site is about."""
    return tuple(key for key, person in inventory.people.items() if person.workplace and person.left is None)
