"""Walking the hash chains: every row that was changed, removed, moved or put in afterwards is named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, Text, cast, select
from sqlalchemy.types import JSON

from provisioning.errors import LedgerError
from provisioning.ledger import chain
from provisioning.ledger.part import Part
from provisioning.ledger.tables import changes, events, proofs, runs, seals

_ALTERED = "does not say what it said when it was written"


@dataclass(frozen=True)
class Break:
    """One thing that is not as it was written. `row` names the table and the row: ``changes 12``."""

    run_id: int
    row: str
    sentence: str

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.row}: {self.sentence}"


@dataclass(frozen=True)
class Seal:
    """The newest hash of the ledger. Noted elsewhere, it proves later that nothing before it was rewritten. Prints as
    ``run:event:hash``."""

    run_id: int
    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.run_id}:{self.number}:{self.hash}"

    @classmethod
    def read(cls, text: str) -> Seal:
        """The seal that was printed. Raises :class:`LedgerError`."""
        words = text.strip().split(":")
        if len(words) != 3 or not all(w.isascii() and w.isdigit() and len(w) < 19 for w in words[:2]):
            raise LedgerError(f"{text!r} is not a seal; expected RUN:EVENT:HASH as `provision ledger verify` prints it")
        return cls(int(words[0]), int(words[1]), words[2])


@dataclass(frozen=True)
class Verified:
    """What the walk found. The ledger is sound when `breaks` is empty."""

    seal: Seal
    runs: int
    changes: int
    events: int
    breaks: tuple[Break, ...]


class Verification(Part):
    """Whether the ledger says what was written."""

    def verify(self, *, noted: Seal | None = None) -> Verified:
        """Walk all chains, in one view of the ledger. `noted` is a seal of earlier, which must still hold."""
        with self._database.read() as connection:
            walk = _Walk(connection, noted)
            breaks = tuple(walk.breaks())
            last = walk.previous
            seal = Seal(last.run_id, len(last.hashes) - 1, last.hashes[-1])
            return Verified(seal, walk.runs, walk.changes, walk.events, breaks)


@dataclass
class _Links:
    """The hashes of one run, the first one before its events."""

    run_id: int = 0
    hashes: list[str] = field(default_factory=lambda: [chain.START])


@dataclass
class _Walk:
    connection: Connection
    noted: Seal | None
    previous: _Links = field(default_factory=_Links)
    runs: int = 0
    changes: int = 0
    events: int = 0

    def breaks(self) -> Iterator[Break]:
        last = self.connection.scalar(select(seals.c.last_run)) or 0
        ids = list(self.connection.scalars(select(runs.c.id).order_by(runs.c.id)))
        there = set(ids)
        for run_id in range(1, last + 1):
            if run_id not in there:
                yield Break(run_id, f"runs {run_id}", "the run is missing")
        for run_id in ids:
            if not 1 <= run_id <= last:
                yield Break(run_id, f"runs {run_id}", "the run was put in: its number was never given out")
            yield from self._run(run_id)
        for table in (changes, proofs, events):
            yield from self._strays(table)
        if self.noted is not None and self.noted.run_id not in there and self.noted.run_id:
            yield Break(self.noted.run_id, f"runs {self.noted.run_id}", "the run of the noted seal is missing")

    def _run(self, run_id: int) -> Iterator[Break]:
        row = _plain(self.connection, runs, run_id, runs.c.id, runs.c.id)[0]
        self.runs += 1
        here = f"runs {run_id}"
        if row["hash"] != chain.run_hash(row):
            yield Break(run_id, here, _ALTERED)
        before = self.previous
        if before.run_id == run_id - 1:
            number = row["after_number"]
            known = isinstance(number, int) and 0 <= number < len(before.hashes)
            if not known or before.hashes[number] != row["previous"]:
                yield Break(run_id, here, f"it does not follow run {run_id - 1} as that run is now")
        links = _Links(run_id, [row["hash"]])
        yield from self._events(row, links)
        yield from self._noted(links)
        self.previous = links

    def _events(self, run: Mapping[str, Any], links: _Links) -> Iterator[Break]:
        run_id = run["id"]
        digests: dict[tuple[str, Any], str] = {}
        for table, digest in ((changes, chain.change_digest), (proofs, chain.proof_digest)):
            order = changes.c.position if table is changes else proofs.c.id
            for place, row in enumerate(_plain(self.connection, table, run_id, table.c.run_id, order)):
                digests[table.name, row["id"]] = row["digest"]
                if row["digest"] != digest(row):
                    yield Break(run_id, f"{table.name} {row['id']}", _ALTERED)
                elif table is changes and row["position"] != place:
                    yield Break(run_id, f"changes {row['id']}", f"a change before it is missing (position {place})")
        self.changes += sum(1 for name, _ in digests if name == "changes")
        told: set[tuple[str, Any]] = set()
        ended: Mapping[str, Any] | None = None
        for row in _plain(self.connection, events, run_id, events.c.run_id, events.c.number):
            subject = _subject(row)
            if subject is None:
                ended = row
            else:
                told.add(subject)
            yield from self._event(row, links, digests.get(subject, "") if subject else "")
            if subject is not None and subject not in digests:
                yield Break(run_id, " ".join(map(str, subject)), f"it is missing; event {row['number']} tells of it")
        for name, key in digests.keys() - told:
            yield Break(run_id, f"{name} {key}", "it was put in: no event tells of it")
        yield from _head(run, links, ended)

    def _event(self, row: Mapping[str, Any], links: _Links, digest: str) -> Iterator[Break]:
        run_id, number = row["run_id"], row["number"]
        here = f"change_events {number}" + ("" if (s := _subject(row)) is None else f" ({s[0]} {s[1]})")
        self.events += 1
        expected = len(links.hashes)
        if number != expected:
            missing = f"event {expected} is" if expected == number - 1 else f"events {expected} to {number - 1} are"
            yield Break(run_id, here, f"{missing} missing before it")
            links.hashes += [""] * (number - expected)
        elif row["previous"] != links.hashes[-1]:
            yield Break(run_id, here, "it does not follow the event before it: one of the two was replaced or moved")
        if row["hash"] != chain.event_hash(row, digest):
            yield Break(run_id, here, f"{_ALTERED} (or what it tells of was altered)")
        links.hashes.append(row["hash"])

    def _noted(self, links: _Links) -> Iterator[Break]:
        noted = self.noted
        if noted is None or noted.run_id != links.run_id:
            return
        if noted.number >= len(links.hashes) or links.hashes[noted.number] != noted.hash:
            yield Break(noted.run_id, f"change_events {noted.number}", "it is not what the noted seal says")

    def _strays(self, table: Table) -> Iterator[Break]:
        number = events.c.number if table is events else table.c.id
        query = select(table.c.run_id, number).where(table.c.run_id.not_in(select(runs.c.id)))
        for run_id, key in self.connection.execute(query):
            yield Break(run_id, f"{table.name} {key}", "there is no such run")


def _subject(row: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The row that an event tells of; ``None``: of its run."""
    if row["change_id"] is not None:
        return "changes", row["change_id"]
    return None if row["proof_id"] is None else ("proofs", row["proof_id"])


