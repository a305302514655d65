"""Delivering the work log to the service desk: at least once, in order within a thread, never in anybody's way.

The ledger's outbox counts an attempt before an entry is handed out. So an entry that comes out for the first time
cannot be at the desk already; one that comes out again is looked for there first (``Entry.again``). Delivery runs after
a run, is bounded in time, and what fails is logged, kept and tried again later with backoff.

A *thread* is a request with all its runs, or a run without a request, or a sentence that belongs to neither (an audit);
a run and its undoing are one thread.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from provisioning.connections.servicedesk import Desk, Entry, open_desk
from provisioning.engine.worklog import END, catch_up, write_down, write_down_request
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.ledger import Delivery, LoggedEntry, RequestRecord, RunRecord
from provisioning.secrets import Secrets
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

DESK = "service_desk"
"""What the ledger's outbox calls the site's desk."""

_AT_ONCE = 20
_LONGEST_TITLE = 120  # characters
_EVERYTHING = 100_000  # entries of one thread
_LEASE_BEYOND = 120.0  # seconds that a lease outlasts the patience: the last call may take its whole time
_WAIT_FOR_OTHERS = 15.0  # seconds, while another process delivers an earlier entry of the same thread

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivered:
    """How a delivery went: entries taken by the desk, entries that it is still owed, and why (one sentence). `down`:
    it is the desk that cannot, not this or that entry that it refuses."""

    count: int
    owed: int
    error: str | None
    down: bool = False

    def __str__(self) -> str:
        words = f"{self.count} work-log entries delivered"
        return f"{words}, {self.owed} still owed: {self.error}" if self.error else words


def desks_of(inventory: Inventory) -> tuple[str, ...]:
    """What the site's ledger is opened with: the desks that are owed every entry."""
    return () if inventory.service_desk is None else (DESK,)


@dataclass
class Messenger:
    """Tells the work log, and through it the desk, what happened, as it happens. Raises nothing that either could be
    the cause of: what is not delivered now is delivered later. A desk that did not answer is left alone for
    :attr:`REST_SECONDS`, so that it holds nobody up who has much to tell. Without `delivers` the desk is left to
    somebody else, who empties the outbox."""

    ledger: Ledger
    inventory: Inventory
    secrets: Secrets
    delivers: bool = True
    _rests_until: float = field(default=0.0, init=False)

    REST_SECONDS = 60.0

    def run(self, run: int | RunRecord) -> Delivered | None:
        """A run (its number, or as it is now) has come to rest. ``None`` when nothing was delivered: the site has no
        desk, it rests, or somebody pressed Ctrl-C and does not want to wait."""

        def write() -> bool:
            record = self.ledger.run(run) if isinstance(run, int) else run
            write_down(self.ledger, self.inventory, record)
            return record.state != "interrupted"

        return self._tell(write)

    def request(self, record: RequestRecord) -> Delivered | None:
        """A request was made, approved, refused, cancelled, sent back, or could not begin."""

        def write() -> bool:
            write_down_request(self.ledger, self.inventory, record)
            return True

        return self._tell(write)

    def _tell(self, write: Callable[[], bool]) -> Delivered | None:
        try:
            if not write() or not self.delivers or time.monotonic() < self._rests_until:
                return None
            told = deliver(self.ledger, self.inventory, self.secrets)
        except ProvisioningError as exc:
            _log.warning("the work log waits: %s", exc)
            return Delivered(0, 0, str(exc))
        if told is not None and told.error is not None:
            _log.warning("the service desk is owed %d work-log entries: %s", told.owed, told.error)
            if told.down:
                self._rests_until = time.monotonic() + self.REST_SECONDS
        return told


def deliver(
    ledger: Ledger,
    inventory: Inventory,
    secrets: Secrets,
    *,
    now: bool = False,
    patience: float | None = None,
    stop: threading.Event | None = None,
) -> Delivered | None:
    """Deliver what is owed and due, for at most `patience` seconds (else the site's), or until `stop` is set. `now`:
    backoff is not waited for, and what is missing in the work log is written first.

    Nothing is raised for a desk that does not do its part. ``None`` when the site has no desk.
    """
    site = inventory.service_desk
    if site is None:
        return None
    if now:
        catch_up(ledger, inventory)
        ledger.bring_forward(DESK)
    seconds = site.patience if patience is None else patience
    try:
        desk = open_desk(site, secrets)
    except ProvisioningError as exc:
        return Delivered(0, ledger.count_undelivered(DESK), str(exc), down=True)
    try:
        until = time.monotonic() + seconds
        outbox = _Outbox(ledger, desk, until, seconds + site.timeout + _LEASE_BEYOND, stop or threading.Event())
        outbox.empty()
    finally:
        desk.close()
    return Delivered(outbox.count, ledger.count_undelivered(DESK), outbox.error, outbox.is_down)


@dataclass
class _Thread:
    """What is known of one thread while this process delivers. `owed` are the entries that the desk does not have."""

    key: str
    title: str
    reference: str | None
    owed: set[int]
    newest: int
    put_off: datetime | None = None


