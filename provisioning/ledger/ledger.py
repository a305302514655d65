"""Opening the ledger, and the few sentences that are written into it.

Every write is its own committed transaction. A change is written as *attempted* before anything is sent to its target
and as *verified* (or *failed*) after the second read, so that what a crash leaves behind can always be told.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import create_engine, event, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, selectinload, sessionmaker

from provisioning.errors import LedgerError
from provisioning.ledger.tables import SCHEMA_VERSION, ChangeRow, ProofRow, RunRow, Table, now
from provisioning.resources.base import Address, Change, ProofResult, State
from provisioning.resources.registry import KINDS

RunState = Literal["running", "done", "partial", "interrupted", "undone"]
ChangeState = Literal["planned", "attempted", "verified", "failed", "blocked", "abandoned"]


@dataclass(frozen=True)
class ChangeRecord:
    """A change as the ledger remembers it. `attempted` tells whether anything was ever sent to its target."""

    id: int
    change: Change[State]
    state: ChangeState
    attempted: bool
    error: str | None


@dataclass(frozen=True)
class RunRecord:
    """A run as the ledger remembers it. Times are UTC, ISO 8601."""

    id: int
    title: str
    request: Mapping[str, Any]
    who: str
    state: RunState
    started: str
    finished: str | None
    undoes: int | None
    changes: tuple[ChangeRecord, ...]
    proofs: tuple[Mapping[str, Any], ...]


class Ledger:
    """The ledger of one site, in one SQLite file that is created with its folder (mode 0700) on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise LedgerError(
                f"the ledger's folder {path.parent} cannot be made: {exc.strerror}; set `ledger:` in the site"
            ) from exc
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30.0})
        event.listen(self._engine, "connect", _configure)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        with self._transaction() as session:
            Table.metadata.create_all(session.connection())
            version = session.execute(text("PRAGMA user_version")).scalar_one()
            if version == 0:
                session.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))
            elif version != SCHEMA_VERSION:
                raise LedgerError(
                    f"{path} has ledger schema {version}, this program writes {SCHEMA_VERSION}; "
                    "use the program version that wrote it"
                )

    def close(self) -> None:
        """Close the database file."""
        self._engine.dispose()

    def begin(
        self, title: str, request: Mapping[str, Any], changes: Sequence[Change[State]], *, undoes: int | None = None
    ) -> RunRecord:
        """Write down a run with all that it means to change."""
        with self._transaction() as session:
            run = RunRow(title=title, request=dict(request), who=_who(), state="running", started=now(), undoes=undoes)
            run.changes = [
                ChangeRow(
                    position=i,
                    kind=c.address.kind,
                    target=c.target,
                    key=c.key,
                    before=_plain(c.before),
                    after=_plain(c.after),
                    requires=sorted([a.kind, a.target, a.key] for a in c.requires),
                    state="planned",
                )
                for i, c in enumerate(changes)
            ]
            session.add(run)
            session.flush()
            return _record(run)

    def attempt(self, ids: Sequence[int]) -> None:
        """Write down that these changes are about to be tried."""
        with self._transaction() as session:
            session.execute(update(ChangeRow).where(ChangeRow.id.in_(ids)).values(state="attempted", attempted=now()))

    def settle(self, verdicts: Mapping[int, tuple[ChangeState, str | None]]) -> None:
        """Write down what became of these changes: ``{id: (state, error sentence)}``."""
        with self._transaction() as session:
            session.execute(
                update(ChangeRow),
                [
                    {"id": i, "state": state, "error": error, "finished": now()}
                    for i, (state, error) in verdicts.items()
                ],
            )

    def end(self, run_id: int, state: RunState) -> None:
        """Write down how a run ended."""
        with self._transaction() as session:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(state=state, finished=now()))

    def prove(self, run_id: int, results: Sequence[ProofResult]) -> None:
        """Write down the results of proofs."""
        with self._transaction() as session:
            session.add_all(
                ProofRow(
                    run_id=run_id,
                    kind=r.proof.kind,
                    target=r.proof.target,
                    name=r.proof.name,
                    parameters=dict(r.proof.parameters),
                    passed=r.passed,
                    detail=r.detail,
                    at=now(),
                )
                for r in results
            )

    def run(self, run_id: int) -> RunRecord:
        """Raises :class:`LedgerError` when there is no such run."""
        with self._transaction() as session:
            row = session.get(RunRow, run_id, options=[selectinload(RunRow.changes), selectinload(RunRow.proofs)])
            if row is None:
                raise LedgerError(f"the ledger {self.path} has no run {run_id}; `provision show runs` lists them")
            return _record(row)

    def runs(self, limit: int = 50) -> list[RunRecord]:
        """The latest runs, newest first."""
        with self._transaction() as session:
            rows = session.scalars(
                select(RunRow)
                .options(selectinload(RunRow.changes), selectinload(RunRow.proofs))
                .order_by(RunRow.id.desc())
                .limit(limit)
            )
            return [_record(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with self._sessions.begin() as session:
                yield session
        except SQLAlchemyError as exc:
            cause = exc.__cause__ or exc
            raise LedgerError(
                f"the ledger {self.path} cannot be used: {cause}; check the disk and the file's permissions"
            ) from exc


def _configure(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # power loss must not lose a committed change
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _plain(state: State | None) -> dict[str, Any] | None:
    return None if state is None else state.to_plain()


def _record(row: RunRow) -> RunRecord:
    return RunRecord(
        id=row.id,
        title=row.title,
        request=row.request,
        who=row.who,
        state=row.state,  # type: ignore[arg-type]
        started=row.started,
        finished=row.finished,
        undoes=row.undoes,
        changes=tuple(_change(change) for change in row.changes),
        proofs=tuple(
            {
                "name": p.name,
                "kind": p.kind,
                "target": p.target,
                "parameters": p.parameters,
                "passed": p.passed,
                "detail": p.detail,
                "at": p.at,
            }
            for p in row.proofs
        ),
    )


def _change(row: ChangeRow) -> ChangeRecord:
    if row.kind not in KINDS:
        raise LedgerError(
            f"run {row.run_id} has a change of kind {row.kind!r}, which this version does not know; "
            "use the version that made it"
        )
    model = KINDS[row.kind].state
    change: Change[State] = Change(
        address=Address(row.kind, row.target, row.key),
        before=None if row.before is None else model.from_plain(row.before),
        after=None if row.after is None else model.from_plain(row.after),
        requires=frozenset(Address(*words) for words in row.requires),
    )
    return ChangeRecord(row.id, change, row.state, row.attempted is not None, row.error)  # type: ignore[arg-type]
