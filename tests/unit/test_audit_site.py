"""The whole site against reality: what is found, what is repaired by one command, and what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.errors import RequestError, SecretError
from provisioning.ledger import CustodyTransfer
from provisioning.procedures.audit import AREAS
from provisioning.procedures.audit_repair import Repair
from provisioning.procedures.lines import LineFinding
from provisioning.procedures.onboard import onboard
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Address
from provisioning.resources.directory.survey import Surveyed
from provisioning.resources.windows.entries import Entry
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.approvals import Approvals
from provisioning.site.load import load
from provisioning.site.network import Outlet
from provisioning.site.people import Person
from provisioning.site.workplaces import Workplace, Workstation
from tests.unit.audit_office import Reality, in_memory
from tests.unit.cli_office import EXAMPLE

CRM = Entry("Meridian CRM Client", "4.2.0", "{0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E420}")


@pytest.fixture(scope="module")
def example() -> Inventory:
    """The example, its telephones fixed by the site, nobody asked for approval."""
    return load(EXAMPLE).model_copy(update={"approvals": Approvals()})


@pytest.fixture
def office(example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reality]:
    """The example as it should be, to the last attribute."""
    reality = in_memory(example, tmp_path, monkeypatch)
    reality.as_wanted()
    yield reality
    if "ledger" in vars(reality.site):
        reality.site.ledger.close()


def run(office: Reality, patch: pytest.MonkeyPatch, *words: str, answer: str | None = None) -> Result:
    patch.setattr(Site, "load", lambda _: office.site)
    return CliRunner().invoke(PROGRAM, ["--site", str(EXAMPLE), "audit", *words], input=answer)


def test_a_site_that_is_as_it_should_be(office: Reality, tmp_path: Path) -> None:
    report = office.site.audit()
    assert [finding.sentence for finding in report.findings] == []
    assert (report.is_clean, report.is_whole, report.repair, report.areas) == (True, True, None, AREAS)
    assert report.looked["people"] == len([p for p in office.site.inventory.people.values() if p.workplace])
    assert report.looked["things"] > 50
    assert not (tmp_path / "ledger").exists(), "looking makes no ledger"


def break_four_things(office: Reality) -> None:
    office.set("directory.user", office.accounts["E1002"].login, department="Nowhere", enabled=False)
    office.set("switch.port", "GigabitEthernet1/0/10", access_vlan=99)
    office.states.pop(office.state("files.folder", f"homes$\\{office.accounts['E1003'].login}")[0])
    office.set("mail.mailbox", office.accounts["E1007"].login, quota=1)


def test_four_sorts_of_drift_and_one_plan_that_repairs_them(office: Reality) -> None:
    break_four_things(office)
    report = office.site.audit()
    assert [(f.area, f.sort, f.severity) for f in report.findings] == [
        ("directory", "drift", "fault"),
        ("mail", "drift", "warning"),
        ("ports", "drift", "warning"),
        ("files", "missing", "warning"),
    ]
    assert report.findings[0].sentence.endswith(
        "(E1002): department is Nowhere, expected Sales; enabled is no, expected yes"
    )
    assert report.findings[2].found == "99"
    assert report.findings[2].expected == "20"
    assert report.findings[2].repair == "provision audit E1038 --repair"
    assert isinstance(report.repair, Repair)
    assert set(report.repair.persons) == {"E1002", "E1003", "E1007", "E1038"}
    plan = office.site.plan(report.repair)
    assert {c.address for c in plan.changes} == {f.address for f in report.findings}
    assert plan.apply().succeeded
    about = {value for proof in office.proven for value in proof.parameters.values()}
    assert office.accounts["E1002"].login in about
    assert office.accounts["E1015"].login not in about, "what did not drift is not proven again"
    assert office.site.audit().findings == ()


def test_the_repair_comes_out_of_the_ledger_as_it_went_in(office: Reality) -> None:
    break_four_things(office)
    request = office.site.audit().repair
    assert request is not None
    assert from_plain(json.loads(json.dumps(request.to_plain()))) == request
    run = office.site.plan(request).apply()
    assert run.undo().succeeded
    assert len(office.site.audit().findings) == 4


def test_names_and_areas_narrow_it(office: Reality) -> None:
    break_four_things(office)
    office.surveyed["strange"] = Surveyed("strange", "", "Strange", True)
    assert {f.area for f in office.site.audit("E1002").findings} == {"directory"}
    assert {f.area for f in office.site.audit("B-204-1").findings} == {"ports"}
    assert {f.area for f in office.site.audit("WS-0043").findings} == {"ports"}
    assert [f.area for f in office.site.audit(areas=["ports", "mail"]).findings] == ["mail", "ports"]
    office.reads.clear()
    office.site.audit(areas=["orders"])
    assert not office.reads, "what nobody asked for is not read"
    for words, said in ((("E10022",), "no person, PC, workplace, equipment or switch 'E10022'; did you mean 'E1002'"),):
        with pytest.raises(RequestError, match=said):
            office.site.audit(*words)
    with pytest.raises(RequestError, match="no area 'port'; did you mean 'ports'"):
        office.site.audit(areas=["port"])


def test_accounts_of_nobody_and_people_without_accounts(office: Reality) -> None:
    del office.accounts["E1003"]
    office.surveyed["svc-scan"] = Surveyed("svc-scan", "", "Scanner", True)
    office.surveyed["stranger"] = Surveyed("stranger", "X99", "A Stranger", True)
    office.surveyed["resting"] = Surveyed("resting", "", "Resting", False)
    report = office.site.audit(areas=["directory", "mail", "ports"])
    assert {(f.sort, f.subject, f.severity) for f in report.findings} == {
        ("account without number", "svc-scan", "warning"),
        ("account without person", "stranger", "fault"),
        ("person without account", "E1003", "warning"),
    }, "who has no account is one finding, not one for everything that would be made"
    assert report.repair is None, "that is for people to decide"
    assert "provision onboard E1003" in {f.repair for f in report.findings}
    directory = office.site.inventory.directory
    known = directory.model_copy(update={"audit": directory.audit.model_copy(update={"ignore": ("SVC-*",)})})
    office.site.inventory.__dict__["directory"] = known
    assert "svc-scan" not in {f.subject for f in office.site.audit().findings}
    office.site.inventory.__dict__["directory"] = directory


def test_who_has_a_request_already_is_a_remark(office: Reality) -> None:
    del office.accounts["E1003"]
    office.site.request(onboard("E1003"))
    [finding] = [f for f in office.site.audit().findings if f.sort == "person without account"]
    assert finding.severity == "remark"
    assert "request 1 (scheduled" in finding.sentence


def test_one_system_that_does_not_answer_hides_no_other(office: Reality) -> None:
    break_four_things(office)
    everything = {f.area for f in office.site.audit().findings}
    for target, areas in (
        ("directory", {"directory", "mail", "phones", "files"}),
        ("phones", {"phones"}),
        ("files:files", {"files"}),
        ("switch:sw-b2-1", {"ports", "equipment"}),
        ("windows:WS-0043", {"software", "settings", "licences"}),
    ):
        office.broken.clear()
        office.down(target)
        report = office.site.audit()
        assert [one.what for one in report.unread] == [target]
        assert set(report.unread[0].areas) == areas
        assert "nobody answers" in report.unread[0].reason
        assert {f.area for f in report.findings} >= everything - areas, target
        assert not report.is_whole


def test_a_secret_that_leads_nowhere_is_named_as_well(office: Reality) -> None:
    office.broken["dhcp"] = SecretError("file:x leads nowhere")
    report = office.site.audit()
    assert [(one.what, one.areas) for one in report.unread] == [("dhcp", ("equipment",))]


def test_a_desk_without_a_trace_hides_nobody_else(office: Reality) -> None:
    outlets = dict(office.site.inventory.outlets)
    outlet = office.site.inventory.workplaces["B-203-1"].outlet
    outlets[outlet] = outlets[outlet].model_copy(update={"switch": None, "switch_port": None})
    without = Site(office.site.inventory.model_copy(update={"outlets": outlets}))
    office.set("mail.mailbox", office.accounts["E1007"].login, quota=1)
    report = without.audit()
    assert [one.what for one in report.unread] == ["E1002"]
    assert "mail" in {f.area for f in report.findings}


def test_seats_and_equipment_that_are_in_the_wrong_hands(office: Reality) -> None:
    ledger = office.site.ledger
    ledger.allocate("licence:crm", ["1"], "E1003")  # has a PC without the package, but the profile says it comes
    ledger.allocate("licence:crm", ["2"], "E9999")
    ledger.allocate("licence:crm", [str(100)], "E1015")  # an accountant
    ledger.allocate("licence:gone", ["1"], "E1003")
    office.installed["WS-0043"] = [CRM]
    tag = office.site.inventory.workstations["WS-0043"].asset_tag
    ledger.hand_over([CustodyTransfer(tag, "E1003"), CustodyTransfer("phone-x", "E9999"),
                      CustodyTransfer("old-pc", "scrap")])  # fmt: skip
    findings = office.site.audit(areas=["licences", "equipment"]).findings
    found = {(f.area, f.sort, f.subject) for f in findings}
    assert found == {
        ("licences", "seat of nobody", "E9999"),
        ("licences", "seat without package", "E1015"),
        ("licences", "unknown pool", "gone"),
        ("licences", "package without seat", "WS-0043"),
        ("equipment", "custody differs", tag),
        ("equipment", "asset of nobody", "E9999"),
    }


def test_subscribers_and_folders_of_nobody(office: Reality) -> None:
    office.subscribers |= {"1777", "1000", "555"}  # free, reserved, outside of all ranges
    office.folders += ["stranger", "Archive", ".provisioning-00ff"]
    found = [(f.area, f.sort, f.subject) for f in office.site.audit().findings]
    assert found == [
        ("phones", "subscriber without person", "1777"),
        ("files", "folder without person", "homes$\\stranger"),
        ("files", "unfinished folder", "homes$\\.provisioning-00ff"),
    ]


def test_what_is_plugged_in_where(office: Reality) -> None:
    office.lines = [
        LineFinding("sw-b2-1", "GigabitEthernet1/0/10", "wrong device", "warning", "WS-1 is plugged in", "correct it"),
        LineFinding("sw-b2-1", "GigabitEthernet1/0/20", "unknown port", "warning", "is in use", "pull it"),
        LineFinding("sw-b2-1", "GigabitEthernet1/0/20", "errors", "fault", "counts errors", "measure"),
        LineFinding("sw-b2-1", "GigabitEthernet1/0/20", "drift", "warning", "VLAN", "apply"),
    ]
    assert [(f.area, f.sort) for f in office.site.audit().findings] == [
        ("ports", "unknown port"),
        ("equipment", "wrong device"),
    ], "cables are the business of `provision lines`, and drift is found once"
    assert [f.sort for f in office.site.audit("WS-0043").findings] == ["wrong device"]


def test_software_that_is_outdated_is_repaired_with_the_rest(office: Reality) -> None:
    old = Entry("Meridian CRM Client", "4.1.0", "{0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E410}")
    office.installed["WS-0043"] = [old, Entry("Bar", "1", "Bar")]
    address = Address("windows.package", "windows:WS-0043", "Meridian CRM Client")
    assert address in office.states
    office.states[address] = InstalledPackage(version="4.1.0")
    report = office.site.audit(areas=["software"])
    assert {(f.sort, f.address) for f in report.findings} == {("outdated", address), ("not approved", None)}
    assert report.repair is not None
    assert report.repair.things == (address,)


# -- at the terminal -----------------------------------------------------------------------------------------------


def test_exit_codes_for_monitoring(office: Reality, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = run(office, monkeypatch)
    assert clean.exit_code == 0, clean.output
    assert "nothing was found" in clean.stdout
    break_four_things(office)
    found = run(office, monkeypatch)
    assert found.exit_code == 2
    assert "1 fault, 3 warnings" in found.stdout
    assert "`provision audit --repair` shows how to set the 4 with a * right" in found.stdout
    office.down("phones")
    assert run(office, monkeypatch).exit_code == 3
    assert run(office, monkeypatch, "--area", "ports,mail").exit_code == 2, "what is not asked for may be down"


def test_repair_asks_and_carries_out_one_plan(office: Reality, monkeypatch: pytest.MonkeyPatch) -> None:
    break_four_things(office)
    monkeypatch.setattr("provisioning.cli.carrying._may_ask", lambda: True)
    declined = run(office, monkeypatch, "--repair", answer="n\n")
    assert declined.exit_code == 1
    assert "Nothing was changed." in declined.stderr
    assert len(office.site.audit().findings) == 4
    done = run(office, monkeypatch, "--repair", "--yes")
    assert done.exit_code == 0, done.output
    assert "Nothing was changed" not in done.stdout
    assert run(office, monkeypatch).exit_code == 0
    nothing = run(office, monkeypatch, "--repair", "--yes")
    assert nothing.exit_code == 0
    assert "There is nothing that a plan could set right." in nothing.stdout


def test_after_a_repair_what_people_must_decide_is_still_told(office: Reality, monkeypatch: pytest.MonkeyPatch) -> None:
    break_four_things(office)
    office.surveyed["stranger"] = Surveyed("stranger", "X99", "A Stranger", True)
    done = run(office, monkeypatch, "--repair", "--yes", "--output", "json")
    assert done.exit_code == 2
    both = json.loads(done.stdout)
    assert both["repair"]["state"] == "done"
    assert [one["subject"] for one in both["audit"]["findings"] if not one["repairable"]] == ["stranger"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--yes",), "--yes goes with --repair"),
        (("--area", "prots"), "an audit has no area 'prots'; did you mean 'ports'?"),
        (("E10022",), "did you mean 'E1002'?"),
        (("--prometheus", "/nowhere/x.prom"), "there is no folder /nowhere"),
        (("--prometheus", "x.txt"), "expected a file name that ends in .prom"),
        (("E1002", "--prometheus", "x.prom"), "--prometheus is for the whole site"),
        (("--repair",), "there is no terminal to ask on"),
    ],
)
def test_bad_words_change_nothing(
    office: Reality, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    result = run(office, monkeypatch, *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""
    assert not office.reads


# -- a large site --------------------------------------------------------------------------------------------------

PEOPLE = 240


def large(example: Inventory) -> Inventory:
    """:data:`PEOPLE` with a desk, a port and a PC each, 40 on a switch; managers of ten."""
    outlets, workplaces, stations, people = {}, {}, {}, {}
    profiles = list(example.profiles)
    sw = example.network.switches["sw-b2-1"]
    switches = {f"sw-{n}": sw for n in range(PEOPLE // 40)}
    for n in range(PEOPLE):
        port = f"GigabitEthernet1/0/{n % 40 + 1}"
        outlets[f"o{n}"] = Outlet.model_validate(
            {"closet": "C-B2", "panel": "P1", "panel_port": 1, "switch": f"sw-{n // 40}", "switch_port": port}
        )
        workplaces[f"d{n}"] = Workplace(building="B", room=f"r{n // 10}", outlet=f"o{n}")
        stations[f"PC-{n}"] = Workstation(
            asset_tag=f"A{n}", mac=f"02:00:00:00:{n // 256:02x}:{n % 256:02x}", host=f"pc-{n}.corp.example",
            workplace=f"d{n}",
        )  # fmt: skip
        people[f"P{n}"] = Person(
            given_name=f"Given{n % 97}", family_name=f"Family{n % 89}", profile=profiles[n % len(profiles)],
            department="All", workplace=f"d{n}", manager=f"P{n // 10}" if n else None, phone=f"+49 30 5550 {20000 + n}",
        )  # fmt: skip
    network = example.network.model_copy(update={"switches": switches})
    phones = example.phones
    assert phones is not None
    staff = phones.ranges["staff"].model_copy(update={"first": "20000", "last": "29999", "reserved": ()})
    return example.model_copy(
        update={
            "outlets": outlets, "workplaces": workplaces, "workstations": stations, "people": people,
            "network": network, "equipment": {}, "phones": phones.model_copy(update={"ranges": {"staff": staff}}),
        }
    )  # fmt: skip


def test_reads_do_not_grow_with_the_people(example: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = in_memory(large(example), tmp_path, monkeypatch)
    office.as_wanted()
    office.set("mail.mailbox", office.accounts["P7"].login, quota=1)
    office.reads.clear()
    report = office.site.audit(areas=[area for area in AREAS if area not in {"software", "settings", "licences"}])
    assert [f.area for f in report.findings] == ["mail"]
    assert report.repair is not None
    assert report.repair.persons == ("P7",)
    per_kind = {name: number for name, number in office.reads.items() if name != "switch.port"}
    assert max(per_kind.values()) <= 2, "no read a person"
    assert office.reads["switch.port"] == PEOPLE / 40
