"""Login names and mail addresses from names in any script."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.site.directory import LoginPolicy
from provisioning.site.naming import latin, login_candidates, mail_addresses

POLICY = LoginPolicy()


def logins(given_name: str, family_name: str, policy: LoginPolicy = POLICY, number: int = 4) -> list[str]:
    return list(islice(login_candidates(given_name, family_name, policy), number))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O'Brien", "obrien"),
        ("O’Brien", "obrien"),
        ("Мария Сергеевна", "mariya-sergeevna"),
        ("Жан-Люк", "zhan-lyuk"),
        ("Łukasz Żółć", "lukasz-zolc"),
        ("José María", "jose-maria"),
        ("Ångström", "angstroem"),
        ("A\u030angstro\u0308m", "angstroem"),  # the same, decomposed as macOS writes it
        ("Müller-Lüdenscheidt", "mueller-luedenscheidt"),
        ("Weiß", "weiss"),
        ("Nguyễn", "nguyen"),
        ("Подъячев", "podyachev"),
        ("Γιώργος", "giorgos"),
        ("d'Arc", "darc"),
        ("  St.  John ", "st-john"),
        ("---", ""),
    ],
)
def test_names_become_latin(text: str, expected: str) -> None:
    assert latin(text) == expected


def test_candidates_follow_the_patterns_then_count() -> None:
    assert logins("Анна", "Петрова") == ["anna.petrova", "a.petrova", "a.petrova2", "a.petrova3"]


def test_a_pattern_that_is_too_long_is_passed_over() -> None:
    assert logins("Мария Сергеевна", "Кузнецова", number=2) == ["m.kuznetsova", "m.kuznetsova2"]


def test_the_number_fits_into_the_limit() -> None:
    names = logins("Maximiliane-Charlotte", "von Hohenzollern-Sigmaringen", number=120)
    assert names[0] == "m.von-hohenzollern-s"
    assert names[1] == "m.von-hohenzollern-2"[:19].rstrip("-") + "2"
    assert all(len(name) <= 20 for name in names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("names", [("Plato", "-"), ("-", "Plato")])
def test_one_name_is_enough(names: tuple[str, str]) -> None:
    assert logins(*names, number=3) == ["plato", "plato2", "plato3"]


def test_addresses_follow_the_patterns_once_each() -> None:
    patterns = ("{given}.{family}@corp.example", "{login}@corp.example", "{g}{family}@corp.example")
    assert mail_addresses("Zoé", "Lefèvre", "zoe.lefevre", patterns) == (
        "zoe.lefevre@corp.example",
        "zlefevre@corp.example",
    )


def test_an_address_without_any_letter_falls_back_to_the_login() -> None:
    assert mail_addresses("-", "-", "user7", ("{given}.{family}@corp.example",)) == ("user7@corp.example",)


NAMES = st.text(max_size=60)
PATTERNS = st.lists(
    st.sampled_from(
        ["{given}.{family}", "{g}.{family}", "{g}{f}", "{family}", "{given}_{f}", "{family}-{given}", "x{g}"]
    ),
    min_size=1,
    max_size=4,
)


@given(NAMES, NAMES, PATTERNS, st.integers(3, 20))
def test_every_candidate_is_a_login_name(first: str, last: str, patterns: list[str], length: int) -> None:
    policy = LoginPolicy(patterns=tuple(patterns), max_length=length)
    names = logins(first, last, policy, 30)
    for name in names:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", name)
        assert len(name) <= length
    assert len(set(names)) == len(names) == 30


@given(NAMES, NAMES)
def test_every_address_has_a_plain_local_part(first: str, last: str) -> None:
    patterns = ("{given}.{family}@corp.example", "{g}.{family}@a.example", "{login}@corp.example")
    for address in mail_addresses(first, last, "login", patterns):
        local, _, domain = address.partition("@")
        assert re.fullmatch(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", local)
        assert len(local) <= 64
        assert domain in {"corp.example", "a.example"}
