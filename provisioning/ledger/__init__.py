"""Who has what, and what was done: requests, runs, changes, proofs, the work log, allocations. SQLAlchemy, on SQLite
(WAL) by default, on PostgreSQL by URL.

The names are loaded on first use: what only plans does not wait for SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioning.ledger.books import (
        Amendment,
        AmendmentRecord,
        Books,
        CustodyRecord,
        CustodyTransfer,
        NewPatchOrder,
        PatchOrder,
    )
    from provisioning.ledger.ledger import Ledger
    from provisioning.ledger.records import (
        Allocation,
        Approval,
        ChangeRecord,
        ChangeState,
        Delivery,
        Entry,
        Event,
        LoggedEntry,
        OpenTarget,
        RequestRecord,
        RequestState,
        RunRecord,
        RunState,
        Turn,
    )
    from provisioning.ledger.times import moment, now
    from provisioning.ledger.verify import Break, Seal, Verified
    from provisioning.ledger.who import acting_user

__all__ = [
    "Allocation",
    "Amendment",
    "AmendmentRecord",
    "Approval",
    "Books",
    "Break",
    "ChangeRecord",
    "ChangeState",
    "CustodyRecord",
    "CustodyTransfer",
    "Delivery",
    "Entry",
    "Event",
    "Ledger",
    "LoggedEntry",
    "NewPatchOrder",
    "OpenTarget",
    "PatchOrder",
    "RequestRecord",
    "RequestState",
    "RunRecord",
    "RunState",
    "Seal",
    "Turn",
    "Verified",
    "acting_user",
    "moment",
    "now",
]

_BOOKS = {"Amendment", "AmendmentRecord", "Books", "CustodyRecord", "CustodyTransfer", "NewPatchOrder", "PatchOrder"}
_MODULE_OF = {
    **dict.fromkeys(_BOOKS, "books"),
    "Ledger": "ledger",
    **dict.fromkeys(("moment", "now"), "times"),
    **dict.fromkeys(("Break", "Seal", "Verified"), "verify"),
    "acting_user": "who",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF.get(name, 'records')}"), name)
    return found
