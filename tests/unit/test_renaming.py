"""Another name for somebody who has an account: what changes, what stays, and what nobody else may get."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.procedures.identity import Identity, identify
from provisioning.procedures.onboard import onboard
from provisioning.procedures.renaming import Renaming, renamed, with_names
from provisioning.resources.directory.accounts import Account
from provisioning.resources.mail.mailbox import Mailbox
from provisioning.site import Inventory
from tests.people_names import people
from tests.unit.test_naming_people import account, base, site

__all__ = ["base"]

OLD = ("anna.petrova@corp.example", "apetrova@corp.example")


@pytest.fixture
def office(base: Inventory) -> Inventory:
    """P0 Anna Petrova, P1 Maria Ivanova, P2 Anna Ivanova."""
    return site(base, [("Анна", "Петрова"), ("Мария", "Иванова"), ("Анна", "Иванова")])


@pytest.fixture
def accounts(office: Inventory) -> Accounts:
    return of(identify(office, office.people, Accounts()))


def of(identities: Mapping[str, Identity]) -> Accounts:
    return Accounts(tuple(account(key, identity) for key, identity in identities.items()))


def rename(office: Inventory, accounts: Accounts, key: str = "P0", **names: str) -> Renaming:
    return renamed(office, with_names(office, key, **names), key, accounts)


def test_marriage_changes_the_names_and_keeps_login_and_old_addresses(office: Inventory, accounts: Accounts) -> None:
    found = rename(office, accounts, family="Соколова")
    assert found.changes == {
        "family_name": ("Петрова", "Соколова"),
        "name": ("Анна Петрова", "Анна Соколова"),
        "display_name": ("Анна Петрова", "Анна Соколова"),
        "addresses": (
            "anna.petrova@corp.example, apetrova@corp.example",
            "anna.petrova@corp.example, anna.sokolova@corp.example, apetrova@corp.example, asokolova@corp.example",
        ),
    }
    assert (found.identity.login, found.new_login) == ("anna.petrova", False)
    assert found.primary == "anna.sokolova@corp.example"
    assert set(found.aliases) == {"asokolova@corp.example", *OLD}
    assert found.reserved == dict.fromkeys(OLD, "P0")


def test_a_new_login_when_it_is_asked_for(office: Inventory, accounts: Accounts) -> None:
    after = with_names(office, "P0", family="Соколова")
    found = renamed(office, after, "P0", accounts, new_login=True)
    assert found.changes["login"] == ("anna.petrova", "anna.sokolova")
    assert found.changes["user_principal_name"] == ("anna.petrova@corp.example", "anna.sokolova@corp.example")
    assert found.reserved == dict.fromkeys([*OLD, "anna.petrova"], "P0")
    assert "anna.petrova@corp.example" in found.aliases


def test_a_fixed_login_stays_even_when_a_new_one_is_asked_for(office: Inventory, accounts: Accounts) -> None:
    fixed = office.people["P0"].model_copy(update={"login": "anna.petrova"})
    after = with_names(office.model_copy(update={"people": {**office.people, "P0": fixed}}), "P0", family="Соколова")
    assert not renamed(office, after, "P0", accounts, new_login=True).new_login


def test_a_typing_mistake_that_does_not_show_in_latin_letters_keeps_the_primary_address(base: Inventory) -> None:
    office = site(base, [("Jurgen", "Mueller")])
    found = rename(office, of(identify(office, ["P0"], Accounts())), family="Müller")
    assert set(found.changes) == {"family_name", "name", "display_name"}
    assert found.primary == "jurgen.mueller@corp.example"


def test_names_of_others_are_left_to_them(office: Inventory, accounts: Accounts) -> None:
    found = rename(office, accounts, family="Иванова")  # there is another Anna Ivanova
    assert found.identity.common_name == "Анна Иванова (P0)"
    assert found.identity.display_name == "Анна Иванова"
    others = {address for other in accounts.found if other.employee_id != "P0" for address in other.addresses}
    assert not others & {found.primary, *found.aliases}
    assert found.primary == "anna.petrova@corp.example"  # the pattern with the login: it is hers


def test_back_to_the_former_name(office: Inventory, accounts: Accounts) -> None:
    there = rename(office, accounts, family="Соколова")
    moved = Accounts((account("P0", there.identity), *accounts.found[1:]))
    married = with_names(office, "P0", family="Соколова")
    back = renamed(married, with_names(married, "P0", family="Петрова"), "P0", moved)
    assert back.primary == OLD[0]
    assert set(back.aliases) == {OLD[1], "anna.sokolova@corp.example", "asokolova@corp.example"}


def test_the_site_may_have_the_new_name_already(office: Inventory, accounts: Accounts) -> None:
    after = with_names(office, "P0", family="Соколова")
    assert renamed(after, after, "P0", accounts).changes["name"] == ("Анна Петрова", "Анна Соколова")


def test_onboarding_again_leaves_the_former_addresses(office: Inventory, accounts: Accounts) -> None:
    """Else a later run, or the audit, would take them away."""
    married = with_names(office, "P0", family="Соколова")
    work = onboard("P0").compile(married, accounts)
    box = next(r.desired for r in work.resources if isinstance(r.desired, Mailbox))
    assert box.mail == "anna.sokolova@corp.example"
    assert set(box.proxy_addresses or ()) == {
        "SMTP:anna.sokolova@corp.example",
        "smtp:asokolova@corp.example",
        *(f"smtp:{address}" for address in OLD),
    }


def test_nobody_gets_the_former_names_when_the_account_is_gone(base: Inventory, office: Inventory) -> None:
    accounts = of(identify(office, ["P0"], Accounts()))
    after = with_names(office, "P0", family="Соколова")
    gone = renamed(office, after, "P0", accounts, new_login=True).reserved
    newcomers = site(base, [("-", "-"), ("-", "-"), ("-", "-"), ("Анна", "Петрова")])
    with_memory = identify(newcomers, ["P3"], Accounts(), reserved=gone)["P3"]
    assert (with_memory.login, with_memory.addresses) == ("a.petrova", ("a.petrova@corp.example",))
    assert identify(newcomers, ["P3"], Accounts())["P3"].login == "anna.petrova"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"family": ""}, "person P0 cannot have this family name: it is empty"),
        ({"given": "Anna\n"}, "person P0 cannot have this given name: contains the control character U\\+000A"),
        ({"given": " Anna"}, "person P0 cannot have this given name: begins or ends with a space"),
        ({"given": "x" * 201}, "person P0 cannot have this given name: it is longer than 200 characters"),
        ({"family": "x" * 60}, "of person P0 has 65 characters; a directory takes 64: shorten it"),
    ],
)
def test_wrong_names_are_refused(office: Inventory, accounts: Accounts, names: dict[str, str], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        rename(office, accounts, **names)


def test_the_name_that_somebody_has_changes_nothing(office: Inventory, accounts: Accounts) -> None:
    assert rename(office, accounts, family="Петрова").changes == {}


def test_unknown_people_and_people_without_account_are_refused(office: Inventory, accounts: Accounts) -> None:
    with pytest.raises(RequestError, match="the site has no person 'P9'"):
        with_names(office, "P9", family="x")
    with pytest.raises(RequestError, match="person P1 has no account that could be renamed"):
        renamed(office, with_names(office, "P1", family="x"), "P1", Accounts(accounts.found[:1]))


NAMES = people(25)


@given(
    st.lists(st.sampled_from(NAMES), min_size=3, max_size=6),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(NAMES), st.booleans()), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_mail_always_reaches_the_same_person(
    base: Inventory, hires: list[tuple[str, str]], renamings: list[tuple[int, tuple[str, str], bool]]
) -> None:
    """However often people are renamed: an address that was once somebody's leads to that person or to nobody."""
    now = site(base, hires)
    found = of(identify(now, now.people, Accounts()))
    owner = {address: a.employee_id for a in found.found for address in a.addresses}
    for number, (first, last), new_login in renamings:
        key = f"P{number}"
        after = with_names(now, key, first, last)
        try:
            done = renamed(now, after, key, found, new_login=new_login)
        except RequestError:
            continue
        others = tuple(a for a in found.found if a.employee_id != key)
        now, found = after, Accounts((*others, account(key, done.identity)))
        for one in found.found:
            for address in one.addresses:
                assert owner.setdefault(address, one.employee_id) == one.employee_id
        assert owner.keys() == {address for one in found.found for address in one.addresses}, "none was lost"
        logins = [one.login for one in found.found]
        assert len(set(logins)) == len(logins)
        assert isinstance(done.account, Account)
