"""A run that is read again says the same as one that is read for the first time, and less is read for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, update

from provisioning.ledger import Ledger
from provisioning.ledger.tables import changes
from provisioning.resources.base import Address, Change, Proof, ProofResult, State
from tests.memory import Thing
from tests.unit.conftest import Place

pytestmark = pytest.mark.usefixtures("memory_kinds")


def change(key: str, target: str = "a") -> Change[State]:
    return Change(Address("memory.thing", target, key), None, Thing(size=1))


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """What is sent to the database during the block."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = ledger._database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_whatever_happens_it_is_as_if_read_for_the_first_time(place: Place) -> None:
    ledger, other = place.open(), place.open()
    proof = Proof("memory.exists", "a", "k is there", {"key": "k"})
    run = ledger.begin("t", {}, [change("k"), change("q"), change("z", "b")], proofs=[proof], unread={"c": "off"})
    one, two, three = (record.id for record in run.changes)
    steps: list[Callable[[], object]] = [
        lambda: ledger.attempt([one, two]),
        lambda: other.settle({one: ("verified", None), three: ("deferred", "b is off")}),
        lambda: ledger.settle({two: ("failed", "no")}),
        lambda: other.defer(run.id, "b", "b is off", next_try=datetime.now(UTC)),
        lambda: other.add_changes(run.id, [change("new", "c")]),
        lambda: ledger.close_targets(run.id, ["c"]),
        lambda: other.end(run.id, "waiting", error="b"),
        lambda: ledger.reopen(run.id),
        lambda: ledger.settle({three: ("verified", None)}),
        lambda: other.prove(run.id, [ProofResult(proof, True, "seen")]),
        lambda: ledger.end(run.id, "done"),
    ]
    for number, step in enumerate(steps):
        step()
        assert ledger.run(run.id) == place.open().run(run.id), number
        assert ledger.run(run.id) == ledger.run(run.id), number
    assert ledger.run(run.id).proofs[0]["detail"] == "seen"
    assert ledger.run(run.id).finished is not None


def test_what_was_read_is_not_read_again(place: Place) -> None:
    ledger = place.open()
    run = ledger.begin("t", {}, [change(str(number)) for number in range(20)])
    ledger.run(run.id)
    ids = [record.id for record in run.changes]
    ledger.attempt(ids)
    ledger.settle(dict.fromkeys(ids, ("verified", None)))
    with statements(ledger) as sent:
        assert {record.state for record in ledger.run(run.id).changes} == {"verified"}
    assert [text for text in sent if "FROM changes" in text] == []
    fresh = place.open()
    with statements(fresh) as sent:
        fresh.run(run.id)
    assert [text for text in sent if "FROM changes" in text] != []


def test_another_ledger_in_its_place_is_read_anew(place: Place) -> None:
    """Somebody puts a backup back while a worker has the ledger open."""
    ledger = place.open()
    run = ledger.begin("t", {}, [change("k")])
    ledger.run(run.id)
    with ledger._database.write() as connection:
        connection.execute(update(changes).values(key="restored"))
        connection.exec_driver_sql("UPDATE change_events SET hash = 'another' || number")
        connection.exec_driver_sql("UPDATE runs SET last_hash = 'another' || last_number")
    assert [record.change.key for record in ledger.run(run.id).changes] == ["restored"]


def test_only_a_few_runs_are_kept(place: Place) -> None:
    ledger = place.open()
    for number in range(10):
        ledger.run(ledger.begin(str(number), {}, [change("k")]).id)
    assert len(ledger._known._known) == 8
    assert [ledger.run(number).title for number in range(1, 11)] == [str(number) for number in range(10)]
