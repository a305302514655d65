"""A ledger with something in it to tell the service desk, for unit tests and lab tests."""

from __future__ import annotations

from pathlib import Path

from provisioning.engine.outbox import DESK
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Address, Change, Proof, ProofResult, State
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.windows.package import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.servicedesk import RequestTrackerDesk, ServiceManagerDesk, WebhookDesk

EXAMPLE = Path(__file__).parent.parent / "inventories" / "example"
NAME = "Анна Петрова"


def site_with(desk: RequestTrackerDesk | ServiceManagerDesk | WebhookDesk | None) -> Inventory:
    """The example site with another service desk."""
    return load(EXAMPLE).model_copy(update={"service_desk": desk})


def ledger_in(folder: Path) -> Ledger:
    """A new ledger whose work log is owed to the site's desk."""
    return Ledger(folder / "ledger.sqlite", desks=(DESK,))


def changes() -> list[Change[State]]:
    """What it takes to give somebody an account, groups and a package."""
    ou = "OU=Sales,OU=Staff,DC=corp,DC=example"
    user = User(ou=ou, display_name=NAME, department="Sales", enabled=True)
    groups = Memberships(groups={"Sales": True, "Intranet-Users": True})
    before = Memberships(groups={"Sales": None, "Intranet-Users": None})
    return [
        Change(Address("directory.user", "directory", "anna.petrova"), None, user),
        Change(Address("directory.membership", "directory", "anna.petrova"), before, groups),
        Change(
            Address("windows.package", "windows:WS-0042", "CRM Client"),
            None,
            InstalledPackage(version="4.2.0"),
        ),
    ]


def begin(ledger: Ledger, *, undoes: int | None = None, request_id: int | None = None) -> RunRecord:
    """A run whose changes are planned."""
    request = {"procedure": "onboard", "persons": ["E1042"], "workplace": None, "software": []}
    return ledger.begin("onboard E1042", request, changes(), undoes=undoes, request_id=request_id)


def carry_out(ledger: Ledger, run: RunRecord, *, fails: str | None = None) -> None:
    """All changes done, except that the last one `fails` for this reason."""
    ids = [record.id for record in run.changes]
    ledger.attempt(ids)
    ledger.settle(dict.fromkeys(ids[:-1] if fails else ids, ("verified", None)))
    if fails:
        ledger.settle({ids[-1]: ("failed", fails)})
    proof = Proof("directory.sign_in", "directory", "can sign in", {"login": "anna.petrova"})
    ledger.prove(run.id, [ProofResult(proof, True, "signed in")])
    ledger.end(run.id, "partial" if fails else "done")
