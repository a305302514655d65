"""Standards of transliteration: examples from the standards and from passports, and what a site may choose."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from pydantic import ValidationError

from provisioning.site.directory import LoginPolicy
from provisioning.site.naming import latin, login_candidates, mail_addresses
from provisioning.site.transliteration import ANYASCII, STANDARDS, Naming, Transliteration
from provisioning.site.transliterations import NAMES, script_of, standard
from tests.people_names import EVERYWHERE, RUSSIAN, given_names, surnames

EXAMPLES = {
    # Doc 9303 itself, and what Russian and Belarusian passports have
    ("cyrillic", "icao-9303"): "Юлия iuliia, Щеглова shcheglova, Артём artem, Разъездной razieezdnoi, Ильин ilin, "
    "Хрущёв khrushchev, Ђорђе dorde, Љиљана ljiljana, Џајић dzajic",
    (
        "cyrillic",
        "icao-9303-belarusian",
    ): "Ігар ihar, Аляксандр aliaksandr, Бабрыковіч babrykovich, Святлана sviatlana, Міхась mikhas, Ёўка iouka",
    ("cyrillic", "gost-52535"): "Юлия iuliia, Цветков tcvetkov, Подъячев podiachev, Щукин shchukin, Артём artem",
    (
        "cyrillic",
        "gost-7.79-b",
    ): "Хрущёв xrushhyov, Цветков czvetkov, Циолковский ciolkovskij, Цыганов cyganov, Эйхе ejxe, "
    "Юлия yuliya, Андрей andrej",
    ("cyrillic", "bgn-pcgn"): "Ежов yezhov, Елена yelena, Соловьёв solovyev, Андреев andreyev, Сергеев sergeyev, "
    "Объедков obyedkov, Пётр petr, Кузнецова kuznetsova, Анна-Елена anna-yelena, Майер mayyer, Ёлкин yelkin",
    # Resolution 55 has these
    ("cyrillic", "cmu-55"): "Борщагівка borshchahivka, Гадяч hadiach, Ґалаґан galagan, Згурський zghurskyi, "
    "Єнакієве yenakiieve, Гаєвич haievych, Короп'є koropie, Їжакевич yizhakevych, Кадиївка kadyivka, Мар’їне marine, "
    "Йосипівка yosypivka, Стрий stryi, Олексій oleksii, Розгон rozghon, Феодосія feodosiia, Яготин yahotyn, "
    "Ющенко yushchenko, Знам'янка znamianka",
    (
        "cyrillic",
        "bulgarian",
    ): "Мария maria, София sofia, Щъркелов shtarkelov, Йорданов yordanov, Стефания-Ани stefania-ani, "
    "Мариян mariyan, Гьокче gyokche",
    ("cyrillic", "serbian"): "Ђорђевић djordjevic, Његош njegos, Љубица ljubica, Џајић dzajic, Живковић zivkovic",
    ("cyrillic", ANYASCII): "Юлия yuliya, Подъячев podyachev",
    ("greek", "elot-743"): "Ευάγγελος evangelos, ΕΥΑΓΓΕΛΟΣ evangelos, Αύγουστος avgoustos, Ευθύμιος efthymios, "
    "Χατζηγιάννης chatzigiannis, Μπάμπης bampis, Σαΐνης sainis, Σφιγξ sfinx, Μελάγχρα melanchra, Παύλος pavlos, "
    "Καρακαλπάκ karakalpak, Ζαμπ zab, Άυλος aylos, Παυ paf, Εύα-Παπ eva-pap, Γκόγκος gkogkos, Οικονόμου oikonomou",
    ("greek", ANYASCII): "Γιώργος giorgos",
    ("latin", "german"): "Jürgen juergen, Weiß weiss, Åse ase, Søren soren, Øst ost, Muñoz munoz",
    ("latin", "nordic"): "Åse aase, Søren soeren, Kjærgård kjaergaard, Þór thor, Guðrún gudrun, Mäkelä maekelae",
    ("latin", "icao-9303"): "Åse aase, Søren soeren, Bœuf boeuf, Weiß weiss, Muñoz munoz, Łukasz lukasz, Işıl isil, "
    "Nguyễn nguyen, İbrahim ibrahim, Đặng dang",
    ("latin", ANYASCII): "Jürgen jurgen, Åse ase, Gökhan gokhan, Weiß weiss",
}


@pytest.mark.parametrize(("script", "name"), EXAMPLES, ids=" ".join)
def test_examples_of_the_standard(script: str, name: str) -> None:
    chosen = Transliteration.model_validate({script: name})
    for example in EXAMPLES[script, name].split(", "):
        text, expected = example.split()
        assert latin(text, chosen) == expected
        assert latin(text.upper().replace("SS", "ẞ"), chosen) == expected, "in capitals"


def test_every_standard_has_examples_and_can_be_chosen() -> None:
    chosen = {(script, name) for script, names in STANDARDS.items() for name in names}
    assert set(EXAMPLES) == chosen
    assert {(s, name) for name in NAMES for s in standard(name).scripts} == {c for c in chosen if c[1] != ANYASCII}


def test_the_documentation_has_every_standard() -> None:
    text = (Path(__file__).parents[2] / "docs" / "names.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([a-z0-9.-]+)` \| .* \| (.*) \|$", text, re.MULTILINE))
    assert set(table) == {name for names in STANDARDS.values() for name in names}
    for name, examples in table.items():
        for word, expected in re.findall(r"(\w+) → (\w+)", examples):
            assert latin(word, Naming.model_validate({"transliteration": name}).transliteration) == expected


@pytest.mark.parametrize("name", NAMES)
def test_tables_have_small_letters_of_their_scripts_and_become_ascii(name: str) -> None:
    table = standard(name)
    maps = [table.letters, *(rule.letters for rule in table.rules)]
    for key, becomes in (pair for letters in maps for pair in letters.items()):
        assert key == key.lower()
        assert {script_of(letter) for letter in key} <= set(table.scripts)
        assert set(becomes) <= set(string.ascii_lowercase)
    assert table.source


def test_russian_standards_agree_with_another_implementation() -> None:
    iuliia = pytest.importorskip("iuliia", reason="the library iuliia is not installed")
    others = {
        "icao-9303": iuliia.ICAO_DOC_9303,
        "gost-52535": iuliia.GOST_52535,
        "gost-7.79-b": iuliia.GOST_779_ALT,
        "bgn-pcgn": iuliia.BGN_PCGN,
    }
    names = {*given_names(RUSSIAN), *surnames(RUSSIAN)}
    for name, other in others.items():
        for text in names:
            theirs = "".join(
                c for c in other.translate(text).replace("ё", "e").lower() if c in string.ascii_lowercase + "-"
            )
            assert latin(text, Transliteration.model_validate({"cyrillic": name})) == theirs


def test_one_standard_leaves_the_other_scripts_alone() -> None:
    assert latin("Щука Åse", Transliteration(latin="icao-9303")) == "shchuka-aase"
    assert latin("Юлия Jürgen", Transliteration(cyrillic=("icao-9303",), latin="anyascii")) == "iuliia-jurgen"
    assert latin("Юлия", Transliteration(latin="icao-9303")) == "yuliya"  # that table has Cyrillic too


def test_of_several_standards_the_first_that_knows_all_letters_of_the_whole_name() -> None:
    both = Transliteration(cyrillic=("bgn-pcgn", "cmu-55"))
    assert latin("Мельник", both) == "melnik"
    assert latin("Мельник", both, "Сергій Мельник") == "melnyk"
    assert next(login_candidates("Сергій", "Мельник", LoginPolicy(), both)) == "serhii.melnyk"
    assert mail_addresses("Сергій", "Мельник", "x", ("{given}.{family}@a.example",), both) == (
        "serhii.melnyk@a.example",
    )
    assert next(login_candidates("Ольга", "Мельник", LoginPolicy(), both)) == "olga.melnik"
    assert latin("Люба Љубица", both) == "lyuba-" + latin("Љ") + "ubitsa", "none knows Љ: the first one it is"


def test_one_name_stands_for_all_scripts_of_the_standard() -> None:
    naming = Naming.model_validate({"transliteration": "icao-9303"})
    assert naming.transliteration == Transliteration(latin="icao-9303", cyrillic=("icao-9303",))
    greek = Naming.model_validate({"transliteration": "elot-743"})
    assert greek.transliteration == Transliteration(greek="elot-743")
    with pytest.raises(ValidationError):
        Naming.model_validate({"transliteration": "icao-9304"})
    with pytest.raises(ValidationError):
        Transliteration.model_validate({"cyrillic": []})


def test_decomposed_and_composed_names_are_the_same() -> None:
    everything = Transliteration(latin="nordic", cyrillic=("cmu-55",), greek="elot-743")
    assert latin("Ї", everything) == latin("І\u0308", everything) == "yi"
    assert latin("A\u030ase", everything) == "aase"
    assert latin("Σαι\u0308\u0301νης", everything) == "sainis"


@pytest.mark.parametrize("script", STANDARDS)
def test_no_standard_swallows_a_name(script: str) -> None:
    words = [word for country in EVERYWHERE for word in (*given_names(country), *surnames(country))]
    for name in STANDARDS[script]:  # type: ignore[index]
        chosen = Transliteration.model_validate({script: name})
        for word in words:
            assert set(latin(word, chosen)) <= set(string.ascii_lowercase + "-")
            assert len(latin(word, chosen)) >= len(word) / 2
