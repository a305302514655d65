"""A file of new colleagues, on systems in memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import LedgerError, RejectedError
from tests.unit.cli_office import write_site
from tests.unit.requests_desk import GROUNDS, Desk, desk
from tests.unit.test_cli_process import program

__all__ = ["desk"]

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: Any) -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else str(content).encode())
        return file

    return written


def results(file: Path) -> list[dict[str, str]]:
    with file.with_name(f"{file.stem}.results.csv").open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=";" if b";" in file.read_bytes() else ","))


def test_a_file_row_by_row(desk: Desk, write: Write) -> None:
    file = write("hires.csv", "person,start,note\nE1042,,\nE9999,,\nE1043,2099-12-01T08:00,night shift\nE1002,soon,\n")
    result = desk.run("onboard", "--from", str(file), "--yes")
    assert result.exit_code == 3
    assert "4 rows: 2 failed, 1 proven, 1 scheduled" in result.stdout
    rows = results(file)
    assert [(r["row"], r["person"], r["state"], r["request"], r["run"]) for r in rows] == [
        ("2", "E1042", "proven", "1", "1"),
        ("3", "E9999", "failed", "", ""),
        ("4", "E1043", "scheduled", "2", ""),
        ("5", "E1002", "failed", "", ""),
    ]
    assert "write them into the site's people first" in rows[1]["message"]
    assert "begins 2099-12-01 08:00" in rows[2]["message"]
    assert "expected a time" in rows[3]["message"]


def test_the_same_file_again_does_nothing_twice(desk: Desk, write: Write) -> None:
    file = write("hires.csv", "person,start\nE1042,\nE1043,2099-12-01\nE1002,2099-12-01T08:00\n")
    desk.ok("onboard", "--from", str(file), "--yes")
    applied = len(desk.office.a.applied)
    desk.ok("onboard", "--from", str(file), "--yes")
    assert [(r["state"], r["request"]) for r in results(file)] == [
        ("unchanged", ""), ("scheduled", "2"), ("scheduled", "3"),
    ]  # fmt: skip
    assert (len(desk.office.a.applied), len(desk.site.requests())) == (applied, 3)
    desk.make_due(2)
    desk.make_due(3)
    desk.ok("due")
    assert len(desk.site.requests()) == 3


def test_a_row_that_was_left_partly_done_is_carried_on(desk: Desk, write: Write) -> None:
    file = write("hires.json", json.dumps([{"person": "E1042"}]))
    desk.office.b.refuses["far"] = RejectedError("b", "no")
    assert desk.run("onboard", "--from", str(file), "--yes").exit_code == 3
    assert results(file)[0]["state"] == "partial"
    assert "b: b: no" in results(file)[0]["message"]
    desk.office.b.refuses.clear()
    desk.ok("onboard", "--from", str(file), "--yes")
    assert (results(file)[0]["state"], results(file)[0]["request"]) == ("proven", "1")


def test_rows_that_need_approval_wait_for_it(desk: Desk, write: Write) -> None:
    desk.office.grounds = GROUNDS
    file = write("hires.yml", "- person: E1002\n- {person: E1042, start: 2099-12-01}\n")
    desk.ok("onboard", "--from", str(file), "--yes")
    assert [r["state"] for r in results(file)] == ["awaiting approval", "awaiting approval"]
    assert "security must approve: E1002 joins the group IT-Support" in results(file)[0]["message"]
    assert not desk.touched


def test_json_output_and_json_result(desk: Desk, write: Write, tmp_path: Path) -> None:
    file = write("hires.csv", b"\xef\xbb\xbfperson;desk;with\r\nE1042;;\r\n")
    place = tmp_path / "r.json"
    result = desk.run("onboard", "--from", str(file), "--result", str(place), "--yes", "--output", "json")
    assert json.loads(result.stdout) == json.loads(place.read_text(encoding="utf-8"))
    assert json.loads(result.stdout)[0]["state"] == "proven"


def test_the_result_has_the_delimiter_of_the_file_and_no_formulas(desk: Desk, write: Write) -> None:
    file = write("hires.csv", "person;desk\n=HYPERLINK(1);\nE1042;\n")
    desk.run("onboard", "--from", str(file), "--yes")
    assert [r["person"] for r in results(file)] == ["'=HYPERLINK(1)", "E1042"]


def test_ctrl_c_in_the_middle_and_the_same_command_again(tmp_path: Path, write: Write) -> None:
    """As a process of its own, with a real SIGINT while the first row is under way."""
    site, file = write_site(tmp_path), write("hires.csv", "person,desk\nE1042,\nE1043,B-204-2\n")
    stopped = program(site, "interrupt", "onboard", "--from", str(file), "--yes")
    assert stopped.returncode == 3, stopped.stderr
    assert "Interrupted at row 2; the same command goes on." in stopped.stderr
    assert [(r["row"], r["state"]) for r in results(file)] == [("2", "partial")]
    assert results(file)[0]["message"].startswith("stopped by Ctrl-C: ")
    again = program(site, "fine", "onboard", "--from", str(file), "--yes")
    assert again.returncode == 0, again.stderr
    found = [(r["row"], r["state"], r["request"]) for r in results(file)]
    assert found == [("2", "proven", "1"), ("3", "unchanged", "")]


def test_a_row_that_was_refused_is_not_asked_for_again(desk: Desk, write: Write) -> None:
    desk.office.grounds = GROUNDS
    file = write("hires.csv", "person\nE1002\n")
    desk.ok("onboard", "--from", str(file), "--yes")
    desk.is_now("anna")
    desk.ok("refuse", "1", "--reason", "not her job")
    desk.is_now("requester")
    assert desk.run("onboard", "--from", str(file), "--yes").exit_code == 3
    assert (results(file)[0]["state"], results(file)[0]["request"]) == ("refused", "1")
    assert "not her job; to ask once more: `provision onboard E1002`" in results(file)[0]["message"]
    assert len(desk.site.requests()) == 1
    desk.ok("onboard", "E1002", "--yes")
    assert len(desk.site.requests()) == 2
    desk.ok("onboard", "--from", str(file), "--yes")
    assert (results(file)[0]["state"], results(file)[0]["request"]) == ("awaiting approval", "2")


def test_what_is_left_to_do_is_said(desk: Desk, write: Write) -> None:
    file = write("hires.csv", "person\nE1042\nE9999\n")
    site = desk.site
    site.secrets.issue_initial_password("anna.petrova", site.inventory.directory.passwords)
    shown = desk.run("onboard", "--from", str(file), "--yes").stdout
    assert "Mend what is named, then the same command again: nothing is done twice." in shown
    assert "1 initial password waits to be handed over: `provision handover` lists them." in shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--from", "FILE", "E1042"), "leave PERSON"),
        (("--from", "FILE", "--start", "2099-01-01"), "leave PERSON"),
        (("--from", "FILE", "--result", "FILE"), "this is the file of new colleagues itself"),
        (("--from", "FILE", "--result", "/nowhere/x.csv"), "there is no folder /nowhere"),
        (("--from", "/nowhere.csv"), "cannot be read"),
        (("E1042", "--result", "x.csv"), "--result goes with --from"),
        (("E1042", "--start", "2099-01-01", "--report", "r.json"), "--report goes with what is carried out now"),
    ],
)
def test_options_that_contradict_each_other(desk: Desk, write: Write, words: tuple[str, ...], expected: str) -> None:
    file = write("hires.csv", "person\nE1042\n")
    assert expected in desk.refused("onboard", *(w.replace("FILE", str(file)) for w in words), "--yes")
    assert not desk.touched


def test_a_broken_ledger_is_no_fault_of_a_row(desk: Desk, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("hires.csv", "person\nE1042\n")

    def broken(*_: Any, **__: Any) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr("provisioning.ledger.ledger.Ledger.begin", broken)
    assert "the disk is full" in desk.refused("onboard", "--from", str(file), "--yes")
