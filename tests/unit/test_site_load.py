"""How a site may be written, and what stops it from being read at all."""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.errors import RequestError, SiteError
from provisioning.site import Inventory
from provisioning.site.load import load

BASE = Path(__file__).parent.parent / "cases" / "site" / "_base"
EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"
Write = Callable[[str, "str | bytes"], Inventory]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BASE, tmp_path / "site"))


@pytest.fixture
def loaded_with(folder: Path) -> Write:
    """Loads the base site with one file more, or another."""

    def write(name: str, content: str | bytes) -> Inventory:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(folder)

    return write


def test_the_example_site_is_good() -> None:
    site = load(EXAMPLE)
    new_hire = site.person("E1042")
    assert (new_hire.workplace, new_hire.manager) == ("B-204-3", "E1001")
    assert site.workstation_at["B-204-3"] == "WS-0042"
    outlet = site.outlets[site.workplace("B-204-3").outlet]
    assert (outlet.switch, outlet.switch_port) == ("sw-b2-1", "GigabitEthernet1/0/12")
    assert site.network.vlans["management"].protected


@pytest.mark.parametrize(
    "table",
    [
        "workplace,building,room,outlet\nD-1,B,204,O-1\nD-2,B,Büro 2,O-2\n",
        "\ufeffworkplace;building;room;outlet\r\nD-1;B;204;O-1\r\nD-2;B;Büro 2;O-2\r\n",
        "sep=;\nworkplace;building;room;outlet\nD-1;B;204;O-1\nD-2;B;Büro 2;O-2\n;;;\n",
        "workplace\tbuilding\troom\toutlet\nD-1\tB\t204\tO-1\nD-2\tB\tBüro 2\tO-2\n",
        "# a comment\n\nworkplace, building, room, outlet,,\nD-1, B, 204, O-1,,\n\n# D-9,B,1,O-9\nD-2,B,Büro 2,O-2,,\n",
        'workplace,building,room,outlet\n"D-1","B","204","O-1"\nD-2,B,"Büro 2",O-2',
    ],
    ids=["plain", "excel", "separator-line", "tabs", "comments", "quotes"],
)
def test_tables_are_read_as_offices_write_them(loaded_with: Write, table: str) -> None:
    site = loaded_with("workplaces.csv", table)
    assert site.workplaces["D-2"].room == "Büro 2"


def test_sections_spread_over_files(loaded_with: Write, folder: Path) -> None:
    (folder / "workplaces-annex.csv").write_text("workplace,building,room,outlet\nA-1,Annex,1,O-3\n")
    site = loaded_with(
        "more.yaml",
        "workplaces:\npeople:\n  E9: {given_name: Zoé, family_name: Lefèvre, department: Sales, profile: sales}\n",
    )
    assert {"D-1", "A-1"} <= site.workplaces.keys()
    assert site.people["E9"].family_name == "Lefèvre"


def test_an_error_in_a_quoted_row_of_two_lines_names_its_first_line(loaded_with: Write) -> None:
    with pytest.raises(
        SiteError,
        match=r"workplaces\.csv:2: workplaces D-1: building: contains the control character U\+000A",
    ):
        loaded_with("workplaces.csv", 'workplace,building,room,outlet\nD-1,"B\nC",204,O-1\nD-2,B,204,O-2\n')


def test_scalars_stay_what_was_written(loaded_with: Write) -> None:
    people = (
        "people:\n  E8: {given_name: No, family_name: 'Null', department: 0815, "
        "profile: sales, phone: 0049, start: 2026-11-30}\n"
    )
    person = loaded_with("more.yml", people).people["E8"]
    assert (person.given_name, person.family_name, person.department, person.phone) == (
        "No",
        "Null",
        "0815",
        "0049",
    )
    assert str(person.start) == "2026-11-30"


def test_anchors_and_merges(loaded_with: Write) -> None:
    site = loaded_with(
        "closets.yml", "closets:\n  C1: &usual {room: K1, panels: {P1: 24}}\n  C2: {<<: *usual, room: K2}\n"
    )
    assert site.closets["C2"].room == "K2"
    assert site.closets["C2"].panels == {"P1": 24}


def test_a_fault_inside_a_merge_names_the_line_of_the_anchor(loaded_with: Write) -> None:
    with pytest.raises(
        SiteError, match=r"closets\.yml:2: closets C2: panels: P1: '97' does not fit; expected 96 or less"
    ):
        loaded_with(
            "closets.yml",
            "closets:\n  C1: &usual {room: K1, panels: {P1: 97}}\n  C2: {<<: *usual, room: K2}\n",
        )


@pytest.mark.parametrize("content", ["mail: &a [*a]\n", "mail: &a\n  b: *a\n"])
def test_an_alias_of_itself_is_refused(loaded_with: Write, content: str) -> None:
    with pytest.raises(SiteError, match=r"mail\.yml:\d+: "):
        loaded_with("mail.yml", content)


