"""Opening the ledger."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from provisioning.ledger.allocations import Allocations
from provisioning.ledger.amendments import Amendments
from provisioning.ledger.custody import Custody
from provisioning.ledger.database import Database
from provisioning.ledger.export import Export
from provisioning.ledger.line_samples import LineSamples
from provisioning.ledger.look import Look
from provisioning.ledger.outbox import Outbox
from provisioning.ledger.overlaps import Overlaps
from provisioning.ledger.patch_orders import PatchOrders
from provisioning.ledger.records import ChangeRecord, ChangeState, RunRecord, RunState
from provisioning.ledger.requests import Requests
from provisioning.ledger.reserved import ReservedNames
from provisioning.ledger.runs import Runs
from provisioning.ledger.schema import bring_up_to_date
from provisioning.ledger.targets import Targets
from provisioning.ledger.verify import Verification
from provisioning.ledger.worklog import WorkLog
from provisioning.secrets import Secrets
from provisioning.site.ledger import LedgerServer

__all__ = ["ChangeRecord", "ChangeState", "Ledger", "RunRecord", "RunState"]


class Ledger(
    Runs,
    Targets,
    Requests,
    Allocations,
    Amendments,
    Custody,
    ReservedNames,
    Overlaps,
    PatchOrders,
    LineSamples,
    Look,
    WorkLog,
    Outbox,
    Verification,
    Export,
):
    """The ledger of one site: who has what, and what was done.

    `place` is a SQLite file (made with its folder, mode 0700, on first use) or a URL
    ``postgresql://USER@HOST:PORT/DATABASE``; an older schema is migrated. `trust` are the certificates that
    the server is verified by. Everything raises :class:`~provisioning.errors.LedgerError` when the
    database does not do its part. May be shared by threads. Each subject has a file of its own.
    """

    def __init__(
        self,
        place: Path | str,
        *,
        password: SecretStr | None = None,
        trust: Path | None = None,
        desks: tuple[str, ...] = (),
    ) -> None:
        self.desks = desks
        self._database = Database(place, password, trust)
        try:
            bring_up_to_date(self._database)
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def at(cls, setting: Path | LedgerServer, secrets: Secrets, *, desks: tuple[str, ...] = ()) -> Ledger:
        """The ledger that a site's setting ``ledger:`` names. `desks` are the service desks that are owed its work
        log."""
        if isinstance(setting, Path):
            return cls(setting, desks=desks)
        password = secrets.resolve(setting.password) if setting.password else None
        return cls(setting.url, password=password, trust=setting.trust, desks=desks)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()
