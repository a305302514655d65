"""Exports of personnel offices: their columns, their people, and all that may stand against them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from provisioning.errors import RequestError, SiteError
from provisioning.intake.people_file import addition
from provisioning.procedures.hires import Hires, read_hires
from provisioning.procedures.hires_rows import Row
from provisioning.procedures.hires_shortages import Given, shortages
from provisioning.site import Inventory
from provisioning.site.hires import PersonnelExport
from provisioning.site.load import load
from provisioning.site.phones import ExtensionRange
from tests.unit.cli_office import EXAMPLE
from tests.unit.requests_desk import Desk, desk

__all__ = ["desk"]

FRENCH = """
hires:
  columns:
    person: Matricule
    given_name: Prénom
    family_name: Nom
    birth_date: Né(e) le
    department: Service
    profile: Poste
    title: Poste
    manager: Responsable
    desk: Bureau
    start: Date d'entrée
  profiles: {Chargé de clientèle: sales, Comptable: accounting}
"""
HEADER = 'Matricule;Prénom;Nom;Né(e) le;Service;Poste;Responsable;Bureau;"Date\r\nd\'entrée";Salaire;;\r\n'


@pytest.fixture(scope="module")
def site() -> Inventory:
    text = FRENCH.partition("hires:")[2]
    columns = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines()[2:-1])
    }
    export = PersonnelExport.model_validate(
        {"columns": columns, "profiles": {"Chargé de clientèle": "sales", "Comptable": "accounting"}}
    )
    return load(EXAMPLE).model_copy(update={"hires": export})


def french(site: Inventory, tmp_path: Path, *rows: str, adding: bool = True) -> Hires:
    """The rows as Excel in Paris saves them, with the empty columns and rows that it leaves behind."""
    file = tmp_path / "rh.csv"
    lines = [f"{row};2 500,50;;\r\n" for row in rows] + [";;;;;;;;;;;\r\n"] * 3
    file.write_bytes((HEADER + "".join(lines)).encode("cp1252"))
    return read_hires(file, site, adding=adding)


def faults(hires: Hires) -> list[str | None]:
    return [row.fault for row in hires.rows]


def test_an_export_as_it_comes(site: Inventory, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hires = french(
        site, tmp_path,
        "2001,00;Zoé;Dupont;01/02/1990;Ventes;Chargé de clientèle;Müller, Jörg;B-204-2;25/01/2027",
        '2002;"Anne\r\nMarie";Noël;13/05/1991;Compta;COMPTABLE;2001;;04/01/2027',
    )  # fmt: skip
    assert faults(hires) == [None, None]
    assert hires.others == ("Salaire",)
    assert [(row.number, row.line) for row in hires.rows] == [(2, 3), (3, 4)]
    zoe, anne = hires.newcomers["2001"], hires.newcomers["2002"]
    assert (zoe.profile, zoe.title, zoe.manager, zoe.workplace, str(zoe.start)) == (
        "sales", "Chargé de clientèle", "E1002", "B-204-2", "2027-01-25",
    )  # fmt: skip
    assert (anne.given_name, anne.profile, anne.manager, str(anne.start)) == (
        "Anne Marie", "accounting", "2001", "2027-01-04",
    )  # fmt: skip
    assert hires.rows[1].start == "2027-01-04"
    assert "rh.csv is not UTF-8; read as Windows-1252" in caplog.text


def test_without_adding_them_people_who_are_not_in_the_site_are_named(site: Inventory, tmp_path: Path) -> None:
    hires = french(site, tmp_path, "2001;Zoé;Dupont;;Ventes;Comptable;;;", adding=False)
    assert f"`provision hires import {tmp_path / 'rh.csv'}` adds them" in (faults(hires)[0] or "")
    assert not hires.newcomers


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["2001;Zoé;;;;;;;"], "does not say their family_name, department, profile"),
        (["2001;Zoé;Roy;;Ventes;Comptabel;;;"], "there is no profile 'Comptabel'"),
        (["2001;Zoé;Roy;;Ventes;Comptable;E10O2;;"], "there is no person 'E10O2' (manager)"),
        (["2001;Zoé;Roy;;Ventes;Comptable;;B-203-1;"], "desk B-203-1 belongs to E1002 (Jörg Müller); give a free one"),
        (["2001;Zoé;Roy;;Ventes;Comptable;;B-999;"], "the site has no workplace 'B-999'"),
        (["2001;Zoé;Roy;;Ventes;Comptable;;;04/01/2027"], "start '04/01/2027': may be 2027-01-04 or 2027-04-01"),
        (["2001;Zoé;Roy;;Ventes;Comptable;;;bientôt"], "expected a time such as"),
        (["E 1;Zoé;Roy;;Ventes;Comptable;;;"], "'E 1' cannot be a key of the site; expected 1 to 64 letters"),
        (["2001;=Zoé;Roy;;Ventes;Comptable;;;"], "begins as a formula does"),
        (["2001;Zoé;Roy;;Ventes;Comptable;2001;;"], "go round in a circle: 2001 → 2001"),
        (
            ["2001;Zoé;Roy;;V;Comptable;2002;;", "2002;Luc;Roy;;V;Comptable;2001;;"],
            "the managers go round in a circle: 2001 → 2002 → 2001",
        ),
        (["2001;Zoé;Roy;;V;Comptable;;;", "2001;Zoé;Roy;;V;Comptable;;;"], "2001 is also in row 3; keep one of them"),
        (
            ["2001;Zoé;Roy;;V;Comptable;;B-204-2;", "2002;Luc;Noël;;V;Comptable;;B-204-2;"],
            "desk B-204-2 is also given in row 3; give each person a desk of their own",
        ),
        (["E1042;Ivan;Ivanov;;Sales;sales;;;"], "E1042 is Анна Петрова in the site, and Ivan Ivanov in the file"),
    ],
)
def test_what_stands_against_a_row(site: Inventory, tmp_path: Path, rows: list[str], expected: str) -> None:
    hires = french(site, tmp_path, *rows)
    assert expected in (faults(hires)[0] or "")
    assert "2001" not in hires.newcomers


def test_all_that_is_wrong_with_a_row_is_said_at_once(site: Inventory, tmp_path: Path) -> None:
    hires = french(site, tmp_path, "2001;Zoé;Roy;;Ventes;Comptable;;B-203-1;bientôt", adding=False)
    fault = faults(hires)[0] or ""
    assert ("belongs to E1002" in fault, "expected a time" in fault, "is not in the site yet" in fault) == (
        True, True, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["2001;Zoé;Lefèvre;;V;Comptable;;;"], "Zoé Lefèvre is also E1003 in the site; is that one person"),
        (["2001;Luc;Roy;;V;Comptable;;;", "2002;ROY;Luc;;V;Comptable;;;"], "Luc Roy is also 2002 in row 3; is that"),
        (["E1042;Anna;Ivanova;;Sales;sales;;;"], "the site says family_name 'Петрова', the file 'Ivanova'; it stays"),
        (["E1042;Anna;Petrova;;Sales;Comptable;;;"], "the site says profile 'sales', the file 'accounting'; it stays"),
    ],
)
def test_what_somebody_should_look_at(site: Inventory, tmp_path: Path, rows: list[str], expected: str) -> None:
    hires = french(site, tmp_path, *rows)
    assert faults(hires)[0] is None
    assert any(expected in warning for warning in hires.rows[0].warnings)


@pytest.mark.parametrize(
    "rows",
    [
        ["E1042;Anna;Petrova;;Sales;sales;E1001;;"],  # transliterated, as the site would
        ["E1003;ZOE;Lefevre;;sales;Sales;Müller Jörg;B-203-2;"],
        ["2001;Luc;Roy;01.02.1990;V;Comptable;;;", "2002;Luc;Roy;03.02.1990;V;Comptable;;;"],  # two people
    ],
)
def test_what_nobody_needs_to_look_at(site: Inventory, tmp_path: Path, rows: list[str]) -> None:
    hires = french(site, tmp_path, *rows)
    assert [(row.fault, row.warnings) for row in hires.rows] == [(None, ())] * len(rows)


def test_a_heading_that_the_site_names_and_the_export_has_not(site: Inventory, tmp_path: Path) -> None:
    file = tmp_path / "rh.csv"
    file.write_text("Matricul;Prénom;Nom\n1;a;b\n", encoding="utf-8")
    with pytest.raises(
        RequestError, match=r"rh\.csv:1: there is no column 'Matricule' \(hires: columns: person\); did"
    ):
        read_hires(file, site)
    file.write_text("person,desk\nE1042,B-204-2\n", encoding="utf-8")  # our own names need no mapping
    assert read_hires(file, site).rows[0].desk == "B-204-2"


# -------------------------------------------------------------------------------------------------- the whole batch


def test_extensions_that_do_not_suffice_for_all(site: Inventory) -> None:
    assert site.phones is not None
    name = site.phones.classes["office"].range
    free = ("1003", "1004")
    narrow = ExtensionRange(first=free[0], last=free[1])
    phones = site.phones.model_copy(update={"ranges": {**site.phones.ranges, name: narrow}})
    people = {key: person.model_copy(update={"phone": None}) for key, person in site.people.items()}
    tight = site.model_copy(update={"phones": phones, "people": people})
    rows = [Row(2, "E1042"), Row(3, "E1043"), Row(4, "E1038"), Row(5, "E1003", fault="bad")]
    found = list(shortages(tight, rows, Given()))
    assert [conflict.row.person for conflict in found] == ["E1038"]
    assert "the file needs 3, 2 are free, 1 are missing" in found[0].sentence
    held = {name: {free[0]: "E1042", free[1]: "E9"}}
    assert [c.row.person for c in shortages(tight, rows, Given(extensions=held))] == ["E1043", "E1038"]
    assert not list(shortages(tight, rows[:2], Given()))


def test_licence_seats_that_do_not_suffice_for_all(site: Inventory) -> None:
    pool = site.licences["crm"].model_copy(update={"seats": 2})
    few = site.model_copy(update={"licences": {"crm": pool}})
    rows = [Row(n, key) for n, key in enumerate(("E1002", "E1003", "E1042"), 2)]
    assert all(few.workstation_at.get(few.people[row.person].workplace or "") for row in rows[2:])
    wanting = [r for r in rows if few.workstation_at.get(few.people[r.person].workplace or "")]
    found = list(shortages(few, wanting, Given(seats={"crm": {"1": "E1", "2": "E2"}})))
    assert [conflict.row.person for conflict in found] == [row.person for row in wanting]
    said = f"the file needs {len(wanting)}, 0 of 2 are free, {len(wanting)} are missing (held by E1, E2); free some"
    assert said in found[0].sentence
    held = Given(seats={"crm": {"1": wanting[0].person, "2": "E2"}})
    assert wanting[0].person not in [c.row.person for c in shortages(few, wanting, held)]


# ------------------------------------------------------------------------------------------------------ the commands


def test_check_lists_everything_and_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    file.write_text("person;desk;start\nE1042;B-203-1;2020-01-01\nE9;;\nE1043;;\n", encoding="utf-8")
    result = desk.run("onboard", "--from", str(file), "--check")
    assert result.exit_code == 1
    assert f"{file}:2: row 2 (E1042): desk B-203-1 belongs to E1002" in result.stdout
    assert "; start 2020-01-01 00:00 " in result.stdout  # all at once
    assert f"{file}:3: row 3 (E9): the site has no person 'E9'" in result.stdout
    assert "3 rows: 2 rows cannot be carried out. Nothing was changed." in result.stdout
    assert not desk.touched
    assert not desk.site.has_ledger
    found = json.loads(desk.run("onboard", "--from", str(file), "--check", "--output", "json").stdout)
    assert [(one["row"], one["line"], one["person"], one["severity"]) for one in found] == [
        (2, 2, "E1042", "error"), (3, 3, "E9", "error"),
    ]  # fmt: skip
    file.write_text("person\nE1043\n", encoding="utf-8")
    assert "nothing stands against them" in desk.ok("onboard", "--from", str(file), "--check")
    assert "--check goes with --from FILE" in desk.refused("onboard", "E1042", "--check")


def test_hires_import(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "hires.yml").write_text(FRENCH, encoding="utf-8")
    people, file = desk.folder / "people.csv", tmp_path / "rh.csv"
    before = people.read_bytes()
    good = "2001;Zoé;Dupont;;Ventes;Comptable;E1015;;25/01/2027;1;;\r\n"
    file.write_bytes((HEADER + good + "2002;;Roy;;;;;;;;;\r\n").encode("cp1252"))
    assert "there is no terminal to ask on" in desk.refused("hires", "import", str(file))
    assert people.read_bytes() == before
    result = desk.run("hires", "import", str(file), "--yes")
    assert result.exit_code == 3
    assert "  + 2001: Zoé Dupont, accounting in Ventes, manager E1015, from 2027-01-25" in result.stdout
    assert (
        f"{file}:4: row 3 (2002): 2002 is not in the site yet, and to add them the file does not say" in result.stdout
    )
    assert people.read_bytes() == before + "2001,Zoé,Dupont,Ventes,accounting,Comptable,E1015,,,2027-01-25\n".encode()
    assert "Nobody to add." in desk.run("hires", "import", str(file), "--yes").stdout
    assert "scheduled" in desk.run("onboard", "--from", str(file), "--yes").stdout
    found = json.loads(desk.run("hires", "import", str(file), "--yes", "--output", "json").stdout)
    assert (found["added"], len(found["conflicts"])) == ({}, 1)
    assert "cannot be read" in desk.refused("hires", "import", "/nowhere.csv", "--yes")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("person;given_name;family_name;department;profile\r\nE1;Jörg;Roy;V;sales\r\n".encode("cp1252"), b"E2;Zo\xe9;"),
        ("\ufeffPerson,Given Name,Family Name,Department,Profile".encode(), "\nE2,Zoé,".encode()),
        (
            b"\xff\xfe" + "person\tgiven_name\tfamily_name\tdepartment\tprofile\r\n".encode("utf-16-le"),
            "E2\tZoé\t".encode("utf-16-le"),
        ),
    ],
)
def test_the_table_of_people_stays_as_it_is_written(desk: Desk, content: bytes, expected: bytes) -> None:
    table = desk.folder / "people.csv"
    table.write_bytes(content)
    file = desk.folder.parent / "h.json"
    person = {"person": "E2", "given_name": "Zoé", "family_name": "Roy", "department": "V", "profile": "sales"}
    file.write_text(json.dumps([person]), encoding="utf-8")
    desk.ok("hires", "import", str(file), "--yes")
    written = table.read_bytes()
    assert written.startswith(content)
    assert expected in written[len(content) :]
    assert desk.site.inventory.people["E2"].family_name == "Roy"


def test_a_table_that_cannot_take_them_is_left_alone(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    table, file = desk.folder / "people.csv", desk.folder.parent / "h.json"
    person = {"person": "E2", "given_name": "Łukasz", "family_name": "Roy", "department": "V", "profile": "sales"}
    file.write_text(json.dumps([person]), encoding="utf-8")
    head = "person;given_name;family_name;department;profile\r\nE1;Jörg;Roy;V;sales\r\n"
    table.write_bytes(head.encode("cp1252"))
    assert "windows-1252, which has no 'Ł'; save it as 'CSV UTF-8' first" in desk.refused(
        "hires", "import", str(file), "--yes"
    )
    file.write_text(json.dumps([{**person, "title": "Boss"}]), encoding="utf-8")
    assert "there is no column title, which new people need" in desk.refused("hires", "import", str(file), "--yes")
    assert table.read_bytes() == head.encode("cp1252")
    table.unlink()
    (desk.folder / "staff.yml").write_text(
        "people:\n  E1: {given_name: A, family_name: B, department: C, profile: sales}\n", encoding="utf-8"
    )
    desk.ok("hires", "import", str(file), "--yes")
    assert (desk.folder / "people-hires.csv").exists()
    assert set(desk.site.inventory.people) == {"E1", "E2"}


def test_somebody_changed_the_table_in_the_meantime(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    person = {"person": "E2", "given_name": "Zoé", "family_name": "Roy", "department": "V", "profile": "sales"}
    file.write_text(json.dumps([person]), encoding="utf-8")
    table = desk.folder / "people.csv"
    found = desk.site.newcomers(file)
    table.write_bytes(table.read_bytes() + b"# hello\n")
    with pytest.raises(RequestError, match="was changed in the meantime, so nothing was written"):
        found.write()
    found = desk.site.newcomers(file)
    found.write()
    found.write()  # twice is once
    assert table.read_bytes().count(b"E2,") == 1


def test_a_site_that_would_not_be_valid_is_not_written(desk: Desk, tmp_path: Path) -> None:
    """Newcomers whom the rows' own checks let through, but the site's do not: a login that is somebody's."""
    file = tmp_path / "h.json"
    people = [
        {"person": key, "given_name": "A", "family_name": key, "department": "V", "profile": "sales", "login": "same"}
        for key in ("E2", "E3")
    ]
    file.write_text(json.dumps(people), encoding="utf-8")
    table = desk.folder / "people.csv"
    text = table.read_text(encoding="utf-8").replace("phone,start", "phone,start,login")
    table.write_text(text, encoding="utf-8")
    site = desk.site
    with pytest.raises(SiteError, match="login 'same' already belongs to person E2"):
        addition(site.inventory, read_hires(file, site.inventory, adding=True))
    assert table.read_text(encoding="utf-8") == text
