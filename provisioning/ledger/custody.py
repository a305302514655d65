"""Custody: who has which piece of equipment, from whom, since when, by which document.

What a run hands over is written down when it begins and booked when it ends; its undo books the way back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, func, insert, select, update

from provisioning.ledger.books import STORE, CustodyRecord, CustodyTransfer
from provisioning.ledger.part import Part, clean
from provisioning.ledger.tables import custody
from provisioning.ledger.times import now
from provisioning.ledger.who import acting_user

_FIELDS = tuple(custody.c[name] for name in CustodyRecord.__dataclass_fields__)
_BOOKED = custody.c.state == "booked"


class Custody(Part):
    """Who has what, in one ledger."""

    def custody(
        self, asset: str | None = None, *, holder: str | None = None, run_id: int | None = None
    ) -> list[CustodyRecord]:
        """The history, oldest first: of one asset, of what a holder was given or gave back, of what a run handed over,
        where these are named."""
        query = select(*_FIELDS).where(_BOOKED).order_by(custody.c.id)
        if asset is not None:
            query = query.where(custody.c.asset == asset)
        if run_id is not None:
            query = query.where(custody.c.run_id == run_id)
        if holder is not None:
            query = query.where((custody.c.to == holder) | (custody.c.former == holder))
        with self._database.read() as connection:
            return [CustodyRecord(**row._mapping) for row in connection.execute(query)]

    def held_by(self, holder: str) -> list[CustodyRecord]:
        """What a person has now, by asset: the transfer that gave it."""
        return sorted((one for one in self._latest() if one.to == holder), key=lambda one: one.asset)

    def holders(self, assets: Collection[str] | None = None) -> dict[str, str]:
        """Asset → who has it now, for everything that was ever booked, or for those of `assets` that were."""
        return {one.asset: one.to for one in self._latest(assets)} if assets is None or assets else {}

    def hand_over(self, transfers: Iterable[CustodyTransfer], *, run_id: int | None = None) -> list[CustodyRecord]:
        """Book transfers at once: by hand, or of a run that has ended. What is where it should be already is left
        out."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(custody.c.id))).scalar_one() or 0
            for one in transfers:
                _book(connection, one, run_id)
            query = select(*_FIELDS).where(_BOOKED, custody.c.id > last).order_by(custody.c.id)
            return [CustodyRecord(**row._mapping) for row in connection.execute(query)]

    def book_custody(self, run_id: int) -> None:
        """A run has ended: what it was to hand over is booked. Twice is once."""
        with self._database.write() as connection:
            planned = (custody.c.run_id == run_id) & (custody.c.state == "planned")
            rows = connection.execute(select(*_FIELDS).where(planned).order_by(custody.c.id)).all()
            if rows:
                connection.execute(update(custody).where(planned).values(state="void"))
            for row in rows:
                _book(connection, CustodyTransfer(row.asset, row.to, row.document, row.note), run_id)

    def take_back_custody(self, run_id: int, by: int) -> None:
        """The run `by` took a run back: what that run handed over, and is where it brought it, goes back. Twice is
        once."""
        with self._database.write() as connection:
            ours = custody.c.run_id == run_id
            connection.execute(update(custody).where(ours, custody.c.state == "planned").values(state="void"))
            rows = connection.execute(select(*_FIELDS).where(ours, _BOOKED).order_by(custody.c.id.desc())).all()
            back = set(connection.scalars(select(custody.c.asset).where(_BOOKED, custody.c.run_id == by)))
            for row in rows:
                if row.asset not in back and _holder(connection, row.asset) == row.to:
                    _book(connection, CustodyTransfer(row.asset, row.former, row.document, row.note), by)

    def _latest(self, assets: Collection[str] | None = None) -> list[CustodyRecord]:
        newest = select(func.max(custody.c.id)).where(_BOOKED).group_by(custody.c.asset)
        if assets is not None:
            newest = newest.where(custody.c.asset.in_(assets))
        query = select(*_FIELDS).where(custody.c.id.in_(newest)).order_by(custody.c.id)
        with self._database.read() as connection:
            return [CustodyRecord(**row._mapping) for row in connection.execute(query)]


def write_custody(connection: Connection, run_id: int, transfers: Sequence[CustodyTransfer]) -> None:
    """Write down what a run is to hand over, within the transaction that begins it."""
    if transfers:
        connection.execute(insert(custody), [_row(one, run_id) | {"state": "planned"} for one in transfers])


def _holder(connection: Connection, asset: str) -> str:
    held = select(custody.c.to).where(_BOOKED, custody.c.asset == asset).order_by(custody.c.id.desc()).limit(1)
    return connection.execute(held).scalar_one_or_none() or STORE


def _book(connection: Connection, one: CustodyTransfer, run_id: int | None) -> None:
    former = _holder(connection, one.asset)
    if former != one.to:
        connection.execute(insert(custody), [_row(one, run_id) | {"state": "booked", "former": former}])


def _row(one: CustodyTransfer, run_id: int | None) -> dict[str, object]:
    words = {"document": one.document, "note": one.note}
    said = {name: None if text is None else clean(text) for name, text in words.items()}
    return {
        "asset": one.asset, "to": one.to, "former": STORE, "who": acting_user(), "run_id": run_id, "at": now(), **said
    }  # fmt: skip
