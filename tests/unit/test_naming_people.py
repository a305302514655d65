"""Logins and mail addresses for thousands of people with names of many countries."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.connections.distinguished_names import relative_name
from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.procedures.identity import Identity, candidates, identify
from provisioning.resources.directory.accounts import Account
from provisioning.site import Inventory
from provisioning.site.directory import LoginPolicy
from provisioning.site.load import load
from provisioning.site.naming import login_candidates, numbered_login
from provisioning.site.people import Person
from provisioning.site.transliteration import STANDARDS, Transliteration
from tests.people_names import VIETNAMESE, people
from tests.unit.test_site_faults import laid_over_base

LOGIN = re.compile(r"[a-z0-9]([a-z0-9._-]{0,18}[a-z0-9])?")
LOCAL = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")
PATTERNS = ("{given}.{family}@corp.example", "{g}{family}@corp.example", "{login}@corp.example")
CHOICES = [
    Transliteration(),
    Transliteration(latin="icao-9303", cyrillic=("icao-9303",), greek="elot-743"),
    Transliteration(latin="nordic", cyrillic=("bgn-pcgn", "cmu-55", "serbian"), greek="elot-743"),
    Transliteration(latin="anyascii", cyrillic=("gost-7.79-b", "bulgarian")),
]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return load(laid_over_base("_base", tmp_path_factory.mktemp("people") / "site"))


def site(
    base: Inventory,
    names: list[tuple[str, str]],
    chosen: Transliteration = CHOICES[0],
    policy: LoginPolicy | None = None,
) -> Inventory:
    """The base site with these people only."""
    staff = {
        f"P{i}": Person(given_name=first, family_name=last, profile="sales", department="Sales")
        for i, (first, last) in enumerate(names)
    }
    return base.model_copy(
        update={
            "people": staff,
            "naming": base.naming.model_copy(update={"transliteration": chosen}),
            "mail": base.mail.model_copy(update={"addresses": PATTERNS}),
            "directory": base.directory.model_copy(update={"logins": policy or LoginPolicy()}),
        }
    )


def account(key: str, identity: Identity) -> Account:
    """What the directory holds of somebody who was onboarded so."""
    return Account(
        identity.login,
        key,
        f"{relative_name('CN', identity.common_name)},OU=Sales,DC=corp,DC=example",
        identity.common_name,
        tuple(sorted((*identity.addresses, *identity.kept))),
        f"{identity.login}@corp.example",
    )


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
def test_three_thousand_people_have_their_own_good_names(base: Inventory, chosen: Transliteration) -> None:
    names = people(3000)
    identities = identify(site(base, names, chosen), [f"P{i}" for i in range(3000)], Accounts())
    logins = Counter(identity.login for identity in identities.values())
    addresses = Counter(address for identity in identities.values() for address in identity.addresses)
    commons = Counter(identity.common_name.casefold() for identity in identities.values())
    assert all(count == 1 for counter in (logins, addresses, commons) for count in counter.values())
    assert all(LOGIN.fullmatch(login) for login in logins)
    assert all(LOCAL.fullmatch(address.partition("@")[0]) for address in addresses)
    same = [pair for pair, count in Counter(names).items() if count > 1]
    assert len(same) > 50, "the lists must make people of the same name"
    assert sum(bool(re.search(r"[0-9]", login)) for login in logins) < 900, "most people have no number"


@pytest.mark.parametrize(
    ("first", "last", "login"),
    [
        ("Karl-Heinz", "Müller", "karl-heinz.mueller"),
        ("Jean-Luc", "d’Arc", "jean-luc.darc"),
        ("Święcisława", "Brzęczyszczykiewicz", "s.brzeczyszczykiewic"),
        ("İbrahim", "Işık", "ibrahim.isik"),
        ("Thị Hương", "Nguyễn", "thi-huong.nguyen"),
        ("Seán", "O'Connor", "sean.oconnor"),
        ("Jan", "van 't Hoff", "jan.van-t-hoff"),
        ("Ana", "García López", "ana.garcia-lopez"),
        ("María", "Fernández de la Vega", "m.fernandez-de-la-ve"),
        ("Ng", "Wu", "ng.wu"),
        ("Þór", "Guðmundsson", "thor.gudmundsson"),
        ("Пётр", "Семёнов-Тян-Шанский", "p.semenov-tyan-shans"),
        ("Βασίλης", "Παπακωνσταντίνου-Μαυροκορδάτου", "v.papakonstantinou-m"),
    ],
)
def test_the_first_login_is_the_one_that_people_expect(first: str, last: str, login: str) -> None:
    assert next(login_candidates(first, last, LoginPolicy(), Transliteration(greek="elot-743"))) == login


def test_who_comes_later_changes_nobody_and_gets_the_same_as_if_all_came_at_once(base: Inventory) -> None:
    names = people(1200, seed=7)
    whole = site(base, names)
    keys = list(whole.people)
    at_once = identify(whole, keys, Accounts())
    found: list[Account] = []
    for start in range(0, 1200, 300):
        group = identify(whole, keys[start : start + 300], Accounts(tuple(found)))
        found += [account(key, identity) for key, identity in group.items()]
        assert all(at_once[key] == identity for key, identity in group.items())
    assert identify(whole, keys, Accounts(tuple(found))) == at_once, "and nobody changes when all are looked at again"


EVERY_STANDARD = [(script, name) for script, names in STANDARDS.items() for name in names]


@pytest.mark.parametrize(("script", "standard"), EVERY_STANDARD, ids=" ".join)
def test_by_every_standard_a_batch_with_duplicates_gets_logins_and_addresses_of_their_own(
    base: Inventory, script: str, standard: str
) -> None:
    names = people(600, seed=11) + people(120, seed=11)  # whoever is hired twice, in one file
    crowd = site(base, names, Transliteration.model_validate({script: standard}))
    found = identify(crowd, crowd.people, Accounts())
    logins = [identity.login for identity in found.values()]
    addresses = [address for identity in found.values() for address in identity.addresses]
    assert len(set(logins)) == len(names)
    assert len(set(addresses)) == len(addresses)
    assert all(LOGIN.fullmatch(login) for login in logins)
    assert all(LOCAL.fullmatch(address.partition("@")[0]) for address in addresses)


NOTHING_LEFT = ["-", "’", "'-'", "...", "\u0301", "ъ", "Ь ъ", "-.-", "ʼ", "·"]


@pytest.mark.parametrize("name", NOTHING_LEFT)
def test_a_name_of_which_nothing_is_left_gets_a_login_and_an_address_all_the_same(base: Inventory, name: str) -> None:
    three = site(base, [(name, name)] * 3, Transliteration(cyrillic=("gost-7.79-b",)))
    found = identify(three, three.people, Accounts())
    assert [identity.login for identity in found.values()] == ["user", "user2", "user3"]
    assert [identity.addresses[0] for identity in found.values()] == [
        "user@corp.example", "user2@corp.example", "user3@corp.example",
    ]  # fmt: skip


def test_a_whole_batch_leaves_former_names_to_those_who_had_them(base: Inventory) -> None:
    """Whoever is hired next year: nobody in a file of thousands gets what somebody had once, but the person may."""
    names = people(2000, seed=21)
    crowd = site(base, names)
    plain = identify(crowd, crowd.people, Accounts())
    taken = [key for number, key in enumerate(crowd.people) if number % 5 == 0]
    former = {plain[key].login: "gone" for key in taken} | {a: "gone" for key in taken for a in plain[key].addresses}
    former |= {plain["P1"].login: "P1"}
    found = identify(crowd, crowd.people, Accounts(reserved=former))
    gone = {name for name, person in former.items() if person == "gone"}
    logins = [identity.login for identity in found.values()]
    assert not gone & {*logins, *(address for identity in found.values() for address in identity.addresses)}
    assert len(set(logins)) == len(logins)
    assert found["P1"].login == plain["P1"].login


def test_the_same_people_get_the_same_names_every_time(base: Inventory) -> None:
    one, other = (identify(site(base, people(500)), [f"P{i}" for i in range(500)], Accounts()) for _ in range(2))
    assert one == other


def test_a_hundred_of_one_name_are_counted_and_then_told_by_their_own_numbers(base: Inventory) -> None:
    many = site(base, [("Thị Hương", "Nguyễn")] * 100)
    found = identify(many, many.people, Accounts())
    logins = [identity.login for identity in found.values()]
    assert logins[:3] == ["thi-huong.nguyen", "t.nguyen", "t.nguyen2"]
    assert logins[39:41] == ["t.nguyen39", "thi-huong.nguyen.p40"]
    assert len(set(logins)) == 100
    assert all(LOGIN.fullmatch(login) for login in logins)


def test_when_that_is_taken_too_there_is_a_clear_sentence(base: Inventory) -> None:
    one = site(base, [("Ana", "Wu")])
    taken = tuple(Account(login, "", f"CN={login},DC=corp,DC=example", login) for login in candidates(one, "P0"))
    with pytest.raises(RequestError, match="no login is free for person P0; give one as `login` in the site"):
        identify(one, ["P0"], Accounts(taken))


@given(st.text("ab.-", min_size=1, max_size=20), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True))
def test_a_login_with_a_number_is_one(login: str, key: str) -> None:
    first = next(login_candidates(login, "x", LoginPolicy()))
    assert LOGIN.fullmatch(numbered_login(first, key, LoginPolicy()))


def test_a_name_of_one_country_only(base: Inventory) -> None:
    crowd = site(base, people(400, countries=(VIETNAMESE,)))
    logins = [identity.login for identity in identify(crowd, crowd.people, Accounts()).values()]
    assert len(set(logins)) == 400


def test_ten_thousand_people_take_seconds(base: Inventory) -> None:
    """A company's whole staff at once. Seconds, not minutes; the bound leaves room for slow machines."""
    crowd = site(base, people(10_000), CHOICES[2])
    begin = perf_counter()
    identities = identify(crowd, crowd.people, Accounts())
    assert perf_counter() - begin < 30
    assert len({identity.login for identity in identities.values()}) == 10_000


