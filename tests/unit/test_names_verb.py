"""`provision names`: what names become, before anybody is onboarded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from provisioning.api.renaming import spellings
from provisioning.cli.program import PROGRAM
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.transliteration import Naming
from tests.conftest import EXAMPLE


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def run(*words: str) -> Result:
    return CliRunner().invoke(PROGRAM, ["--site", str(EXAMPLE), "names", *words])


def first_logins(site: Inventory, given: str, family: str) -> dict[str, str]:
    """Standard → first login."""
    return {name: one.logins[0] for one in spellings(site, given, family) for name in one.standards}


def test_every_standard_that_knows_the_letters_and_no_other(example: Inventory) -> None:
    found = first_logins(example, "Юлия", "Щеглова")
    assert (found["icao-9303"], found["gost-7.79-b"]) == ("iuliia.shcheglova", "yuliya.shheglova")
    assert (found["bgn-pcgn"], found["anyascii"]) == ("yuliya.shcheglova", "yuliya.shcheglova")
    assert "serbian" not in found, "it has no щ"
    assert set(first_logins(example, "Jörg", "Müller")) == {"anyascii", "german", "icao-9303", "nordic"}
    assert first_logins(example, "Anna", "Berg") == {}, "nothing to choose"


def test_the_site_s_own_setting_comes_first(example: Inventory) -> None:
    own = Naming.model_validate({"transliteration": {"cyrillic": ["bgn-pcgn", "cmu-55"]}})
    site = example.model_copy(update={"naming": own})
    first = spellings(site, "Сергій", "Мельник")[0]
    assert (first.chosen, first.logins[0]) == (True, "serhii.melnyk")
    assert [one.chosen for one in spellings(site, "Сергій", "Мельник")[1:]].count(True) == 0
    assert first.addresses[0] == "serhii.melnyk@corp.example"


def test_on_the_command_line(tmp_path: Path) -> None:
    rows = json.loads(run("Юлия Щеглова", "von der Leyen, Ursula", "E1042", "Müller", "--output", "json").stdout)
    by_name = {row["name"]: row for row in reversed(rows)}
    assert by_name["von der Leyen, Ursula"]["logins"][0] == "ursula.von-der-leyen"
    assert by_name["E1042"]["addresses"][0] == "anna.petrova@corp.example"
    assert by_name["Müller"]["logins"][0] == "mueller"
    assert by_name["Юлия Щеглова"]["standard"].startswith("the site's setting, anyascii")
    assert "iuliia.shcheglova" in run("Юлия Щеглова").stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", " ", "A\x1b[31m", "x" * 201])
def test_what_is_no_name_is_refused(name: str) -> None:
    result = run(name)
    assert result.exit_code == 1
    assert "is no name; expected 1 to 200 printable characters" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_mistyped_number_is_not_taken_for_a_name() -> None:
    result = run("Müller", "E1O42")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no name has digits, and the site has no person 'E1O42'; did you mean 'E1042'?" in result.stderr
