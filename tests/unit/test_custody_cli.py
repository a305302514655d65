"""`provision custody`: booking by hand, the history, the list that a leaver signs, and every refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.ledger import CustodyRecord, CustodyTransfer
from provisioning.reports.custody import ReturnList, page
from provisioning.reports.holdings import Held, held
from provisioning.reports.texts import LANGUAGES, Texts
from provisioning.site.help_desk import Language
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.cli_office import HOSTILE, write_site
from tests.unit.html_pages import checked

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_site(tmp_path)


@pytest.fixture
def run(folder: Path) -> Callable[..., Result]:
    def words(*given: str) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(folder), "custody", *given])

    return words


def test_given_passed_on_and_taken_back(run: Callable[..., Result], folder: Path) -> None:
    assert "Nothing is booked yet" in run().output
    assert not Site.load(folder).has_ledger, "looking makes no ledger"
    given = run("give", "WS-0090", "--to", "E1042", "--document", "R-7", "--note", "loan")
    assert given.output == ("Booked: NW-20090 from store to E1042. Back: provision custody take NW-20090 --to store\n")
    passed = run("give", "NW-20090", "--to", "E1038")
    assert "from E1042 to E1038. Back: provision custody give NW-20090 --to E1042" in passed.output
    assert [(r["asset"], r["to"], r["name"]) for r in json.loads(run("--output", "json").stdout)] == [
        ("NW-20090", "E1038", "William Hart")
    ]
    assert "from E1038 to repair" in run("take", "NW-20090", "--to", "repair").output
    history = json.loads(run("WS-0090", "--output", "json").stdout)
    assert [(one["from"], one["to"], one["document"]) for one in history] == [
        ("store", "E1042", "R-7"), ("E1042", "E1038", None), ("E1038", "repair", None),
    ]  # fmt: skip
    assert "E1042 has now: nothing." in run("E1042").output
    assert "R-7" in run("Петрова").output
    assert "repair" in run().output
    assert json.loads(run("take", "NW-20090", "--output", "json").stdout)[0]["to"] == "store"
    assert "Nothing is booked" in run().output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("give", "NW-20091",), "Missing option '--to'"),
        (("give", "NW-2009", "--to", "E1042"), "the site has no PC or device 'NW-2009'; did you mean"),
        (("give", "NW-20091", "--to", "Nobody Atall"), "no person 'Nobody Atall'"),
        (("give", "NW-20091", "--to", "E1042", "--document", " "), "--document is empty"),
        (("give", "NW-20091", "--to", "E1042", "--note", ""), "--note is empty"),
        (("give", "NW-20090", "--to", "E1042"), "E1042 has NW-20090 already; nothing was changed"),
        (("give", "NW-20043", "--to", "E1042"), "NW-20043 is scrapped; if it is not: provision custody take NW-20043"),
        (("take", "NW-20091"), "NW-20091 is in store already; nothing was changed"),
        (("take", "NW-20091", "--to", "bin"), "'bin' is not one of 'store', 'repair', 'scrap'"),
        (("take", "NW-2009"), "did you mean"),
        (("take", "licence:crm/E1042"), "licence:crm/E1042 is a licence seat, which goes with its software"),
        (("E1O42",), "the site has no person, PC or device 'E1O42'; did you mean"),
        (("return-list", "Nobody Atall"), "no person 'Nobody Atall'"),
        (("return-list", "E1042", "--page", "x.pdf"), "expected a file name that ends in .html"),
    ],
)  # fmt: skip
def test_what_cannot_be_booked_is_said_and_nothing_is(
    run: Callable[..., Result], folder: Path, words: tuple[str, ...], says: str
) -> None:
    run("give", "NW-20090", "--to", "E1042")
    run("take", "NW-20043", "--to", "scrap")
    Site.load(folder).ledger.hand_over([CustodyTransfer("licence:crm/E1042", "E1042")])
    before = Site.load(folder).ledger.custody()
    assert len(before) == 3
    done = run(*words)
    assert done.exit_code == 1, done.output
    assert says in done.stderr
    assert Site.load(folder).ledger.custody() == before


def test_the_return_list_has_what_is_booked_what_stands_there_and_what_the_ledger_gave(
    run: Callable[..., Result], folder: Path
) -> None:
    site = Site.load(folder)
    run("give", "NW-20090", "--to", "E1042", "--document", "R-7")
    site.ledger.allocate("licence:crm", ["1"], "E1042")
    site.ledger.allocate("extension:staff", ["1042"], "E1042")
    done = run("return-list", "E1042", "--page", "list.html")
    assert done.exit_code == 0, done.output
    found = json.loads(run("return-list", "Петрова", "--output", "json").stdout)
    assert [(one["sort"], one["name"], one["number"], one["document"], bool(one["since"])) for one in found] == [
        ("pc", "WS-0042", "NW-20042", None, False), ("pc", "WS-0090", "NW-20090", "R-7", True),
        ("equipment", "phone-204-3", "phone-204-3", None, False), ("licence", "crm", "", None, True),
        ("extension", "1042", "", None, True),
    ]  # fmt: skip
    own = checked(Path("list.html").read_text(encoding="utf-8")).own
    for words in ("Анна Петрова", "3 items to be returned", "R-7", "Licence seat: crm", "Extension 1042", "SIP-T46U"):
        assert words in own, words
    run("take", "NW-20042", "--to", "repair")
    names = [one["name"] for one in json.loads(run("return-list", "E1042", "--output", "json").stdout)]
    assert "WS-0042" not in names, "somebody booked it away: it is not hers"


def test_whoever_has_nothing_gets_a_list_that_says_so(run: Callable[..., Result]) -> None:
    done = run("return-list", "E1043", "--page", "x.html")
    assert (done.stdout, done.stderr) == ("Nothing is booked to E1043.\n", "The list to print is in x.html.\n")
    assert "Nothing is booked to this person." in Path("x.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_is_whole_and_signed_in_every_language(language: Language) -> None:
    site = load(EXAMPLE)
    record = CustodyRecord("NW-20042", "E1042", "R-7", id=1, at="2026-11-23T08:00:00.000+00:00")
    items = tuple(held(site, "E1042", [record], {"NW-20042": "E1042"}, ()))
    listed = ReturnList("1", "2", "3", date(2026, 12, 31), None, items)
    shown = checked(page(listed, site, Texts(language), AT))
    assert shown.language == language
    assert shown.html.count("<div>") >= 4
    if language == "ru":
        left = set(re.findall(r"[A-Za-z]{4,}", shown.own)) - {"EliteDesk"}
        assert left == set() or left <= {"phone"}, left
        assert "К возврату: 2 позиции" in shown.own


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_text_stays_text(language: Language) -> None:
    evil = f'"><script>alert(1)</script>&\u200f\u202e{HOSTILE}'
    site = load(EXAMPLE)
    one = Held("pc", evil, evil, evil, "2026-11-23T08:00:00.000+00:00", evil)
    items = (one, replace(one, sort="licence"), replace(one, sort="extension"), replace(one, sort="other"))
    shown = checked(page(ReturnList(evil, evil, evil, None, evil, items), site, Texts(language), AT))
    assert "script" not in shown.elements


def test_a_name_that_is_no_command_is_looked_up_and_help_is_help(run: Callable[..., Result]) -> None:
    assert "E1042 was never given anything." in run("E1042").output
    assert "NW-20090 was never given to anybody." in run("NW-20090").output
    shown = run("--help").output
    assert "return-list" in shown
    assert "  list " not in shown
