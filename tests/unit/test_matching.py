"""Names as people type them: whom the verbs take them for, and what they say when it is not clear."""

from __future__ import annotations

import click
import pytest

from provisioning.api import Site
from provisioning.cli.matching import match_desk, match_person, match_person_or_workstation, match_workstation
from provisioning.errors import RequestError
from provisioning.procedures.matching import matches
from provisioning.site import Inventory
from tests.unit.cli_office import write_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site.load(write_site(tmp_path_factory.mktemp("matching")))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("E1042", "E1042"), ("e1042", "E1042"), ("Анна Петрова", "E1042"), ("петрова", "E1042"), ("petrova", "E1042"),
        ("petr", "E1042"), ("anna.petrova", "E1042"), ("PETROVA ANNA", "E1042"), ("Müller", "E1002"),
        ("muller", "E1002"), ("mueller", "E1002"), ("joerg mueller", "E1002"), ("lefevre", "E1003"),
        ("o'brien", "E1011"), ("nguyen", "E1043"), ("wisniewski", "E1019"), ("kuznezova", "E1033"),
        ("B-204-3", "E1042"), ("B2-04C", "E1042"), ("b2-04c", "E1042"), ("WS-0042", "E1042"), ("NW-20042", "E1042"),
        ("B-201", "E1001"),
    ],
)  # fmt: skip
def test_a_person_by_whatever_is_known(site: Site, text: str, key: str) -> None:
    assert match_person(site, text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [("B-204-2", "B-204-2"), ("b2042", "B-204-2"), ("204-2", "B-204-2"), ("B2-04B", "B-204-2"), ("WS-0042", "B-204-3"),
     ("petrova", "B-204-3"), ("B-201", "B-201-1")],
)  # fmt: skip
def test_a_desk(site: Site, text: str, key: str) -> None:
    assert match_desk(site, text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [("ws-0042", "WS-0042"), ("0042", "WS-0042"), ("NW-20090", "WS-0090"), ("petrova", "WS-0042"),
     ("B-204-3", "WS-0042"), ("B2-04C", "WS-0042")],
)  # fmt: skip
def test_a_pc(site: Site, text: str, key: str) -> None:
    assert match_workstation(site, text) == key


@pytest.mark.parametrize(
    ("text", "found"),
    [("WS-0042", ("workstation", "WS-0042")), ("petrova", ("person", "E1042")), ("B-204-3", ("person", "E1042")),
     ("NW-20090", ("workstation", "WS-0090")), ("B2-04C", ("person", "E1042"))],
)  # fmt: skip
def test_a_person_before_a_pc(site: Site, text: str, found: tuple[str, str]) -> None:
    assert match_person_or_workstation(site, text) == found


def test_what_fits_several_things_is_listed_with_what_tells_them_apart(site: Site) -> None:
    listed = r"'mar' fits 2 things: E1023 José María García López, Sales, B-203-3; E1033 Мария .*; name the person"
    with pytest.raises(RequestError, match=listed):
        match_person(site, "mar")
    with pytest.raises(RequestError, match=r"'B-204' fits 3 things: .*B2-04B, free; B-204-3 .* E1042; name the"):
        match_desk(site, "B-204")


def test_what_fits_nothing_is_refused_with_the_nearest_name(site: Site) -> None:
    with pytest.raises(RequestError, match=r"the site has no person 'E1942'; did you mean 'E1042'\?"):
        match_person(site, "E1942")
    with pytest.raises(RequestError, match="the site has no workplace ''"):
        match_desk(site, " ")
    with pytest.raises(RequestError, match=r"no workstation 'WS-0049'; did you mean 'WS-00"):
        match_workstation(site, "WS-0049")


def test_another_number_is_never_taken_for_a_typing_error(site: Site) -> None:
    assert matches(site.inventory, "WS-0044", "workstation") == []
    assert matches(site.inventory, "E1041", "person") == []


def test_where_nobody_confirms_only_whole_names_count(site: Site) -> None:
    command = click.Command("move", params=[click.Option(["--yes"], is_flag=True)])
    with click.Context(command) as context:
        context.params["yes"] = True
        assert match_person(site, "Petrova, Anna") == "E1042"
        with pytest.raises(RequestError, match="with --yes nobody confirms that, so give a whole name: E1042"):
            match_person(site, "petrova")


def test_on_a_terminal_one_chooses(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: 2)
    assert match_person(site, "mar") == "E1033"
    assert "1  E1023 José María García López" in capsys.readouterr().err


def test_who_has_left_is_found_only_where_nobody_else_fits(site: Site) -> None:
    def without(key: str) -> Inventory:
        left = {key: site.inventory.people[key].model_copy(update={"left": "2026-01-31"})}
        return site.inventory.model_copy(update={"people": {**site.inventory.people, **left}})

    assert [one.key for one in matches(without("E1023"), "mar", "person")] == ["E1033"]
    assert [one.key for one in matches(without("E1042"), "petrova", "person")] == ["E1042"]
    assert matches(without("E1042"), "B-204-3", "person") == [], "nobody sits there any more"
