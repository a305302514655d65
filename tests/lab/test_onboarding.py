"""The whole job as an admin does it: plan, onboard, again, check, show, undo. Checked with the servers' own tools."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.api import Site, onboard
from provisioning.lab.office import Office
from tests.lab.admin import (
    Admin,
    Snapshot,
    admin_of,
    by_hand,
    directory_entries,
    forwarding,
    left_as_found,
    pc_state,
    port_section,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

REPORT = json.loads((Path(__file__).parent.parent.parent / "docs" / "report.schema.json").read_text(encoding="utf-8"))
PROVEN = {
    *("directory.sign_in", "mail.delivery", "mail.autoconfig", "intranet.access", "network.lease", "network.port"),
    *("windows.policy", "windows.package", "phones.registration", "files.visit", "files.room"),
}
PORT = "GigabitEthernet1/0/12"  # of B-204-3, where E1042 will sit
ANNA = "CN=Анна Петрова,OU=Sales,OU=Staff,DC=corp,DC=example"


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    yield somebody
    somebody.take_all_back()


def values(lines: list[str], attribute: str) -> list[str]:
    return [line.partition(": ")[2] for line in lines if line.startswith(f"{attribute}: ")]


def test_a_new_colleague_gets_a_working_desk_and_undo_takes_it_all_back(office: Office, admin: Admin) -> None:
    report = admin.folder.parent / "report.json"
    with left_as_found(office, "WS-0042", "WS-0043") as before:
        planned = admin.run("plan", "onboard", "E1042")
        assert planned.code == 2, planned.err
        counts = re.search(r"Plan: (\d+) to create, (\d+) to change, 0 to delete, 1 unchanged\.", planned.out)
        assert counts, planned.out
        assert Snapshot.of(office, "WS-0042", "WS-0043") == before, "a plan changes nothing"

        done = admin.must("onboard", "E1042", "--yes", "--report", str(report))
        assert "Run 1: done" in done.out
        written = json.loads(report.read_text(encoding="utf-8"))
        assert set(written) == set(REPORT["required"]) | {"format", "undoes", "waiting"}
        assert (written["state"], len(written["changes"])) == ("done", sum(map(int, counts.groups())))
        assert {proof["kind"] for proof in written["proofs"]} == PROVEN
        assert [proof for proof in written["proofs"] if not proof["passed"]] == []
        assert {change["state"] for change in written["changes"]} == {"verified"}
        assert {"plan", "apply", "prove"} <= set(written["seconds"])
        assert "<html" in report.with_suffix(".html").read_text(encoding="utf-8")
        the_office_has_anna(office)
        the_password_waits_for_hand_over(admin)

        again = admin.must("onboard", "E1042", "--yes")
        assert "no changes" in again.out
        assert admin.run("plan", "onboard", "E1042").code == 0
        checked = admin.must("check", "E1042", "B-204-3", "--output", "json").document
        assert (checked["state"], len(checked["proofs"])) == ("passed", len(written["proofs"]))
        shown(admin)

        assert "Run 2: done" in admin.must("undo", "1", "--yes").out
        assert list(admin.handover.iterdir()) == [], "the password of an account that is gone"
        assert admin.here("show", "run", "1", "--output", "json").document["state"] == "undone"
        assert admin.run("plan", "publish").code == 0, "everybody's mail settings are not hers to take away"
        twice = admin.run("undo", "1", "--yes")
        assert (twice.code, twice.err) == (1, "Error: run 1 was undone already\n")


def the_office_has_anna(office: Office) -> None:
    """What the systems' own tools say."""
    entries = directory_entries(office)
    anna = entries[ANNA]
    assert values(anna, "sAMAccountName") == ["anna.petrova"]
    assert values(anna, "employeeID") == ["E1042"]
    assert values(anna, "pwdLastSet") == ["0"], "must change the password at the first sign-in"
    assert values(anna, "userAccountControl") == ["512"]
    assert values(anna, "mail") == ["anna.petrova@corp.example"]
    assert values(anna, "manager") == ["CN=Hannah Brandt,OU=Management,OU=Staff,DC=corp,DC=example"]
    groups = {dn.partition(",")[0].removeprefix("CN=") for dn in values(anna, "memberOf")}
    assert groups == {"Staff", "Sales", "Intranet-Users"}
    assert "description: NW-20042 EliteDesk 800 G9" in entries["CN=WS-0042,OU=Workstations,DC=corp,DC=example"]
    assert port_section(office, "sw-b2-1", PORT).splitlines() == [
        " description B-204-3 B2-04C WS-0042",
        " switchport access vlan 20",
        " switchport mode access",
        " switchport voice vlan 120",
        " switchport port-security maximum 3",
        " switchport port-security violation restrict",
        " switchport port-security",
        " storm-control broadcast level 5.00",
        " spanning-tree portfast",
        " spanning-tree bpduguard enable",
    ]
    device = office.network.devices("sw-b2-1")[PORT]
    port = next(line for line in forwarding(office) if line.startswith(f"{device},"))
    assert port == f"{device},20,[120],native-untagged"
    pc = pc_state(office, "WS-0042")
    assert "    HomepageLocation    REG_SZ    https://intranet.corp.example/sales/" in pc["policies"]  # type: ignore[operator]
    programs = f"{pc['programs']}{pc['programs32']}"
    assert re.search(r"DisplayName +REG_SZ +Meridian CRM Client\n", programs)
    assert re.search(r"DisplayVersion +REG_SZ +4\.2\.0\n", programs)
    assert any("crm" in file.lower() for file in pc["files"])  # type: ignore[attr-defined]


