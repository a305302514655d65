"""Names inside LDAP: whatever comes in, one DN or one assertion value comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.connections.distinguished_names import (
    any_of,
    canonical,
    filter_value,
    parent,
    parsed,
    relative_name,
)
from provisioning.resources.directory.attributes import refuse_login

BASE = "OU=Staff,DC=corp,DC=example"
PRINTABLE = st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(lambda t: t == t.strip())
HOSTILE = [
    'O\'Brien, "Anna" )(cn=*',
    "Ünal\\#+<>=;",
    "#leading",
    "Анна Петрова",
    "a\\2Cb",
    "end\\",
    "cn=x,dc=evil",
]


@given(PRINTABLE)
def test_a_name_comes_back_from_a_dn_as_it_went_in(name: str) -> None:
    dn = f"{relative_name('CN', name)},{BASE}"
    assert parsed(dn)[0] == ("CN", name)
    assert parent(dn) == BASE
    assert canonical(dn) == dn


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_one_part_of_a_dn(name: str) -> None:
    assert len(parsed(f"{relative_name('CN', name)},{BASE}")) == 4


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "a\x00b", "\x7f"])
def test_names_that_no_directory_can_hold_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"empty|control"):
        relative_name("CN", name)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_filter_value_holds_nothing_that_a_filter_could_end_with(text: str) -> None:
    value = filter_value(text)
    assert not set(value) & set("()*\x00 =<>~&|!")
    unescaped, position = bytearray(), 0
    while position < len(value):
        if value[position] == "\\":
            unescaped += bytes.fromhex(value[position + 1 : position + 3])
            position += 3
        else:
            unescaped += value[position].encode()
            position += 1
    assert unescaped.decode() == text


def test_any_of() -> None:
    assert any_of("cn", ["a", "b)(c"]) == "(|(cn=a)(cn=b\\29\\28c))"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ou=Staff, dc=corp,DC=example", BASE),
        ("OU=Sta\\66f,DC=corp,DC=example", BASE),
        ("CN=\\D0\\90,DC=x", "CN=А,DC=x"),
        ("CN=a\\,b\\22,DC=x", 'CN=a\\2cb\\",DC=x'),
    ],
)
def test_spellings_of_one_dn_become_equal(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


def test_names_that_the_directory_itself_made_are_read() -> None:
    conflict = "CN=x\\0ACNF:5f0c,DC=x"
    assert canonical(conflict) == conflict
    assert parent("OU=\\ led ,DC=x") == "DC=x"


@pytest.mark.parametrize("text", ["", "Staff", "OU=", "OU=a+b,DC=x", "OU=#0401,DC=x", 'OU="a",DC=x', "OU=a\\"])
def test_what_is_no_dn_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"distinguished name|empty|unescaped|escape"):
        canonical(text)


@pytest.mark.parametrize("login", ["../x", "x)(cn=*", "", "a b", "a@b", "x\n", ".hidden", "a" * 21, "dom\\x", "x/y"])
def test_logins_that_no_account_can_have_are_refused(login: str) -> None:
    assert refuse_login("directory", login) is not None


@pytest.mark.parametrize("login", ["anna.petrova", "o'brien", "WS-0042", "a" * 20])
def test_usual_logins_are_not(login: str) -> None:
    assert refuse_login("directory", login) is None
