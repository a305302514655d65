"""What `provision audit --repair` does beside things that drifted, and how little a narrow audit reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import ClassVar

import pytest

from provisioning.api import Site
from provisioning.errors import RequestError
from provisioning.ledger import CustodyTransfer
from provisioning.procedures.audit_repair import Concerned
from provisioning.procedures.registry import from_plain
from provisioning.reports import text
from provisioning.reports.audit import audit as audit_text
from provisioning.reports.audit import sentence
from provisioning.resources.base import Proof, Resource
from provisioning.site.approvals import Approvals
from provisioning.site.load import load
from tests.unit.audit_office import Reality, in_memory
from tests.unit.cli_office import EXAMPLE


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reality]:
    """The example as it should be; nobody is asked for approval."""
    reality = in_memory(load(EXAMPLE).model_copy(update={"approvals": Approvals()}), tmp_path, monkeypatch)
    reality.as_wanted()
    yield reality
    if "ledger" in vars(reality.site):
        reality.site.ledger.close()


def test_custody_is_booked_by_the_repair_and_by_its_undo(office: Reality) -> None:
    tag = office.site.inventory.workstations["WS-0043"].asset_tag
    office.site.ledger.hand_over([CustodyTransfer(tag, "E1003")])
    report = office.site.audit()
    assert [(f.sort, f.is_repairable) for f in report.findings] == [("custody differs", True)]
    assert report.repair is not None
    assert from_plain(json.loads(json.dumps(report.repair.to_plain()))) == report.repair
    plan = office.site.plan(report.repair)
    assert (plan.changes, plan.is_empty) == ((), False)
    assert f"{tag} goes to E1038" in text.plan(plan).plain
    run = plan.apply()
    assert run.succeeded
    assert office.site.ledger.holders()[tag] == "E1038"
    assert office.site.audit().findings == ()
    assert run.undo().succeeded
    assert office.site.ledger.holders()[tag] == "E1003"


def has_left(office: Reality, person: str) -> Site:
    site = office.site.inventory
    gone = site.people[person].model_copy(update={"left": date(2026, 11, 1), "workplace": None})
    return Site(site.model_copy(update={"people": {**site.people, person: gone}}))


def test_a_leaver_who_can_sign_in_again_is_shut_out(office: Reality) -> None:
    site, login = has_left(office, "E1003"), office.accounts["E1003"].login
    report = site.audit("E1003", areas=["directory"])
    assert [(f.sort, f.severity, f.is_repairable) for f in report.findings] == [("leaver can sign in", "fault", True)]
    assert report.repair is not None
    assert report.repair.people(site.wired) == ()
    plan = site.plan(report.repair)
    closed, replaced = plan.changes
    assert (closed.key, closed.differences()) == (login, {"enabled": (True, False)})
    assert replaced.address.kind == "directory.password", "whoever enabled it may know the one that it has"
    run = plan.apply()
    assert run.succeeded
    assert {"directory.shut_out"} <= {proof.kind for proof in office.proven}
    assert run.undo().succeeded
    assert office.state("directory.user", login)[1].enabled


def test_an_account_that_is_somebody_elses_by_now_is_not_closed(office: Reality) -> None:
    site, login = has_left(office, "E1003"), office.accounts["E1003"].login
    request = site.audit("E1003", areas=["directory"]).repair
    assert request is not None
    office.set("directory.user", login, employee_id="E1002")
    with pytest.raises(
        RequestError, match=f"the account {login} is of E1002 by now, not of E1003; nothing was changed"
    ):
        site.plan(request)


def test_a_named_switch_is_judged_with_its_ports(office: Reality) -> None:
    office.set("switch.port", "GigabitEthernet1/0/10", access_vlan=99)
    office.reads.clear()
    report = office.site.audit("sw-b2-1", areas=["ports"])
    assert [(f.area, f.person, f.found) for f in report.findings] == [("ports", "E1038", "99")]
    assert office.reads == {"switch.port": 1}
    assert report.repair is not None
    assert report.repair.persons == ("E1038",)
    assert office.site.plan(report.repair).apply().succeeded
    assert office.site.audit("sw-b2-1", areas=["ports"]).findings == ()


def test_what_nobody_named_is_not_read(office: Reality) -> None:
    office.reads.clear()
    office.site.audit("E1002")
    assert "network.reservation" not in office.reads
    office.site.audit("printer-sales", areas=["equipment"])
    assert office.reads["network.reservation"] == 1


def test_a_switch_that_did_not_answer_is_not_asked_again(office: Reality) -> None:
    office.down("switch:sw-b2-1")
    office.reads.clear()
    report = office.site.audit(areas=["ports"])
    assert office.reads["switch.port"] == 1, "the other one"
    assert [one.what for one in report.unread] == ["switch:sw-b2-1"]


def lacking(office: Reality, person: str) -> None:
    """Nothing of a person is there but account, PC and port."""
    login = office.accounts[person].login
    for address in [one for one in office.states if one.key.endswith(f"\\{login}") or one.key in {login, person[1:]}]:
        if address.kind != "directory.user":
            del office.states[address]


def test_who_lacks_nearly_everything_is_one_line(office: Reality) -> None:
    for person in ("E1002", "E1003", "E1007", "E1015"):
        lacking(office, person)
    office.set("directory.user", office.accounts["E1002"].login, enabled=False)
    document = office.site.audit().to_document()
    assert len(document["findings"]) == 21
    said = audit_text(document, short=True).plain
    assert "much is not" not in said, "all of that fits on a screen"
    lacking(office, "E1019")
    document = office.site.audit().to_document()
    lines = audit_text(document, short=True).plain.splitlines()
    hers = [line.split() for line in lines if "E1002: " in line]
    assert hers == [["warning", "E1002:", "directory", "1,", "mail", "1,", "phones", "1,", "files", "2", "*"]]
    assert any("enabled is no" in line for line in lines), "a fault is never hidden"
    assert len(lines) < len(audit_text(document).plain.splitlines())
    assert len(sentence(document)) < 1000, "the work log gets a sentence"


class Key(str):
    """Counts how often keys are made comparable."""

    folded: ClassVar[int] = 0

    def casefold(self) -> str:
        Key.folded += 1
        return super().casefold()


def test_proofs_are_run_of_what_is_repaired_and_of_nothing_else() -> None:
    def proof(target: str, **parameters: object) -> Proof:
        return Proof("some.proof", target, "name", parameters)

    addresses = [("directory.user", "directory", "Anna.Ek"), ("switch.port", "switch:sw-1", "Gi1/0/1")]
    addresses += [("windows.package", "windows:WS-1", "Editor")]
    concerned = Concerned(Resource(kind, target, key, None) for kind, target, key in addresses)
    assert proof("directory", login="anna.ek") in concerned
    assert proof("mail", sender="x", login="ANNA.EK") in concerned, "what has no name of its own is about all"
    assert proof("directory", login="boris") not in concerned
    assert proof("switch:sw-1", port="gi1/0/1") in concerned
    assert proof("switch:sw-1", port="anna.ek") not in concerned
    assert proof("switch:sw-2", port="gi1/0/1") not in concerned
    assert proof("windows:WS-1", policy="whatever") in concerned
    assert proof("windows:WS-2", policy="Editor") not in concerned


def test_each_of_many_things_is_looked_at_once_for_all_proofs() -> None:
    Key.folded = 0
    things = [Resource("directory.user", "directory", Key(f"P{number}"), None) for number in range(300)]
    concerned = Concerned(things)
    proofs = [Proof("some.proof", "directory", "name", {"login": f"p{number}"}) for number in range(0, 600, 2)]
    assert sum(one in concerned for one in proofs) == 150
    assert Key.folded == len(things)
