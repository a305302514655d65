"""Amendments: what procedures changed of what the site's files say – who sits where, who is called what, who has left.

An amendment is written in the transaction that begins its run. It is laid over the files as long as they say what they
said then (`was`); as soon as they say something else, they win. A field of a thing has one amendment in force at most.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from provisioning.ledger.books import Amendment, AmendmentRecord, Port
from provisioning.ledger.part import Part
from provisioning.ledger.patch_orders import read_port_holders
from provisioning.ledger.tables import amendments
from provisioning.ledger.times import now

_FIELDS = tuple(amendments.c[name] for name in AmendmentRecord.__dataclass_fields__)
_IN_FORCE = amendments.c.withdrawn.is_(None)
_ALL_IN_FORCE = select(*_FIELDS).where(_IN_FORCE).order_by(amendments.c.id)


class Amendments(Part):
    """The amendments of one ledger."""

    def amendments(self, *, withdrawn: bool = False, run_id: int | None = None) -> list[AmendmentRecord]:
        """Those in force, oldest first; with `withdrawn` also those that were, and only those of a run, if named."""
        query = select(*_FIELDS).order_by(amendments.c.id)
        if not withdrawn:
            query = query.where(_IN_FORCE)
        if run_id is not None:
            query = query.where(amendments.c.run_id == run_id)
        with self._database.read() as connection:
            return [AmendmentRecord(**row._mapping) for row in connection.execute(query)]

    def laid_over(self) -> tuple[list[AmendmentRecord], dict[Port, str]]:
        """What makes the site differ from its files at one moment: the amendments in force, and who has which switch
        port."""
        with self._database.read() as connection:
            found = [AmendmentRecord(**row._mapping) for row in connection.execute(_ALL_IN_FORCE)]
            return found, read_port_holders(connection)

    def replaced_amendments(self, run_id: int) -> list[AmendmentRecord]:
        """Those that were in force until a run replaced them: they are so again when it is taken back."""
        with self._database.read() as connection:
            query = select(*_FIELDS).where(amendments.c.replaced_in == run_id).order_by(amendments.c.id)
            return [AmendmentRecord(**row._mapping) for row in connection.execute(query)]

    def take_back_amendments(self, run_id: int) -> None:
        """A run was taken back: its amendments are withdrawn, and those that they replaced are in force again; where a
        later run has replaced them in turn, they are when that one is taken back. Twice is once."""
        with self._database.write() as connection:
            for ours in connection.execute(select(amendments).where(amendments.c.run_id == run_id)).all():
                same = [getattr(amendments.c, name) == ours._mapping[name] for name in ("section", "key", "field")]
                replaced = update(amendments).where(*same, amendments.c.replaced_in == run_id)
                here = update(amendments).where(amendments.c.id == ours.id)
                if ours.withdrawn is None:
                    connection.execute(here.values(withdrawn=now()))
                    connection.execute(replaced.values(withdrawn=None, replaced_in=None))
                elif ours.replaced_in is not None:
                    connection.execute(here.values(replaced_in=None))
                    connection.execute(replaced.values(replaced_in=ours.replaced_in))


def write_amendments(connection: Connection, run_id: int, wanted: Sequence[tuple[Amendment, str | None]]) -> None:
    """Write amendments down, each with what the files say, within the transaction that begins their run."""
    at = now()
    for one, was in sorted(wanted, key=lambda pair: pair[0].subject):
        same = [amendments.c.section == one.section, amendments.c.key == one.key, amendments.c.field == one.field]
        connection.execute(update(amendments).where(*same, _IN_FORCE).values(withdrawn=at, replaced_in=run_id))
        connection.execute(insert(amendments), [vars(one) | {"was": was, "run_id": run_id, "at": at}])
