"""Licence seats in the books of custody: who was given one, and when it was given back.

The seats themselves are allocations, which installs take and removals release; the books follow them when a run ends.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from provisioning.ledger import CustodyTransfer, RunRecord, RunState, moment
from provisioning.ledger.books import STORE
from provisioning.procedures.licences import POOL
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

CLOCKS = timedelta(minutes=5)
"""How far the clocks of two workers may be apart: one began the run, the other gives its seats back."""


def book_seats(ledger: Ledger, inventory: Inventory, run: RunRecord, state: RunState) -> None:
    """A run ends in `state` (the ledger does not say so yet), and its seats are taken or given back: book
    ``licence:<pool>/<person>`` to the persons who have theirs by this run, and to the store what was given up since it
    began. Seats of PCs are in nobody's hands. Twice is once."""
    if state not in {"done", "partial"}:
        return
    ours = {run.id} if run.undoes is None else {run.id, run.undoes}
    since = moment(datetime.fromisoformat(run.started) - CLOCKS)
    touched = ledger.settled_since(POOL, ours, since)
    given = {
        f"{pool}/{holder}": holder
        for (pool, holder), held in touched.items()
        if holder in inventory.people and any(one.run_id in ours for one in held)
    }
    kept = {f"{pool}/{holder}" for (pool, holder), held in touched.items() if held and holder in inventory.people}
    booked = ledger.holders([f"{pool}/{holder}" for pool, holder in touched])
    back = [asset for asset, holder in booked.items() if holder != STORE and asset not in kept]
    new = [CustodyTransfer(asset, holder) for asset, holder in given.items()]
    if transfers := [*new, *(CustodyTransfer(asset, STORE) for asset in back)]:
        ledger.hand_over(transfers, run_id=run.id)
