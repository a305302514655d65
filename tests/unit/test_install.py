"""`provision install`, on systems in memory: scopes, waves, stops, seats, and going on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from provisioning.api import installing
from provisioning.errors import RejectedError, RequestError
from provisioning.ledger.tables import requests, run_targets
from provisioning.procedures.install import Install, install
from provisioning.procedures.install_scope import scope
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Address
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.unit.cli_office import EXAMPLE, write_site
from tests.unit.test_cli_process import program
from tests.unit.whole_office import WholeOffice, whole_office

TOOL, FONTS, CRM = "Halden Archive Tool", "Corporate Fonts", "Meridian CRM Client"
SALES = ["WS-0031", "WS-0032", "WS-0033", "WS-0042", "WS-0043"]


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return load(EXAMPLE)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    yield from whole_office(tmp_path, monkeypatch)


def at(pc: str, name: str = TOOL) -> Address:
    return Address("windows.package", f"windows:{pc}", name)


def has(office: WholeOffice, name: str = TOOL) -> list[str]:
    return sorted(a.target[8:] for a in office.store.held if a.kind == "windows.package" and a.key == name)


def installed(office: WholeOffice) -> list[str]:
    """PCs on which packages were tried, in order."""
    return [change.target[8:] for change in office.store.applied if change.address.kind == "windows.package"]


def document(office: WholeOffice, *words: str, code: int = 0) -> Any:
    result = office.run("install", *words, "--yes", "--output", "json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


# -- for whom --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "pcs"),
    [
        (["E1042"], ["WS-0042"]),
        (["WS-0042", "nw-20043"], ["WS-0042", "WS-0043"]),
        (["B-203"], SALES[:3]),
        (["Sales"], SALES),
        (["group:sales"], SALES),
        (["WS-0043", "profile:sales"], ["WS-0043", *SALES[:4]]),
        (["department:IT"], ["WS-0061"]),
    ],
)
def test_for_whom(inventory: Inventory, names: list[str], pcs: list[str]) -> None:
    assert list(scope(inventory, names).pcs) == pcs


def test_who_has_no_pc_is_named_in_a_group_and_refused_alone(inventory: Inventory) -> None:
    assert scope(inventory, ["Sales"]).left_out == ("left out, because they have no PC: E1043",)
    with pytest.raises(RequestError, match=r"E1043 has no PC \(they have no workplace\)"):
        scope(inventory, ["E1043"])
    with pytest.raises(RequestError, match="no workstation stands at their desk B-201-1"):
        scope(inventory, ["E1001"])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["E10042"], "no person, PC, room, group, department or profile 'E10042'; did you mean 'E1042'?"),
        (["room:B-999"], "the site has no room 'B-999'"),
        (["group:Salse"], "the site has no group 'Salse'; did you mean 'Sales'?"),
        (["B-201"], "no PC stands in room B-201"),
        (["Staff"], None),
    ],
)
def test_names_that_mean_nothing(inventory: Inventory, names: list[str], said: str | None) -> None:
    if said is None:
        assert scope(inventory, names).pcs
        return
    with pytest.raises(RequestError) as raised:
        scope(inventory, names)
    assert said in str(raised.value)


def test_a_name_that_means_two_things(inventory: Inventory) -> None:
    people = {**inventory.people, "E1007": inventory.people["E1007"].model_copy(update={"department": "Sales"})}
    with pytest.raises(RequestError, match=r"Sales is a group \(5 PCs\) and a department \(6 PCs\)") as raised:
        scope(inventory.model_copy(update={"people": people}), ["Sales"])
    assert "say group:Sales or department:Sales" in str(raised.value)


def test_the_request_survives_the_ledger(inventory: Inventory) -> None:
    request = install(inventory, ["archive-tool"], ["Sales"], waves=["1", "50%"], stop_at="2")
    assert [len(wave) for wave in request.waves] == [1, 3, 1]
    for one in (request, request.of_wave(2)):
        assert from_plain(json.loads(json.dumps(one.to_plain()))) == one
    assert request.of_wave(2).title == "install archive-tool for Sales (wave 2 of 3)"
    with pytest.raises(RequestError, match="not one that this version wrote"):
        from_plain({**request.to_plain(), "wave": 4})


# -- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("archive-tol --for Sales", "no package or bundle 'archive-tol'; did you mean 'archive-tool'?"),
        ("archive-tool --for Nobody", "no person, PC, room, group, department or profile 'Nobody'"),
        ("osprey-driver --for Sales", "package 'osprey-driver' is not approved for profile 'sales' of E1002"),
        ("archive-tool --for Sales --wave 1,none", "--wave 'none': expected a number such as 5"),
        ("archive-tool --for Sales --stop-at 0", "--stop-at '0': expected a number"),
        ("crm-client --for E1042 --remove", "belongs to profile 'sales' of E1042, so it would come back"),
        ("archive-tool --for Sales --start 2001-01-01", "has passed"),
    ],
)
def test_refused_and_nothing_changed(office: WholeOffice, words: str, said: str) -> None:
    assert said in office.refused("install", *words.split(), "--yes")
    assert not (office.folder.parent / "lab" / "ledger.sqlite").exists()


def test_what_something_else_there_requires_is_not_removed(office: WholeOffice) -> None:
    """Whatever put it there. A PC that was off is looked at when it answers, and left alone."""
    viewer, driver = at("WS-0051", "Kestrel Viewer"), at("WS-0051", "Osprey Label Driver")
    office.store.held |= {viewer: InstalledPackage(version="2.1.0"), driver: InstalledPackage(version="1.0.0")}
    words = ("install", "kestrel-viewer", "--for", "WS-0051", "--remove", "--yes")
    said = "WS-0051 has Osprey Label Driver, which requires Kestrel Viewer; remove osprey-driver as well, or leave"
    assert said in office.refused(*words)
    assert not office.site.requests()
    office.sessions.off = {"windows:WS-0051"}
    assert office.run(*words).exit_code == 3
    office.sessions.off.clear()
    shown = office.run("resume", "--now")
    assert shown.exit_code == 3
    assert said in shown.stdout
    assert {viewer, driver} <= office.store.held.keys()
    office.ok("undo", "1", "--yes")
    office.ok("install", "kestrel-viewer", "osprey-driver", "--for", "WS-0051", "--remove", "--yes")
    assert not {viewer, driver} & office.store.held.keys()


def test_a_name_as_people_type_it(office: WholeOffice) -> None:
    """With --yes a whole one, since nobody confirms it; what is installed is written down by the key."""
    said = office.refused("install", "archive-tool", "--for", "petrova", "--yes")
    assert "'petrova' may be E1042 Анна Петрова, Sales, B-204-3; with --yes nobody confirms that" in said
    shown = office.ok("install", "archive-tool", "--for", "Анна Петрова", "--for", "B-205", "--yes")
    assert "install archive-tool for E1042, B-205" in shown
    assert has(office) == ["WS-0042", "WS-0051"]


def test_a_report_of_all_waves(office: WholeOffice, tmp_path: Path) -> None:
    words = ("install", "archive-tool", "--for", "Sales", "--wave", "1", "--yes", "--report")
    assert "there is no folder" in office.refused(*words, str(tmp_path / "nowhere" / "r.json"))
    assert has(office) == []
    office.ok(*words, str(tmp_path / "r.json"))
    written = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert (written["state"], [wave["run"] for wave in written["waves"]]) == ("proven", [1, 2])
    assert {number: report["state"] for number, report in written["reports"].items()} == {"1": "done", "2": "done"}
    assert "WS-0031" in (tmp_path / "r-1.html").read_text(encoding="utf-8")
    assert "WS-0043" in (tmp_path / "r-2.html").read_text(encoding="utf-8")
    office.ok(*words, str(tmp_path / "again.json"))
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))["state"] == "unchanged"


def test_an_empty_pool_is_said_before_anything_is_touched(office: WholeOffice) -> None:
    office.edit(
        "software.yml",
        "display_name: Halden Archive Tool\n",
        "display_name: Halden Archive Tool\n    licence: halden\n",
    )
    office.edit("software.yml", "licences:\n", "licences:\n  halden: {seats: 2}\n")
    office.ok("install", "archive-tool", "--for", "E1042", "--yes")
    said = office.refused("install", "archive-tool", "--for", "Sales", "--yes")
    assert "the licence pool halden has 1 of 2 seats left, 4 needed for" in said
    assert "(held by E1042)" in said
    assert has(office) == ["WS-0042"]
    office.ok("install", "archive-tool", "--for", "E1042", "--remove", "--yes")
    assert (has(office), office.site.ledger.allocations("licence:halden")) == ([], [])


# -- waves -----------------------------------------------------------------------------------------------


def test_waves_are_runs_of_one_request(office: WholeOffice) -> None:
    shown = office.ok("install", "archive-tool", "--for", "Sales", "--wave", "1,2", "--yes")
    assert "Wave 1: 1 PC (WS-0031)" in shown
    assert "No further wave begins once 10 % of the PCs failed." in shown
    assert "Wave 3 of 3 (2 PCs), run 3: 2 done" in shown
    assert has(office) == SALES
    [record] = office.site.requests()
    assert (record.state, record.runs) == ("proven", (1, 2, 3))
    assert [run.record.title for run in office.site.runs()][::-1] == [
        f"install archive-tool for Sales (wave {n} of 3)" for n in (1, 2, 3)
    ]
    applied = len(office.store.applied)
    assert "Everything is as it should be" in office.ok("install", "archive-tool", "--for", "Sales", "--yes")
    assert len(office.store.applied) == applied
    for run in (3, 2, 1):
        office.ok("undo", str(run), "--yes")
    assert (has(office), office.site.requested(1).state) == ([], "undone")


def test_too_many_failures_stop_it_and_the_same_command_goes_on(office: WholeOffice) -> None:
    words = ("archive-tool", "--for", "Sales", "--wave", "1,2")
    office.store.refuses[at("WS-0032")] = RejectedError("windows:WS-0032", "error 1603")
    stopped = document(office, *words, code=3)
    assert (stopped["state"], stopped["stopped"]) == ("partial", "1 of 3 PCs failed, and the limit is 10 %")
    assert [(w["run"], w["done"], list(w["failed"])) for w in stopped["waves"]] == [
        (1, ["WS-0031"], []), (2, ["WS-0033"], ["WS-0032"]), (None, [], []),
    ]  # fmt: skip
    assert "Nothing to resume." in office.run("resume").stderr, "what was stopped does not go on by itself"
    again = document(office, *words, code=3)
    assert (again["request"], again["waves"][2]["run"]) == (1, None)
    office.store.refuses.clear()
    before = len(installed(office))
    shown = office.ok("install", *words, "--yes")
    assert "Request 1 asked for just this" in shown
    assert sorted(installed(office)[before:]) == ["WS-0032", "WS-0042", "WS-0043"]
    assert (office.site.requested(1).state, office.site.requested(1).runs) == ("proven", (1, 2, 3))


def test_more_failures_may_be_allowed(office: WholeOffice) -> None:
    office.store.refuses[at("WS-0032")] = RejectedError("windows:WS-0032", "error 1603")
    done = document(office, "archive-tool", "--for", "Sales", "--wave", "2,1", "--stop-at", "2", code=3)
    assert (done["stopped"], [w["state"] for w in done["waves"]]) == (None, ["partial", "done", "done"])
    assert office.site.requested(1).state == "partial"


def test_pcs_that_are_off_hold_nobody_up(office: WholeOffice) -> None:
    office.sessions.off = {"windows:WS-0032"}
    words = ("archive-tool", "--for", "Sales", "--wave", "2,1")
    shown = office.run("install", *words, "--yes")
    assert shown.exit_code == 3
    assert "Wave 1 of 3 (2 PCs), run 1: 1 done, 1 waiting" in shown.stdout
    assert "waiting WS-0032: nobody answers" in shown.stdout
    assert has(office) == [pc for pc in SALES if pc != "WS-0032"]
    assert office.site.requested(1).state == "running"
    office.sessions.off.clear()
    office.ok("resume", "--now")
    assert (has(office), office.site.requested(1).state) == (SALES, "proven")


def test_a_first_wave_that_is_off_says_nothing_of_the_package(office: WholeOffice) -> None:
    office.sessions.off = {"windows:WS-0031"}
    words = ("archive-tool", "--for", "Sales", "--wave", "1")
    assert document(office, *words, code=3)["stopped"] == "none of the 1 PCs so far could be tried"
    assert has(office) == []
    office.sessions.off.clear()
    assert document(office, *words)["state"] == "proven"


def test_killed_between_two_waves(office: WholeOffice) -> None:
    site = office.site
    request = installing.install_request(site, ["archive-tool"], ["Sales"], waves=["1", "1"])
    record = site.request(request)

    def killed(_: installing.Wave) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        installing.roll_out(site, record.id, told=killed)
    assert (has(office), site.requested(record.id).state) == (["WS-0031"], "partial")
    assert [one.id for one in installing.unfinished(site)] == [record.id]
    assert "Wave 3 of 3 (3 PCs), run 3: 3 done" in office.ok("resume")
    assert sorted(installed(office)) == SALES, "nothing twice"
    assert (site.requested(record.id).state, installing.unfinished(site)) == ("proven", [])


def test_a_wave_that_was_taken_back_stays_so(office: WholeOffice) -> None:
    site = office.site
    record = site.request(installing.install_request(site, ["archive-tool"], ["Sales"], waves=["1", "1"]))
    with pytest.raises(MemoryError):
        installing.roll_out(site, record.id, told=lambda _: (_ for _ in ()).throw(MemoryError()))
    site.run(1).undo()
    assert installing.unfinished(site) == []


def test_scheduled_it_goes_in_waves_as_well(office: WholeOffice) -> None:
    office.ok("install", "archive-tool", "--for", "Sales", "--wave", "1", "--start", "2099-01-01", "--yes")
    assert has(office) == []
    site = office.site
    with site.ledger._database.write() as connection:
        connection.execute(update(requests).values(start="2026-01-01T00:00:00.000+00:00"))
    office.store.refuses[at("WS-0031")] = RejectedError("windows:WS-0031", "error 1603")
    assert office.run("due").exit_code == 3
    assert (has(office), site.requested(1).runs) == ([], (1,))


def test_a_bundle_and_its_faults(office: WholeOffice) -> None:
    bundle = "bundles:\n  labels: {title: Labels, packages: [office-fonts, archive-tool]}\n"
    (office.folder / "bundles.yml").write_text(bundle, encoding="utf-8")
    office.ok("install", "labels", "--for", "E1015", "--yes")
    assert has(office, FONTS) == has(office, TOOL) == ["WS-0021"]
    wrong = "bundles:\n  crm-client: {packages: [labls]}\n"
    (office.folder / "bundles.yml").write_text(wrong, encoding="utf-8")
    said = office.run("validate").stderr
    assert "crm-client is a package already; give the bundle another name" in said
    assert "'labls'" in said


def test_the_site_says_how_it_goes(office: WholeOffice) -> None:
    office.edit("site.yml", "  install_timeout: 300", "  rollout: {waves: [2], stop_at: 1}\n  install_timeout: 300")
    request = installing.install_request(office.site, ["archive-tool"], ["Sales"])
    assert isinstance(request, Install)
    assert ([len(wave) for wave in request.waves], request.stop_at) == ([2, 3], "1")


def test_a_worker_goes_on_once_the_first_pc_answers(office: WholeOffice) -> None:
    office.sessions.off = {"windows:WS-0031"}
    office.run("install", "archive-tool", "--for", "Sales", "--wave", "1", "--yes")
    office.sessions.off.clear()
    site = office.site
    with site.ledger._database.write() as connection:
        connection.execute(update(run_targets).values(next_try="2026-01-01T00:00:00.000+00:00"))
    office.ok("worker", "--once")
    assert (has(office), office.site.requested(1).state) == (SALES, "proven")


def test_ctrl_c_in_a_wave_and_the_same_command_again(tmp_path: Path) -> None:
    """As a process of its own, with a real SIGINT while the first wave is under way."""
    site, words = write_site(tmp_path), ("install", "archive-tool", "--for", "Sales", "--wave", "1", "--yes")
    stopped = program(site, "interrupt", *words)
    assert stopped.returncode == 3, stopped.stderr
    assert "Stopping: what is under way will be finished" in stopped.stdout
    assert "Interrupted in wave 1; the same command, or `provision resume`, goes on." in stopped.stdout
    again = program(site, "fine", *words)  # systems in memory forget, so what the first process made is not there
    assert "Request 1 asked for just this" in again.stdout
    assert "Wave 2 of 2 (4 PCs), run 2: 4 done" in again.stdout
