"""The desk card: everything on one page in three languages, nothing of a password, hostile names stay text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.api import cards as api_cards
from provisioning.cli.program import PROGRAM
from provisioning.errors import RejectedError
from provisioning.reports.card import Card, Colleague, Desk, Folder, Page, Pc, page
from provisioning.reports.desk_picture import Place
from provisioning.reports.texts import LANGUAGES, Texts
from provisioning.resources.base import Address
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.user import User
from provisioning.resources.mail.mailbox import Mailbox
from provisioning.site import Inventory
from provisioning.site.help_desk import HelpDesk, Language
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.cli_office import HOSTILE, write_site
from tests.unit.html_pages import checked
from tests.unit.whole_office import WholeOffice, whole_office

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EVIL = f'"><script>alert(1)</script>&\u200f\u202e{HOSTILE}'

LATIN = {
    "intranet", "outlook", "thunderbird", "imap", "smtp", "windows", "upn", "sip", "url", "corp", "example", "https",
}  # fmt: skip
"""Latin words that belong on a Russian card."""


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def card_of(site: Inventory) -> Card:
    """A card on which everything has something; its own words are numbers, so that every word left is a text's."""
    places = (Place("1-1", "2"), Place("1-2", None), Place("1-3", "3", here=True))
    return Card(
        person="1042", name="42", title="7", department="8", company="9", start=date(2026, 11, 30), login="1042",
        principal="1042@1", domain="11", handover="letter", addresses=("1042@2", "1042@3"), mail=site.mail,
        desk=Desk("1-3", "12", "204", "2-4", False, places, "46"), pc=Pc("0042", "20042", "800", (("5", "1.0"),)),
        extension="1042", telephone="+49 30 5550 1042", pages=(Page("77", "https://1.1/"),), printers=("\\\\1\\2",),
        home=Folder("\\\\1\\3", "H:"), shares=(Folder("\\\\1\\4", read_only=True),), signed_in=True,
        manager=Colleague("1001", "+49 1", "201"),
        help_desk=HelpDesk(name="99", phone="110", mail="1@corp.example", room="206", hours="8–18"), note=None,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_is_whole_in_every_language(example: Inventory, language: Language) -> None:
    shown = checked(page(card_of(example), Texts(language, "Europe/Berlin"), AT))
    assert shown.language == language
    for words in ("1042@1", "20042", "+49 30 5550 1042", "1042@3", "204", "H:", "mail.corp.example:993", "110"):
        assert words in shown.own, words
    assert "@page { size: A4" in shown.html
    assert shown.elements.count("svg") == 2


def test_nothing_english_is_left_on_a_russian_card(example: Inventory) -> None:
    own = checked(page(card_of(example), Texts("ru", "Europe/Berlin"), AT)).own
    left = {word.lower() for word in re.findall(r"[A-Za-z]{3,}", own)}
    assert left <= LATIN | {"mail"}, left


def test_nothing_english_is_left_on_a_french_card(example: Inventory) -> None:
    french, english = (
        {text for _, text in checked(page(card_of(example), Texts(language), AT)).texts if re.search(r"[a-z]{3}", text)}
        for language in ("fr", "en")
    )
    assert {text for text in french & english if not re.search(r"https://|@|:\d", text)} <= {"Intranet", "mot"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_text_stays_text(example: Inventory, language: Language) -> None:
    card = card_of(example)
    evil = replace(
        card, person=EVIL, name=EVIL, title=EVIL, department=EVIL, company=EVIL, login=EVIL, principal=EVIL,
        domain=EVIL, addresses=(EVIL, EVIL), extension=EVIL, telephone=EVIL, printers=(EVIL,), note=EVIL,
        desk=Desk(EVIL, EVIL, EVIL, EVIL, False, (Place(EVIL, EVIL, here=True),), EVIL, EVIL),
        pc=Pc(EVIL, EVIL, EVIL, ((EVIL, EVIL),)), home=Folder(EVIL, EVIL), shares=(Folder(EVIL),),
        manager=Colleague(EVIL, EVIL, EVIL), pages=(Page(EVIL, "https://1.1/"),),
        help_desk=HelpDesk.model_construct(name=EVIL, phone=EVIL, mail=EVIL, room=EVIL, hours=EVIL, url=None),
    )  # fmt: skip
    shown = checked(page(evil, Texts(language), AT))
    assert "script" not in shown.elements
    assert "\\u202e" in shown.html, "what cannot be seen is shown as an escape"


def test_what_is_not_there_is_not_spoken_of(example: Inventory) -> None:
    bare = replace(
        card_of(example), company=None, start=None, desk=None, pc=None, extension=None, telephone=None, pages=(),
        printers=(), home=None, shares=(), manager=None, help_desk=None, addresses=(), signed_in=False,
    )  # fmt: skip
    shown = checked(page(bare, Texts("en"), AT)).own
    assert "Your desk is not fixed yet" in shown
    assert "No PC stands at this desk yet." in shown
    assert "Ask your manager whom to call." in shown
    for words in ("Telephone", "Mail", "Intranet", "Files", "Printers", "First day\n", "None"):
        assert words not in shown, words
    assert "wiki" in checked(page(replace(bare, note="see the wiki"), Texts("en"), AT)).own


@pytest.mark.parametrize(
    ("handover", "says"), [("file", "in person, once"), ("letter", "in a letter"), ("age", "encrypted")]
)
def test_how_the_password_comes_is_what_the_site_says(example: Inventory, handover: str, says: str) -> None:
    own = checked(page(replace(card_of(example), handover=handover), Texts("en"), AT)).own
    assert says in own
    assert "from 99" in own


def test_the_telephone_is_spoken_of_as_it_stands(example: Inventory) -> None:
    card = card_of(example)
    assert card.desk is not None

    def own(desk: Desk) -> str:
        return checked(page(replace(card, desk=desk), Texts("en"), AT)).own

    assert "(46) is set up with your number" in own(card.desk)
    assert "used by everybody who sits there" in own(replace(card.desk, shared=True))
    assert "No telephone stands on your desk" in own(replace(card.desk, telephone=None))
    assert "Wall outlet 9-9" in own(replace(card.desk, telephone_outlet="9-9"))


def test_of_a_large_room_the_desks_around_are_drawn(example: Inventory) -> None:
    places = tuple(Place(f"9-{n:03}", None, here=n == 150) for n in range(300))
    card = card_of(example)
    assert card.desk is not None
    own = checked(page(replace(card, desk=replace(card.desk, places=places)), Texts("en"), AT)).own
    assert re.findall(r"^9-\d+$", own, re.M) == [f"9-{n}" for n in range(146, 154)]


# ----------------------------------------------------------------------------------------------------- the verb


class Directory:
    """What the directory has: two accounts."""

    def __init__(self) -> None:
        self.users = {
            "anna.petrova": User(
                user_principal_name="anna.petrova@corp.example", telephone="+49 30 5550 1042", ip_phone="1042",
                home_folder="\\\\dc1.corp.example\\homes$\\anna.petrova", home_drive="H:",
            ),
            "hannah.brandt": User(telephone="+49 30 5550 1001"),
        }  # fmt: skip
        self.accounts = [Account("anna.petrova", "E1042", "", ""), Account("hannah.brandt", "E1001", "", "")]

    def session(self, _: str) -> Any:
        @contextmanager
        def opened() -> Iterator[Directory]:
            yield self

        return opened()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = Directory()

    @contextmanager
    def reading(*_: Any) -> Iterator[Directory]:
        yield directory

    class Users:
        def read(self, _: Any, keys: Sequence[str]) -> dict[str, User]:
            return {key: directory.users[key] for key in keys}

    class Mailboxes:
        def read(self, _: Any, keys: Sequence[str]) -> dict[str, Mailbox]:
            boxes = ("SMTP:anna.petrova@corp.example", "smtp:a.ivanova@corp.example")
            return {"anna.petrova": Mailbox(mail="anna.petrova@corp.example", proxy_addresses=boxes)}

    def found(_: Any, *, employee_ids: Sequence[str]) -> list[Account]:
        return [one for one in directory.accounts if one.employee_id in employee_ids]

    monkeypatch.setattr(Site, "reading", reading)
    monkeypatch.setattr(api_cards, "read_accounts", found)
    monkeypatch.setattr(api_cards, "USER", Users())
    monkeypatch.setattr(api_cards, "MAILBOX", Mailboxes())
    monkeypatch.chdir(tmp_path)
    return write_site(tmp_path)


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(PROGRAM, ["--site", str(folder), *words])


def test_the_verb_writes_what_site_and_directory_say(folder: Path) -> None:
    done = run(folder, "card", "E1042")
    assert (done.exit_code, done.stderr) == (0, "The card of Анна Петрова is in card-E1042.html.\n")
    own = checked(Path("card-E1042.html").read_text(encoding="utf-8")).own
    for words in (
        "Welcome, Анна Петрова!", "B-204-3", "anna.petrova@corp.example", "a.ivanova@corp.example", "SIP-T46U",
        "WS-0042", "NW-20042", "Meridian CRM Client", "\\\\print.corp.example\\B2-Sales", "H:", "departments\\Sales",
        "Sales desk", "Hannah Brandt", "B-201", "IT Support", "William", "Wall outlet B2-04C", "Monday, 30 November",
    ):  # fmt: skip
        assert words in own, words
    assert not (folder / "lab" / "ledger.sqlite").exists(), "a card makes no ledger"


def test_the_language_is_the_person_s_then_the_site_s(folder: Path) -> None:
    people = (folder / "people.csv").read_text(encoding="utf-8")
    assert run(folder, "card", "E1042", "--language", "fr").exit_code == 0
    assert "Bienvenue" in Path("card-E1042.html").read_text(encoding="utf-8")
    lines = people.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("person,"))
    marked = [line + ",language" if i == head else line + (",ru" if line.startswith("E1042") else ",") if i > head
              else line for i, line in enumerate(lines)]  # fmt: skip
    (folder / "people.csv").write_text("\n".join(marked) + "\n", encoding="utf-8")
    assert run(folder, "card", "E1042", "--output", "her.html").exit_code == 0
    assert 'lang="ru"' in Path("her.html").read_text(encoding="utf-8")
    (folder / "people.csv").write_text(people, encoding="utf-8")
    site = (folder / "site.yml").read_text(encoding="utf-8")
    (folder / "site.yml").write_text(site.replace("\nlanguage: en\n", "\nlanguage: fr\n"), encoding="utf-8")
    assert run(folder, "card", "E1042", "--output", "his.html").exit_code == 0
    assert 'lang="fr"' in Path("his.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("card", "E1024"), "no person 'E1024'"),
        (("card", "E1011"), "E1011 has no account yet, so there is nothing to put on a card; run `provision onboard"),
        (("card", "E1042", "--output", "x.txt"), "--output x.txt: expected a file name that ends in .html"),
        (("card", "E1042", "--output", "no/x.html"), "there is no folder no; create it first"),
        (("card", "E1042", "--language", "de"), "'de' is not one of 'en', 'fr', 'ru'"),
        (("onboard", "E1042", "E1043", "--yes", "--card", "x.html"), "--card x.html: expected a folder that exists"),
        (("onboard", "E1042", "--yes", "--card", "x.txt"), "expected a file name that ends in .html, or a folder"),
        (("onboard", "E1042", "--start", "2030-01-01", "--yes", "--card", "x.html"), "--card goes with what is"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_nothing_is_written(folder: Path, words: tuple[str, ...], says: str) -> None:
    done = run(folder, *words)
    assert done.exit_code == 1, done.output
    assert says in done.stderr
    assert list(Path().glob("*.html")) == []


def test_who_has_left_gets_no_card(folder: Path) -> None:
    site = Site.load(folder)
    person = site.inventory.people["E1042"].model_copy(update={"left": date(2026, 11, 1)})
    left = Site(site.inventory.model_copy(update={"people": {**site.inventory.people, "E1042": person}}))
    with pytest.raises(Exception, match="E1042 has left on 2026-11-01, and needs no card; provision reinstate E1042"):
        api_cards.cards(left, "E1042")


def test_seated_elsewhere_the_card_says_so_and_who_has_no_account_is_left_out(folder: Path) -> None:
    found = api_cards.cards(Site.load(folder), "E1042", desks={"E1042": "B-204-2"})
    assert [(one.desk.key, one.pc) for one in found if one.desk] == [("B-204-2", None)]
    assert [one.person for one in api_cards.cards(Site.load(folder), "E1042", "E1043", skip=True)] == ["E1042"]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    yield from whole_office(tmp_path, monkeypatch)


def test_a_file_of_new_colleagues_gets_a_card_for_each_who_has_an_account(office: WholeOffice, tmp_path: Path) -> None:
    office.has_account("E1001", "hannah.brandt")
    account = Address("directory.user", "directory", "siobhan.obrien")
    office.store.refuses[account] = RejectedError("directory", "no")
    file, cards = tmp_path / "hires.csv", tmp_path / "cards"
    file.write_text("person,desk\nE1042,\nE1043,B-204-2\nE9999,\nE1011,\n", encoding="utf-8")
    refused = office.run("onboard", "--from", str(file), "--card", str(cards), "--yes")
    assert (refused.exit_code, "expected a folder that exists" in refused.stderr) == (1, True)
    assert office.store.applied == []
    cards.mkdir()
    done = office.run("onboard", "--from", str(file), "--card", str(cards), "--yes")
    assert done.exit_code == 3, done.output
    assert sorted(one.name for one in cards.iterdir()) == ["card-E1042.html", "card-E1043.html"]
    assert "E1011 has no account yet, so no card was written: provision card E1011" in done.stderr
    own = checked((cards / "card-E1043.html").read_text(encoding="utf-8")).own
    assert "Welcome, Thu Hà Nguyễn!" in own
    assert "room B-204, desk B-204-2" in own, "the desk that the file gives"
