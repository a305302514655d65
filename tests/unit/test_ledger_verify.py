"""Tampering is found, whichever row it hits, on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from provisioning.errors import LedgerError
from provisioning.ledger import Ledger, Seal
from provisioning.resources.base import Address, Change, Proof, ProofResult, State
from tests.memory import Thing
from tests.unit.conftest import Place

pytestmark = pytest.mark.usefixtures("memory_kinds")


def fill(ledger: Ledger) -> None:
    """Three runs of two changes and a proof. Run R has the changes 2R-1 and 2R, and events 1 to 9."""
    for number in (1, 2, 3):
        changes: list[Change[State]] = [
            Change(Address("memory.thing", "a", f"{number}{k}"), None, Thing(size=1)) for k in "xy"
        ]
        run = ledger.begin(f"r{number}", {"n": number}, changes)
        ledger.attempt([r.id for r in run.changes])
        ledger.settle({r.id: ("verified", None) for r in run.changes})
        ledger.prove(run.id, [ProofResult(Proof("memory.exists", "a", "there", {"key": "k"}), True, "it is")])
        ledger.end(run.id, "done")


def test_a_ledger_that_nobody_touched_is_sound(place: Place) -> None:
    ledger = place.open()
    assert str(ledger.verify().seal) == "0:0:"
    fill(ledger)
    found = ledger.verify()
    assert (found.breaks, found.runs, found.changes, found.events) == ((), 3, 6, 27)
    assert place.open().verify(noted=Seal.read(str(found.seal))) == found


COPY = (
    "INSERT INTO change_events SELECT run_id, 10, change_id, proof_id, state, error, at, who, hash, 'f00' "
    "FROM change_events WHERE run_id = 2 AND number = 9"
)
SWAP = (
    "UPDATE change_events SET number = 99 WHERE run_id = 2 AND number = 4",
    "UPDATE change_events SET number = 4 WHERE run_id = 2 AND number = 5",
    "UPDATE change_events SET number = 5 WHERE run_id = 2 AND number = 99",
)
SWAP_CHANGES = (
    "UPDATE changes SET id = 99 WHERE id = 3",
    "UPDATE changes SET id = 3 WHERE id = 4",
    "UPDATE changes SET id = 4 WHERE id = 99",
)
NEW_CHANGE = (
    "INSERT INTO changes (id, run_id, position, kind, target, key, requires, digest) "
    "VALUES (99, 2, 2, 'memory.thing', 'a', 'k', '[]', 'f00')"
)
NEW_RUN = (
    "INSERT INTO runs SELECT 4, title, request, who, started, undoes, request_id, to_prove, after_number, previous, "
    "hash, state, finished, last_number, last_hash FROM runs WHERE id = 3"
)

TAMPERED = {
    "a change's key": (["UPDATE changes SET key = 'z' WHERE id = 3"], "run 2: changes 3: does not say"),
    "a change's after": (["UPDATE changes SET after = '{\"size\": 2}' WHERE id = 4"], "run 2: changes 4: does not say"),
    "a change's place": (["UPDATE changes SET position = 7 WHERE id = 4"], "run 2: changes 4: does not say"),
    "a change and its digest": (
        ["UPDATE changes SET digest = 'f00' WHERE id = 3"],
        "run 2: change_events 2 (changes 3): does not say",
    ),
    "a change removed": (["DELETE FROM changes WHERE id = 4"], "run 2: changes 4: it is missing"),
    "a change and its events removed": (
        ["DELETE FROM change_events WHERE change_id = 4", "DELETE FROM changes WHERE id = 4"],
        "run 2: change_events 4 (changes 3): event 3 is missing before it",
    ),
    "a change put in": ([NEW_CHANGE], "run 2: changes 99: it was put in"),
    "changes swapped": (list(SWAP_CHANGES), "run 2: change_events 2 (changes 3)"),
    "an event's state": (
        ["UPDATE change_events SET state = 'failed' WHERE run_id = 2 AND number = 6"],
        "run 2: change_events 6 (changes 3): does not say",
    ),
    "an event's error": (
        ["UPDATE change_events SET error = 'x' WHERE run_id = 1 AND number = 7"],
        "run 1: change_events 7 (changes 2): does not say",
    ),
    "an event's time": (
        ["UPDATE change_events SET at = '2020-01-01' WHERE run_id = 3 AND number = 1"],
        "run 3: change_events 1: does not say",
    ),
    "an event's user": (
        ["UPDATE change_events SET who = 'x' WHERE run_id = 3 AND number = 9"],
        "run 3: change_events 9",
    ),
    "an event removed": (
        ["DELETE FROM change_events WHERE run_id = 2 AND number = 6"],
        "run 2: change_events 7 (changes 4): event 6 is missing before it",
    ),
    "the last event removed": (
        ["DELETE FROM change_events WHERE run_id = 3 AND number = 9"],
        "run 3: runs 3: it ends with event 9, but the events end with 8",
    ),
    "all events removed": (["DELETE FROM change_events WHERE run_id = 1"], "run 1: changes 1: it was put in"),
    "an event put in at the end": ([COPY], "run 2: change_events 10: does not say"),
    "events swapped": (list(SWAP), "run 2: change_events 4 (changes 4): it does not follow the event before it"),
    "a run's title": (["UPDATE runs SET title = 'x' WHERE id = 2"], "run 2: runs 2: does not say"),
    "a run's user": (["UPDATE runs SET who = 'x' WHERE id = 1"], "run 1: runs 1: does not say"),
    "a run's request": (["UPDATE runs SET request = '{}' WHERE id = 1"], "run 1: runs 1: does not say"),
    "a run's state": (
        ["UPDATE runs SET state = 'partial' WHERE id = 2"],
        "run 2: runs 2: its state is 'partial', but its events say 'done'",
    ),
    "a run's end": (
        ["UPDATE runs SET finished = '2020-01-01' WHERE id = 2"],
        "run 2: runs 2: it finished at 2020-01-01",
    ),
    "a run removed": (["DELETE FROM runs WHERE id = 2"], "run 2: runs 2: the run is missing"),
    "the last run removed": (
        [
            "DELETE FROM change_events WHERE run_id = 3",
            "DELETE FROM changes WHERE run_id = 3",
            "DELETE FROM proofs WHERE run_id = 3",
            "DELETE FROM runs WHERE id = 3",
        ],
        "run 3: runs 3: the run is missing",
    ),
    "a run put in": ([NEW_RUN], "run 4: runs 4: the run was put in"),
    "a run rewound, head and all": (
        [
            "DELETE FROM change_events WHERE run_id = 2 AND number > 5",
            "DELETE FROM proofs WHERE run_id = 2",
            "UPDATE runs SET state = 'running', finished = NULL, last_number = 5, last_hash = "
            "(SELECT hash FROM change_events WHERE run_id = 2 AND number = 5) WHERE id = 2",
        ],
        "run 3: runs 3: it does not follow run 2 as that run is now",
    ),
    "a proof's result": (["UPDATE proofs SET detail = 'x' WHERE run_id = 2"], "run 2: proofs 2: does not say"),
    "a proof removed": (["DELETE FROM proofs WHERE run_id = 2"], "run 2: proofs 2: it is missing"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampering_is_found_and_named(place: Place, case: str) -> None:
    statements, expected = TAMPERED[case]
    ledger = place.open()
    fill(ledger)
    place.sql(*statements)
    breaks = [str(b) for b in ledger.verify().breaks]
    assert [b for b in breaks if b.startswith(expected)], breaks


def test_one_altered_row_is_named_and_no_other(place: Place) -> None:
    ledger = place.open()
    fill(ledger)
    place.sql("UPDATE change_events SET error = 'x' WHERE run_id = 2 AND number = 6")
    assert [(b.run_id, b.row) for b in ledger.verify().breaks] == [(2, "change_events 6 (changes 3)")]


def test_what_is_no_json_any_more_is_named(tmp_path: Path) -> None:
    file = tmp_path / "l.sqlite"
    place = Place(file, back_door=lambda: sqlite3.connect(file))
    ledger = place.open()
    fill(ledger)
    place.sql("UPDATE changes SET after = 'junk' WHERE id = 3")
    assert [b.row for b in ledger.verify().breaks] == ["changes 3"]
    ledger.close()


def test_a_noted_seal_finds_what_was_rewritten_as_a_whole(place: Place) -> None:
    ledger = place.open()
    fill(ledger)
    seal = ledger.verify().seal
    for table in ("change_events", "changes", "proofs", "runs"):
        place.sql(f"DELETE FROM {table}")  # noqa: S608  (one of four words)
    place.sql("UPDATE seals SET last_run = 0")
    assert ledger.verify(noted=seal).breaks
    fill(ledger)
    assert ledger.verify().breaks == ()
    (broken,) = ledger.verify(noted=seal).breaks
    assert str(broken) == "run 3: change_events 9: it is not what the noted seal says"


def test_what_is_no_seal_is_refused() -> None:
    with pytest.raises(LedgerError, match="is not a seal"):
        Seal.read("deadbeef")


def test_a_run_that_others_write_meanwhile_stays_sound(place: Place) -> None:
    ledger = place.open()
    first = ledger.begin("first", {}, [])
    second = ledger.begin("second", {}, [])
    ledger.end(first.id, "partial")
    ledger.end(second.id, "done")
    ledger.reopen(first.id)
    ledger.begin("third", {}, [])
    ledger.end(first.id, "done")
    assert ledger.verify().breaks == ()
