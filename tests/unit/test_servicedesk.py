"""The work log and its outbox: nothing lost, nothing twice, in order, never in the way."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from provisioning.connections.servicedesk import Entry
from provisioning.engine import outbox, worklog
from provisioning.errors import CredentialError, RejectedError, UnreachableError
from provisioning.ledger import Entry as LogEntry
from provisioning.ledger import Ledger
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Endpoint
from provisioning.site.servicedesk import WebhookDesk
from tests.servicedesk import NAME, begin, carry_out, ledger_in, site_with


class Killed(BaseException):
    """The process was killed here."""


@dataclass
class MemoryDesk:
    """A desk that can be down, refuse, lose answers, be slow, or kill us; a well-behaved one looks before it adds."""

    threads: dict[str, list[Entry]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    down: bool = False
    refuses: str | None = None
    seconds: float = 0.0
    fault: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311  (repeatable)
    calls: int = 0

    def open(self, entry: Entry) -> str:
        self._before(entry)
        if not (entry.again and entry.thread in self.threads):
            assert entry.thread not in self.threads, "a second ticket"
            self.threads[entry.thread] = [entry]
        self._after()
        return entry.thread

    def note(self, reference: str, entry: Entry) -> None:
        self._before(entry)
        there = self.threads[reference]
        if not (entry.again and any(one.key == entry.key for one in there)):
            there.append(entry)
        self._after()

    def end(self, reference: str, entry: Entry) -> None:
        self._before(entry)
        if reference not in self.ended:
            self.ended.append(reference)
        self._after()

    def close(self) -> None:
        pass

    def _before(self, entry: Entry) -> None:
        self.calls += 1
        time.sleep(self.seconds)
        if self.down:
            raise UnreachableError("service_desk", "nobody answers")
        if self.refuses and self.refuses in entry.text:
            raise RejectedError("service_desk", "not like this")

    def _after(self) -> None:
        match self.chance.random() < self.fault, self.chance.random() < 0.5:
            case True, True:
                raise UnreachableError("service_desk", "the answer was lost")
            case True, False:
                raise Killed


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> MemoryDesk:
    memory = MemoryDesk()
    monkeypatch.setattr(outbox, "open_desk", lambda *_: memory)
    return memory


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = ledger_in(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    endpoint = Endpoint(host="desk.corp.example", port=443)
    return site_with(WebhookDesk(kind="webhook", server=endpoint, path="/", key="env:KEY"))


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path, tmp_path / "handover")


def texts(desk: MemoryDesk) -> list[list[str]]:
    return [[entry.text for entry in entries] for entries in desk.threads.values()]


def test_a_run_becomes_one_thread_of_sentences(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    run = begin(ledger)
    carry_out(ledger, run)
    assert outbox.Messenger(ledger, inventory, secrets).run(run.id) == outbox.Delivered(5, 0, None)
    assert outbox.Messenger(ledger, inventory, secrets).run(run.id) == outbox.Delivered(0, 0, None)
    ((first, *rest),) = texts(desk)
    assert first.endswith("(E1042).")
    assert rest == [
        f"Created the account anna.petrova ({NAME}, Sales) in OU Sales.",
        f"Added anna.petrova ({NAME}) to the groups Intranet-Users and Sales.",
        "Installed CRM Client 4.2.0 on PC WS-0042.",
        "Completed: 3 of 3 changes made, 1 of 1 check passed.",
    ]
    assert desk.ended == list(desk.threads)


def test_a_run_that_is_done_in_part_stays_open_until_it_is_done(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    run = begin(ledger)
    carry_out(ledger, run, fails="windows:WS-0042: the PC is off.")
    outbox.Messenger(ledger, inventory, secrets).run(run.id)
    assert texts(desk)[0][-2:] == [
        "Could not install CRM Client 4.2.0 on PC WS-0042: windows:WS-0042: the PC is off.",
        "Completed in part: 2 of 3 changes made, 1 of 1 check passed.",
    ]
    assert not desk.ended
    ledger.settle({run.changes[-1].id: ("verified", None)})
    ledger.end(run.id, "done")
    outbox.Messenger(ledger, inventory, secrets).run(run.id)
    assert texts(desk)[0][-2:] == [
        "Installed CRM Client 4.2.0 on PC WS-0042.",
        "Completed: 3 of 3 changes made, 1 of 1 check passed.",
    ]
    assert len(desk.ended) == 1


def test_a_run_that_waits_names_the_machines(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    run = begin(ledger)
    for target in ("directory", "windows:WS-0042"):
        ledger.defer(run.id, target, "nobody answers", next_try=datetime(2031, 1, 1, tzinfo=UTC))
    ledger.end(run.id, "waiting")
    outbox.Messenger(ledger, inventory, secrets).run(run.id)
    assert texts(desk)[0][-1] == (
        "Waiting until the directory and PC WS-0042 can be reached: 0 of 3 changes made so far."
    )
    assert not desk.ended


def test_a_run_and_its_undoing_are_one_thread(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    run = begin(ledger)
    carry_out(ledger, run)
    outbox.Messenger(ledger, inventory, secrets).run(run.id)
    back = ledger.begin(
        "undo run 1: onboard E1042", {"procedure": "undo", "run": 1},
        [record.change.inverse() for record in reversed(run.changes)], undoes=run.id,
    )  # fmt: skip
    carry_out(ledger, back)
    outbox.Messenger(ledger, inventory, secrets).run(back.id)
    (told,) = texts(desk)
    assert told[5].endswith("began to undo run 1: onboard E1042.")
    assert told[6:] == [
        "Removed CRM Client 4.2.0 from PC WS-0042.",
        f"Removed anna.petrova ({NAME}) from the groups Intranet-Users and Sales.",
        f"Removed the account anna.petrova ({NAME}, Sales).",
        "Taken back completely: 3 of 3 changes made, 1 of 1 check passed.",
    ]


def test_a_request_and_its_runs_are_one_thread_whose_ticket_the_ledger_knows(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    plain = {"procedure": "onboard", "persons": ["E1042"], "workplace": None, "software": []}
    request = ledger.ask("onboard E1042", plain)
    worklog.write_down_request(ledger, inventory, request)
    outbox.deliver(ledger, inventory, secrets)
    run = begin(ledger, request_id=request.id)
    carry_out(ledger, run)
    outbox.Messenger(ledger, inventory, secrets).run(run.id)
    ((first, *_, last),) = texts(desk)
    assert " asked to onboard " in first
    assert last == "Done: the request is fulfilled and proven."
    assert desk.ended == [ledger.request(request.id).ticket]


def test_what_a_crash_left_out_is_caught_up(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    carry_out(ledger, begin(ledger))  # and killed before the work log was written
    assert outbox.deliver(ledger, inventory, secrets, now=True) == outbox.Delivered(5, 0, None)


def test_a_desk_that_is_down_is_asked_once_a_delivery_and_gets_all_when_it_is_back(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    desk.down = True
    for _ in range(3):
        run = begin(ledger)
        carry_out(ledger, run)
        assert outbox.Messenger(ledger, inventory, secrets).run(run.id) is not None
    assert desk.calls == 3
    assert ledger.count_undelivered(outbox.DESK) == 15
    desk.down = False
    assert outbox.deliver(ledger, inventory, secrets, now=True) == outbox.Delivered(15, 0, None)
    assert [len(entries) for entries in desk.threads.values()] == [5, 5, 5]


def test_a_desk_that_did_not_answer_rests_and_nothing_is_lost_meanwhile(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    messenger = outbox.Messenger(ledger, inventory, secrets)
    desk.down = True
    runs = [begin(ledger) for _ in range(3)]
    for run in runs:
        carry_out(ledger, run)
    told = messenger.run(runs[0].id)
    assert told == outbox.Delivered(0, 5, "service_desk: nobody answers", down=True)
    desk.down = False
    clock[0] += messenger.REST_SECONDS - 1
    assert messenger.run(runs[1].id) is None
    assert desk.calls == 1
    assert ledger.count_undelivered(outbox.DESK) == 10  # written down all the same
    clock[0] += 2
    assert messenger.run(runs[2].id) == outbox.Delivered(10, 5, None)  # the first run's wait for their backoff
    assert desk.calls > 1


def test_an_entry_that_is_refused_makes_nobody_rest(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    messenger = outbox.Messenger(ledger, inventory, secrets)
    one, other = begin(ledger), begin(ledger)
    ledger.log(LogEntry("Removed by hand.", run_id=one.id))
    desk.refuses = "Removed"
    carry_out(ledger, other)
    told = messenger.run(other.id)
    assert told == outbox.Delivered(5, 1, "service_desk: not like this")
    assert messenger.run(other.id) == outbox.Delivered(0, 1, None)


def test_who_leaves_the_desk_to_others_writes_only(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    run = begin(ledger)
    carry_out(ledger, run)
    assert outbox.Messenger(ledger, inventory, secrets, delivers=False).run(run.id) is None
    assert (desk.calls, ledger.count_undelivered(outbox.DESK)) == (0, 5)


def test_after_ctrl_c_nobody_waits_for_the_desk(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    run = begin(ledger)
    ledger.end(run.id, "interrupted")
    assert outbox.Messenger(ledger, inventory, secrets).run(run.id) is None
    assert (desk.calls, ledger.count_undelivered(outbox.DESK)) == (0, 2)


def test_every_step_of_a_request_is_told_on_its_own_ticket(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    messenger = outbox.Messenger(ledger, inventory, secrets)
    plain = {"procedure": "onboard", "persons": ["E1042"], "workplace": None, "software": []}
    start = datetime(2031, 1, 1, 7, tzinfo=UTC)
    one = ledger.ask("onboard E1042", plain, start=start, needs=("security", "budget"))
    assert messenger.request(one) == outbox.Delivered(1, 0, None)
    one = ledger.approve(one.id, "security", "a lawful need", who="anna")
    assert messenger.request(one) == outbox.Delivered(1, 0, None)
    one = ledger.approve(one.id, "budget", "too dear.", verdict="refused", who="dora")
    assert messenger.request(one) == outbox.Delivered(2, 0, None)
    other = ledger.ask("onboard E1043", {**plain, "persons": ["E1043"]})
    messenger.request(ledger.move(other.id, "cancelled", reason="given up by carol"))
    first, second = texts(desk)
    assert first[0].endswith("(E1042), to begin on 2031-01-01 08:00 +01:00 (Europe/Berlin).")
    assert first[1:3] == [
        "anna approved it for the role security: a lawful need.",
        "dora refused it for the role budget: too dear.",
    ]
    assert first[3].startswith("The request was refused")
    assert second[1] == "The request was cancelled: given up by carol."
    assert desk.ended == [ledger.request(one.id).ticket, ledger.request(other.id).ticket]


def test_asked_to_stop_a_delivery_ends_after_the_entry_under_way(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(ledger, begin(ledger))
    worklog.catch_up(ledger, inventory)
    stop = threading.Event()
    monkeypatch.setattr(desk, "_after", stop.set)
    assert outbox.deliver(ledger, inventory, secrets, stop=stop) == outbox.Delivered(1, 4, None)
    assert outbox.deliver(ledger, inventory, secrets) == outbox.Delivered(4, 0, None)  # nothing has to wait


def test_an_entry_that_is_refused_holds_up_its_own_thread_only(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    desk.refuses = "Removed"
    one, other = begin(ledger), begin(ledger)
    ledger.log(LogEntry("Removed by hand.", run_id=one.id))
    for run in (one, other):
        carry_out(ledger, run)
        worklog.write_down(ledger, inventory, ledger.run(run.id))
    done = outbox.deliver(ledger, inventory, secrets)
    assert done == outbox.Delivered(5, 6, "service_desk: not like this")
    desk.refuses = None
    outbox.deliver(ledger, inventory, secrets, now=True)
    assert [len(entries) for entries in desk.threads.values()] == [5, 6]
    assert texts(desk)[1][0] == "Removed by hand."


def test_a_new_entry_does_not_overtake_one_that_waits(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    run = begin(ledger)
    desk.down = True
    outbox.Messenger(ledger, inventory, secrets).run(run.id)
    desk.down = False
    ledger.log(LogEntry("Something new.", run_id=run.id))  # is due; the first one waits for its backoff
    assert outbox.deliver(ledger, inventory, secrets) == outbox.Delivered(0, 2, None)
    outbox.deliver(ledger, inventory, secrets, now=True)
    assert texts(desk)[0][1] == "Something new."


def test_a_slow_desk_takes_no_more_time_than_the_site_gives(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    desk.seconds = 0.1
    for _ in range(5):
        carry_out(ledger, begin(ledger))
    worklog.catch_up(ledger, inventory)
    begun = time.monotonic()
    done = outbox.deliver(ledger, inventory, secrets, patience=0.35)
    assert time.monotonic() - begun < 1.5
    assert done is not None
    assert 0 < done.count < 25
    assert done.count + done.owed == 25
    desk.seconds = 0
    assert outbox.deliver(ledger, inventory, secrets, now=True) == outbox.Delivered(done.owed, 0, None)


def test_through_lost_answers_and_kills_everything_arrives_once_and_in_order(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_LEASE_BEYOND", -100.0)  # the lease of a killed process is over at once
    desk.fault = 0.4
    for _ in range(6):
        carry_out(ledger, begin(ledger))
    kills = 0
    for _ in range(400):
        try:
            done = outbox.deliver(ledger, inventory, secrets, now=True)
        except Killed:
            kills += 1
            continue
        assert done is not None
        if not done.owed:
            break
    assert ledger.count_undelivered(outbox.DESK) == 0
    assert kills > 3
    for entries in desk.threads.values():
        numbers = [int(entry.key.rpartition("-")[2], 16) for entry in entries]
        assert len(numbers) == 5
        assert numbers == sorted(numbers)
    assert len(desk.threads) == len(desk.ended) == 6


def test_what_the_desk_says_reaches_the_log_and_nobody_else(
    ledger: Ledger, inventory: Inventory, secrets: Secrets, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def refuse(*_: object) -> None:
        raise CredentialError("service_desk", "the token is unknown")

    monkeypatch.setattr(outbox, "open_desk", refuse)
    run = begin(ledger)
    done = outbox.Messenger(ledger, inventory, secrets).run(run.id)
    assert done == outbox.Delivered(0, 1, "service_desk: the token is unknown", down=True)
    assert "the service desk is owed 1 work-log entries: service_desk: the token is unknown" in caplog.text


def test_a_site_without_a_desk_owes_nothing(tmp_path: Path, secrets: Secrets) -> None:
    inventory = site_with(None)
    assert outbox.desks_of(inventory) == ()
    ledger = Ledger(tmp_path / "none.sqlite", desks=outbox.desks_of(inventory))
    run = begin(ledger)
    assert outbox.Messenger(ledger, inventory, secrets).run(run.id) is None
    assert len(ledger.worklog(run_id=run.id)) == 1
    ledger.close()


def test_threads_of_two_ledgers_are_never_the_same(
    tmp_path: Path, inventory: Inventory, secrets: Secrets, desk: MemoryDesk
) -> None:
    for name in ("one", "two"):
        ledger = ledger_in(tmp_path / name)
        run = begin(ledger)
        outbox.Messenger(ledger, inventory, secrets).run(run.id)
        ledger.close()
        time.sleep(0.002)  # the time of birth has milliseconds
    assert len(desk.threads) == 2
