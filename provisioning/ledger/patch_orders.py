"""Patch orders: what a technician is asked to plug in, and the proof that it was done.

An order is written in the transaction that begins its run, together with the allocation of the switch port (pool
``port:<switch>``, item the port, holder the outlet), so two runs are never given one port. An outlet has one open order
at most: a new one takes the place of the old one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from provisioning.errors import LedgerError, RequestError
from provisioning.ledger.allocations import give_first_free
from provisioning.ledger.books import FirstSeen, NewPatchOrder, PatchOrder, PatchOrderState, Port
from provisioning.ledger.part import Part, clean
from provisioning.ledger.records import Entry
from provisioning.ledger.tables import allocations, patch_orders, proofs
from provisioning.ledger.times import now
from provisioning.ledger.who import acting_user
from provisioning.ledger.worklog import append_entries

POOL = "port:"
"""What the pools of switch ports begin with."""

_FIELDS = tuple(patch_orders.c[name] for name in PatchOrder.__dataclass_fields__)


_HOLDERS = select(allocations.c.pool, allocations.c.item, allocations.c.holder).where(
    allocations.c.pool.startswith(POOL, autoescape=True), allocations.c.released.is_(None)
)


class PatchOrders(Part):
    """The patch orders of one ledger."""

    def patch_orders(
        self,
        limit: int = 200,
        *,
        states: Collection[PatchOrderState] = (),
        outlet: str | None = None,
        run_id: int | None = None,
    ) -> list[PatchOrder]:
        """The latest orders, newest first; only those in `states`, of `outlet`, of a run, where these are given."""
        query = select(*_FIELDS).order_by(patch_orders.c.number.desc()).limit(limit)
        if states:
            query = query.where(patch_orders.c.state.in_(states))
        if outlet is not None:
            query = query.where(patch_orders.c.outlet == outlet)
        if run_id is not None:
            query = query.where(patch_orders.c.run_id == run_id)
        with self._database.read() as connection:
            return [PatchOrder(**row._mapping) for row in connection.execute(query)]

    def patch_order(self, number: int) -> PatchOrder:
        """Raises :class:`LedgerError` when there is no such order."""
        with self._database.read() as connection:
            return _order(connection, number, self.place)

    def first_seen(self, mac: str) -> FirstSeen | None:
        """The first ``network.port`` proof of a MAC address that held."""
        query = (
            select(proofs.c.at, proofs.c.target, proofs.c.parameters, proofs.c.run_id)
            .where(proofs.c.kind == "network.port", proofs.c.passed, proofs.c.parameters["mac"].as_string() == mac)
            .order_by(proofs.c.id)
            .limit(1)
        )
        with self._database.read() as connection:
            found = connection.execute(query).first()
        if found is None:
            return None
        at, target, parameters, run_id = found
        return FirstSeen(at, target.partition(":")[2], parameters["interface"], run_id)

    def close_patch_order(self, number: int, proof: Mapping[str, Any]) -> PatchOrder:
        """Write down that the cable is where it belongs; `proof` has at least ``detail``, a sentence. Twice is once.

        Raises :class:`RequestError` for an order that was cancelled.
        """
        with self._database.write() as connection:
            order = _order(connection, number, self.place, lock=True)
            if order.state == "closed":
                return order
            if order.state != "open":
                raise RequestError(f"patch order {number} is {order.state} ({order.reason}), so it cannot be closed")
            ours = update(patch_orders).where(patch_orders.c.number == number)
            connection.execute(ours.values(state="closed", closed=now(), proof=dict(proof)))
            said = f"Patch order {number} closed: {proof['detail']}."
            entry = Entry(said, run_id=order.run_id, key=f"patch:{number}:closed")
            append_entries(connection, [entry], self.desks)
            return _order(connection, number, self.place)

    def cancel_patch_order(self, number: int, reason: str) -> PatchOrder:
        """Give up an open order, and its switch port if the ledger allocated it. Twice is once.

        Raises :class:`RequestError` for an order that is closed.
        """
        with self._database.write() as connection:
            order = _order(connection, number, self.place, lock=True)
            if order.state == "cancelled":
                return order
            if order.state != "open":
                raise RequestError(
                    f"patch order {number} is closed: the cable lies; `provision undo {order.run_id}` takes it back"
                )
            _cancel(connection, [order], reason)
            _release(connection, order)
            said = f"Patch order {number} cancelled: {clean(reason)}."
            entry = Entry(said, run_id=order.run_id, key=f"patch:{number}:cancelled")
            append_entries(connection, [entry], self.desks)
            return _order(connection, number, self.place)

    def take_back_patch_orders(self, run_id: int) -> None:
        """A run was taken back: its orders are cancelled, its ports free again, and an order whose place one of them
        took is open again. Twice is once."""
        with self._database.write() as connection:
            query = select(*_FIELDS).where(patch_orders.c.run_id == run_id, patch_orders.c.state != "cancelled")
            orders = [PatchOrder(**row._mapping) for row in connection.execute(query)]
            _cancel(connection, orders, f"run {run_id} was taken back")
            ours = (allocations.c.run_id == run_id) & allocations.c.released.is_(None)
            ports = allocations.c.pool.startswith(POOL, autoescape=True)
            connection.execute(update(allocations).where(ours, ports).values(released=now()))
            for order in orders:
                former = patch_orders.c.reason == _replaced(order.number)
                connection.execute(update(patch_orders).where(former).values(state="open", closed=None, reason=None))

    def port_holders(self) -> dict[Port, str]:
        """Switch port → outlet, for every port that the ledger has given out."""
        with self._database.read() as connection:
            return read_port_holders(connection)


def read_port_holders(connection: Connection) -> dict[Port, str]:
    """:meth:`PatchOrders.port_holders` within a transaction."""
    return {(row.pool.removeprefix(POOL), row.item): row.holder for row in connection.execute(_HOLDERS)}


def write_patch_orders(connection: Connection, run_id: int, orders: Sequence[NewPatchOrder]) -> None:
    """Open orders and allocate their ports, within the transaction that begins their run.

    Raises :class:`RequestError` when a port has another holder by now.
    """
    for order in sorted(orders, key=lambda one: (one.switch, one.switch_port)):
        if order.allocate:
            _allocate(connection, run_id, order)
        row = {name: getattr(order, name) for name in NewPatchOrder.__dataclass_fields__ if name != "allocate"}
        row |= {"cable": dict(order.cable), "state": "open", "opened": now(), "who": acting_user(), "run_id": run_id}
        is_open = (patch_orders.c.outlet == order.outlet) & (patch_orders.c.state == "open")
        former = connection.scalars(select(patch_orders.c.number).where(is_open).with_for_update()).all()
        waits = update(patch_orders).where(patch_orders.c.number.in_(former))
        connection.execute(waits.values(state="cancelled", closed=now()))
        number = connection.scalars(insert(patch_orders).returning(patch_orders.c.number), [row]).one()
        connection.execute(waits.values(reason=_replaced(number)))


def _allocate(connection: Connection, run_id: int, order: NewPatchOrder) -> None:
    try:
        give_first_free(connection, POOL + order.switch, [order.switch_port], order.outlet, run_id)
    except RequestError as exc:
        raise RequestError(
            f"{order.switch_port} of {order.switch} was given to another outlet since this was planned; "
            "patch again, another port will be picked. Nothing was changed"
        ) from exc


def _replaced(number: int) -> str:
    return f"replaced by patch order {number}"


def _cancel(connection: Connection, orders: Sequence[PatchOrder], reason: str) -> None:
    if orders:
        ours = update(patch_orders).where(patch_orders.c.number.in_([order.number for order in orders]))
        connection.execute(ours.values(state="cancelled", closed=now(), reason=clean(reason)))


def _release(connection: Connection, order: PatchOrder) -> None:
    held = (allocations.c.pool == POOL + order.switch) & (allocations.c.item == order.switch_port)
    ours = held & (allocations.c.holder == order.outlet) & allocations.c.released.is_(None)
    connection.execute(update(allocations).where(ours).values(released=now()))


def _order(connection: Connection, number: int, place: str, *, lock: bool = False) -> PatchOrder:
    query = select(*_FIELDS).where(patch_orders.c.number == number)
    if lock:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise LedgerError(f"the ledger {place} has no patch order {number}; `provision orders --all` lists them")
    return PatchOrder(**row._mapping)