@dataclass
class _Outbox:
    """One emptying of the outbox."""

    ledger: Ledger
    desk: Desk
    deadline: float
    lease: float
    stop: threading.Event
    count: int = 0
    error: str | None = None
    _threads: dict[str, _Thread] = field(default_factory=dict)
    _down_until: datetime | None = None

    @property
    def is_down(self) -> bool:
        """Whether the desk did not answer, or refuses whatever we say."""
        return self._down_until is not None

    def empty(self) -> None:
        """Hand everything that is due to the desk, until nothing is left, it is down, or the time is over."""
        while not (self.is_down or self._is_over):
            batch = self.ledger.undelivered(DESK, limit=_AT_ONCE, lease_seconds=self.lease)
            if not batch:
                return
            for delivery in batch:
                self._hand_over(delivery)

    @property
    def _is_over(self) -> bool:
        return self.stop.is_set() or time.monotonic() >= self.deadline

    def _hand_over(self, delivery: Delivery) -> None:
        if self._down_until is not None:
            self._later(delivery, self.error or "the desk is down", self._down_until)
            return
        if self._is_over:
            self._later(delivery, delivery.error or "there was no time left", datetime.now(UTC))
            return
        try:
            thread = self._thread(delivery.entry)
            if thread.put_off is None and any(other < delivery.entry.id for other in thread.owed):
                thread.put_off = datetime.now(UTC) + timedelta(seconds=_WAIT_FOR_OTHERS)
            if thread.put_off is not None:
                self._later(delivery, delivery.error or "it waits for an earlier entry", thread.put_off)
                return
            self._send(delivery, thread)
        except RejectedError as exc:  # this entry only; other threads may go on
            thread.put_off = self._failed(delivery, exc)
        except ProvisioningError as exc:
            self._down_until = self._failed(delivery, exc)

    def _send(self, delivery: Delivery, thread: _Thread) -> None:
        entry = _entry(delivery, thread)
        if thread.reference is None:
            thread.reference = self.desk.open(entry)
            self._remember_ticket(delivery.entry, thread.reference)
        else:
            self.desk.note(thread.reference, entry)
        if delivery.entry.key.endswith(END):
            self.desk.end(thread.reference, entry)
        self.ledger.delivered(delivery.id, thread.reference)
        thread.owed.discard(delivery.entry.id)
        self.count += 1

    def _remember_ticket(self, entry: LoggedEntry, reference: str) -> None:
        if entry.request_id is not None:
            self.ledger.set_ticket(entry.request_id, reference)

    def _failed(self, delivery: Delivery, error: ProvisioningError) -> datetime:
        from provisioning.ledger.worklog import backoff_seconds  # noqa: PLC0415  (with the ledger itself)

        until = datetime.now(UTC) + timedelta(seconds=backoff_seconds(delivery.attempts))
        self.error = self.error or str(error)
        self._later(delivery, str(error), until)
        return until

    def _later(self, delivery: Delivery, reason: str, until: datetime) -> None:
        self.ledger.delivery_failed(delivery.id, reason, next_try=until)

    def _thread(self, entry: LoggedEntry) -> _Thread:
        if entry.request_id is not None:
            name = f"request:{entry.request_id}"
        elif entry.run_id is not None:
            name = f"run:{entry.run_id}"
        else:
            name = f"entry:{entry.id}"
        known = self._threads.get(name)
        if known is None or entry.id > known.newest:
            self._threads[name] = self._read_thread(name, entry)
            if known is not None:
                self._threads[name].put_off = known.put_off
        return self._threads[name]

    def _read_thread(self, name: str, entry: LoggedEntry) -> _Thread:
        ledger = self.ledger
        entries = [entry]
        born = (entry.sentence, entry.at, entry.who)
        if entry.request_id is not None:
            request = ledger.request(entry.request_id)
            born = (request.title, request.at, request.who)
            entries = ledger.worklog(request_id=request.id, limit=_EVERYTHING)
        elif entry.run_id is not None:
            run = ledger.run(entry.run_id)
            born = (run.title, run.started, run.who)
            entries = ledger.worklog(run_id=run.id, limit=_EVERYTHING)
        states = self.ledger.delivery_states(DESK, [one.id for one in entries])
        return _Thread(
            # Numbers of requests and runs begin anew in every ledger; together with who asked and when they do not.
            key=hashlib.sha256("\0".join((name, *born)).encode()).hexdigest()[:12],
            title=_title(entries[0].sentence),
            reference=next((state.remote for state in states.values() if state.remote), None),
            owed={i for i, state in states.items() if state.delivered is None},
            newest=entries[-1].id,
        )


def _title(sentence: str) -> str:
    """The first sentence of a thread as one short line. It never changes, so a desk can be searched for it."""
    text = sentence.rstrip(".")
    return text if len(text) <= _LONGEST_TITLE else text[: _LONGEST_TITLE - 1] + "…"


def _entry(delivery: Delivery, thread: _Thread) -> Entry:
    one = delivery.entry
    return Entry(
        key=f"{thread.key}-{one.id:x}",
        thread=thread.key,
        title=thread.title,
        text=one.sentence,
        who=one.who,
        at=one.at,
        again=delivery.attempts > 1,
    )
