"""The texts of the three languages agree, and numbers and times are written as each language does."""

from __future__ import annotations

import re

import pytest
from babel import Locale
from markupsafe import Markup

from provisioning.reports import words
from provisioning.reports.texts import LANGUAGES, PLURALS, Texts, load
from provisioning.resources.registry import KINDS
from provisioning.site.help_desk import Language
from tests.unit.cli_office import HOSTILE

NAMES = ("kinds.", "fields.", "systems.", "proof.")
"""What English has in `reports/words.py`."""

OTHERS: tuple[Language, ...] = ("fr", "ru")


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w*)\}", text))


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_texts_with_the_same_places(language: Language) -> None:
    english, other = load("en"), load(language)
    assert {key for key in other if not key.startswith(NAMES)} == set(english)
    for key, text in english.items():
        theirs = other[key]
        assert isinstance(theirs, str) == isinstance(text, str), key
        for form in [theirs] if isinstance(theirs, str) else theirs.values():
            wanted = text if isinstance(text, str) else text["other"]
            assert places(form) == places(wanted), key


def test_every_name_in_french_is_there_in_russian() -> None:
    french, russian = ({key for key in load(language) if key.startswith(NAMES)} for language in OTHERS)
    assert french == russian


@pytest.mark.parametrize("language", OTHERS)
def test_what_english_names_is_named_in_every_language(language: Language) -> None:
    theirs = load(language)
    assert [key for key in words._KINDS if f"kinds.{key}" not in theirs and key in KINDS] == []
    assert [key for key in words._SYSTEMS if f"systems.{key}" not in theirs] == []
    assert [key for key in words._FIELDS if f"fields.{key}" not in theirs] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_the_plural_forms_of_its_language(language: Language) -> None:
    wanted = set(Locale.parse(language).plural_form.tags) | {"other"}
    for key, text in load(language).items():
        if not isinstance(text, str):
            assert set(text) == wanted, key
            assert set(text) <= PLURALS


@pytest.mark.parametrize(
    ("count", "russian", "french", "english"),
    [
        (0, "0 изменений", "0 modification", "0 changes"),
        (1, "1 изменение", "1 modification", "1 change"),
        (2, "2 изменения", "2 modifications", "2 changes"),
        (5, "5 изменений", "5 modifications", "5 changes"),
        (11, "11 изменений", "11 modifications", "11 changes"),
        (21, "21 изменение", "21 modifications", "21 changes"),
        (112, "112 изменений", "112 modifications", "112 changes"),
        (10_000, "10\u00a0000 изменений", "10\u202f000 modifications", "10,000 changes"),
    ],
)
def test_numbers_choose_the_form(count: int, russian: str, french: str, english: str) -> None:
    shown = [str(Texts(language)("report.target_changes", count=count)) for language in ("ru", "fr", "en")]
    assert shown == [russian, french, english]


def test_times_and_days_are_those_of_the_language_and_of_the_zone() -> None:
    at = "2026-11-30T08:05:09.000+00:00"
    shown = {language: Texts(language, "Europe/Berlin") for language in LANGUAGES}
    assert str(shown["en"].moment(at)) == "30 Nov 2026, 09:05"
    assert str(shown["fr"].moment(at)) == "30 nov. 2026 à 09:05"
    assert str(shown["ru"].moment(at)) == "30 нояб. 2026 г., 09:05"
    assert str(shown["en"].day("2026-11-30", weekday=True)) == "Monday, 30 November 2026"
    assert str(shown["fr"].day("2026-11-30", weekday=True)) == "lundi 30 novembre 2026"
    assert str(shown["ru"].day("2026-11-30", weekday=True)) == "понедельник, 30 ноября 2026 г."
    assert str(shown["ru"].time(at)) == "09:05:09"
    assert str(shown["ru"].moment(None)) == "–"
    assert str(shown["fr"].seconds(2.5)) == "2,5\u00a0s"
    assert str(shown["ru"].seconds(86_400 * 3)) == "3 дня"
    assert str(shown["fr"].zone_name) == "Europe/Berlin"


def test_french_marks_stand_behind_a_narrow_space_that_no_line_is_broken_at() -> None:
    for key, text in load("fr").items():
        for form in [text] if isinstance(text, str) else text.values():
            if key.startswith("format."):
                continue
            assert not re.search(r"[ \u00a0][;:!?»]|«[ \u00a0]", form), key
            assert not re.search(r"[^\s\u202f:/\d][;!?»]|«[^\u202f]|\w:(?!//)", form), key
            assert "'" not in form, f"{key}: the apostrophe is ’"


def test_russian_has_its_own_marks() -> None:
    for key, text in load("ru").items():
        for form in [text] if isinstance(text, str) else text.values():
            if key.startswith("format."):
                continue
            assert not re.search(r"[\"“”]", form), f"{key}: quotes are « »"
            assert " —" not in form, f"{key}: no line begins with a dash"
            assert not re.search(r"\b(еще|ее|учетн\w*|удаленн\w*|отчет\w*)\b", form, re.I), f"{key}: ё"


def test_what_is_put_into_a_text_is_escaped_and_seen() -> None:
    for language in LANGUAGES:
        shown = Texts(language)("card.welcome", name=f"<b>{HOSTILE}\u200f")
        assert isinstance(shown, Markup)
        assert "<b>" not in shown
        assert not {"\x1b", "\u202e", "\x9b", "\u200f"} & set(shown)
        assert "{name}" not in Texts(language)("card.welcome", name="{name.__class__} {0}").replace("{name.__", "")


def test_braces_in_a_value_stay_braces() -> None:
    assert "{0} {x.__class__}" in Texts("en")("card.welcome", name="{0} {x.__class__}")


def test_what_has_no_name_is_shown_by_its_own() -> None:
    t = Texts("fr")
    assert str(t.kind("directory.user")) == "compte d’utilisateur"
    assert str(t.kind("robot.arm")) == "robot arm"
    assert str(t.field("labels[<x>]")) == "labels[&lt;x&gt;]"
    assert str(t.proof("mail.delivery", "mail arrives", {"address": "a@b"})).startswith("le courriel adressé à a@b")
    assert str(t.proof("mail.delivery", "mail arrives", {})) == '<span lang="en">mail arrives</span>'
    assert str(Texts("ru").proof("files.visit", "n", {"admitted": False, "login": "x", "path": "p"})).startswith(
        "для x"
    )
    assert [str(t.value(one)) for one in (True, False, [], None, ["a", True], {"x": False})] == [
        "oui", "non", "aucun", "–", "a, oui", "x non",
    ]  # fmt: skip
