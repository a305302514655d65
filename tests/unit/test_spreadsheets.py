"""Tables as spreadsheet programs in several countries save them."""

from __future__ import annotations

import codecs
import logging
from pathlib import Path

import pytest

from provisioning.errors import SiteError
from provisioning.site.load import load
from provisioning.site.spreadsheet_values import DayOrder, day_order, iso_time, truth, whole
from provisioning.site.spreadsheets import folded, sheet_rows, sheet_text
from tests.unit.test_site_faults import laid_over_base

FRENCH = "Zoé Lefèvre, l’été; œuvre «Noël» – 12 €"


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (FRENCH.encode(), "utf-8"),
        (codecs.BOM_UTF8 + FRENCH.encode(), "utf-8-sig"),
        (codecs.BOM_UTF16_LE + FRENCH.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + FRENCH.encode("utf-16-be"), "utf-16"),
        (FRENCH.encode("cp1252"), "windows-1252"),
    ],
)
def test_text_as_excel_writes_it_in_france(raw: bytes, encoding: str) -> None:
    sheet = sheet_text(raw, "f.csv")
    assert (sheet.text, sheet.encoding) == (FRENCH, encoding)


@pytest.mark.parametrize("text", ["Jörg Weiß", "José Muñoz", "Ångström Ærø", "André\u00a0Noël", "Ünal"])
def test_western_names_are_believed_and_it_is_said(text: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert sheet_text(text.encode("cp1252"), "f.csv").text == text
    assert "f.csv is not UTF-8; read as Windows-1252" in caplog.text


@pytest.mark.parametrize(
    ("text", "encoding", "at"),
    [
        ("a\nb Анна", "cp1251", "2: column 3"),
        ("Ελένη", "cp1253", "1: column 1"),
        ("Łukasz", "cp1250", "1: column 1"),
        ("Kowalska Małgorzata", "cp1250", "1: column 12"),
        ("Zoé Lefèvre", "mac-roman", "1: column 8"),
        ("Hugo André", "mac-roman", "1: column 6"),
        ("Zoé", "cp850", "1: column 3"),
        ("Şahin", "cp1254", "1: column 1"),
    ],
)
def test_what_may_be_something_else_is_refused_with_its_place(text: str, encoding: str, at: str) -> None:
    with pytest.raises(SiteError) as caught:
        sheet_text(text.encode(encoding), "f.csv")
    assert str(caught.value).startswith(f"f.csv:{at}: not UTF-8 text")
    assert "choose 'CSV UTF-8' when saving" in str(caught.value)


def test_the_site_may_say_what_it_is() -> None:
    assert sheet_text("Анна".encode("cp1251"), "f.csv", "windows-1251").text == "Анна"
    assert sheet_text("Анна".encode(), "f.csv", "windows-1251").text == "Анна"
    with pytest.raises(SiteError, match=r"f\.csv:1: column 2: not UTF-8 text, nor windows-1252"):
        sheet_text(b"a\x81", "f.csv", "windows-1252")


@pytest.mark.parametrize(
    ("text", "known", "delimiter", "rows"),
    [
        ("a;b\n1;2", (), ";", [(1, 1), (2, 2)]),
        ('"Nom, prénom";Date\nx;y', (), ";", [(1, 1), (2, 2)]),
        ("person,x;y;z\n1,2", ("person",), ",", [(1, 1), (2, 2)]),
        ('a;"b\nc"\n1;2\n"3\n4";5\n6;7', (), ";", [(1, 1), (2, 3), (3, 4), (4, 6)]),
        ("sep=|\na|b\n1|2", (), "|", [(2, 2), (3, 3)]),
        ("a\tb,c\n", (), "\t", [(1, 1)]),
        ("a\nb\n", (), ",", [(1, 1), (2, 2)]),
    ],
)
def test_delimiter_rows_and_lines(
    text: str, known: tuple[str, ...], delimiter: str, rows: list[tuple[int, int]]
) -> None:
    found, read = sheet_rows(text, "f.csv", known)
    assert (found, [(row.number, row.line) for row in read]) == (delimiter, rows)


@pytest.mark.parametrize("heading", ["Given name", "given_name", " GIVEN-NAME ", "Gíven  Name", "given\nname"])
def test_headings_are_spelt_as_people_spell_them(heading: str) -> None:
    assert folded(heading) == "given_name"


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2027-01-04", None, "2027-01-04"),
        ("04.01.2027", None, "2027-01-04"),
        ("04.01.2027", "month-first", "2027-01-04"),
        ("2027/1/4", None, "2027-01-04"),
        ("25/01/2027", None, "2027-01-25"),
        ("01/25/2027", None, "2027-01-25"),
        ("05/05/2027", None, "2027-05-05"),
        ("04/01/2027", "day-first", "2027-01-04"),
        ("04/01/2027", "month-first", "2027-04-01"),
        ("4-1-2027", "day-first", "2027-01-04"),
        ("04/01/2027 08:30", "day-first", "2027-01-04T08:30"),
        ("04/01/2027 00:00:00", "day-first", "2027-01-04"),
        ("soon", None, "soon"),
        ("", None, ""),
    ],
)
def test_days(text: str, order: DayOrder | None, expected: str) -> None:
    assert iso_time(text, order) == expected


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("04/01/2027", None, "may be 2027-01-04 or 2027-04-01; write it as 2027-01-04, or say in the site"),
        ("04/01/27", "day-first", "with four digits"),
        ("01/25/2027", "day-first", "no such day"),
        ("31.02.2027", None, "no such day"),
    ],
)
def test_days_that_may_be_two_or_none(text: str, order: DayOrder | None, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        iso_time(text, order)


@pytest.mark.parametrize(
    ("column", "setting", "expected"),
    [
        (["04/01/2027", "25/01/2027"], None, "day-first"),
        (["04/01/2027", "01/25/2027"], None, "month-first"),
        (["04/01/2027"], None, None),
        (["25/01/2027", "01/25/2027"], None, None),
        (["25.01.2027", "04/01/2027"], None, None),
        (["01/25/2027"], "day-first", "day-first"),
    ],
)
def test_a_column_tells_its_order(column: list[str], setting: DayOrder | None, expected: DayOrder | None) -> None:
    assert day_order(column, setting) == expected


def test_numbers_and_truths() -> None:
    assert [whole(t) for t in ("1042,00", "1\u202f042", "1 042,0", "1042.0", "10,5", "E1", "1042")] == [
        "1042", "1042", "1042", "1042", "10,5", "E1", "1042",
    ]  # fmt: skip
    assert [truth(t) for t in ("VRAI", "FAUX", "WAHR", "ЛОЖЬ", "true", "yes")] == [
        "true", "false", "true", "false", "true", "yes",
    ]  # fmt: skip


def test_a_site_whose_tables_were_saved_by_excel_in_french(tmp_path: Path) -> None:
    """Semicolons, Windows-1252, CRLF, days, truth values and numbers rewritten, empty columns and rows behind."""
    site = laid_over_base("_base", tmp_path / "site")
    people, workplaces = site / "people.csv", site / "workplaces.csv"
    people.write_text(people.read_text(encoding="utf-8").replace("Анна,Петрова", "Zoé,Lefèvre"), encoding="utf-8")
    workplaces.write_text(workplaces.read_text(encoding="utf-8").replace("204,O-2,", "204,O-2,true"), encoding="utf-8")
    before = load(site)
    for table in site.glob("*.csv"):
        text = table.read_text(encoding="utf-8").replace(",", ";").replace("true", "VRAI")
        text = text.replace("2026-11-30", "30/11/2026").replace("C1;P1;2", "C1;P1;2,0")
        lines = [f"{line};;" for line in text.splitlines()] + [";;;;", ""]
        table.write_bytes("\r\n".join(lines).encode("cp1252"))
    assert load(site) == before
    people.write_bytes(
        b"Person;Given Name;FAMILY NAME;department;profile;start\r\n"
        + "E1;Zoé;Lefèvre;Ventes;sales;25/01/2027\r\nE2;Noël;Roy;Ventes;sales;04/01/2027\r\n".encode("cp1252")
    )
    found = load(site).people
    assert (found["E1"].given_name, str(found["E2"].start)) == ("Zoé", "2027-01-04")
    people.write_bytes(b"person;given_name;family_name;department;profile;start\nE2;A;B;C;sales;04/01/2027\n")
    with pytest.raises(SiteError, match=r"people\.csv:2: start '04/01/2027': may be 2027-01-04 or 2027-04-01; write"):
        load(site)
    (site / "tables.yml").write_text("spreadsheets: {dates: month-first, encoding: windows-1251}\n")
    assert str(load(site).people["E2"].start) == "2027-04-01"
    people.write_bytes("person;given_name;family_name;department;profile\nE2;Анна;Иванова;C;sales\n".encode("cp1251"))
    assert load(site).people["E2"].given_name == "Анна"
