"""`provision rename`, on systems in memory: nobody's mail is lost, and nobody else gets a former name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.api import plan_making
from provisioning.errors import RejectedError, RequestError
from provisioning.ledger import Amendment
from provisioning.procedures.base import Changing
from provisioning.procedures.onboard import onboard
from provisioning.procedures.registry import from_plain
from provisioning.procedures.rename import Rename, rename
from provisioning.procedures.reprofile import reassign
from provisioning.procedures.together import Together
from provisioning.resources.base import Address
from tests.unit.whole_office import WholeOffice, whole_office

OLD, NEW = "anna.petrova@corp.example", "anna.sokolova@corp.example"
OLD_ALIAS = "anna.petrova@mail.corp.example"  # made of the login, which stays
HERS = {OLD: "E1042", OLD_ALIAS: "E1042"}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    yield from whole_office(tmp_path, monkeypatch)


@pytest.fixture
def anna(office: WholeOffice) -> WholeOffice:
    """The office with Анна Петрова (E1042) onboarded."""
    office.has_account("E1001", "hannah.brandt")
    office.ok("onboard", "E1042", "--yes")
    office.store.applied.clear()
    return office


@pytest.fixture
def known(office: WholeOffice) -> WholeOffice:
    """The office where she has had an account and mail for long."""
    office.has_account("E1042", "anna.petrova")
    return office


def touched(office: WholeOffice) -> set[str]:
    return {str(change.address) for change in office.store.applied}


def test_marriage_changes_the_names_and_no_mail_is_lost(anna: WholeOffice) -> None:
    shown = anna.ok("rename", "E1042", "--family", "Соколова", "--yes")
    assert "Run 2: done" in shown
    user = anna.store.state("directory.user", "anna.petrova")
    assert (user.name, user.family_name, user.display_name) == ("Анна Соколова", "Соколова", "Анна Соколова")
    assert (user.user_principal_name, user.enabled) == ("anna.petrova@corp.example", True)
    box = anna.store.state("mail.mailbox", "anna.petrova")
    assert box.mail == NEW
    assert set(box.proxy_addresses) == {f"SMTP:{NEW}", f"smtp:{OLD}", f"smtp:{OLD_ALIAS}"}
    assert touched(anna) == {
        "directory.user[directory/anna.petrova]",
        "mail.mailbox[directory/anna.petrova]",
        "phones.configuration[phone-files/02005e104043.cfg]",
    }, "a name touches nothing else"
    shown_on_phone = {
        name: new
        for name, (_, new) in next(c for c in anna.store.applied if c.target == "phone-files").differences().items()
    }
    assert shown_on_phone == {"settings[account.1.display_name]": "Анна Соколова"}
    proofs = [proof["name"] for proof in anna.site.ledger.run(2).proofs]
    assert proofs == [
        "anna.petrova signs in",
        *(f"mail to {address} arrives and is read" for address in (NEW, OLD_ALIAS)),
        "extension 1042 registers",
        "extension 1042 is refused with a wrong password",
        f"mail to {OLD} arrives and is read",
    ]
    assert anna.site.wired.people["E1042"].family_name == "Соколова"
    assert anna.site.inventory.people["E1042"].family_name == "Петрова"
    assert "no changes" in anna.ok("rename", "E1042", "--family", "Соколова", "--yes")
    assert anna.site.plan(onboard("E1042")).is_empty, "onboarding agrees with it"


def test_undo_gives_the_name_back_and_what_was_hers_stays_reserved(anna: WholeOffice) -> None:
    before = dict(anna.store.held)
    anna.ok("rename", "E1042", "--family", "Соколова", "--yes")
    shown = anna.ok("undo", "2", "--yes")
    assert "To be taken back in the ledger:\n  people E1042: family name Соколова → Петрова\n" in shown
    assert anna.store.held == before
    assert anna.site.wired.people["E1042"].family_name == "Петрова"
    assert anna.site.ledger.reserved() == HERS
    assert anna.site.plan(onboard("E1042")).is_empty


def test_nobody_else_gets_a_former_name_even_when_the_account_is_gone(anna: WholeOffice) -> None:
    anna.ok("rename", "E1042", "--family", "Соколова", "--new-login", "--yes")
    for kind in ("directory.user", "directory.membership", "mail.mailbox"):
        del anna.store.held[Address(kind, "directory", "anna.sokolova")]
    anna.edit("people.csv", "E1043,Thu Hà,Nguyễn,", "E1043,Анна,Петрова,")
    anna.ok("onboard", "E1043", "--desk", "B-204-2", "--yes")
    assert anna.store.login_of("E1043") == "a.petrova"
    assert anna.store.state("mail.mailbox", "a.petrova").mail == "a.petrova@mail.corp.example"


def test_a_new_login_comes_last_and_the_home_folder_stays(anna: WholeOffice) -> None:
    before = dict(anna.store.held)
    shown = anna.ok("rename", "E1042", "--family", "Соколова", "--new-login", "--yes")
    assert "signs in as anna.sokolova from then on" in shown
    assert r"Users\anna.petrova" in shown
    assert anna.store.login_of("E1042") == "anna.sokolova"
    assert str(anna.store.applied[-1].address) == "directory.login[directory/E1042]"
    user = anna.store.state("directory.user", "anna.sokolova")
    assert user.user_principal_name == "anna.sokolova@corp.example"
    assert user.home_folder == r"\\dc1.corp.example\homes$\anna.petrova"
    names = [proof["name"] for proof in anna.site.ledger.run(2).proofs]
    assert r"anna.sokolova writes and reads in \\dc1.corp.example\homes$\anna.petrova" in names
    assert "https://intranet.corp.example/sales/ opens for anna.sokolova" in names
    assert f"mail to {OLD} arrives and is read" in names
    assert anna.site.ledger.reserved() == {**HERS, "anna.petrova": "E1042"}
    assert anna.site.plan(onboard("E1042")).is_empty, "the home folder stays where it is, for ever"

    anna.ok("undo", "2", "--yes")
    assert anna.store.held == before
    assert anna.site.plan(onboard("E1042")).is_empty


def test_the_files_may_have_the_new_name_already(known: WholeOffice) -> None:
    known.edit("people.csv", "E1042,Анна,Петрова,", "E1042,Анна,Соколова,")
    known.ok("rename", "E1042", "--yes")
    assert known.store.state("mail.mailbox", "anna.petrova").mail == NEW
    assert known.site.ledger.amendments() == []
    assert known.site.ledger.reserved() == HERS


def test_where_all_systems_say_it_already_it_is_still_written_down(known: WholeOffice) -> None:
    known.ok("rename", "E1042", "--family", "Соколова", "--yes")
    there = dict(known.store.held)
    known.ok("undo", "1", "--yes")
    known.store.held.update(there)  # somebody did it by hand
    assert "no changes" not in known.ok("rename", "E1042", "--family", "Соколова", "--yes")
    assert known.site.wired.people["E1042"].family_name == "Соколова"
    shown = known.ok("undo", "3", "--yes")
    assert "people E1042: family name Соколова → Петрова" in shown
    assert known.site.wired.people["E1042"].family_name == "Петрова"
    assert known.store.held == there


def test_undo_names_what_holds_again(known: WholeOffice) -> None:
    for family in ("Соколова", "Берг"):
        known.ok("rename", "E1042", "--family", family, "--yes")
    assert "people E1042: family name Берг → Соколова" in known.ok("undo", "2", "--yes")
    assert known.site.wired.people["E1042"].family_name == "Соколова"
    known.edit("people.csv", "E1042,Анна,Петрова,", "E1042,Анна,Соколова,")
    plan = known.site.run(1).undo_plan()
    assert plan.books.amendments == (), "the files say it by now: undo does not change what they say"


def test_a_run_that_another_lies_over_is_taken_back_after_it(anna: WholeOffice) -> None:
    before = dict(anna.store.held)
    anna.ok("rename", "E1042", "--family", "Соколова", "--yes")
    anna.ok("rename", "E1042", "--family", "Соколова", "--new-login", "--yes")
    first = "run 3 (rename E1042 to Соколова with a new login) changed some of this since; take that back first: "
    assert f"{first}provision undo 3" in anna.site.run(2).undo_plan().warnings
    assert anna.site.run(3).undo_plan().warnings == ()
    anna.ok("undo", "3", "--yes")
    assert anna.site.run(2).undo_plan().warnings == ()
    anna.ok("undo", "2", "--yes")
    assert anna.store.held == before


def test_when_the_files_say_it_later_they_win(known: WholeOffice) -> None:
    known.ok("rename", "E1042", "--family", "Соколова", "--yes")
    known.edit("people.csv", "E1042,Анна,Петрова,", "E1042,Анна,Соколова-Берг,")
    assert known.site.wired.people["E1042"].family_name == "Соколова-Берг"
    known.ok("rename", "E1042", "--yes")
    assert known.store.state("mail.mailbox", "anna.petrova").mail == "anna.sokolova-berg@corp.example"
    addresses = known.store.state("mail.mailbox", "anna.petrova").proxy_addresses
    assert {f"smtp:{OLD}", f"smtp:{NEW}"} <= set(addresses)


def test_a_login_that_the_site_fixes_is_given_up_for_a_new_one(known: WholeOffice) -> None:
    request = rename(known.site.inventory, "E1042", family="Соколова", new_login=True)
    person = known.site.inventory.people["E1042"].model_copy(update={"login": "anna.petrova"})
    fixed = known.site.inventory.model_copy(update={"people": {**known.site.inventory.people, "E1042": person}})
    accounts = plan_making.facts(known.site, request, known.sessions)
    work = request.compile(fixed, accounts)
    assert Amendment("people", "E1042", "login", "anna.sokolova") in work.amendments
    again = fixed.model_copy(
        update={"people": {**fixed.people, "E1042": person.model_copy(update={"login": "anna.sokolova"})}}
    )
    assert set(request.compile(again, accounts).amendments) == set(work.amendments), "amended already, it is the same"
    alone = rename(fixed, "E1042", new_login=True).compile(fixed, accounts)
    assert all(r.kind != "directory.login" for r in alone.resources), "without a new name, the files are obeyed"
    assert any("keeps the login anna.petrova" in warning for warning in alone.warnings)


def test_one_that_failed_half_way_is_gone_on_with(known: WholeOffice) -> None:
    there = Address("directory.login", "directory", "E1042")
    known.store.refuses[there] = RejectedError("directory", "not now")
    assert known.run("rename", "E1042", "--family", "Соколова", "--new-login", "--yes").exit_code == 3
    known.store.refuses.clear()
    assert known.store.login_of("E1042") == "anna.petrova"
    known.ok("resume", "1")
    assert known.store.login_of("E1042") == "anna.sokolova"


def test_names_of_others_are_left_to_them(anna: WholeOffice) -> None:
    anna.edit("people.csv", "E1043,Thu Hà,Nguyễn,", "E1043,Анна,Соколова,")
    anna.ok("onboard", "E1043", "--desk", "B-204-2", "--yes")
    anna.ok("rename", "E1042", "--family", "Соколова", "--yes")
    assert anna.store.state("directory.user", "anna.petrova").name == "Анна Соколова (E1042)"
    assert anna.store.state("mail.mailbox", "anna.sokolova").mail == NEW
    assert NEW not in str(anna.store.state("mail.mailbox", "anna.petrova").proxy_addresses)


def test_later(known: WholeOffice) -> None:
    shown = known.ok("rename", "анна петрова", "--family", "Соколова", "--start", "2099-12-01T08:00", "--yes")
    assert "scheduled" in shown
    assert known.store.applied == []
    assert known.site.wired.people["E1042"].family_name == "Петрова"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("E1O42", "--family", "X"), "did you mean 'E1042'?"),
        (("Nobody At All", "--family", "X"), "the site has no person 'Nobody At All'"),
        (("E1042", "--family", ""), "person E1042 cannot have this family name: it is empty"),
        (("E1042", "--given", "A\x1b"), "cannot have this given name: contains the control character U+001B"),
        (("E1042", "--family", "x" * 61), "a directory takes 64: shorten it"),
        (("E1043", "--family", "X"), "person E1043 has no account that could be renamed"),
        (("petr", "--family", "X"), "with --yes nobody confirms that, so give a whole name: E1042"),
        (("E1042", "--family", "X", "--start", "yesterday"), "yesterday"),
    ],
)
def test_what_is_refused_changes_nothing(known: WholeOffice, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in known.refused("rename", *words, "--yes")
    assert not known.site.has_ledger or known.site.ledger.amendments() == []


def test_two_accounts_with_one_number_are_refused(known: WholeOffice) -> None:
    known.has_account("E1001", "hannah.brandt")
    double = known.store.state("directory.user", "hannah.brandt").model_copy(update={"employee_id": "E1042"})
    known.store.held[Address("directory.user", "directory", "adm-anna")] = double.model_copy(update={"name": "adm"})
    said = known.refused("rename", "E1042", "--family", "Соколова", "--yes")
    assert "2 accounts carry the number E1042 (adm-anna, anna.petrova)" in said


def test_leavers_are_refused(known: WholeOffice) -> None:
    inventory = known.site.inventory
    left = inventory.people["E1042"].model_copy(update={"left": "2026-12-31"})
    gone = inventory.model_copy(update={"people": {**inventory.people, "E1042": left}})
    with pytest.raises(RequestError, match="E1042 has left on 2026-12-31; `provision reinstate E1042`"):
        rename(gone, "E1042", family="Соколова")


def test_a_request_comes_back_from_the_ledger() -> None:
    request = Rename("E1042", None, "Соколова", True)
    assert from_plain(request.to_plain()) == request
    assert request.title == "rename E1042 to Соколова with a new login"


def test_with_another_request_the_new_name_is_looked_up_as_well(office: WholeOffice) -> None:
    example = office.site.inventory
    parts = (
        reassign(example, "E1042", "accounting"),
        rename(example, "E1042", family="Соколова", new_login=True),
        onboard("E1028"),
    )
    both = Together(parts)
    person = both.foreseen(example).people["E1042"]
    assert (person.family_name, person.profile) == ("Соколова", "accounting")
    assert both.new_logins == {"E1042"}
    assert isinstance(both, Changing)
