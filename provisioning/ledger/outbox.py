"""How far each entry of the work log has come on its way to a service desk."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update

from provisioning.ledger.part import Part
from provisioning.ledger.tables import deliveries
from provisioning.ledger.times import now


@dataclass(frozen=True)
class DeliveryState:
    """What is known of one entry's delivery. `delivered` is ``None`` as long as it is owed; `remote` is the desk's own
    number of what the entry belongs to."""

    entry_id: int
    attempts: int
    next_try: str
    error: str | None
    delivered: str | None
    remote: str | None


class Outbox(Part):
    """What a ledger knows of deliveries, beside handing them out (:class:`~provisioning.ledger.worklog.WorkLog`)."""

    def delivery_states(self, desk: str, entry_ids: Collection[int]) -> dict[int, DeliveryState]:
        """The deliveries to `desk` of these entries; entries that are not owed to it are left out."""
        if not entry_ids:
            return {}
        columns = [deliveries.c[name] for name in DeliveryState.__dataclass_fields__]
        query = select(*columns).where(
            deliveries.c.desk == desk,
            deliveries.c.entry_id.between(min(entry_ids), max(entry_ids)),
        )
        wanted = set(entry_ids)
        with self._database.read() as connection:
            states = [DeliveryState(*row) for row in connection.execute(query)]
        return {state.entry_id: state for state in states if state.entry_id in wanted}

    def bring_forward(self, desk: str) -> None:
        """What `desk` did not take before may be tried again now, whatever its backoff (somebody says that the desk is
        up again)."""
        ours = (deliveries.c.desk == desk) & deliveries.c.delivered.is_(None) & deliveries.c.error.is_not(None)
        with self._database.write() as connection:
            connection.execute(update(deliveries).where(ours).values(next_try=now()))
