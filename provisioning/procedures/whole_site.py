"""The whole site as one request."""

from __future__ import annotations

from provisioning.procedures.base import Request
from provisioning.procedures.equipment import connect_equipment
from provisioning.procedures.onboard import onboard
from provisioning.procedures.publish import Publish, published
from provisioning.procedures.together import Together
from provisioning.site import Inventory


def whole_site(inventory: Inventory) -> Request:
    """Everybody who has a workplace, all equipment that has a patch cable, and what the intranet publishes. Raises
    :class:`~provisioning.errors.RequestError` when nobody has a workplace."""
    everybody = onboard(*(key for key, person in inventory.people.items() if person.workplace))
    equipment = connect_equipment(inventory)
    parts: list[Request] = [everybody]
    if equipment.names:
        parts.append(equipment)
    if any(published(inventory)):
        parts.append(Publish())
    return Together(tuple(parts)) if len(parts) > 1 else everybody
