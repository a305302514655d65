"""The verbs, from words to exit code, on systems in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.cli import lab, progress
from provisioning.cli.program import PROGRAM, VERBS
from provisioning.errors import RejectedError
from provisioning.lab.office import Part
from provisioning.reports.document import ReportDocument
from provisioning.resources.base import Proof
from tests.memory import Thing
from tests.unit.cli_office import Office, install, write_site


@dataclass
class Shell:
    """Someone at the command line."""

    office: Office
    site: Path

    def run(self, *words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(self.site), *words], input=answer)

    def ok(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *words: str) -> str:
        """What is said on stderr by a command that must change nothing."""
        result = self.run(*words)
        assert result.exit_code == 1, result.output
        assert not self.office.a.applied
        assert not self.office.b.applied
        assert "Traceback" not in result.output
        assert "bug" not in result.stderr, result.stderr
        return result.stderr


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    opened: list[Site] = []
    load = Site.load

    def remember(folder: Path) -> Site:
        opened.append(load(folder))
        return opened[-1]

    monkeypatch.setattr(Site, "load", remember)
    office = Office()
    install(office, monkeypatch.setattr, monkeypatch.setitem)
    yield Shell(office, write_site(tmp_path))
    for site in opened:
        if "ledger" in vars(site):
            site.ledger.close()


# ------------------------------------------------------------------------------------------------------ plan


def test_plan_shows_changes_and_exits_2(shell: Shell) -> None:
    result = shell.run("plan")
    assert result.exit_code == 2
    assert "  + memory thing new\n      colour: blue\n      labels[team]: sales\n" in result.stdout
    assert "  ~ memory thing old\n      size: 1 → 2\n      labels[x]: 1 → –\n      labels[y]: – → 2\n" in result.stdout
    assert "Plan: 2 to create, 1 to change, 0 to delete, 0 unchanged." in result.stdout
    assert "Will be proven:\n  • the new thing is there\n" in result.stdout
    assert not shell.office.a.applied


def test_plan_of_nothing_exits_0(shell: Shell) -> None:
    shell.ok("apply", "--yes")
    assert "0 to create, 0 to change, 0 to delete, 3 unchanged." in shell.ok("plan", "onboard", "E1042")


def test_plan_with_a_target_that_is_off_exits_1_and_names_it(shell: Shell) -> None:
    shell.office.sessions.systems = {"a": shell.office.a}
    result = shell.run("plan")
    assert result.exit_code == 1
    assert "! b: nobody answers; is it switched on?" in result.stdout
    assert "1 target could not be read" in result.stdout


def test_a_saved_plan_is_carried_out(shell: Shell, tmp_path: Path) -> None:
    saved = tmp_path / "plan.json"
    result = shell.run("plan", "--save", str(saved), "--output", "json")
    assert json.loads(result.stdout) == json.loads(saved.read_text(encoding="utf-8"))
    assert "Run 1: done" in shell.ok("apply", str(saved), "--yes")
    assert shell.office.a.things["new"].colour == "blue"


# ----------------------------------------------------------------------------------- apply, onboard, undo


def test_onboard_applies_proves_and_says_how_to_undo(shell: Shell) -> None:
    shown = shell.ok("onboard", "E1042", "--yes")
    assert "✓ a: memory thing new created\n" in shown
    assert "Run 1: done — onboard E1042" in shown
    assert "Proofs: 1 of 1 passed\n  ✓ the new thing is there" in shown
    assert "provision undo 1" in shown
    assert shell.office.a.things["old"] == Thing(colour="red", size=2, labels={"y": "2"})


def test_the_second_onboard_finds_no_changes(shell: Shell) -> None:
    shell.ok("onboard", "E1042", "--yes")
    shown = shell.ok("onboard", "E1042", "--yes")
    assert "no changes" in shown
    assert "provision check" in shown
    assert "run 2" not in shell.ok("show", "runs")


def test_json_is_one_document_and_nothing_else(shell: Shell) -> None:
    first = ReportDocument.model_validate_json(shell.ok("onboard", "E1042", "--yes", "--output", "json"))
    assert (first.run, first.state, len(first.changes), first.proofs[0].passed) == (1, "done", 3, True)
    assert set(first.seconds) == {"plan", "apply", "prove"}
    second = ReportDocument.model_validate_json(shell.ok("onboard", "E1042", "--yes", "--output", "json"))
    assert (second.run, second.state, second.changes) == (None, "unchanged", [])


def test_report_files_are_written(shell: Shell, tmp_path: Path) -> None:
    shell.ok("onboard", "E1042", "--yes", "--report", str(tmp_path / "r.json"))
    report = ReportDocument.model_validate_json((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report.state == "done"
    assert "onboard E1042" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_failed_change_exits_3_and_says_why(shell: Shell) -> None:
    shell.office.b.refuses["far"] = RejectedError("b", "the system says no")
    result = shell.run("onboard", "E1042", "--yes")
    assert result.exit_code == 3
    assert "Run 1: partly done" in result.stdout
    assert "✗ memory thing far: the system says no" in result.stdout
    assert "To go on: provision resume" in result.stdout


def test_a_failed_proof_exits_3(shell: Shell) -> None:
    shell.office.proofs.append(Proof("memory.exists", "b", "nowhere is there", {"key": "nowhere"}))
    result = shell.run("onboard", "E1042", "--yes")
    assert result.exit_code == 3
    assert "✗ nowhere is there\n    b: it is not there" in result.stdout


def test_nothing_to_do_but_a_target_is_off_exits_3(shell: Shell) -> None:
    shell.ok("apply", "--yes")
    shell.office.sessions.systems = {"a": shell.office.a}
    result = shell.run("apply", "--yes")
    assert result.exit_code == 3
    assert "! b: nobody answers" in result.stdout


def test_undo_shows_asks_and_restores(shell: Shell) -> None:
    before = dict(shell.office.a.things)
    shell.ok("onboard", "E1042", "--yes")
    shown = shell.ok("undo", "1", "--yes")
    assert "  - memory thing new\n" in shown
    assert "Run 2: done — undo run 1: onboard E1042" in shown
    assert shell.office.a.things == before
    assert shell.office.b.things == {}
    assert "undone already" in _stderr(shell.run("undo", "1", "--yes"))
    assert "is itself the undoing of run 1" in _stderr(shell.run("undo", "2", "--yes"))


def test_the_answer_no_changes_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.cli.carrying._may_ask", lambda: True)
    result = shell.run("onboard", "E1042", answer="n\n")
    assert result.exit_code == 1
    assert "Apply these 3 changes? [y/N]" in result.stdout
    assert "Nothing was changed." in result.stderr
    assert not shell.office.a.applied


def test_the_question_goes_to_stderr_when_stdout_is_json(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.cli.carrying._may_ask", lambda: True)
    result = shell.run("onboard", "E1042", "--output", "json", answer="y\n")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["run"] == 1
    assert "Apply these 3 changes?" in result.stderr


def test_a_terminal_that_went_away_does_not_stop_the_work(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(progress.Watcher, "_show", broken)
    assert "Run 1: done" in shell.ok("onboard", "E1042", "--yes")


def _stderr(result: Result) -> str:
    assert result.exit_code == 1, result.output
    return result.stderr


# ------------------------------------------------------------------------------------- check, show, validate


def test_check(shell: Shell) -> None:
    result = shell.run("check", "E1042")
    assert result.exit_code == 3
    assert "✗ the new thing is there" in result.stdout
    shell.office.a.things["new"] = Thing()
    assert "Proofs: 1 of 1 passed" in shell.ok("check", "E1042", "B-204-3")
    assert ReportDocument.model_validate_json(shell.ok("check", "E1042", "--output", "json")).state == "passed"


def test_validate_counts(shell: Shell) -> None:
    assert "switches:       2" in shell.ok("validate")
    assert json.loads(shell.ok("validate", "--output", "json"))["switches"] == 2


def test_show_traces_an_outlet(shell: Shell) -> None:
    expected = "B2-04C → panel P1 port 12 in C-B2 → sw-b2-1 GigabitEthernet1/0/12"
    for words in (
        ("outlet", "B2-04C"),
        ("workplace", "B-204-3"),
        ("person", "E1042"),
        ("workstation", "WS-0042"),
    ):
        assert expected in shell.ok("show", *words), words
        assert json.loads(shell.ok("show", *words, "--output", "json"))["trace"] == expected
    assert "no patch cable" in shell.ok("show", "outlet", "B2-01B")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "corp.example"),
        (("people",), "Анна Петрова"),
        (("workplaces",), "B-204-3"),
        (("workstations",), "WS-0042"),
        (("outlets",), "B2-04C"),
        (("switches",), "sw-b2-2"),
        (("vlans",), "10.20.20.0/24"),
        (("profiles",), "Sales representative"),
        (("software",), "CRM Client"),
        (("switch", "sw-b2-1"), "GigabitEthernet1/0/12"),
        (("profile", "sales"), "OU=Sales"),
        (("package", "crm-client"), "4.2.0"),
        (("runs",), "none"),
    ],
)
def test_show(shell: Shell, words: tuple[str, ...], expected: str) -> None:
    assert expected in shell.ok("show", *words)
    json.loads(shell.ok("show", *words, "--output", "json"))
    assert not (shell.site.parent / "lab").exists(), "looking must not create a ledger"


def test_show_run_and_runs(shell: Shell) -> None:
    shell.ok("onboard", "E1042", "--yes")
    assert "onboard E1042" in shell.ok("show", "runs")
    assert "Run 1: done" in shell.ok("show", "run", "1")
    assert json.loads(shell.ok("show", "run", "1", "--output", "json"))["run"] == 1
    assert "onboard E1042" in shell.ok("show", "person", "E1042")
    assert "onboard E1042" in shell.ok("show")


def test_show_says_where_the_initial_password_waits(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.cli.carrying.ACCOUNT", "memory.thing")
    file = shell.site.parent / "lab" / "handover" / "new.initial-password"
    file.parent.mkdir(parents=True)
    file.write_text("canary-Xq7\n")
    shown = shell.ok("onboard", "E1042", "--yes")
    assert "The initial password of new waits. To give it out, once: provision handover new\n" in shown
    assert f"(until then it is in {file})" in shown
    assert "canary-Xq7" not in shown + shell.ok("show", "run", "1", "--output", "json")


class Standing:
    """A lab of two servers."""

    def __init__(self, *running: bool) -> None:
        self.running = running

    def status(self) -> list[Part]:
        return [Part(f"server{i}", running, "127.77.9.10") for i, running in enumerate(self.running)]

    def down(self, say: Callable[[str], None]) -> None:
        say("server0: stopped\x1b[2J")


@pytest.mark.parametrize(("running", "code"), [((True, True), 0), ((True, False), 3)])
def test_lab_status(shell: Shell, monkeypatch: pytest.MonkeyPatch, running: tuple[bool, ...], code: int) -> None:
    monkeypatch.setattr(lab, "standing", lambda number: Standing(*running) if number == 9 else None)
    result = shell.run("lab", "status", "--number", "9")
    assert result.exit_code == code
    assert "server0  yes      127.77.9.10" in result.stdout
    rows = json.loads(shell.run("lab", "status", "--number", "9", "--output", "json").stdout)
    assert [row["running"] for row in rows] == list(running)
    assert shell.ok("lab", "down", "--number", "9") == "server0: stopped\\x1b[2J\n"


def test_lab_site_writes_a_copy_for_another_number(shell: Shell, tmp_path: Path) -> None:
    shown = shell.ok("lab", "site", str(tmp_path / "copy"), "--number", "9")
    assert "lab up --number 9" in shown
    assert "127.77.9.10" in (tmp_path / "copy" / "site.yml").read_text(encoding="utf-8")
    assert "is not empty" in shell.refused("lab", "site", str(tmp_path / "copy"), "--number", "9")


def test_init_writes_a_site_that_validates(shell: Shell, tmp_path: Path) -> None:
    assert "site.yml" in shell.ok("init", str(tmp_path / "new"))
    assert CliRunner().invoke(PROGRAM, ["--site", str(tmp_path / "new"), "validate"]).exit_code == 0
    assert "is not empty" in shell.refused("init", str(tmp_path / "new"))


# ------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("plna",), "did you mean 'plan'"),
        (("xyzzy",), "the verbs are validate"),
        (("plan", "--sit", "x"), "No such option"),
        (("plan", "--site", "x"), "--site goes before the verb"),
        (("plan", "E1042"), "there is no procedure 'E1042'; expected: provision plan onboard PERSON"),
        (("plan", "equipment"), r"provision plan connect [NAME…] or provision plan publish"),
        (("plan", "connect", "printer-sale"), "did you mean 'printer-sales'"),
        (("plan", "connect", "printer-sales", "--desk", "B-204-3"), "--desk and --with go with a person"),
        (("plan", "publish", "mail"), "publish takes no names, and 'mail' is one"),
        (("connect", "nothing-like-it", "--yes"), "the site has no equipment 'nothing-like-it'"),
        (("connect", "printer-sales"), "add --yes"),
        (("publish", "mail", "--yes"), "unexpected extra argument"),
        (("publish",), "add --yes"),
        (("plan", "onboard"), "name at least one person"),
        (("plan", "onboard", "E1O42"), "did you mean 'E1042'"),
        (("plan", "--desk", "B-204-3"), "--desk and --with go with a person"),
        (("plan", "--with", "x"), "--desk and --with go with a person"),
        (("plan", "onboard", "E1042", "E1043", "--desk", "B-204-3"), "cannot seat 2 people"),
        (("plan", "--output", "yaml"), "'yaml' is not one of"),
        (("plan", "--save", "/nowhere/plan.json"), "there is no folder /nowhere"),
        (("plan", "--save", "/"), "this is a folder"),
        (("onboard",), "name at least one person"),
        (("onboard", "E1O42", "--yes"), "did you mean 'E1042'"),
        (("onboard", "E1042"), "add --yes"),
        (("onboard", "E1042", "--output", "json"), "add --yes"),
        (("onboard", "E1042", "E1043", "--desk", "B-204-3", "--yes"), "cannot seat 2 people"),
        (("onboard", "E1042", "--yes", "--report", "/nowhere/r.json"), "there is no folder /nowhere"),
        (("onboard", "E1042", "--yes", "--report", "r.txt"), "ends in .json"),
        (("onboard", "E1042", "--yes", "--report", "/"), "ends in .json"),
        (("apply", "/nowhere/plan.json", "--yes"), "/nowhere/plan.json: No such file"),
        (("apply", "/", "--yes"), "Is a directory"),
        (("check",), "Missing argument"),
        (("check", "E1O42"), "did you mean 'E1042'"),
        (("check", "E1042", "E1043", "--desk", "B-204-3"), "cannot seat 2 people"),
        (("undo",), "Missing argument"),
        (("undo", "last"), "'last' is not a valid integer"),
        (("undo", "0", "--yes"), "not in the range"),
        (("undo", "99", "--yes"), "no run 99"),
        (("show", "peple"), "did you mean 'people'"),
        (("show", "person"), "say which one"),
        (("show", "people", "E1042"), "takes no name"),
        (("show", "person", "E1O42"), "did you mean 'E1042'"),
        (("show", "outlet", "B2-4C"), "did you mean 'B2-04C'"),
        (("show", "switch", "sw-b2-9"), "did you mean 'sw-b2-"),
        (("show", "run", "seven"), "'seven' is not the number of a run"),
        (("show", "run", "99"), "no run 99"),
        (("show", "run", "9" * 30), "is not the number of a run"),
        (("undo", "9" * 30, "--yes"), "not in the range"),
        (("validate", "extra"), "unexpected extra argument"),
        (("lab", "up", "--number", "300"), "not in the range"),
        (("lab", "start"), "No such command"),
    ],
)
def test_bad_input_is_refused(shell: Shell, words: tuple[str, ...], expected: str) -> None:
    assert expected in shell.refused(*words)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff\xfe", b'{"format": 1}', b'{"format": 2, "changes": []}', b"[" * 100_000],
)
def test_a_file_that_is_no_plan_is_refused(shell: Shell, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.json").write_bytes(content)
    assert "not a plan that `provision plan --save FILE` wrote" in shell.refused(
        "apply", str(tmp_path / "p.json"), "--yes"
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plan: plan.update(format=2),
        lambda plan: plan.update(more=1),
        lambda plan: plan["changes"][0].update(kind="memory.nothing"),
        lambda plan: plan["changes"][0]["after"].update(colour=5),
        lambda plan: plan["changes"][0].update(requires=[["one"]]),
    ],
)
def test_a_spoilt_plan_is_refused(shell: Shell, tmp_path: Path, spoil: Any) -> None:
    saved = tmp_path / "p.json"
    shell.run("plan", "--save", str(saved))
    plan = json.loads(saved.read_text(encoding="utf-8"))
    spoil(plan)
    saved.write_text(json.dumps(plan), encoding="utf-8")
    assert "not a plan that `provision plan --save FILE` wrote" in shell.refused("apply", str(saved), "--yes")


def test_broken_yaml_is_named_by_file_and_line(shell: Shell) -> None:
    (shell.site / "network.yml").write_text("network:\n  vlans: [\n", encoding="utf-8")
    for words in (
        ("validate",),
        ("plan",),
        ("onboard", "E1042", "--yes"),
        ("check", "E1042"),
        ("show",),
        ("undo", "1", "--yes"),
    ):
        assert f"{shell.site / 'network.yml'}:" in shell.refused(*words)


def test_validate_names_every_problem_on_its_own_line(shell: Shell) -> None:
    people = shell.site / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").replace(",sales,", ",sails,"), encoding="utf-8")
    lines = shell.refused("validate").splitlines()
    assert len(lines) > 2
    assert all(line.startswith(f"{people}:") for line in lines[:-1])
    assert lines[-1] == f"{len(lines) - 1} problems. Nothing was changed."


def test_no_site_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROVISION_SITE", raising=False)
    result = CliRunner().invoke(PROGRAM, ["validate"])
    assert (result.exit_code, "provision init DIR" in result.stderr) == (1, True)
    result = CliRunner().invoke(PROGRAM, ["--site", "nowhere", "validate"])
    assert (result.exit_code, "there is no such folder" in result.stderr) == (1, True)


def test_the_site_is_found_here_in_the_environment_and_below(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISION_SITE", raising=False)
    monkeypatch.chdir(shell.site)
    assert CliRunner().invoke(PROGRAM, ["validate"]).exit_code == 0
    monkeypatch.chdir(shell.site.parent)
    assert CliRunner().invoke(PROGRAM, ["validate"], env={"PROVISION_SITE": "site"}).exit_code == 0
    (shell.site.parent / "inventories").mkdir()
    shell.site.rename(shell.site.parent / "inventories" / "example")
    assert "inventories/example" in CliRunner().invoke(PROGRAM, ["validate"]).stdout


# -------------------------------------------------------------------------------------- hostile text, bugs


def test_nothing_that_a_terminal_obeys_gets_through(shell: Shell) -> None:
    shell.office.warnings = ("warn\x1b[2J",)
    shell.office.b.refuses["far"] = RejectedError("b", "no\x1b[2J\r\nRun 1: done\x9b")
    outputs = [
        shell.run("plan"),
        shell.run("plan", "--output", "json"),
        shell.run("onboard", "E1042", "--yes"),
    ]
    outputs += [
        shell.run("show", "run", "1"),
        shell.run("show", "run", "1", "--output", "json"),
        shell.run("pl\x1b[2J"),
    ]
    for result in outputs:
        shown = result.stdout + result.stderr
        assert shown.replace("\n", "").isprintable(), repr(shown)
        assert "\nRun 1: done" not in shown
        assert "\nError: forged" not in shown


def test_a_bug_is_one_line_and_verbose_says_where(shell: Shell) -> None:
    shell.office.wanted = [None]  # type: ignore[list-item]
    result = shell.run("plan")
    assert result.exit_code == 1
    assert "this is a bug in provision: AttributeError" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    result = CliRunner().invoke(PROGRAM, ["-v", "--site", str(shell.site), "plan"])
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("verb", [*VERBS, "lab up", "lab down", "lab status", "lab site"])
def test_every_verb_has_help(verb: str) -> None:
    for option in ("-h", "--help"):
        result = CliRunner().invoke(PROGRAM, [*verb.split(), option])
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: provision " + verb.split(maxsplit=1)[0])


def test_help_lists_every_verb() -> None:
    shown = CliRunner().invoke(PROGRAM, ["--help"]).stdout
    assert all(f"  {verb} " in shown for verb in VERBS)
