"""What both engines have to do alike: the embedded one on either database, and the queue on PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from provisioning.engine import errands
from provisioning.engine.alone import Alone
from provisioning.engine.errands import Engine, Errand, Happening, PutOffError, due
from provisioning.engine.locks import locks_of
from provisioning.engine.workers import Queue
from provisioning.errors import RequestError, UnreachableError
from provisioning.ledger import Entry, Ledger
from provisioning.site.workers import Workers
from tests.unit.conftest import Place

QUICK = Workers(concurrency=3, look=1, poll=0.05, heartbeat=0.2, stalled=5.0)


@dataclass
class Shop:
    """A ledger, an engine on it, and a carrier that remembers what it ran. `errand` may be replaced by a test."""

    ledger: Ledger
    kind: type[Alone] | type[Queue]
    errand: Callable[[Errand, threading.Event], str | None] = lambda errand, stop: None
    ran: list[Errand] = field(default_factory=list)
    seen: list[Happening] = field(default_factory=list)
    at_once: int = 0
    most: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def engine(self, settings: Workers = QUICK) -> Engine:
        return self.kind(self.ledger, self._carry, self.seen.append, settings)

    def once(self) -> None:
        self.engine().work(threading.Event(), once=True)

    @contextmanager
    def working(self, settings: Workers = QUICK) -> Iterator[threading.Event]:
        """A worker in the background; it is stopped at the end of the block, and must end without an error."""
        stop, errors = threading.Event(), []

        def work() -> None:
            try:
                self.engine(settings).work(stop)
            except BaseException as exc:
                errors.append(exc)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield stop
        finally:
            stop.set()
            thread.join(20)
        assert not errors
        assert not thread.is_alive()

    def ask(self, start: datetime | None = None) -> int:
        return self.ledger.ask("a desk", {"procedure": "test"}, start=start).id

    def fulfil(self, errand: Errand, _: threading.Event | None = None) -> None:
        """A request from its begin to its end, in the ledger only."""
        number = errand.number
        if errand.what == "request" and self.ledger.request(number).state == "scheduled":
            number = self.ledger.begin("a desk", {"procedure": "test"}, [], request_id=number).id
        elif errand.what == "request":
            return
        self.ledger.end(number, "done")

    def _carry(self, errand: Errand, stop: threading.Event) -> str | None:
        with self.guard:
            self.ran.append(errand)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            return self.errand(errand, stop)
        finally:
            with self.guard:
                self.at_once -= 1


pytestmark = pytest.mark.parametrize(
    ("kind", "place"),
    [
        pytest.param(Alone, "sqlite", id="alone-sqlite"),
        pytest.param(Alone, "postgresql", id="alone-postgresql", marks=pytest.mark.lab),
        pytest.param(Queue, "postgresql", id="queue-postgresql", marks=pytest.mark.lab),
    ],
    indirect=["place"],
)


@pytest.fixture
def shop(kind: type[Alone] | type[Queue], place: Place, memory_kinds: None) -> Shop:
    made = Shop(place.open(), kind)
    made.errand = made.fulfil
    return made


def test_runs_what_is_due_once_and_leaves_the_future_alone(shop: Shop) -> None:
    now = [shop.ask() for _ in range(7)]
    later = shop.ask(datetime.now(UTC) + timedelta(hours=1))
    shop.once()
    assert sorted(errand.number for errand in shop.ran) == now
    assert [shop.ledger.request(number).state for number in now] == ["proven"] * 7
    assert shop.ledger.request(later).state == "scheduled"
    assert len(shop.ledger.runs()) == 7
    shop.once()
    assert len(shop.ran) == 7


def test_tells_what_came_of_it(shop: Shop) -> None:
    number = shop.ask()

    def carry(errand: Errand, stop: threading.Event) -> str:
        shop.fulfil(errand)
        return "a desk: done"

    shop.errand = carry
    shop.once()
    errand = Errand("request", number)
    assert shop.seen == [Happening(errand, "begun"), Happening(errand, "finished", "a desk: done")]


def test_runs_no_more_at_once_than_it_may(shop: Shop) -> None:
    for _ in range(9):
        shop.ask()
    gate = threading.Barrier(3, timeout=10)

    def carry(errand: Errand, stop: threading.Event) -> None:
        gate.wait()  # three at once, or this breaks
        shop.fulfil(errand)

    shop.errand = carry
    shop.once()
    assert shop.most == 3
    assert {request.state for request in shop.ledger.requests()} == {"proven"}


def test_notices_what_becomes_due_while_it_works(shop: Shop) -> None:
    with shop.working():
        number = shop.ask(datetime.now(UTC) + timedelta(seconds=0.5))
        _until(lambda: shop.ledger.request(number).state == "proven")
    assert shop.ran.count(Errand("request", number)) == 1


def test_goes_on_with_a_run_that_nobody_ended(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    young, held, left, done, stopped = (shop.ledger.begin("a desk", {}, []).id for _ in range(5))
    shop.ledger.end(done, "done")
    shop.ledger.end(stopped, "interrupted")
    assert not due(shop.ledger)  # whoever began them may be about to take their locks
    monkeypatch.setattr(errands, "GRACE_SECONDS", 0.0)
    with closing(locks_of(shop.ledger, "a test")) as locks, locks.hold(f"run {held}", seconds=0):
        shop.ledger.end(young, "done")
        shop.once()
    assert shop.ran == [Errand("run", left)]
    assert shop.ledger.run(stopped).state == "interrupted"  # `provision resume` is for those who pressed Ctrl-C


def test_goes_on_with_a_waiting_run_when_its_target_is_due(shop: Shop) -> None:
    runs = [shop.ledger.begin("a desk", {}, []).id for _ in range(2)]
    for run, minutes in zip(runs, (-1, 60), strict=True):
        when = datetime.now(UTC) + timedelta(minutes=minutes)
        shop.ledger.defer(run, "windows:WS-0042", "switched off", next_try=when)
        shop.ledger.end(run, "waiting")
    shop.once()
    assert shop.ran == [Errand("run", runs[0])]


def test_empties_the_outbox(shop: Shop, place: Place) -> None:
    shop.ledger = place.open(desks=("desk",))
    shop.ledger.log(Entry("The desk B-204-3 is ready."))

    def carry(errand: Errand, stop: threading.Event) -> None:
        for delivery in shop.ledger.undelivered("desk"):
            shop.ledger.delivered(delivery.id)

    shop.errand = carry
    shop.once()
    assert shop.ran == [Errand("outbox")]
    assert shop.ledger.count_undelivered("desk") == 0


def test_what_comes_of_the_work_is_done_as_well(shop: Shop, place: Place) -> None:
    shop.ledger = place.open(desks=("desk",))
    number = shop.ask()

    def carry(errand: Errand, stop: threading.Event) -> None:
        if errand.what == "outbox":
            for delivery in shop.ledger.undelivered("desk"):
                shop.ledger.delivered(delivery.id)
        else:
            shop.fulfil(errand)
            shop.ledger.log(Entry("Done.", number))

    shop.errand = carry
    shop.once()
    assert shop.ran == [Errand("request", number), Errand("outbox")]
    assert shop.ledger.count_undelivered("desk") == 0


def test_a_failure_stops_nobody_else_and_is_tried_again_later(shop: Shop) -> None:
    bad, good = shop.ask(), shop.ask()

    def carry(errand: Errand, stop: threading.Event) -> None:
        if errand.number == bad:
            raise UnreachableError("directory", "nobody answers")
        shop.fulfil(errand)

    shop.errand = carry
    with shop.working():
        _until(lambda: shop.ledger.request(good).state == "proven")
        time.sleep(1.5)  # two looks
    assert shop.ran.count(Errand("request", bad)) == 1
    failed = next(h for h in shop.seen if h.happened == "failed")
    assert failed.detail == "directory: nobody answers; tried again in 5 s"


def test_what_is_put_off_comes_again_when_it_said(shop: Shop) -> None:
    number = shop.ask()
    times: list[float] = []

    def carry(errand: Errand, stop: threading.Event) -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            raise PutOffError(0.3, "run 1 is being carried out by somebody else")
        shop.fulfil(errand)

    shop.errand = carry
    with shop.working():
        _until(lambda: shop.ledger.request(number).state == "proven")
    assert len(times) == 3
    assert all(later - earlier >= 0.28 for earlier, later in pairwise(times))


def test_asked_to_stop_it_finishes_what_is_under_way_and_the_next_worker_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "GRACE_SECONDS", 0.0)
    for _ in range(6):
        shop.ask()
    begun = threading.Semaphore(0)

    def carry(errand: Errand, stop: threading.Event) -> None:
        run = shop.ledger.begin("a desk", {}, [], request_id=errand.number)
        with closing(locks_of(shop.ledger, "a test")) as locks, locks.hold(f"run {run.id}", seconds=0):
            begun.release()
            assert stop.wait(10)
        raise PutOffError(0.0, "stopped")

    shop.errand = carry
    with shop.working() as stop:
        for _ in range(3):
            assert begun.acquire(timeout=10)
        stop.set()
    assert [run.state for run in shop.ledger.runs()] == ["running"] * 3
    assert sum(h.happened == "put off" for h in shop.seen) == 3
    shop.errand = shop.fulfil
    shop.once()
    assert {request.state for request in shop.ledger.requests()} == {"proven"}
    assert len(shop.ledger.runs()) == 6


def test_two_workers_share_the_work(shop: Shop) -> None:
    for _ in range(20):
        shop.ask()

    def carry(errand: Errand, stop: threading.Event) -> None:
        time.sleep(0.05)
        try:
            shop.fulfil(errand)
        except RequestError:  # somebody else was faster: the ledger decides
            assert shop.kind is Alone

    shop.errand = carry
    with shop.working(), shop.working():
        _until(lambda: all(r.state == "proven" for r in shop.ledger.requests()))
    assert len(shop.ledger.runs()) == 20
    assert shop.most > 3


def test_nothing_is_due_in_an_empty_ledger(shop: Shop) -> None:
    assert not due(shop.ledger)


def _until(done: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