def the_password_waits_for_hand_over(admin: Admin) -> None:
    file = admin.handover / "anna.petrova.initial-password"
    assert [path.name for path in admin.handover.iterdir()] == [file.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(admin.handover.stat().st_mode) == 0o700


def shown(admin: Admin) -> None:
    """Every `show`, as text and as JSON."""
    wanted = {
        "": "people", "people": "Петрова", "runs": "onboard E1042", "workplaces": "B-204-3", "workstations": "WS-0042",
        "outlets": "B2-04C", "switches": "sw-b2-1", "vlans": "staff", "profiles": "sales", "software": "crm-client",
        "person E1042": "anna.petrova", "workplace B-204-3": "WS-0042", "workstation WS-0042": "B-204-3",
        "outlet B2-04C": PORT, "switch sw-b2-1": "127.77.", "profile sales": "crm-client",
        "package crm-client": "Meridian", "run 1": "✓ anna.petrova signs in",
    }  # fmt: skip
    for words, text in wanted.items():
        assert text in admin.here("show", *words.split()).out, words
        assert admin.here("show", *words.split(), "--output", "json").document, words


def test_the_same_in_python_on_a_colleague_who_has_an_account(office: Office, admin: Admin) -> None:
    with left_as_found(office, "WS-0043"):
        site = Site.load(admin.folder)
        plan = site.plan(onboard("E1038"))
        assert {change.action for change in plan.changes if change.address.kind == "directory.user"} == {"update"}
        run = plan.apply()
        assert (run.state, run.succeeded) == ("done", True), run.record
        assert site.plan(onboard("E1038")).is_empty
        assert [result for result in site.check("B-204-1") if not result.passed] == []
        back = run.undo()
        assert back.state == "done"
        assert site.run(run.id).state == "undone"
        site.ledger.close()


def test_a_desk_on_the_command_line_and_one_without_a_pc(office: Office, admin: Admin) -> None:
    with left_as_found(office):
        admin.must("onboard", "E1043", "--desk", "B-204-2", "--yes")
        assert "access vlan 20" in port_section(office, "sw-b2-1", "GigabitEthernet1/0/11")
        admin.must("check", "E1043", "--desk", "B-204-2")
        taken = admin.run("onboard", "E1043", "--desk", "B-204-1", "--yes")
        assert taken.code == 1
        assert taken.err == (
            "Error: workplace B-204-1 belongs to person E1038; choose a free one for E1043 or correct the site\n"
        )
        admin.must("undo", "1", "--yes")


def test_a_saved_plan_is_carried_out_and_drift_is_named_and_left_alone(office: Office, admin: Admin) -> None:
    file = admin.folder.parent / "plan.json"
    mine, theirs = "GigabitEthernet1/0/11", "put there by hand"
    with left_as_found(office):
        assert admin.run("plan", "onboard", "E1043", "--desk", "B-204-2", "--save", str(file)).code == 2
        with by_hand(office, "sw-b2-1", mine, theirs):
            done = admin.run("apply", str(file), "--yes")
            assert done.code == 3
            assert f"switch.port {mine} drifted since plan (description is now '{theirs}', was None)" in done.out
            assert port_section(office, "sw-b2-1", mine) == f" description {theirs}\n"
            assert "CN=Thu Hà Nguyễn,OU=Sales,OU=Staff,DC=corp,DC=example" in directory_entries(office)
            admin.must("undo", str(admin.last_run()), "--yes")
            assert port_section(office, "sw-b2-1", mine) == f" description {theirs}\n"

    with left_as_found(office):
        admin.must("apply", str(file), "--yes")
        with by_hand(office, "sw-b2-1", mine, theirs):
            partly = admin.run("undo", str(admin.last_run()), "--yes")
            assert partly.code == 3
            assert "drifted since plan" in partly.out
            assert f"description {theirs}" in port_section(office, "sw-b2-1", mine)
        admin.must("undo", "3", "--yes")


def test_two_plans_of_the_same_office_are_byte_for_byte_the_same(admin: Admin) -> None:
    first, second = (admin.run("plan", "--output", "json") for _ in range(2))
    assert first.out == second.out
    assert first.code == second.code
