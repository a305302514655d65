"""Files of new colleagues: what is read, and what is refused before anything is touched."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from provisioning.errors import RequestError
from provisioning.procedures.hires import LARGEST, Row, read_hires
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.unit.cli_office import EXAMPLE


@pytest.fixture(scope="module")
def site() -> Inventory:
    return load(EXAMPLE)


def rows(site: Inventory, tmp_path: Path, name: str, content: str | bytes) -> list[Row]:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_hires(file, site).rows)


WANTED = [
    Row(2, "E1042", "B-204-2", "2099-12-01T08:00", ("archive-tool", "office-fonts"), "по-русски"),
    Row(3, "E1043"),
]


START = "2099-12-01T08:00"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "h.csv",
            f"person,desk,start,with,note\nE1042,B-204-2,{START},archive-tool office-fonts,по-русски\nE1043\n",
        ),
        (
            "h.csv",
            "\ufeffPerson;Desk;Start;With;Note;;\r\n"
            f"E1042;B-204-2;{START};archive-tool, office-fonts;по-русски;;\r\nE1043;;;;;;\r\n",
        ),
        (
            "h.tsv",
            "person\tnote\tdesk\tstart\twith\n"
            f"E1042\tпо-русски\tB-204-2\t{START}\tarchive-tool|office-fonts\nE1043\t\t\tnow\n",
        ),
    ],
)
def test_tables_as_offices_write_them(site: Inventory, tmp_path: Path, name: str, content: str) -> None:
    assert rows(site, tmp_path, name, content) == WANTED
    # "Unicode Text" of Excel, which is what it writes for names in Cyrillic unless somebody knows better
    assert rows(site, tmp_path, name, codecs.BOM_UTF16_LE + content.lstrip("\ufeff").encode("utf-16-le")) == WANTED


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "h.json",
            '[{"person":"E1042","desk":"B-204-2","start":"2099-12-01T08:00","with":["archive-tool","office-fonts"],'
            '"note":"по-русски"},{"person":"E1043","start":"now"}]',
        ),
        (
            "h.yml",
            "- {person: E1042, desk: B-204-2, start: 2099-12-01T08:00, with: [archive-tool, office-fonts], "
            "note: по-русски}\n- person: E1043\n  start: now\n",
        ),
    ],
)
def test_lists(site: Inventory, tmp_path: Path, name: str, content: str) -> None:
    found = rows(site, tmp_path, name, content)
    assert [(r.person, r.desk, r.start, r.software, r.note) for r in found] == [
        (r.person, r.desk, r.start, r.software, r.note) for r in WANTED
    ]
    assert [r.number for r in found] == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("h.csv", "", "the table is empty"),
        ("h.csv", "person\n", "there are no rows"),
        ("h.csv", "person,strat\nE1042,x\n", "there is no column 'strat'; did you mean 'start'"),
        ("h.csv", "person,desk,desk\nE1042,,\n", "'desk' is there twice"),
        ("h.csv", "desk\nB-204-3\n", "the column 'person' is missing"),
        ("h.csv", 'person,note\nE1042,"open\n', "not valid CSV"),
        ("h.csv", "person;note\r\nE1042;Привет\r\n".encode("cp1251"), "h.csv:2: column 7: not UTF-8 text, and what it"),
        ("h.csv", codecs.BOM_UTF16_LE + b"p", "h.csv:1: column 1: not UTF-8 text, nor utf-16; in Excel choose"),
        ("h.json", '["Zoé"]'.encode("latin-1"), "h.json:1: column 5: not UTF-8 text; in Excel choose 'CSV UTF-8'"),
        ("h.csv", "person\n".encode("utf-16-le"), "in Excel choose 'CSV UTF-8'"),
        ("h.json", "{", "not valid JSON"),
        ("h.json", "{}", "expected a list of rows"),
        ("h.json", "[" * 100_000, "not valid JSON"),
        ("h.yml", "- {person: [}", "not valid YAML"),
        ("h.yml", "- !!python/object/apply:os.system [id]", "not valid YAML"),
        ("h.xlsx", "PK", "in Excel choose 'CSV UTF-8' when saving), .json"),
        ("h.csv", b"x" * (LARGEST + 1), "larger than 10 MiB"),
    ],
)
def test_a_file_that_is_none_is_refused(
    site: Inventory, tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    with pytest.raises(RequestError) as caught:
        rows(site, tmp_path, name, content)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",,,", None),
        ("E1O42,,,", "did you mean 'E1042'"),
        ("Anna Petrova,,,", "write them into the site's people first"),
        ("'',B-204-3,,", "the site has no person"),
        ("E1042,B-204-33,,", "did you mean 'B-204-3'"),
        ("E1042,,2099-13-01,", "there is no such time"),
        ("E1042,,tomorrow,", "expected a time"),
        ("E1042,,31.11.2099,", "there is no such day"),
        ("E1042,B-203-1,,", "desk B-203-1 belongs to E1002 (Jörg Müller); give a free one, such as B-"),
        ("E1042,,,archiv-tool", "did you mean 'archive-tool'"),
        ("E1042,,,a,b", "the row has 5 cells, the header 4"),
    ],
)
def test_a_bad_row_is_named_and_the_others_stay_good(
    site: Inventory, tmp_path: Path, row: str, expected: str | None
) -> None:
    found = rows(site, tmp_path, "h.csv", f"person,desk,start,with\n{row}\nE1043,,,\n")
    assert found[-1].fault is None
    if expected is None:
        assert len(found) == 1
    else:
        assert expected in (found[0].fault or "")


def test_rows_that_are_no_rows(site: Inventory, tmp_path: Path) -> None:
    found = rows(
        site, tmp_path, "h.json", '[7, {"persn": "E1042"}, {"person": {}}, {"person": "E1042", "desk": ["x"]}, {}]'
    )
    faults = [row.fault or "" for row in found]
    assert "expected names and values" in faults[0]
    assert "did you mean 'person'" in faults[1]
    assert all(faults)


def test_contradictions_inside_the_file_are_found_before_anything_is_touched(site: Inventory, tmp_path: Path) -> None:
    table = "person,desk\nE1042,\nE1043,B-207-1\nE1042,B-207-1\nE1003,B-204-2\nE1023,B-204-2\nE1038,\n"
    found = rows(site, tmp_path, "h.csv", table)
    assert [row.fault for row in found] == [
        "E1042 is also in row 4; keep one of them",
        None,
        "E1042 is also in row 2; keep one of them",
        "desk B-204-2 is also given in row 6; give each person a desk of their own",
        "desk B-204-2 is also given in row 5; give each person a desk of their own",
        None,
    ]
