"""Plans and reports as people read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioning.errors import UnreachableError
from provisioning.ledger import Amendment, Books, CustodyTransfer
from provisioning.reports import listing, run_page, text, words
from provisioning.reports.document import ChangeReport, Difference, ProofReport, ReportDocument, WaitingReport
from provisioning.reports.texts import Texts
from provisioning.resources.base import Address, Change, State
from tests.memory import Thing

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e"


def report(**changes: Any) -> ReportDocument:
    """A report in which everything has something in it."""
    plain: dict[str, Any] = {
        "title": "onboard E1042", "run": 7, "state": "partial", "warnings": ["no manager yet"],
        "unread": {"windows:WS-0043": "nobody answers"},
        "handover": {"anna.petrova": "/h/anna.petrova.initial-password"},
        "changes": [
            ChangeReport(
                kind="switch.port", target="switch:sw-b2-1", key="GigabitEthernet1/0/12", action="update",
                state="verified", error=None, before={"access_vlan": 1}, after={"access_vlan": 20},
                differences=[Difference(field="access_vlan", old=1, new=20)],
            ),
            ChangeReport(
                kind="windows.package", target="windows:WS-0042", key="CRM Client", action="create",
                state="failed", error="windows:WS-0042: exit code 1603", before=None,
                after={"version": "4.2.0"},
                differences=[Difference(field="version", old=None, new="4.2.0")],
            ),
        ],
        "proofs": [
            ProofReport(
                kind="mail.delivery", name="mail arrives", target="mail", passed=True, detail="read after 0.4 s"
            ),
            ProofReport(kind="windows.package", name="CRM is there", target="windows:WS-0042", passed=False,
                detail="windows:WS-0042: no"),
        ],
        "seconds": {"plan": 1.0, "apply": 2.5}, "started": "2026-11-30T08:00:00+00:00",
        "finished": None, "who": "root",
    }  # fmt: skip
    return ReportDocument(**{**plain, **changes})


def test_the_report_as_text() -> None:
    assert text.report(report()).plain == (
        "Run 7: partly done — onboard E1042 (plan 1.0 s, apply 2.5 s)\n"
        "\n"
        "! windows:WS-0043: nobody answers\n"
        "  What is there is unknown, so it is left out. Run this again once it answers.\n"
        "\n"
        "Warning: no manager yet\n"
        "\n"
        "Changes:\n"
        "  switch:sw-b2-1: 1 done\n"
        "  windows:WS-0042: 1 failed\n"
        "    ✗ package CRM Client: exit code 1603\n"
        "\n"
        "Proofs: 1 of 2 passed\n"
        "  ✓ mail arrives\n"
        "  ✗ CRM is there\n"
        "    windows:WS-0042: no\n"
        "\n"
        "The initial password of anna.petrova waits. To give it out, once: provision handover anna.petrova\n"
        "  (until then it is in /h/anna.petrova.initial-password)\n"
        "\n"
        "What was done is kept. To go on: provision resume 7; or take it back: provision undo 7"
    )


@pytest.mark.parametrize(
    ("state", "undoes", "expected"),
    [
        ("done", None, "To take it back: provision undo 7"),
        ("interrupted", None, "To go on: provision resume 7; or take it back: provision undo 7"),
        ("waiting", None, "provision resume 7 (--now: all of it); or take it back: provision undo 7"),
        ("interrupted", 3, "To try the rest again: provision undo 3"),
        ("partial", 3, "To try the rest again: provision undo 3"),
        ("undone", None, "done, and taken back since"),
    ],
)
def test_what_to_do_next(state: str, undoes: int | None, expected: str) -> None:
    assert expected in text.report(report(state=state, undoes=undoes)).plain


def test_a_plan_as_text() -> None:
    class Planned:
        title = "a plan"
        changes: tuple[Change[State], ...] = (
            Change(
                Address("switch.port", "switch:s", "Gi1/0/1"),
                Thing(colour="a" * 300 + "x"),
                Thing(colour="a" * 300 + "y"),
            ),
            Change(Address("windows.package", "windows:W", "Tool"), Thing(size=1), None),
        )
        proofs = ()
        warnings = ("mind this",)
        unread = {"windows:V": UnreachableError("windows:V", "nobody answers")}  # noqa: RUF012
        resources = 5
        grounds = {"security": ("E1 joins the group Kings", "E2 joins it")}  # noqa: RUF012
        lines = {changes[0].address: ("interface Gi1/0/1", "description y")}  # noqa: RUF012
        books = Books(
            ((Amendment("people", "E1", "workplace", "B-2"), "B-1"),),
            (CustodyTransfer("AT-1", "E1"), CustodyTransfer("licence:crm/E1", "E1")),
        )
        undoes: int | None = None

    assert "      typed on the device:\n        interface Gi1/0/1\n" in text.plan(Planned(), lines=True).plain
    shown = text.plan(Planned()).plain
    assert "typed" not in shown
    assert "switch:s  (network switch)\n  ~ port Gi1/0/1\n" in shown
    assert "      colour: …" + "a" * 20 + "x → …" + "a" * 20 + "y\n" in shown
    assert "windows:W  (Windows PC)\n  - package Tool\n      size: 1\n" in shown
    assert "! windows:V: nobody answers" in shown
    assert "Warning: mind this" in shown
    assert "Plan: 0 to create, 1 to change, 1 to delete, 3 unchanged; 1 target could not be read." in shown
    assert "Will be proven" not in shown
    assert (
        "files say it):\n  people E1: workplace B-1 → B-2\n  AT-1 goes to E1\n  the licence seat crm goes to E1\n"
        in shown
    )
    assert shown.endswith("Needs approval:\n  security: E1 joins the group Kings; E2 joins it")
    Planned.undoes = 7
    assert "To be taken back in the ledger:\n  people E1: workplace B-1 → B-2\n" in text.plan(Planned()).plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (True, "yes"),
        (False, "no"),
        ("", '""'),
        (" x", '" x"'),
        ("Zoé Петрова", "Zoé Петрова"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        (["a", "b"], "a, b"),
        ([], "none"),
        ({"type": "REG_SZ", "data": "https://x"}, "https://x"),
        ({"type": "REG_DWORD", "data": 1}, "1 (REG_DWORD)"),
        ({"a": 1, "b": None}, "a 1, b –"),
        (20, "20"),
    ],
)
def test_values_for_people(value: Any, expected: str) -> None:
    assert words.value_words(value) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [("x" * 400 + "a", "x" * 400 + "b"), (1, "1"), ([1, 2], "1, 2"), (None, "–"), ("a" * 500, "a" * 501)],
)
def test_two_values_that_differ_never_look_the_same(old: Any, new: Any) -> None:
    one, other = words.short_pair(old, new)
    assert one != other
    assert max(len(one), len(other)) <= words.WIDEST + 2


@pytest.mark.parametrize(
    "text_", ["\x00", "\x1b]0;x\x07", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800", "\u200b", "\U000e0001"]
)
def test_safe_and_json_let_nothing_through_that_cannot_be_seen(text_: str) -> None:
    assert words.safe(text_).isprintable()
    assert words.safe(f"a{text_}\nb", lines=True).replace("\n", "").isprintable()
    shown = words.to_json({"x": text_, "Анна": 1})
    assert shown.replace("\n", "").isprintable()
    assert json.loads(shown) == {"x": text_, "Анна": 1}
    assert "Анна" in shown


def test_a_listing_keeps_its_columns_under_each_other() -> None:
    shown = listing.as_text([{"name": "李雷", "port": 1}, {"name": "O'Brien", "port": None}]).plain
    assert shown.splitlines() == ["name     port", "李雷     1", "O'Brien  –"]


def test_the_page_is_self_contained_and_escapes() -> None:
    shown = run_page.render(
        report(
            title=HOSTILE, warnings=[HOSTILE], unread={HOSTILE: HOSTILE}, handover={HOSTILE: HOSTILE},
            who=HOSTILE, seconds={HOSTILE: 1.0},
            proofs=[ProofReport(kind="k", name=HOSTILE, target=HOSTILE, passed=False, detail=HOSTILE)],
            changes=[
                ChangeReport(
                    kind=HOSTILE, target=HOSTILE, key=HOSTILE, action=action, state="failed", error=HOSTILE,
                    before=None, after=None,
                    differences=[Difference(field=HOSTILE, old=HOSTILE, new={HOSTILE: HOSTILE})],
                )
                for action in ("create", "update", "delete")
            ],
        ),
        Texts("en"),
    )  # fmt: skip
    assert "<script" not in shown.casefold()
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "http" not in shown.replace("http-equiv", "")
    assert "src=" not in shown.replace("default-src", "").replace("style-src", "")


@pytest.mark.parametrize(
    "state", ["unchanged", "running", "done", "partial", "interrupted", "undone", "passed", "failed"]
)
def test_every_state_can_be_shown(state: str) -> None:
    empty = report(state=state, changes=[], proofs=[], warnings=[], unread={}, handover={}, seconds={}, run=None)
    assert text.report(empty).plain
    assert "onboard E1042" in run_page.render(empty, Texts("en"))


def test_what_is_waited_for_is_on_the_page_and_in_the_text() -> None:
    waiting = WaitingReport(
        target="windows:WS-0043", reason="nobody answers <here>", attempts=2, since="2026-11-30T08:00:00.000+00:00",
        next_try="2026-11-30T09:00:00.000+00:00", deadline="2026-12-07T08:00:00.000+00:00",
    )  # fmt: skip
    waits = report(state="waiting").model_copy(update={"waiting": [waiting]})
    shown = text.report(waits).plain
    assert "… windows:WS-0043: nobody answers <here>" in shown
    assert "2 tries in vain, next on 2026-11-30 09:00 UTC, given up on 2026-12-07 08:00 UTC" in shown
    page = run_page.render(waits, Texts("en", "UTC"))
    assert "nobody answers &lt;here&gt;" in page
    assert "(2 tries so far; next try 30 Nov 2026, 09:00; given up on 7 Dec 2026, 08:00)" in page


@pytest.mark.parametrize(("kind", "is_told"), [("windows.user_data", True), ("windows.package", False)])
def test_a_passed_transfer_says_how_much_it_was(kind: str, is_told: bool) -> None:
    passed = ProofReport(kind=kind, name="data of anna", target="t", passed=True, detail="from A: 2 files, 5 MB/s")
    assert ("✓ data of anna: from A: 2 files, 5 MB/s" in text.proofs([passed]).plain) is is_told
