"""``provision ledger``, and the site's setting."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.errors import RequestError, SiteError
from provisioning.ledger import Entry, Ledger
from provisioning.ledger.export import TABLES
from provisioning.resources.base import Address, Change
from provisioning.site.ledger import LedgerServer
from provisioning.site.load import load
from tests.memory import Thing
from tests.unit.cli_office import write_site
from tests.unit.conftest import Place

pytestmark = pytest.mark.usefixtures("memory_kinds")


@pytest.fixture(autouse=True)
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The ledgers of all sites that the program loads are closed after the test."""
    opened: list[Site] = []
    original = Site.load

    def remember(where: Path) -> Site:
        opened.append(original(where))
        return opened[-1]

    monkeypatch.setattr(Site, "load", remember)
    yield
    for one in opened:
        if "ledger" in vars(one):
            one.ledger.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site without a ledger yet."""
    return write_site(tmp_path)


def fill(folder: Path) -> Path:
    place = load(folder).ledger
    assert isinstance(place, Path)
    ledger = Ledger(place)
    run = ledger.begin("=1+1", {"n": 1}, [Change(Address("memory.thing", "a", "k"), None, Thing(size=1))])
    ledger.attempt([run.changes[0].id])
    ledger.settle({run.changes[0].id: ("verified", None)}, log=[Entry('done, "really"')])
    ledger.end(run.id, "done")
    ledger.close()
    return place


def provision(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(PROGRAM, ["--site", str(folder), "ledger", *words])


def test_a_sound_ledger_and_its_seal(folder: Path) -> None:
    fill(folder)
    shown = provision(folder, "verify")
    assert shown.exit_code == 0, shown.output
    assert "The ledger is sound: 1 run, 1 change, 5 events.\nSeal: 1:5:" in shown.stdout
    plain = json.loads(provision(folder, "verify", "--output", "json").stdout)
    assert (plain["sound"], plain["breaks"]) == (True, [])
    assert provision(folder, "verify", "--seal", plain["seal"]).exit_code == 0
    assert provision(folder, "verify", "--seal", plain["seal"][:-1] + "x").exit_code == 1
    assert "is not a seal" in provision(folder, "verify", "--seal", "x").stderr


def test_a_ledger_that_was_tampered_with(folder: Path) -> None:
    with sqlite3.connect(fill(folder)) as connection:
        connection.execute("UPDATE changes SET key = 'z'")
    connection.close()
    shown = provision(folder, "verify")
    assert shown.exit_code == 1
    assert "run 1: changes 1: does not say what it said when it was written" in shown.stdout
    broken = json.loads(provision(folder, "verify", "--output", "json").stdout)["breaks"]
    assert [(b["run"], b["row"]) for b in broken] == [(1, "changes 1")]


def test_looking_makes_no_ledger(folder: Path) -> None:
    shown = provision(folder, "verify")
    assert (shown.exit_code, "there is no ledger yet at" in shown.stderr) == (1, True)
    assert not (folder.parent / "lab").exists()


def test_all_tables_are_exported(folder: Path, tmp_path: Path) -> None:
    fill(folder)
    for form in ("csv", "json"):
        shown = provision(folder, "export", str(tmp_path / "out"), "--format", form)
        assert shown.exit_code == 0, shown.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"{t}.{f}" for t in TABLES for f in ("csv", "json")}
    (run,) = json.loads((tmp_path / "out" / "runs.json").read_text(encoding="utf-8"))
    assert (run["title"], run["request"]) == ("=1+1", {"n": 1})


def test_one_table_goes_to_stdout(folder: Path) -> None:
    fill(folder)
    (run,) = csv.DictReader(io.StringIO(provision(folder, "export", "--table", "runs").stdout))
    assert (run["title"], json.loads(run["request"])) == ("'=1+1", {"n": 1}), "no formula for a spreadsheet"
    events = json.loads(provision(folder, "export", "--table", "change_events", "--format", "json").stdout)
    assert [e["state"] for e in events] == ["running", "planned", "attempted", "verified", "done"]
    assert "name one --table" in provision(folder, "export").stderr


def test_an_export_is_the_same_from_both_databases(place: Place) -> None:
    ledger = place.open()
    asked = ledger.ask("t", {"a": [1]}, needs=["security"], who="anna")
    ledger.approve(asked.id, "security", "ok", who="boris")
    ledger.begin("t", {}, [Change(Address("memory.thing", "a", "ключ"), None, Thing(size=1))], request_id=asked.id)
    (row,) = ledger.rows("requests")
    assert (row["request"], row["needs"], row["state"]) == ({"a": [1]}, ["security"], "running")
    (change,) = ledger.rows("changes")
    assert (change["key"], change["after"]) == ("ключ", {"size": 1})
    for table in TABLES:
        assert ledger.export_csv(table, io.StringIO()) == ledger.export_json(table, io.StringIO())
    with pytest.raises(RequestError, match="has no table 'secrets'"):
        list(ledger.rows("secrets"))


# ------------------------------------------------------------------------------------------------- the setting


def with_ledger(folder: Path, setting: str) -> Path:
    file = folder / "site.yml"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("ledger:")]
    file.write_text("\n".join([*lines, setting, ""]), encoding="utf-8")
    return folder


def test_a_site_may_keep_its_ledger_on_a_server(tmp_path: Path) -> None:
    setting = "ledger: {url: postgresql://prov@db.corp.example:5432/prov, password: env:LEDGER_PASSWORD, trust: ca.pem}"
    folder = with_ledger(write_site(tmp_path), setting)
    place = load(folder).ledger
    assert isinstance(place, LedgerServer)
    assert (str(place), place.password) == ("postgresql://prov@db.corp.example:5432/prov", "env:LEDGER_PASSWORD")
    assert place.trust == folder / "ca.pem"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("ledger: {url: 'postgresql://prov:hunter2@db/prov'}", "the URL must not hold a password"),
        ("ledger: {url: 'postgresql://prov@db/prov?password=hunter2'}", "the URL must not hold a password"),
        ("ledger: {url: 'mysql://db/prov'}", "expected postgresql://USER@HOST:PORT/DATABASE"),
        ("ledger: {url: 'postgresql://prov@db/prov', password: hunter2}", "this is not a secret reference"),
        ("ledger: {password: env:X}", "the setting 'url' is missing"),
        ("ledger: {url: 'postgresql://prov@db/prov', tls: no}", "there is no setting 'tls' here"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, setting: str, message: str) -> None:
    folder = with_ledger(write_site(tmp_path), setting)
    line = len((folder / "site.yml").read_text(encoding="utf-8").splitlines())
    with pytest.raises(SiteError) as refused:
        load(folder)
    (problem,) = refused.value.problems
    assert problem.startswith(f"{folder / 'site.yml'}:{line}: ")
    assert message in problem
    assert "hunter2" not in problem


@pytest.mark.lab
def test_a_site_on_a_server_works(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(place.where, str) or place.password is None:
        pytest.skip("only PostgreSQL: every other test of this file uses a SQLite ledger")
    monkeypatch.setenv("LEDGER_PASSWORD", place.password.get_secret_value())
    folder = with_ledger(write_site(tmp_path), f"ledger: {{url: '{place.where}', password: env:LEDGER_PASSWORD}}")
    site = Site.load(folder)
    site.ledger.begin("t", {}, [])
    site.ledger.close()
    shown = provision(folder, "verify")
    assert (shown.exit_code, "1 run, 0 changes" in shown.stdout) == (0, True), shown.output
