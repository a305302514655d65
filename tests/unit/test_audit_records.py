"""Judging what people and the books say: leavers, amendments, desks, orders, seats, telephones, folders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from provisioning.errors import RequestError
from provisioning.ledger import AmendmentRecord, PatchOrder
from provisioning.procedures.audit import Finding, area_of, matches
from provisioning.procedures.audit_accounts import judge_accounts, judge_people
from provisioning.procedures.audit_books import Installed, SeatHeld, judge_custody, judge_seats
from provisioning.procedures.audit_extras import judge_folders, judge_subscribers
from provisioning.procedures.audit_records import Standing, judge_amendments, judge_desks, judge_orders
from provisioning.procedures.audit_repair import repair
from provisioning.procedures.line_devices import judge_place
from provisioning.procedures.line_history import seen
from provisioning.procedures.line_places import Places
from provisioning.procedures.lines import PortView
from provisioning.procedures.whole_site import seated, whole_site
from provisioning.resources.base import Address
from provisioning.resources.directory.survey import Surveyed, outermost
from provisioning.resources.switch.counters import Line
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.unit.cli_office import EXAMPLE

TODAY = date(2026, 12, 1)
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def people(site: Inventory, **changed: dict[str, Any]) -> Inventory:
    new = {key: site.people[key].model_copy(update=fields) for key, fields in changed.items()}
    return site.model_copy(update={"people": {**site.people, **new}})


def leaver(site: Inventory, left: date = date(2026, 11, 30)) -> Inventory:
    return people(site, E1003={"left": left, "workplace": None})


def subjects(found: Any) -> list[tuple[str, str, str]]:
    return [(one.sort, one.subject, one.repair) for one in found]


def test_a_leaver_who_can_still_sign_in(example: Inventory) -> None:
    account = Surveyed("zoe.lefevre", "E1003", "Zoé Lefèvre", True)
    [finding] = judge_accounts(leaver(example), [account], TODAY)
    assert (finding.sort, finding.severity, finding.repair) == (
        "leaver can sign in",
        "fault",
        "provision audit E1003 --repair",
    )
    assert finding.address == Address("directory.user", "directory", "zoe.lefevre")
    assert "has left on 2026-11-30" in finding.sentence
    assert not list(judge_accounts(leaver(example, TODAY), [account], TODAY)), "the last day is a day at work"
    assert list(judge_accounts(leaver(example, TODAY), [account], TODAY, {"E1003"})), "offboarded before it was over"
    disabled = Surveyed("zoe.lefevre", "E1003", "Zoé Lefèvre", False)
    assert not list(judge_accounts(leaver(example), [disabled], TODAY))


def test_two_accounts_with_one_number(example: Inventory) -> None:
    accounts = [Surveyed("zoe2", "E1003", "Zoé", True), Surveyed("zoe", "E1003", "Zoé", True)]
    [finding] = judge_accounts(example, accounts, TODAY)
    assert (finding.sort, finding.found) == ("number carried twice", "zoe, zoe2")


def test_people_without_account(example: Inventory) -> None:
    site = people(leaver(example), E1002={"start": date(2026, 12, 2)}, E1007={"workplace": None})
    found = list(judge_people(site, ["E1001", "E1002", "E1003", "E1007"], {"E1001": "h"}, {}, TODAY))
    assert [(one.subject, one.severity) for one in found] == [("E1002", "remark"), ("E1007", "remark")]
    assert "no workplace either" in found[1].sentence


def test_the_whole_site_leaves_leavers_alone(example: Inventory) -> None:
    site = people(example, E1003={"left": date(2026, 11, 30)})
    assert set(seated(example)) - set(seated(site)) == {"E1003"}
    assert "E1003" not in whole_site(site).desks(site)


def amendment(**fields: Any) -> AmendmentRecord:
    known = {"section": "people", "key": "E1003", "field": "workplace", "value": "B-204-2", "was": "B-203-2",
             "run_id": 7, "at": "2026-11-20T12:00:00.000+00:00", "withdrawn": None}  # fmt: skip
    return AmendmentRecord(**{**known, **fields})


def test_amendments_that_the_files_should_say(example: Inventory) -> None:
    def found(files: str | None, *, overtaken: bool, **fields: Any) -> list[Finding]:
        return list(judge_amendments(example, [Standing(amendment(**fields), files, overtaken)], NOW))

    assert found("B-203-2", overtaken=False) == [], "eleven days are no reason to press"
    [old] = found("B-203-2", overtaken=False, at="2026-10-01T00:00:00.000+00:00")
    assert (old.sort, old.severity) == ("amendment to be written", "remark")
    assert old.repair == "write B-204-2 into the site's files (people: E1003: workplace)"
    assert found("B-204-2", overtaken=True) == [], "it was written into the files, as it should be"
    [other] = found("B-201-1", overtaken=True)
    assert (other.sort, other.severity, other.expected, other.found) == (
        "amendment overtaken",
        "warning",
        "B-204-2",
        "B-201-1",
    )
    [emptied] = found(None, overtaken=True)
    assert "say nothing since then" in emptied.sentence


def test_a_desk_that_two_people_have(example: Inventory) -> None:
    assert list(judge_desks(example)) == []
    site = people(example, E1003={"workplace": "B-203-1"})
    [finding] = judge_desks(site)
    assert (finding.sort, finding.subject) == ("desk of several people", "B-203-1")
    assert finding.repair.startswith("provision move E1003 --to ")
    shared = site.workplaces["B-203-1"].model_copy(update={"shared": True})
    assert not list(judge_desks(site.model_copy(update={"workplaces": {**site.workplaces, "B-203-1": shared}})))
    pcs = {
        **example.workstations,
        "WS-0042": example.workstations["WS-0042"].model_copy(update={"workplace": "B-203-1"}),
    }
    [finding] = judge_desks(example.model_copy(update={"workstations": pcs}))
    assert finding.sort == "desk with several PCs"


def order(days: int) -> PatchOrder:
    return PatchOrder(
        number=3, outlet="B2-04A", closet="C-B2", panel="P1", panel_port=1, switch="sw-b2-1", switch_port="Gi1/0/1",
        purpose="B-204-1", vlan=20, expected_mac=None, cable={}, label="", state="open",
        opened=(NOW - timedelta(days=days)).isoformat(), who="x", closed=None, reason=None, proof=None, run_id=1,
    )  # fmt: skip


def test_orders_that_stay_open(example: Inventory) -> None:
    assert list(judge_orders(example, [order(6)], NOW)) == []
    [finding] = judge_orders(example, [order(9)], NOW)
    assert "is open since 2026-11-22, 9 days" in finding.sentence
    assert "provision orders close 3 --wait" in finding.repair


def test_seats_of_leavers_and_pools_over_their_number(example: Inventory) -> None:
    pool = example.licences["crm"].model_copy(update={"seats": 1})
    site = leaver(example).model_copy(update={"licences": {"crm": pool}})
    held = [SeatHeld("crm", "1", "E1003"), SeatHeld("crm", "2", "E1002")]
    assert [one[:2] for one in subjects(judge_seats(site, held, Installed({}, {}), TODAY))] == [
        ("pool over its number", "crm"),
        ("seat of a leaver", "E1003"),
    ], "whether E1002 has the package nobody could look: no PC was read"


def test_seats_per_device(example: Inventory) -> None:
    pool = example.licences["crm"].model_copy(update={"metric": "per-device"})
    site = example.model_copy(update={"licences": {"crm": pool}})
    there = Installed({"WS-0043": frozenset({"crm-client"}), "WS-0031": frozenset()}, {})
    held = [SeatHeld("crm", "1", "WS-0031"), SeatHeld("crm", "2", "E1038")]
    assert [one[:2] for one in subjects(judge_seats(site, held, there, TODAY))] == [
        ("seat without package", "WS-0031"),
        ("package without seat", "WS-0043"),
    ], "a person's seat is none for a PC"


def test_what_leavers_still_have(example: Inventory) -> None:
    tag = example.workstations["WS-0032"].asset_tag
    found = judge_custody(leaver(example), {tag: "E1003", "printer": "store", "licence:crm": "E1003"}, TODAY)
    assert subjects(found) == [("asset of a leaver", "E1003", f"provision custody take {tag}")]


def test_custody_that_a_plan_can_book_and_custody_that_it_cannot(example: Inventory) -> None:
    tag = example.workstations["WS-0043"].asset_tag  # at the desk of E1038

    def found(site: Inventory, holder: str) -> list[tuple[str, str | None]]:
        findings = judge_custody(site, {tag: holder}, TODAY)
        return [(one.repair, one.transfer.to if one.transfer is not None else None) for one in findings]

    assert found(example, "E1038") == []
    assert found(example, "E1003") == [("provision audit E1038 --repair", "E1038")]
    assert found(example, "store") == [("provision audit E1038 --repair", "E1038")]
    [(scrapped, booked)] = found(example, "scrap")
    assert (f"`provision custody take {tag} --to store`" in scrapped, booked) == (True, None)
    two = people(example, E1003={"workplace": "B-204-1"})
    assert found(two, "E1002") == [], "whose of the two it is nobody can tell"


def test_telephones_and_folders_of_leavers(example: Inventory) -> None:
    site = leaver(example)
    assert site.phones is not None
    number = site.phones.ranges["staff"].extension_in(site.people["E1003"].phone or "")
    found = judge_subscribers(site, site.phones, {number or ""}, {}, TODAY)
    assert [one[:2] for one in subjects(found)] == [("subscriber of a leaver", number)]
    held = {"staff": {"1500": "E9999"}}
    [unknown] = judge_subscribers(site, site.phones, {"1500"}, held, TODAY)
    assert unknown.repair == (
        "remove the subscriber 1500 on the exchange; or `provision offboard E9999`, if that was never done"
    )
    folders = judge_folders(site, "homes$", ["Zoe", "archive"], {"E1003": "zoe"}, archive="Archive", today=TODAY)
    assert [one[:2] for one in subjects(folders)] == [("folder of a leaver", "homes$\\Zoe")]


def test_patterns_and_areas() -> None:
    assert matches("SVC-scan", ["svc-*"])
    assert not matches("svc?", ["svc[x]", "svcx"])
    assert [area_of(kind) for kind in ("windows.package", "windows.registry", "mail.rules", "files.quota", "x.y")] == [
        "software", "settings", "mail", "files", "settings",
    ]  # fmt: skip


def test_units_below_units_are_searched_once() -> None:
    units = [
        "OU=Sales,OU=Staff,DC=corp",
        "ou=Staff, dc=corp",
        "OU=OtherStaff,DC=corp",
        "OU=x,OU=Staff,DC=corp",
    ]
    assert outermost(units) == ["OU=OtherStaff,DC=corp", "OU=Staff,DC=corp"]


def test_nothing_to_repair_is_no_request() -> None:
    with pytest.raises(RequestError, match="there is nothing to repair"):
        repair([], ["E1002"])


def test_a_telephone_behind_a_desk_makes_no_stranger_of_the_pc(example: Inventory) -> None:
    phone = example.equipment["phone-204-3"]
    outlet = example.outlets[phone.outlet]
    place = Places.of(example).at(outlet.switch or "", outlet.switch_port or "")
    assert place is not None
    assert (place.device, place.telephone, place.is_pc) == ("WS-0042", phone.mac, True)
    pc = example.workstations["WS-0042"]
    line = Line("p", "up", carries="20", macs=((pc.mac, 20), (phone.mac, 20)))
    assert line.is_access
    now = seen(line, NOW, None)
    assert list(judge_place(PortView("sw", line, now, place=place), Places.of(example), 120)) == []
    other = replace(line, macs=((example.workstations["WS-0043"].mac, 20),))
    [finding] = judge_place(PortView("sw", other, seen(other, NOW, None), place=place), Places.of(example), 120)
    assert finding.sort == "wrong device"