def test_aliases_cannot_multiply_without_end(loaded_with: Write) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))
    with pytest.raises(SiteError, match="no section 'a0'"):
        loaded_with("bomb.yml", bomb)


def test_paths_start_from_the_folder(loaded_with: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = loaded_with("settings.yml", "ledger: db/ledger.sqlite\nhandover: /srv/handover\n")
    assert site.ledger == folder / "db" / "ledger.sqlite"
    assert site.handover.folder == Path("/srv/handover")
    assert site.network.switches["sw-1"].known_hosts == folder / "known_hosts"
    monkeypatch.chdir(folder.parent)
    assert load(Path("site")).ledger == folder / "db" / "ledger.sqlite"


def test_folders_and_hidden_files_are_left_alone(loaded_with: Write, folder: Path) -> None:
    (folder / "old.yml").mkdir()
    (folder / "packages" / "people.csv").write_text("nonsense")
    assert loaded_with(".draft.yml", "nonsense")


def test_a_shared_desk_takes_several_people(loaded_with: Write, folder: Path) -> None:
    people = (folder / "people.csv").read_text().replace("D-2", "D-1")
    (folder / "people.csv").write_text(people)
    site = loaded_with("workplaces.csv", "workplace,building,room,outlet,shared\nD-1,B,204,O-1,true\nD-2,B,204,O-2,\n")
    assert [key for key, person in site.people.items() if person.workplace == "D-1"] == ["E1", "E2"]


def test_unread_folders(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"/none:1: there is no such folder; `provision init .*/none` writes"):
        load(tmp_path / "none")
    with pytest.raises(SiteError, match=r"holds no \.yml or \.csv file"):
        load(tmp_path)
    (tmp_path / "file.yml").write_text("")
    with pytest.raises(SiteError, match="this is a file"):
        load(tmp_path / "file.yml")


def test_an_unreadable_file_is_named(folder: Path) -> None:
    (folder / "extra.yml").symlink_to(folder / "gone.yml")
    with pytest.raises(SiteError, match=r"extra\.yml:1: the file cannot be read: No such file or directory"):
        load(folder)


def test_a_whole_missing_table_is_told_quickly(loaded_with: Write, folder: Path) -> None:
    rows = "".join(f"E{i},A,B,Sales,sales,D-{i}\n" for i in range(3000))
    with pytest.raises(SiteError) as caught:
        loaded_with("people.csv", "person,given_name,family_name,department,profile,workplace\n" + rows)
    assert len(caught.value.problems) == 2998


def test_errors_survive_pickling_and_hold_one_sentence_each(folder: Path) -> None:
    (folder / "people.csv").write_text("person,given_name,family_name,department,profile\nE1,A,B,C,x\nE2,A,B,C,y\n")
    with pytest.raises(SiteError) as caught:
        load(folder)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  (our own bytes)
    assert again.problems == caught.value.problems
    assert len(again.problems) == 2


def test_an_unknown_name_gets_the_nearest_one(folder: Path) -> None:
    site = load(folder)
    with pytest.raises(RequestError, match="no person 'e2'; did you mean 'E2'"):
        site.person("e2")
    with pytest.raises(RequestError, match="no workplace 'kitchen'; `provision show` lists"):
        site.workplace("kitchen")


ROUGH = st.lists(
    st.sampled_from(
        [
            "mail",
            ":",
            " ",
            "\n",
            "- ",
            "{",
            "}",
            "[",
            "&a",
            "*a",
            "<<",
            "!x",
            "|",
            '"',
            "#",
            "?",
            ",",
            ";",
            "\t",
            "é",
        ]
    ),
    max_size=30,
).map("".join)


@given(st.one_of(st.binary(max_size=60), ROUGH.map(str.encode)), st.sampled_from(["mail.yml", "people.csv"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused_in_sentences(folder: Path, content: bytes, name: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(SiteError) as caught:
        load(folder)
    assert all(re.match(r"[^:]+:\d+: ", problem) for problem in caught.value.problems)


def test_how_passwords_are_handed_over(loaded_with: Write, folder: Path) -> None:
    site = loaded_with("settings.yml", "handover: {folder: out, form: letter, note: Help desk 100}\n")
    assert (site.handover.folder, site.handover.form) == (folder / "out", "letter")
    with pytest.raises(SiteError, match=r"settings.yml:1: handover: the form age needs at least one of `recipients`"):
        loaded_with("settings.yml", "handover: {form: age}\n")


def test_where_secrets_come_from(loaded_with: Write, folder: Path) -> None:
    site = loaded_with(
        "settings.yml",
        "secrets:\n  ansible_vault_password: env:A\n"
        "  hashicorp: {address: 'https://vault:8200', token: env:B, trust: ca.pem}\n",
    )
    assert site.secrets.hashicorp is not None
    assert site.secrets.hashicorp.trust == folder / "ca.pem"
    with pytest.raises(SiteError, match=r"settings.yml:1: secrets hashicorp: expected either `token` or `approle`"):
        loaded_with("settings.yml", "secrets: {hashicorp: {address: 'https://vault:8200'}}\n")
