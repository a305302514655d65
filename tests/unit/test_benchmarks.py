"""What the benchmarks' table says of the seconds that it is given. No test measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, PAGE, RESULTS, main
from benchmarks.measuring import Goal, Row, Times, at_most, faster, in_turn, record, within
from benchmarks.showing import BEGIN, END, circumstances, paste, table


def row(name: str = "file", **more: object) -> Row:
    ours, floor = Times("ours", [1.0, 3.0, 2.0]), Times("floor", [1.0, 1.0, 4.0])
    facts = {"floor": floor, "goals": [at_most(ours, floor, 1.5)], "verified": "sha256sum", **more}
    return Row(name, "100 MB to a PC", ours, **facts)  # type: ignore[arg-type]


def test_medians_ratios_and_their_spread() -> None:
    plain = row(alternative=Times("slow", [4.0, 4.0, 8.0]).times(10)).plain()
    assert (plain["ours"], plain["floor"], plain["alternative"]) == (2.0, 1.0, 40.0)
    assert (plain["ratio_to_floor"], plain["spread_to_floor"]) == (2.0, [0.5, 3.0])
    assert (plain["ratio_to_alternative"], plain["spread_to_alternative"]) == (20.0, [13.333, 40.0])
    assert plain["ways"]["alternative"]["scale"] == 10


@pytest.mark.parametrize(
    ("goals", "met"),
    [
        ([], None),
        ([Goal("a", True), Goal("b", True)], True),
        ([Goal("a", True), Goal("b", None)], None),
        ([Goal("a", None), Goal("b", False)], False),
    ],
)
def test_met_means_all_of_them(goals: list[Goal], met: bool | None) -> None:
    assert row(goals=goals).met is met


def test_goals() -> None:
    ours, other = Times("ours", [2.0]), Times("other", [3.0])
    assert at_most(ours, other, 0.7).met
    assert not at_most(ours, other, 0.6).met
    assert faster(ours, other, 1.5).met
    assert not faster(ours, other, 1.6).met
    assert faster(ours, None, 10).met is None
    assert within("memory", 300, 300, "MiB") == Goal("memory ≤ 300 MiB", True)


@pytest.mark.parametrize("seconds", [[], [0.0], [1.0, -0.1]])
def test_no_time_is_not_a_time(seconds: list[float]) -> None:
    with pytest.raises(ValueError, match="ours: no times"):
        Times("ours", seconds)


def test_contestants_take_turns_and_another_one_begins_each_time() -> None:
    began = []

    def contestant(name: str, takes: float) -> float:
        began.append(name)
        return takes

    said: list[str] = []
    ways = {name: lambda name=name, takes=takes: contestant(name, takes) for name, takes in (("a", 1.0), ("b", 2.0))}
    found = in_turn(ways, 3, said.append)
    assert began == ["a", "b", "b", "a", "a", "b"]
    assert found["a"].seconds == [1.0, 1.0, 1.0]
    assert said[0] == "1/3 a: 1.000 s"


def test_rows_that_did_not_run_keep_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    record(file, [row("file"), row("ports-one")])
    before = json.loads(file.read_text())["rows"]
    record(file, [row("file", note="again")])
    after = json.loads(file.read_text())["rows"]
    assert [one["name"] for one in after] == ["file", "ports-one"]
    assert after[1] == before[1]
    assert after[0]["note"] == "again"
    assert after[0]["measured"]["cores"]


def test_the_table_says_what_is_missed() -> None:
    shown = table([row().plain(), row(floor=None, goals=[Goal("fast", None)]).plain()]).splitlines()
    assert shown[2] == "| 100 MB to a PC | 2 | 1 | 2.00 (0.50–3.00) | – | – | ≤ 1.5 × floor | NO |"
    assert shown[3] == "| 100 MB to a PC | 2 | – | – | – | – | fast | – |"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nosuch"], "'nosuch' is none of accounts, unchanged, "),
        (["--repeat", "0"], "--repeat is at least 1"),
        (["--show", "--output", "/nonexistent/results.json"], "nothing was measured yet"),
    ],
)
def test_bad_words(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_what_was_measured_is_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results.json"
    record(file, [row("file"), row("ports-one")])
    assert main(["--show", "--output", str(file), "ports"]) == 0
    assert capsys.readouterr().out.count("100 MB") == 1


def test_the_circumstances_are_said_once_and_the_contestants_by_row() -> None:
    at = {"at": "2026-11-23T17:38:24Z", "machine": "x86_64", "cores": 2, "kernel": "6.18", "python": "3.11.7"}
    measured = {**at, "versions": {"ldap3": "2.9.1"}, "load": 0.5}
    plain = [{**row(name, note="again").plain(), "measured": measured} for name in ("file", "ports-one")]
    assert circumstances(plain).splitlines() == [
        "Measured 2026-11-23 on x86_64, 2 cores, Linux 6.18, Python 3.11.7; ldap3 2.9.1 (file, ports-one).",
        "- `file` (3 turns, load 0.5): floor: floor. End state: sha256sum. again.",
        "- `ports-one` (3 turns, load 0.5): floor: floor. End state: sha256sum. again.",
    ]


def test_what_is_pasted_into_a_page_takes_the_place_of_the_last(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Speed\n\n{BEGIN}\n{END}\nBelow.\n", encoding="utf-8")
    for text in ("old", "new"):
        paste(page, text)
    assert page.read_text(encoding="utf-8") == f"# Speed\n\n{BEGIN}\nnew\n{END}\nBelow.\n"


def test_the_page_shows_what_was_measured() -> None:
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    assert table(rows) in PAGE.read_text(encoding="utf-8"), "`python -m benchmarks --show` writes it again"
    assert {one["name"].partition("-")[0] for one in rows} == set(BENCHMARKS)


def test_every_name_has_its_module() -> None:
    modules = {path.stem.removeprefix("row_") for path in (Path(__file__).parents[2] / "benchmarks").glob("row_*.py")}
    assert modules == set(BENCHMARKS)
