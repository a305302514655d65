"""Extensions between a plan and the ledger: who has them, and when they are free again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from provisioning.errors import RequestError
from provisioning.ledger import RunRecord, RunState
from provisioning.procedures.extensions import POOL, Claim, extension_pools
from provisioning.site.phones import Phones

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_SUBSCRIBER = "phones.subscriber"


def held_extensions(phones: Phones, ledger: Ledger) -> Mapping[str, Mapping[str, str]]:
    """Range → extension → person."""
    return {
        name: {given.item: given.holder for given in ledger.allocations(pool)}
        for name, pool in extension_pools(phones).items()
    }


def refuse_given(ledger: Ledger, claims: Iterable[Claim]) -> None:
    """Raises :class:`RequestError` when somebody else was given one of the extensions since a plan chose them. (The
    ledger makes sure when a run begins; this says it better.)"""
    for claim in claims:
        for given in ledger.allocations(claim.pool):
            if given.item == claim.extension and given.holder != claim.holder:
                raise RequestError(
                    f"extension {claim.extension} was given to {given.holder} since this was planned for "
                    f"{claim.holder}; plan again"
                )


def give_back_extensions(ledger: Ledger, run: RunRecord, state: RunState) -> None:
    """When a run ends in `state`: an extension whose subscriber it removed is free, and so is what a run gave that was
    taken back whole. Twice is once.

    An extension whose subscriber could not be made stays with its person, who gets it the next time.
    """
    removed = {
        record.change.key
        for record in run.changes
        if record.change.address.kind == _SUBSCRIBER and record.change.after is None and record.state == "verified"
    }
    undone = run.undoes if state == "done" else None
    if not removed and undone is None:
        return
    for given in ledger.allocations():
        if given.pool.startswith(POOL) and (given.item in removed or (undone is not None and given.run_id == undone)):
            ledger.release(given.pool, item=given.item)
