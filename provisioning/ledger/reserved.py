"""Reserved names: logins and mail addresses that were somebody's. Nobody else ever gets them, since people still
write to them and know them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select

from provisioning.ledger.part import Part
from provisioning.ledger.tables import reserved_names
from provisioning.ledger.times import now

_AT_ONCE = 500


class ReservedNames(Part):
    """The reserved names of one ledger."""

    def reserved(self) -> dict[str, str]:
        """Login or mail address, in small letters → person who had it."""
        with self._database.read() as connection:
            return dict(connection.execute(select(reserved_names.c.name, reserved_names.c.person)).tuples().all())


def write_reserved(connection: Connection, run_id: int, names: Mapping[str, str]) -> None:
    """Reserve names (small letters → person) within the transaction that begins their run. What is reserved already
    stays whose it is."""
    known = set(connection.scalars(select(reserved_names.c.name)).all()) if names else set()
    rows = [
        {"name": name, "person": person, "run_id": run_id, "at": now()}
        for name, person in names.items()
        if name not in known
    ]
    if rows:
        connection.execute(insert(reserved_names), rows)
