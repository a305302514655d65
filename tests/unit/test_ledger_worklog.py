"""The work log and its outbox, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioning.errors import RequestError
from provisioning.ledger import Entry, Ledger
from provisioning.ledger.worklog import backoff_seconds
from tests.unit.conftest import Place

NOW = datetime.now(UTC)


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open(desks=("rt", "hook"))


def test_every_desk_is_owed_every_sentence_in_order(ledger: Ledger) -> None:
    ledger.log(Entry("one"), Entry("two"))
    ledger.log(Entry("three"))
    for desk in ("rt", "hook"):
        assert [d.entry.sentence for d in ledger.undelivered(desk)] == ["one", "two", "three"]
    assert ledger.undelivered("other") == []
    assert [e.sentence for e in ledger.worklog(limit=2)] == ["two", "three"]


def test_a_key_is_logged_once(ledger: Ledger) -> None:
    ledger.log(Entry("begun", key="run 1 begun"), Entry("begun again", key="run 1 begun"), Entry("x"), Entry("x"))
    ledger.log(Entry("begun", key="run 1 begun"))
    assert [e.sentence for e in ledger.worklog()] == ["begun", "x", "x"]
    assert ledger.count_undelivered("rt") == 3


def test_what_is_handed_out_is_not_handed_out_again_until_its_lease_is_over(ledger: Ledger) -> None:
    ledger.log(Entry("one"), Entry("two"))
    (first,) = ledger.undelivered("rt", limit=1)
    (second,) = ledger.undelivered("rt", lease_seconds=-1)
    assert (first.entry.sentence, second.entry.sentence) == ("one", "two")
    (again,) = ledger.undelivered("rt")
    assert (again.id, again.attempts) == (second.id, 2), "whoever had it died"


def test_what_is_delivered_is_owed_no_more(ledger: Ledger) -> None:
    ledger.log(Entry("one"))
    (taken,) = ledger.undelivered("rt", lease_seconds=-1)
    ledger.delivered(taken.id, "4711")
    ledger.delivery_failed(taken.id, "too late", next_try=NOW - timedelta(hours=1))
    assert (ledger.undelivered("rt"), ledger.count_undelivered("rt"), ledger.count_undelivered("hook")) == ([], 0, 1)


def test_a_desk_that_is_down_is_tried_again_later(ledger: Ledger) -> None:
    ledger.log(Entry("one"))
    (taken,) = ledger.undelivered("rt")
    ledger.delivery_failed(taken.id, "connection refused")
    assert ledger.undelivered("rt") == []
    ledger.delivery_failed(taken.id, "connection refused", next_try=NOW - timedelta(seconds=1))
    (again,) = ledger.undelivered("rt")
    assert (again.attempts, again.error) == (2, "connection refused")


def test_waits_grow_to_half_an_hour() -> None:
    assert [backoff_seconds(n) for n in (1, 2, 3, 9, 10_000)] == [10, 20, 40, 1800, 1800]


def test_a_sentence_is_lost_with_what_it_tells(ledger: Ledger) -> None:
    asked = ledger.ask("t", {})
    with pytest.raises(RequestError):
        ledger.move(asked.id, "proven", log=[Entry("proven!")])
    assert ledger.worklog() == []