LETTERS = st.text(
    st.sampled_from("abcßäöüåøæñłşığđéÅÄÖİабвгґдеєёжзиіїйклщъыьэюяђљњћџЁЇЩαβγευουμπντάήϊΐςΜΠ '’-.") | st.characters(),
    max_size=40,
)
STANDARD = st.sampled_from(CHOICES)


@given(LETTERS, LETTERS, STANDARD, st.integers(3, 20))
@settings(max_examples=300)
def test_whatever_the_name_and_the_standard_every_login_is_one(
    first: str, last: str, chosen: Transliteration, length: int
) -> None:
    names = list(islice(login_candidates(first, last, LoginPolicy(max_length=length), chosen), 12))
    assert all(LOGIN.fullmatch(name) and len(name) <= length for name in names)
    assert len(set(names)) == 12
    assert names == list(islice(login_candidates(first, last, LoginPolicy(max_length=length), chosen), 12))


@given(st.lists(st.tuples(st.sampled_from(people(40)), st.booleans()), min_size=1, max_size=30), STANDARD, st.data())
@settings(max_examples=40, deadline=None)
def test_in_any_order_of_hiring_nobody_shares_anything(
    base: Inventory, hires: list[tuple[tuple[str, str], bool]], chosen: Transliteration, data: st.DataObject
) -> None:
    crowd = site(base, [name for name, _ in hires], chosen)
    found: list[Account] = []
    for key in data.draw(st.permutations(list(crowd.people))):
        before = {a.employee_id: a for a in found}
        identity = identify(crowd, [key], Accounts(tuple(found)))[key]
        taken = {address for a in found for address in a.addresses}
        assert not taken & set(identity.addresses)
        assert identity.login not in {a.login for a in before.values()}
        found.append(account(key, identity))
