"""What workers spare: sign-ins, connections, statements, waiting for each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from provisioning.connections import idle
from provisioning.connections.idle import IdleSessions
from provisioning.connections.pool import Pool
from provisioning.engine import workers
from provisioning.engine.errands import Errand, PutOffError, due
from provisioning.engine.lock_names import SHARDS, hold_all, lock_names
from provisioning.engine.locks import AdvisoryLocks, HeldError, locks_of
from provisioning.engine.workers import Queue
from provisioning.intake.overlay import Overlay
from provisioning.ledger import Amendment, Books, Ledger, database
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Address, Change, Proof, State
from provisioning.resources.directory.login import Login
from provisioning.resources.directory.user import User
from provisioning.site.load import load
from provisioning.site.workers import Workers
from provisioning.worker import Errands, WorkersSite
from tests.memory import Thing
from tests.unit.conftest import Place
from tests.unit.requests_desk import Desk, desk  # noqa: F401  (a fixture)

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"


def account(login: str, kind: str = "directory.user") -> Change[State]:
    return Change(Address(kind, "directory", login), None, User(name=login))


# ----------------------------------------------------------------------------------------------- the directory's locks


def test_runs_for_other_accounts_do_not_wait_for_each_other(place: Place) -> None:
    ledger = place.open()
    with closing(locks_of(ledger, "run 1")) as one, closing(locks_of(ledger, "run 2")) as two:
        ours = lock_names("directory", [account("jane.doe"), account("john.doe")])
        with hold_all(one, ours, seconds=0):
            with hold_all(two, lock_names("directory", [account("zoe.lefevre")]), seconds=0):
                pass
            same = lock_names("directory", [account("JOHN.DOE", "mail.mailbox")])
            with pytest.raises(HeldError) as caught, hold_all(two, same, seconds=0):
                pass
            assert "run 1" in caught.value.holder
        with hold_all(two, same, seconds=0):
            pass


def test_a_login_that_changes_is_kept_from_others_under_both_names() -> None:
    address = Address("directory.login", "directory", "E1")
    change: Change[State] = Change(address, Login(login="old"), Login(login="new"))
    names = set(lock_names("directory", [change]))
    for name in ("old", "new", "E1"):
        assert set(lock_names("directory", [account(name)])) <= names


def test_locks_are_taken_in_one_order_and_are_no_more_than_a_few_hundred() -> None:
    everybody = [account(f"person{number}") for number in range(2000)]
    names = lock_names("directory", everybody)
    assert names == lock_names("directory", everybody[::-1])
    assert len(names) == SHARDS
    assert lock_names("switch:sw", [account("x")]) == ["switch:sw"]


# -------------------------------------------------------------------------------------------- connections of the locks


@pytest.mark.lab
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
class TestSpareConnections:
    """The connection of a run's locks serves the next run."""

    def test_the_next_run_takes_the_same_connection_under_its_own_name(self, place: Place) -> None:
        ledger = place.open()
        first = self._backend(ledger, "run 1")
        assert self._backend(ledger, "run 2") == first
        assert len(self._said(ledger)) == 1
        assert self._said(ledger)[0].startswith("run 2 on ")

    def test_what_was_held_is_free(self, place: Place) -> None:
        ledger = place.open()
        locks = locks_of(ledger, "run 1")
        assert isinstance(locks, AdvisoryLocks)
        locks._try("switch:sw")  # as Ctrl-C in the wrong moment leaves it
        locks.close()
        other = place.open()
        with closing(locks_of(other, "run 2")) as others, others.hold("switch:sw", seconds=0):
            pass

    def test_one_that_was_lost_in_the_meantime_is_replaced(self, place: Place) -> None:
        ledger = place.open()
        first = self._backend(ledger, "run 1")
        with psycopg.connect(**ledger.server_arguments(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [first])
        assert self._backend(ledger, "run 2") != first

    def test_they_end_with_the_ledger(self, place: Place) -> None:
        ledger, other = place.open(), place.open()
        self._backend(ledger, "run 1")
        ledger.close()
        with psycopg.connect(**other.server_arguments()) as admin:
            for _ in range(100):
                if not self._said(other, admin):
                    return
                admin.rollback()
                threading.Event().wait(0.02)
        pytest.fail("the connection is still there")

    def test_a_connection_that_rested_is_asked_before_it_is_used(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ledger = place.open()
        ledger.ask("a desk", {"procedure": "test"})
        with psycopg.connect(**ledger.server_arguments(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'provision'"
                          " AND pid <> pg_backend_pid()")  # fmt: skip
        monkeypatch.setattr(database, "_REST_SECONDS", 0.0)
        assert ledger.request(1).title == "a desk"

    def _backend(self, ledger: Ledger, purpose: str) -> int:
        with closing(locks_of(ledger, purpose)) as locks, locks.hold("x", seconds=1):
            assert isinstance(locks, AdvisoryLocks)
            return int(locks._connection.info.backend_pid)

    def _said(self, ledger: Ledger, admin: psycopg.Connection | None = None) -> list[str]:
        query = (
            "SELECT application_name FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'run %'"
        )
        if admin is not None:
            return [row[0] for row in admin.execute(query)]
        with psycopg.connect(**ledger.server_arguments()) as connection:
            return [row[0] for row in connection.execute(query)]


# ----------------------------------------------------------------------------------------------------------- the queue


@pytest.mark.lab
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_the_queue_holds_a_few_jobs_ready_and_what_waits_takes_no_place(
    place: Place, monkeypatch: pytest.MonkeyPatch, memory_kinds: None
) -> None:
    monkeypatch.setattr(workers, "_READY", 3)
    ledger = place.open()
    for _ in range(10):
        ledger.ask("a desk", {"procedure": "test"})
    most: list[int] = []

    def carry(errand: Errand, stop: threading.Event) -> None:
        with psycopg.connect(**ledger.server_arguments()) as connection:
            (found,) = connection.execute("SELECT count(*) FROM provision_queue.procrastinate_jobs").fetchall()
            most.append(found[0])
        if errand.number <= 4:
            raise PutOffError(600, "somebody is at it")
        ledger.end(ledger.begin("a desk", {"procedure": "test"}, [], request_id=errand.number).id, "done")

    Queue(ledger, carry, lambda happening: None, Workers(concurrency=1)).work(threading.Event(), once=True)
    states = {request.id: request.state for request in ledger.requests()}
    assert [number for number, state in states.items() if state == "scheduled"] == [4, 3, 2, 1]
    assert list(states.values()).count("proven") == 6
    assert max(most) <= 3 + 4


@pytest.mark.lab
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_the_queue_does_not_wait_for_the_disk_but_the_ledger_does(place: Place) -> None:
    ledger = place.open()
    words = {**ledger.server_arguments(), **workers._in_schema()}
    shown = "SHOW synchronous_commit"
    with psycopg.connect(**words) as queue, psycopg.connect(**ledger.server_arguments()) as plain:
        assert queue.execute(shown).fetchone() == ("off",)
        assert plain.execute(shown).fetchone() == ("on",)
        assert queue.execute("SHOW search_path").fetchone() == (workers.SCHEMA,)


def test_a_look_finds_no_more_than_was_asked_for(place: Place) -> None:
    ledger = place.open()
    for hours in (3, 1, 2, -1):
        ledger.ask("a desk", {}, start=datetime.now(UTC) - timedelta(hours=hours))
    assert due(ledger, limit=2) == (Errand("request", 1), Errand("request", 3))
    assert due(ledger) == (Errand("request", 1), Errand("request", 3), Errand("request", 2))


# ---------------------------------------------------------------------------------------------------------- statements


def test_carrying_out_a_request_takes_few_statements(desk: Desk) -> None:  # noqa: F811
    site = WorkersSite(desk.site.inventory)
    desk.opened.append(site)
    site.request(onboard("E1042"))
    with _statements(site.ledger) as sent:
        assert Errands(site)(Errand("request", 1), threading.Event()) == "onboard E1042: done"
    begins = [statement for statement in sent if statement == "BEGIN"]
    assert len(sent) - len(begins) <= 75, "\n".join(sent)
    assert len(begins) <= 32  # a few more or less: what ends at the same time is written down together


@contextmanager
def _statements(ledger: Ledger) -> Iterator[list[str]]:
    sent: list[str] = []
    engine = ledger._database._engine

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    def begun(_: Any) -> None:
        sent.append("BEGIN")

    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "begin", begun)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "begin", begun)


@pytest.mark.usefixtures("memory_kinds")
def test_a_new_run_is_what_is_read_of_it(place: Place) -> None:
    ledger, other = place.open(), place.open()
    proof = Proof("memory.exists", "a", "k is there", {"key": "k", "many": ("x", "y")})
    changes = [Change[State](Address("memory.thing", "a", key), None, Thing(size=1)) for key in ("k", "q")]
    made = ledger.begin(
        "t", {"procedure": "t", "persons": ["E1"]}, changes, proofs=[proof], unread={"z": "off", "c": "off"},
        deadlines={"z": datetime.now(UTC)},
    )  # fmt: skip
    assert made == other.run(made.id)
    assert ledger.run(made.id) == other.run(made.id)
    empty = ledger.begin("t", {}, [])
    assert empty == other.run(empty.id)
    assert not ledger.verify().breaks


# --------------------------------------------------------------------------------------------------- the site as it is


def test_the_site_is_made_anew_only_when_it_was_amended(place: Place) -> None:
    ledger, files = place.open(), load(EXAMPLE)
    overlay = Overlay(files)
    assert overlay.now(ledger) is files
    moved = Amendment("people", "E1042", "workplace", None)
    with overlay.one_moment(ledger):
        run = ledger.begin("move", {}, [], books=Books(((moved, files.people["E1042"].workplace),)))
        assert overlay.now(ledger) is files
    amended = overlay.now(ledger)
    assert amended.people["E1042"].workplace is None
    assert overlay.is_amended_by(run.id)
    assert not overlay.is_amended_by(run.id + 1)
    assert overlay.now(ledger) is amended
    ledger.take_back_amendments(run.id)
    assert overlay.now(ledger).people["E1042"].workplace == files.people["E1042"].workplace


# ------------------------------------------------------------------------------------------------------- idle sessions


class Server:
    """Counts who signs in, and who leaves."""

    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.ended = False

    def open(self, target: str, inventory: Any, secrets: Any) -> Any:
        server = self
        self.opened += 1

        class Session:
            def __init__(self) -> None:
                self.inventory = inventory

            def is_there(self) -> bool:
                return not server.ended

            def close(self) -> None:
                server.closed += 1

        return Session()


def use(server: Server, sessions: IdleSessions | None, target: str = "directory", inventory: Any = "site") -> None:
    with Pool(inventory, None, {target.partition(":")[0]: server.open}, idle=sessions) as pool:  # type: ignore[arg-type]
        for _ in range(2):
            with pool.session(target):
                pass
            pool.drop(target)


def test_one_sign_in_serves_many_requests() -> None:
    server, sessions = Server(), IdleSessions()
    for _ in range(3):
        use(server, sessions)
    assert (server.opened, server.closed) == (1, 0)
    del sessions
    assert server.closed == 1


def test_a_device_is_left_alone_between_two_uses() -> None:
    server, sessions = Server(), IdleSessions()
    use(server, sessions, "switch:sw")
    assert (server.opened, server.closed) == (2, 2)


def test_without_anywhere_to_wait_sessions_are_closed() -> None:
    server = Server()
    use(server, None)
    assert (server.opened, server.closed) == (2, 2)


@pytest.mark.parametrize("why", ["ended", "amended", "old"])
def test_a_session_that_is_of_no_use_is_replaced(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, sessions = Server(), IdleSessions()
    use(server, sessions)
    server.ended = why == "ended"
    if why == "old":
        monkeypatch.setattr(idle, "_LONGEST", -1.0)
    site: Any = "other" if why == "amended" else "site"
    secrets: Any = None
    with Pool(site, secrets, {"directory": server.open}, idle=sessions) as pool, pool.session("directory"):
        assert (server.opened, server.closed) == (2, 1)


def test_two_at_once_have_a_session_each() -> None:
    server, sessions = Server(), IdleSessions()
    pools = [Pool("site", None, {"directory": server.open}, idle=sessions) for _ in range(2)]  # type: ignore[arg-type]
    with pools[0].session("directory") as one, pools[1].session("directory") as two:
        assert one is not two
    for pool in pools:
        pool.close()
    assert (server.opened, server.closed) == (2, 0)


def test_a_session_in_which_something_failed_is_not_used_again() -> None:
    server, sessions = Server(), IdleSessions()
    pool = Pool("site", None, {"directory": server.open}, idle=sessions)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no"), pool.session("directory"):
        raise ValueError("no")
    pool.close()
    assert (server.opened, server.closed) == (1, 1)