def _head(run: Mapping[str, Any], links: _Links, ended: Mapping[str, Any] | None) -> Iterator[Break]:
    """What the run's row says of its newest event, against the events themselves."""
    here, last = f"runs {run['id']}", len(links.hashes) - 1
    if (run["last_number"], run["last_hash"]) != (last, links.hashes[-1]):
        said = f"it ends with event {run['last_number']}, but the events end with {last}"
        sentence = f"{said}: events were removed, altered or put in"
        yield Break(run["id"], here, sentence)
    if ended is None or run["state"] != ended["state"]:
        said = "nothing" if ended is None else repr(ended["state"])
        yield Break(run["id"], here, f"its state is {run['state']!r}, but its events say {said}")
    elif run["finished"] is not None and run["finished"] != ended["at"]:
        yield Break(run["id"], here, f"it finished at {run['finished']}, but its events say {ended['at']}")


def _plain(connection: Connection, table: Table, run_id: int, column: Any, order: Any) -> Sequence[dict[str, Any]]:
    """Rows with their JSON parsed here: what somebody altered need not be JSON any more."""
    columns = [
        cast(c, Text).label(c.name) if isinstance(c.type, JSON) else c.label(c.name)  # json, not jsonb: text as written
        for c in table.columns
    ]
    rows = connection.execute(select(*columns).where(column == run_id).order_by(order)).mappings()
    json_names = [c.name for c in table.columns if isinstance(c.type, JSON)]
    return [dict(row) | {name: _parsed(row[name]) for name in json_names} for row in rows]


def _parsed(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return {"not JSON": text}
