"""Locks: one holder at a time of a run, and of a target while a batch is read, applied and read again.

Two ways behind one protocol. With a SQLite ledger a lock is an flock(2) on a file beside it, good for all processes
of one machine. With PostgreSQL it is a session-level advisory lock (PostgreSQL manual 13.3.5) on a connection of its
own, good for all machines. Both are gone the moment their owner is: the kernel or the server takes them back, nobody
has to tell a dead owner from a slow one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from provisioning.errors import LedgerError, ProvisioningError
from provisioning.ledger import acting_user
from provisioning.ledger.spare_connections import SpareConnections

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

OnWait = Callable[[str], None]
"""Called once, with the holder in words, when a lock is not free."""

_LOOK_SECONDS = 0.05
_NAME_BYTES = 63  # NAMEDATALEN - 1: longer application names are cut (PostgreSQL manual 20.8)


class HeldError(Exception):
    """The lock was not free in time. `holder` says who has it, as far as that is known."""

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(name, holder)
        self.name = name
        self.holder = holder


class Held(Protocol):
    """A lock that is ours."""

    def check(self) -> None:
        """Raises :class:`LedgerError` when it is not ours any more: the connection that held it was lost."""


class Locks(Protocol):
    """Where locks are taken. Names are free text (``run 7``, ``switch:sw-b2-1``); locks are not re-entrant."""

    def hold(
        self, name: str, *, seconds: float, on_wait: OnWait = lambda _: None, stop: threading.Event | None = None
    ) -> AbstractContextManager[Held]:
        """Hold a lock during the block. Raises :class:`HeldError` when it is not free within `seconds`, or `stop` is
        set before it is."""

    def check(self) -> None:
        """Raises :class:`LedgerError` when what was taken here is not ours any more; nothing can be taken then."""

    def close(self) -> None:
        """Give back what taking locks needs."""


def locks_of(ledger: Ledger, purpose: str) -> Locks:
    """The locks that go with a ledger. `purpose` (``run 7``) is what others are told who wait."""
    if ledger.folder is not None:
        return FileLocks(ledger.folder / "locks", purpose)
    return AdvisoryLocks(ledger.server_arguments, purpose, ledger.spare_connections)


class _Waiting:
    """Waiting for a lock, for a while."""

    def __init__(self, name: str, seconds: float, on_wait: OnWait, stop: threading.Event | None) -> None:
        self._name = name
        self._deadline = time.monotonic() + seconds
        self._on_wait: OnWait | None = on_wait
        self._stop = stop or threading.Event()

    def once_more(self, owner: Callable[[], str]) -> None:
        """Wait a moment. Raises :class:`HeldError` when it was long enough."""
        if time.monotonic() >= self._deadline or self._stop.is_set():
            raise HeldError(self._name, owner())
        if self._on_wait is not None:
            self._on_wait(owner())
            self._on_wait = None
        self._stop.wait(_LOOK_SECONDS)


# -------------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True)
class FileLocks:
    """flock(2) on small files in `folder`, which hold the name of their owner. A file is removed with its lock, so
    that the folder does not grow; what a killed owner leaves is used again."""

    folder: Path
    purpose: str

    @contextmanager
    def hold(
        self, name: str, *, seconds: float, on_wait: OnWait = lambda _: None, stop: threading.Event | None = None
    ) -> Iterator[Held]:
        path = self.folder / sha256(name.encode()).hexdigest()[:32]
        with _as_ledger_error(path):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = _Waiting(name, seconds, on_wait, stop)
        while (file := self._try(path)) is None:
            waiting.once_more(lambda: _owner(path))
        try:
            yield _Flock()
        finally:
            # First the name, then the lock: whoever opened this file and gets it now sees that it is gone, and tries
            # again.
            with contextlib.suppress(OSError):
                path.unlink()
                file.truncate(0)  # a name that need not be written to the disk: 0.2 ms less
            file.close()

    def _try(self, path: Path) -> FileIO | None:
        with _as_ledger_error(path):
            file = open(path, "ab+", buffering=0)  # noqa: SIM115  (it stays open as long as the lock is held)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                raise FileNotFoundError
        except (BlockingIOError, FileNotFoundError):
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        with contextlib.suppress(OSError):  # on a full disk the owner stays unnamed
            file.truncate(0)
            file.write(f"{self.purpose} of {acting_user()} (process {os.getpid()})".encode())
        return file

    def check(self) -> None:
        """An flock cannot be lost while its file is open."""

    def close(self) -> None:
        """Nothing is open between two locks."""


class _Flock:
    def check(self) -> None:
        """An flock cannot be lost while its file is open."""


def _owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace") or "another process"
    except OSError:
        return "another process"


@contextmanager
def _as_ledger_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise LedgerError(
            f"the lock {path} cannot be taken: {exc.strerror}; correct the ledger's folder, then `provision resume`"
        ) from exc


# --------------------------------------------------------------------------------------------------- PostgreSQL


@dataclass
class AdvisoryLocks:
    """Session-level advisory locks on one connection of our own. The server gives them back when the connection ends;
    it notices a machine that is gone by TCP keepalives, within :attr:`GONE_SECONDS`. Whoever lost it has lost the run
    as well, and others may have gone on with it: there is no second connection. One that holds nothing any more goes
    to `spare`, for the next locks."""

    arguments: Callable[[], Any]
    purpose: str
    spare: SpareConnections = field(default_factory=SpareConnections)
    _connection: Any = field(default=None, init=False)
    _mine: set[str] = field(default_factory=set, init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)

    GONE_SECONDS = 30

    @contextmanager
    def hold(
        self, name: str, *, seconds: float, on_wait: OnWait = lambda _: None, stop: threading.Event | None = None
    ) -> Iterator[Held]:
        waiting = _Waiting(name, seconds, on_wait, stop)
        while (connection := self._try(name)) is None:
            waiting.once_more(lambda: self._owner(name))
        try:
            yield _Advisory(self, connection)
        finally:
            self._release(name, connection)

    def check(self) -> None:
        if self._connection is not None:
            self.still_there(self._connection)

    def close(self) -> None:
        with self._guard:
            connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.execute("SELECT pg_advisory_unlock_all()")
        except Exception:  # lost, or Ctrl-C came in between; whatever it holds ends with it
            connection.close()
        else:
            self.spare.put(connection)

    def _try(self, name: str) -> Any:
        """The connection that holds the lock now, or ``None``."""
        with self._guard:
            if name in self._mine:  # the server would let the same session have it twice
                return None
            connection = self._open()
            if not self._ask(connection, "SELECT pg_try_advisory_lock(%s)", _key(name)):
                return None
            self._mine.add(name)
            return connection

    def _release(self, name: str, connection: Any) -> None:
        with self._guard:
            self._mine.discard(name)
            with contextlib.suppress(ProvisioningError):  # a connection that is gone holds nothing
                self._ask(connection, "SELECT pg_advisory_unlock(%s)", _key(name))

    def still_there(self, connection: Any) -> None:
        """Raises :class:`LedgerError` when the connection, and the locks with it, is gone."""
        with self._guard:
            self._ask(connection, "SELECT 1")

    def _owner(self, name: str) -> str:
        """pg_locks shows the two halves of a 64-bit key as classid and objid, with objsubid 1 (manual 54.12)."""
        number = _key(name) & 0xFFFFFFFFFFFFFFFF
        query = (
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted "
            "AND l.classid::bigint = %s AND l.objid::bigint = %s AND l.objsubid = 1"
        )
        with self._guard:
            found = self._ask(self._open(), query, number >> 32, number & 0xFFFFFFFF)
        return str(found) if found else "another process"

    def _open(self) -> Any:
        import psycopg  # noqa: PLC0415  (only sites with PostgreSQL have it)

        if self._connection is not None:
            return self._connection  # if it was lost, the next question says so
        said = f"{self.purpose} on {socket.gethostname()} (process {os.getpid()})"
        named = said.encode()[:_NAME_BYTES].decode(errors="ignore")
        while (spare := self.spare.take()) is not None:
            try:
                spare.execute("SELECT set_config('application_name', %s, false)", [named])
            except psycopg.Error:  # lost while it waited here: nobody's locks went with it
                spare.close()
            else:
                self._connection = spare
                return spare
        words = dict(self.arguments()) | {"application_name": named}
        try:
            self._connection = psycopg.connect(**words, autocommit=True)
            idle = self.GONE_SECONDS // 3
            kept = {"tcp_keepalives_idle": idle, "tcp_keepalives_interval": idle, "tcp_keepalives_count": 2}
            self._connection.execute("; ".join(f"SET {setting} = {value}" for setting, value in kept.items()))
        except psycopg.Error as exc:
            raise LedgerError(f"the ledger's server gives no locks: {_said(exc)}; check `ledger: url:`") from exc
        return self._connection

    def _ask(self, connection: Any, query: str, *words: int) -> Any:
        import psycopg  # noqa: PLC0415

        try:
            row = connection.execute(query, words).fetchone()
        except psycopg.Error as exc:
            raise LedgerError(
                f"the connection that holds the locks was lost ({_said(exc)}); "
                "what was under way is read again by `provision resume`"
            ) from exc
        return row[0] if row else None


@dataclass(frozen=True)
class _Advisory:
    locks: AdvisoryLocks
    connection: Any

    def check(self) -> None:
        self.locks.still_there(self.connection)


def _key(name: str) -> int:
    """A signed 64-bit number: the first 8 bytes of the name's SHA-256."""
    return int.from_bytes(sha256(f"lock {name}".encode()).digest()[:8], "big", signed=True)


def _said(exc: Exception) -> str:
    return " ".join(str(exc).split()) or type(exc).__name__
