"""What a person is handed with a desk: its PC and its telephone."""

from __future__ import annotations

from provisioning.ledger.books import CustodyTransfer
from provisioning.site import Inventory


def desk_assets(inventory: Inventory, desk: str | None) -> tuple[str, ...]:
    """The assets that stand at a desk and are one person's: none at a shared one."""
    if desk is None or inventory.workplace(desk).shared:
        return ()
    workstation, telephone = inventory.workstation_at.get(desk), inventory.telephone_at.get(desk)
    tag = inventory.workstations[workstation].asset_tag if workstation else None
    return tuple(asset for asset in (tag, telephone) if asset)


def desk_custody(inventory: Inventory, person: str, desk: str | None) -> tuple[CustodyTransfer, ...]:
    """The transfers that give `person` what stands at `desk`."""
    return tuple(CustodyTransfer(asset, person) for asset in desk_assets(inventory, desk))
