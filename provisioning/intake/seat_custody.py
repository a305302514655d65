"""Licence seats in the books of custody: who was given one, and when it was given back.

The seats themselves are allocations, which installs take and removals release; the books follow them when a run ends.
"""

from __future__ import annotations

from provisioning.ledger import CustodyTransfer, Ledger, RunRecord, RunState
from provisioning.ledger.custody import STORE
from provisioning.procedures.licences import POOL
from provisioning.site import Inventory


def book_seats(ledger: Ledger, inventory: Inventory, run: RunRecord, state: RunState) -> None:
    """A run ends in `state` (the ledger does not say so yet), and its seats are taken or given back: book
    ``licence:<pool>/<person>`` to the persons who have theirs by this run, and to the store what nobody has any more.
    Seats of PCs are in nobody's hands. Twice is once."""
    if state not in {"done", "partial"}:
        return
    given = [one for one in ledger.allocations() if one.pool.startswith(POOL) and one.holder in inventory.people]
    held = {f"{one.pool}/{one.holder}" for one in given}
    new = [
        CustodyTransfer(f"{one.pool}/{one.holder}", one.holder) for one in given if one.run_id in {run.id, run.undoes}
    ]
    gone = [asset for asset, holder in ledger.holders().items() if asset.startswith(POOL) and holder != STORE]
    back = [CustodyTransfer(asset, STORE) for asset in gone if asset not in held]
    ledger.hand_over([*new, *back], run_id=run.id)
