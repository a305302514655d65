"""Allocations: who has which extension, licence seat, outlet or piece of equipment. An item has one holder at a time.

Pools are named ``licence:<name>``, ``extension:<range>``, ``port:<switch>``, ``equipment``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from provisioning.errors import RequestError
from provisioning.ledger.part import Part
from provisioning.ledger.records import Allocation
from provisioning.ledger.tables import allocations
from provisioning.ledger.times import now

_FIELDS = tuple(allocations.c[name] for name in Allocation.__dataclass_fields__)
_HELD = allocations.c.released.is_(None)
_HOLDERS_SHOWN = 10


class Allocations(Part):
    """Who has what, in one ledger."""

    def allocate(self, pool: str, candidates: Iterable[str], holder: str, *, run_id: int | None = None) -> str:
        """Give `holder` the first of `candidates` that nobody has, and say which.

        A holder that has one of them already keeps it, so asking twice gives the same. Raises :class:`RequestError`
        when all are taken.
        """
        with self._database.write() as connection:
            return give_first_free(connection, pool, candidates, holder, run_id)

    def release(
        self, pool: str, *, item: str | None = None, holder: str | None = None, run_id: int | None = None
    ) -> list[str]:
        """Take back an item, all that a holder has of the pool, or what a run gave (all that is named must fit); the
        items that are free now. What nobody holds is no error."""
        if item is None and holder is None and run_id is None:
            raise ValueError("release needs an item, a holder or a run")
        which = [allocations.c.pool == pool, _HELD]
        named = {"item": item, "holder": holder, "run_id": run_id}
        which += [allocations.c[name] == value for name, value in named.items() if value is not None]
        with self._database.write() as connection:
            _lock_pool(connection, pool)
            freed = connection.scalars(
                update(allocations).where(*which).values(released=now()).returning(allocations.c.item)
            ).all()
        return sorted(freed)

    def transfer(self, pool: str, item: str, *, holder: str, to: str, run_id: int | None = None) -> None:
        """Pass an item from `holder` on to somebody else, in one transaction. Doing it twice is once.

        Raises :class:`RequestError` when neither of the two has it.
        """
        with self._database.write() as connection:
            _lock_pool(connection, pool)
            has = _taken(connection, pool).get(item)
            if has == to:
                return
            if has != holder:
                raise RequestError(f"{pool}: {item} is held by {has or 'nobody'}, not by {holder}; nothing was changed")
            here = (allocations.c.pool == pool) & (allocations.c.item == item) & _HELD
            connection.execute(update(allocations).where(here).values(released=now()))
            _give(connection, pool, item, to, run_id)

    def allocations(
        self, pool: str | None = None, *, holder: str | None = None, released: bool = False
    ) -> list[Allocation]:
        """Who has what now, by pool and item; with `released` also who had it."""
        query = select(*_FIELDS).order_by(allocations.c.pool, allocations.c.item, allocations.c.id)
        if pool is not None:
            query = query.where(allocations.c.pool == pool)
        if holder is not None:
            query = query.where(allocations.c.holder == holder)
        if not released:
            query = query.where(_HELD)
        with self._database.read() as connection:
            return [Allocation(*row) for row in connection.execute(query)]

    def settled_since(self, pools: str, runs: Collection[int], since: str) -> dict[tuple[str, str], list[Allocation]]:
        """Pool and holder of every seat in the pools whose names begin with `pools` that one of `runs` gave, or that
        was given up `since` → what the holder has of the pool now."""
        ours = allocations.c.pool.startswith(pools, autoescape=True)
        touched = select(allocations.c.pool, allocations.c.holder).where(
            ours, allocations.c.run_id.in_(runs) | (allocations.c.released >= since)
        )
        with self._database.read() as connection:
            found: dict[tuple[str, str], list[Allocation]] = {
                (row.pool, row.holder): [] for row in connection.execute(touched.distinct())
            }
            if not found:
                return {}
            held = select(*_FIELDS).where(ours, _HELD, allocations.c.holder.in_({holder for _, holder in found}))
            for row in connection.execute(held.order_by(allocations.c.id)):
                one = Allocation(*row)
                if (one.pool, one.holder) in found:
                    found[one.pool, one.holder].append(one)
        return found


def give_first_free(
    connection: Connection, pool: str, candidates: Iterable[str], holder: str, run_id: int | None
) -> str:
    """:meth:`Allocations.allocate` within a transaction."""
    wanted = list(dict.fromkeys(candidates))
    _lock_pool(connection, pool)
    taken = _taken(connection, pool)
    own = next((item for item in wanted if taken.get(item) == holder), None)
    if own is not None:
        return own
    free = next((item for item in wanted if item not in taken), None)
    if free is None:
        all_of_them = f"{len(wanted)} of {len(wanted)} are taken{_held_by(wanted, taken)}"
        raise RequestError(
            f"nothing is left of {pool} for {holder}: {all_of_them}; release one or add to it in the site"
        )
    _give(connection, pool, free, holder, run_id)
    return free


def pass_on(connection: Connection, pool: str, former: str, holder: str, run_id: int | None) -> None:
    """Give `holder` what `former` has of the pool, unless `holder` has something of it already."""
    _lock_pool(connection, pool)
    taken = _taken(connection, pool)
    item = next((item for item, has in sorted(taken.items()) if has == former), None)
    if item is None or holder in taken.values():
        return
    here = (allocations.c.pool == pool) & (allocations.c.item == item) & _HELD
    connection.execute(update(allocations).where(here).values(released=now()))
    _give(connection, pool, item, holder, run_id)


def _held_by(wanted: Sequence[str], taken: Mapping[str, str]) -> str:
    holders = list(dict.fromkeys(taken[item] for item in wanted))
    if not holders:
        return ""
    more = f" and {len(holders) - _HOLDERS_SHOWN} more" if len(holders) > _HOLDERS_SHOWN else ""
    return f" (by {', '.join(holders[:_HOLDERS_SHOWN])}{more})"


def _lock_pool(connection: Connection, pool: str) -> None:
    """One at a time in a pool, so that nobody is told that it is empty while another holder gives up its second try.
    SQLite has one writer anyway. The unique index holds even if somebody writes without this lock."""
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(sha256(f"pool {pool}".encode()).digest()[:8], "big", signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(key)))


def _taken(connection: Connection, pool: str) -> dict[str, str]:
    query = select(allocations.c.item, allocations.c.holder).where(allocations.c.pool == pool, _HELD)
    return {row.item: row.holder for row in connection.execute(query)}


def _give(connection: Connection, pool: str, item: str, holder: str, run_id: int | None) -> None:
    row = {"pool": pool, "item": item, "holder": holder, "run_id": run_id, "at": now()}
    try:
        connection.execute(insert(allocations), row)
    except IntegrityError as exc:
        raise RequestError(f"{pool}: somebody else took {item} at the same moment; try again") from exc
