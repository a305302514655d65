"""Who has what, and what was done: requests, runs, changes, proofs, the work log, allocations. SQLAlchemy, on SQLite
(WAL) by default, on PostgreSQL by URL."""

from provisioning.ledger.amendments import Amendment, AmendmentRecord
from provisioning.ledger.books import Books
from provisioning.ledger.custody import CustodyRecord, CustodyTransfer
from provisioning.ledger.ledger import Ledger
from provisioning.ledger.patch_orders import NewPatchOrder, PatchOrder
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
from provisioning.ledger.tables import moment, now
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
