"""Words that lead nowhere, for every verb around requests, secrets and sites: a sentence that says what is wrong and
what was expected, exit code 1, and nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.requests_desk import GROUNDS, Desk, desk

__all__ = ["desk"]

CASES = [
    ("onboard", "name at least one person"),
    ("onboard E9999 --yes", "the site has no person 'E9999'"),
    ("onboard E1O42 --yes", "did you mean 'E1042'"),
    ("onboard E1042", "there is no terminal to ask on"),
    ("onboard E1042 --start", "requires an argument"),
    ("onboard E1042 --start 1.12.2099 --yes", "expected a time such as 2026-12-01T08:00"),
    ("onboard E1042 --start 2001-01-01 --yes", "has passed"),
    ("onboard E1042 E1043 --desk B-204-3 --yes", "cannot seat 2 people"),
    ("onboard E1042 --strat 2099-01-01", "No such option '--strat'"),
    ("onboard --from", "requires an argument"),
    ("onboard --from DIR --yes", "expected a file that ends in .csv"),
    ("onboard --from DIR/site.yml --yes", "expected a list of rows"),
    ("onboard --from DIR/none.csv --yes", "cannot be read"),
    ("onboard --from DIR/people.xlsx --yes", "people.xlsx: expected a file that ends in .csv"),
    ("onboard --from DIR/outlets.csv --yes", "there is no column 'outlet'"),
    ("due now", "unexpected extra argument"),
    ("due --output yaml", "'yaml' is not one of"),
    ("approve", "Missing argument 'REQUEST'"),
    ("approve one --reason x", "'one' is not a valid integer"),
    ("approve 0 --reason x", "0 is not in the range"),
    ("approve 99999999999999999999 --reason x", "is not in the range"),
    ("approve 7 --reason x", "has no request 7; `provision show requests` lists them"),
    ("approve 1", "Missing option '--reason'"),
    ("approve 1 --reason ''", "needs a reason"),
    ("approve 1 --reason x", "four eyes"),
    ("refuse 7 --reason x", "has no request 7"),
    ("refuse 1", "Missing option '--reason'"),
    ("refuse 1 --reason x", "four eyes"),
    ("cancel", "Missing argument 'REQUEST'"),
    ("cancel 7", "has no request 7"),
    ("cancel x", "'x' is not a valid integer"),
    ("requests --limit 0", "0 is not in the range"),
    ("requests 7", "unexpected extra argument"),
    ("show request", "say which one"),
    ("show request 7", "has no request 7"),
    ("handover nobody.here --show", "--show is for a terminal"),
    ("handover nobody.here --letter DIR/x.html", "no initial password of nobody.here waits"),
    ("handover ../../etc/passwd --letter DIR/x.html", "is not a login"),
    ("handover a b", "unexpected extra argument"),
    ("secrets", "Missing command"),
    ("secrets shwo", "No such command 'shwo'"),
    ("init", "Missing argument 'DIR'"),
    ("init DIR", "is not empty"),
    ("init DIR/site.yml", "is a file"),
    ("validate all", "unexpected extra argument"),
]


@pytest.mark.parametrize(("words", "expected"), CASES)
def test_what_leads_nowhere_says_so_and_changes_nothing(desk: Desk, words: str, expected: str) -> None:
    desk.office.grounds = GROUNDS
    desk.ok("onboard", "E1002", "--yes")
    before = (_files(desk.folder), desk.site.ledger.requests(), desk.site.ledger.worklog())
    split = [word.replace("DIR", str(desk.folder)).replace("''", "") for word in words.split(" ")]
    result = desk.run(*split)
    assert result.exit_code == 1, result.output
    assert expected in result.stderr
    assert "bug" not in result.stderr
    assert result.stderr.startswith(("Error: ", "Usage: ")), "a sentence, not a traceback"
    assert result.stdout == ""
    assert (_files(desk.folder), desk.site.ledger.requests(), desk.site.ledger.worklog()) == before
    assert (desk.touched, desk.site.runs()) == (False, [])


def _files(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_site_that_is_wrong_is_named_with_file_and_line_by_every_verb(desk: Desk) -> None:
    (desk.folder / "approvals.yml").write_text("approvals:\n  roles: {security: []}\n  groups: {IT-Suport: security}\n")
    for verb in (
        "validate",
        "requests",
        "due",
        "onboard E1042 --yes",
        "approve 1 --reason x",
        "handover",
        "secrets check",
    ):
        said = desk.refused(*verb.split())
        assert "approvals.yml:2: " in said
        assert "nobody has the role 'security'" in said
        assert "approvals.yml:3: " in said
        assert "did you mean 'IT-Support'?" in said
    assert not desk.touched
