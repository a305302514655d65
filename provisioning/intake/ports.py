"""Switch ports between the site and the ledger: which cables patch orders have laid, which orders a plan opens, and
what becomes of them when a run is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provisioning.ledger import NewPatchOrder, PatchOrder, RunRecord, RunState
from provisioning.ledger.books import Port
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger


def wired(inventory: Inventory, holders: Mapping[Port, str]) -> Inventory:
    """The site with the ports that the ledger gave out (`holders`: switch port → outlet) laid over the outlets that its
    files leave open.

    The files are the authority: where they name a port for an outlet, or give a port to another outlet, that counts.
    """
    if not holders:
        return inventory
    named = {
        (outlet.switch, outlet.switch_port.casefold())
        for outlet in inventory.outlets.values()
        if outlet.switch and outlet.switch_port
    }
    laid = {}
    for (switch, port), holder in sorted(holders.items()):
        outlet = inventory.outlets.get(holder)
        if outlet is None or outlet.switch is not None or (switch, port.casefold()) in named:
            continue
        if switch in inventory.network.switches and inventory.network.switches[switch].closet == outlet.closet:
            laid[holder] = outlet.model_copy(update={"switch": switch, "switch_port": port})
    return inventory.model_copy(update={"outlets": {**inventory.outlets, **laid}}) if laid else inventory


def to_open(ledger: Ledger | None, orders: Sequence[NewPatchOrder], *, changes: bool) -> tuple[NewPatchOrder, ...]:
    """Those of `orders` that are not written down yet. Where the site's files name the port, the cable lies: there is
    something to order only if the port changes (`changes`)."""
    return tuple(
        order for order in orders if (changes or order.allocate) and (changes or standing(ledger, order) is None)
    )


def standing(ledger: Ledger | None, order: NewPatchOrder) -> PatchOrder | None:
    """The order, open or closed, that asks for the same already."""
    newest = ledger.patch_orders(1, states=("open", "closed"), outlet=order.outlet) if ledger is not None else []
    names = ("switch", "switch_port", "purpose", "expected_mac", "vlan")
    return next((one for one in newest if all(getattr(one, name) == getattr(order, name) for name in names)), None)


def settle(ledger: Ledger, run: RunRecord, state: RunState) -> None:
    """When a run ends in `state` (the ledger does not say so yet): what it took back gives its ports back, and its
    orders are cancelled. Twice is once."""
    if run.undoes is not None and state == "done":
        ledger.take_back_patch_orders(run.undoes)
