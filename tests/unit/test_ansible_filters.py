"""Filters and lookups: as functions, and in templates as a playbook has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.ansible_door import filters
from provisioning.api import Site
from provisioning.errors import RequestError
from tests.unit.moving_office import bench as moving_bench

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "inventories/example"
BIN = Path(sys.executable).parent
PLUGINS = ROOT / "provisioning/ansible_content/ansible_collections/workplace/provisioning/plugins"


@pytest.fixture(scope="module")
def site() -> Site:
    return Site.load(EXAMPLE)


# -- what they answer --------------------------------------------------------------------------------------


def test_an_outlet_is_traced_to_its_switch_port(site: Site) -> None:
    assert filters.trace(site, "B2-04C") == {
        "outlet": "B2-04C",
        "closet": "C-B2",
        "panel": "P1",
        "panel_port": 12,
        "switch": "sw-b2-1",
        "switch_port": "GigabitEthernet1/0/12",
        "trace": "B2-04C → panel P1 port 12 in C-B2 → sw-b2-1 GigabitEthernet1/0/12",
    }
    loose = filters.trace(site, "B2-01B")
    assert (loose["switch"], loose["switch_port"]) == (None, None)
    assert loose["trace"].endswith("no patch cable")


@pytest.mark.parametrize(
    ("given", "family", "standard", "logins"),
    [
        ("Анна", "Петрова", None, ["anna.petrova", "a.petrova", "a.petrova2"]),
        ("Юлия", "Щеглова", "icao-9303", ["iuliia.shcheglova", "i.shcheglova", "i.shcheglova2"]),
        ("Юлия", "Щеглова", {"cyrillic": ["gost-7.79-b"]}, ["yuliya.shheglova", "y.shheglova", "y.shheglova2"]),
        ("Zoé", "Lefèvre", None, ["zoe.lefevre", "z.lefevre", "z.lefevre2"]),
        ("Jörg", "Müller", "icao-9303", ["joerg.mueller", "j.mueller", "j.mueller2"]),
        ("Åsa", "Öberg", {"latin": "anyascii"}, ["asa.oberg", "a.oberg", "a.oberg2"]),
        ("Siobhán", "O’Brien", None, ["siobhan.obrien", "s.obrien", "s.obrien2"]),
    ],
)
def test_names_become_logins(site: Site, given: str, family: str, standard: Any, logins: list[str]) -> None:
    assert filters.login_names(site, given, family, standard) == logins
    assert filters.login_names(site, given, family, standard, 1) == logins[:1]


def test_a_login_is_what_the_site_fixes_or_the_ledger_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = moving_bench(tmp_path, monkeypatch)
    with pytest.raises(RequestError, match=r"person E1042 has no login that the site or its ledger knows; onboarding"):
        filters.login(bench.site, "E1042")
    assert filters.login(bench.site, "E1042", candidate=True) == "anna.petrova"
    bench.edit("people.csv", "workplace,phone,start", "workplace,phone,start,login")
    bench.edit("people.csv", "1042,2026-11-30", "1042,2026-11-30,petrova.a")
    assert filters.login(bench.site, "E1042") == "petrova.a"
    assert filters.person(bench.site, "E1042")["login"] == "petrova.a"


def test_where_somebody_moved_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = moving_bench(tmp_path, monkeypatch)
    assert filters.person(bench.site, "E1042")["workplace"] == "B-204-3"
    bench.run("move", "E1042", "--to", "B-207-1", "--yes")
    found = filters.person(bench.site, "E1042")
    assert (found["workplace"], found["workstation"]) == ("B-207-1", "WS-0042")
    assert "latest_runs" not in found
    assert filters.outlet(bench.site, "B2-07A")["workstation"] == "WS-0042"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda site: filters.trace(site, "B2-4C"), r"the site has no outlet 'B2-4C'; did you mean 'B2-04C'\?"),
        (lambda site: filters.trace(site, 12), r"expected an outlet such as B2-04C, not 12"),
        (lambda site: filters.outlet(site, ""), r"expected an outlet such as B2-04C, not ''"),
        (lambda site: filters.person(site, "E104"), r"the site has no person 'E104'; did you mean 'E104\d'\?"),
        (lambda site: filters.person(site, "Е1042"), r"did you mean 'E1042'\?"),  # a Cyrillic Е
        (lambda site: filters.login(site, None), r"expected a person's number such as E1042, not None"),
        (lambda site: filters.login_names(site, "A", "B", "icao9303"), r"no standard .* did you mean 'icao-9303'\?"),
        (lambda site: filters.login_names(site, "A", "B", {"greek": "x"}), r"there is no standard .*; known: any"),
        (lambda site: filters.login_names(site, "", " "), r"expected a given and a family name"),
        (lambda site: filters.login_names(site, "A", None), r"expected a given and a family name, not 'A' and None"),
        (lambda site: filters.login_names(site, "A", "B", None, 0), r"count is 0; expected a whole number from 1 "),
        (lambda site: filters.login_names(site, "A", "B", None, "3"), r"count is '3'"),
        (lambda site: filters.login_names(site, "A", "B", None, True), r"count is True"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_told(site: Site, ask: Any, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        ask(site)


def test_a_site_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "site")
    first = filters.site_at(str(folder))
    assert filters.site_at(None, {"provision_site": str(folder)}) is first
    monkeypatch.setenv("PROVISION_SITE", str(folder))
    assert filters.site_at(None) is first
    people = folder / "people.csv"
    people.write_text(people.read_text(encoding="utf-8") + "E2000,Ada,King,IT,it-support,,,,,\n", encoding="utf-8")
    assert "E2000" in filters.site_at(None).inventory.people
    monkeypatch.setattr(os, "getpid", lambda: -1)  # in a fork
    assert filters.site_at(None) is not first
    monkeypatch.delenv("PROVISION_SITE")
    with pytest.raises(RequestError, match="which site"):
        filters.site_at(None)


# -- in Ansible --------------------------------------------------------------------------------------------

ANSWERS = {
    "{{ 'B2-04C' | workplace.provisioning.trace }}": filters.trace(Site.load(EXAMPLE), "B2-04C"),
    "{{ ['B2-04C', 'B2-04D'] | map('workplace.provisioning.trace') | map(attribute='switch') }}": [
        "sw-b2-1", "sw-b2-2",
    ],
    "{{ 'Анна' | workplace.provisioning.login_names('Петрова', count=1) }}": ["anna.petrova"],
    "{{ 'Юлия' | workplace.provisioning.login_names('Щеглова', 'icao-9303', 1) }}": ["iuliia.shcheglova"],
    "{{ 'García López' | workplace.provisioning.transliterate }}": "garcia-lopez",
    "{{ 'Щеглова' | workplace.provisioning.transliterate('icao-9303') }}": "shcheglova",
    "{{ lookup('workplace.provisioning.outlet', 'B2-04C').workplace }}": "B-204-3",
    "{{ query('workplace.provisioning.outlet', 'B2-04C', 'B2-04A') | map(attribute='workstation') }}": [
        "WS-0042", "WS-0043",
    ],
    "{{ lookup('workplace.provisioning.person', 'E1042').given_name }}": "Анна",
    "{{ lookup('workplace.provisioning.login', 'E1042', candidate=true) }}": "anna.petrova",
}  # fmt: skip
FAULTS = {
    "{{ 'B2-4C' | workplace.provisioning.trace }}": "trace: the site has no outlet 'B2-4C'; did you mean 'B2-04C'?",
    "{{ 'A' | workplace.provisioning.transliterate('icao9303') }}": "did you mean 'icao-9303'?",
    "{{ lookup('workplace.provisioning.person', 'E1024') }}": "person: the site has no person 'E1024'; did you mean",
    "{{ lookup('workplace.provisioning.login', 'E1042', site='/no/such') }}": "/no/such:1: there is no such folder",
    "{{ lookup('workplace.provisioning.outlet', 'B2-4C') }}": "outlet: the site has no outlet 'B2-4C'",
}


def test_templates_have_them(tmp_path: Path) -> None:
    asserted: list[dict[str, Any]] = [
        {"name": f"Answer {number}", "ansible.builtin.assert": {"that": "found == wanted"},
         "vars": {"found": template, "wanted": wanted}}
        for number, (template, wanted) in enumerate(ANSWERS.items())
    ]  # fmt: skip
    refused = [
        {"name": f"Fault {number}", "ansible.builtin.debug": {"msg": template}, "ignore_errors": True,
         "register": f"fault_{number}"}
        for number, template in enumerate(FAULTS)
    ]  # fmt: skip
    told = [
        {"name": f"Told {number}", "ansible.builtin.assert": {"that": f"said in fault_{number}.msg"},
         "vars": {"said": said}}
        for number, said in enumerate(FAULTS.values())
    ]  # fmt: skip
    play = {"name": "Ask", "hosts": "localhost", "gather_facts": False, "tasks": [*asserted, *refused, *told]}
    # A ledger of this machine's lab shall not answer.
    folder = shutil.copytree(EXAMPLE, tmp_path / "site")
    text = (folder / "site.yml").read_text(encoding="utf-8").replace("/var/lib/provisioning-lab/0", str(tmp_path))
    (folder / "site.yml").write_text(text, encoding="utf-8")
    inventory = tmp_path / "office.workplace.yml"
    inventory.write_text("plugin: workplace.provisioning.site\nsite: site\n", encoding="utf-8")
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], allow_unicode=True, sort_keys=False), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "PROVISION"))}
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", inventory, tmp_path / "play.yml"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok={len(ANSWERS) + 2 * len(FAULTS)} " in done.stdout
    assert f"ignored={len(FAULTS)} " in done.stdout


def test_all_of_them_are_documented() -> None:
    for kind in ("filter", "lookup", "inventory"):
        names = sorted(f"workplace.provisioning.{path.stem}" for path in (PLUGINS / kind).glob("*.py"))
        done = subprocess.run(
            [BIN / "ansible-doc", "--json", "-t", kind, *names], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        found = yaml.safe_load(done.stdout)
        assert sorted(found) == names
        for name, one in found.items():
            assert one["doc"]["short_description"], name
            assert one["examples"], name
            assert kind == "inventory" or one["return"], name
