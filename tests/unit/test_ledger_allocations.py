"""Allocations, on SQLite and PostgreSQL, also with fifty processes at once."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from provisioning.errors import RequestError
from provisioning.ledger import Ledger
from tests.unit.conftest import Place

PROCESSES = 50
FULL = "nothing is left of"


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open()


def test_the_first_free_one_is_given_and_kept(ledger: Ledger) -> None:
    extensions = [str(n) for n in range(4100, 4103)]
    assert ledger.allocate("extension:4100-4102", extensions, "E1") == "4100"
    assert ledger.allocate("extension:4100-4102", extensions, "E2") == "4101"
    assert ledger.allocate("extension:4100-4102", extensions, "E1") == "4100"
    assert ledger.allocate("extension:other", extensions, "E3") == "4100"
    assert ledger.allocate("extension:4100-4102", extensions, "E3") == "4102"
    with pytest.raises(RequestError, match=r"nothing is left of extension:4100-4102 for E4: 3 of 3 are taken"):
        ledger.allocate("extension:4100-4102", extensions, "E4")


def test_somebody_may_hold_many_of_a_pool(ledger: Ledger) -> None:
    for asset in ("AT-1", "AT-2"):
        assert ledger.allocate("equipment", [asset], "E1") == asset
    assert [a.item for a in ledger.allocations("equipment", holder="E1")] == ["AT-1", "AT-2"]
    with pytest.raises(RequestError):
        ledger.allocate("equipment", ["AT-1"], "E2")


def test_what_is_released_is_given_again_and_remembered(ledger: Ledger) -> None:
    run = ledger.begin("t", {}, [])
    ledger.allocate("licence:cad", ["1", "2"], "E1", run_id=run.id)
    ledger.allocate("licence:cad", ["1", "2"], "E2")
    assert ledger.release("licence:cad", run_id=run.id) == ["1"]
    assert ledger.release("licence:cad", run_id=run.id) == []
    assert ledger.allocate("licence:cad", ["1", "2"], "E3") == "1"
    history = [(a.item, a.holder, a.released is None) for a in ledger.allocations(released=True)]
    assert history == [("1", "E1", False), ("1", "E3", True), ("2", "E2", True)]
    assert ledger.release("licence:cad", holder="E2", item="1") == [], "all that is named must fit"
    with pytest.raises(ValueError, match="needs an item"):
        ledger.release("licence:cad")


def test_custody_is_passed_on(ledger: Ledger) -> None:
    ledger.allocate("equipment", ["AT-1"], "E1")
    for _ in "twice":
        ledger.transfer("equipment", "AT-1", holder="E1", to="E2")
    assert [(a.item, a.holder) for a in ledger.allocations("equipment")] == [("AT-1", "E2")]
    with pytest.raises(RequestError, match=r"AT-1 is held by E2, not by E1"):
        ledger.transfer("equipment", "AT-1", holder="E1", to="E3")


def test_two_holders_of_one_item_are_impossible_whatever_writes_them(place: Place) -> None:
    place.open().allocate("p", ["1"], "E1")
    row = "INSERT INTO allocations (pool, item, holder, at) VALUES ('p', '1', 'E2', 'now')"
    with pytest.raises(Exception, match=r"(?i)unique"):
        place.sql(row)


# ------------------------------------------------------------------------------------------ fifty processes


@dataclass(frozen=True)
class Question:
    """What one process asks of the ledger."""

    where: Path | str
    password: str | None
    pool: str
    candidates: Sequence[str]
    holder: str


def _ask(question: Question, gate: Any, answers: Any) -> None:
    password, holder = question.password, question.holder
    gate.wait(60)
    try:
        ledger = Ledger(question.where, password=SecretStr(password) if password else None)
        try:
            answers.put((holder, ledger.allocate(question.pool, question.candidates, holder)))
        finally:
            ledger.close()
    except Exception as exc:
        answers.put((holder, f"{type(exc).__name__}: {exc}"))


def _all_at_once(place: Place, pool: str, candidates: Sequence[str], holders: Sequence[str]) -> dict[str, list[str]]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    gate, answers = context.Barrier(len(holders)), context.Queue()
    password = place.password.get_secret_value() if place.password else None
    questions = [Question(place.where, password, pool, candidates, holder) for holder in holders]
    processes = [context.Process(target=_ask, args=(question, gate, answers)) for question in questions]
    for process in processes:
        process.start()
    found: dict[str, list[str]] = {}
    for _ in processes:
        holder, answer = answers.get(timeout=120)
        found.setdefault(answer, []).append(holder)
    for process in processes:
        process.join(30)
    answers.close()
    answers.join_thread()
    return found


@pytest.mark.timeout(300)
def test_the_last_seat_has_one_winner(place: Place) -> None:
    """They open the ledger all at once, too: it does not exist before."""
    holders = [f"E{n}" for n in range(PROCESSES)]
    found = _all_at_once(place, "licence:cad", ["1"], holders)
    assert len(found.pop("1")) == 1
    assert [answer for answer in found if not (answer.startswith("RequestError") and FULL in answer)] == []
    assert [a.item for a in place.open().allocations()] == ["1"]


@pytest.mark.timeout(300)
def test_every_extension_has_one_winner(place: Place) -> None:
    extensions = [str(n) for n in range(4100, 4100 + PROCESSES - 1)]
    found = _all_at_once(place, "extension:4100", extensions, [f"E{n}" for n in range(PROCESSES)])
    assert {extension: len(found.pop(extension)) for extension in extensions} == dict.fromkeys(extensions, 1)
    assert [len(losers) for losers in found.values()] == [1]
    assert FULL in next(iter(found))


@pytest.mark.timeout(300)
def test_one_holder_that_asks_from_everywhere_gets_one(place: Place) -> None:
    found = _all_at_once(place, "extension:4100", [str(n) for n in range(4100, 4200)], ["E1"] * 20)
    assert Counter({answer: len(who) for answer, who in found.items()}) == {"4100": 20}
