"""`provision reassign`, on systems in memory: what the old job gave goes, what the new one gives comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import RequestError
from provisioning.ledger import Amendment
from provisioning.procedures.onboard import onboard
from provisioning.procedures.registry import from_plain
from provisioning.procedures.reprofile import Reassign, reassign
from provisioning.resources.base import Address
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.whole_office import WholeOffice, whole_office


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    """E1042 is onboarded as a sales representative; E1015 leads the accountants."""
    for made in whole_office(tmp_path, monkeypatch):
        made.has_account("E1001", "hannah.brandt")
        made.has_account("E1015", "jean-luc.moreau")
        made.ok("onboard", "E1042", "--yes")
        made.store.applied.clear()
        yield made


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def groups(office: WholeOffice) -> set[str]:
    state = office.store.state("directory.membership", "anna.petrova")
    return {group for group, there in state.groups.items() if there}


def packages(office: WholeOffice) -> set[str]:
    return {address.key for address in office.store.held if address.kind == "windows.package"}


TO_ACCOUNTING = ("reassign", "E1042", "--profile", "accounting", "--department", "Accounting", "--manager", "E1015")


def test_a_new_job_takes_what_the_old_one_gave_and_gives_what_the_new_one_gives(office: WholeOffice) -> None:
    before = dict(office.store.held)
    membership = Address("directory.membership", "directory", "anna.petrova")
    office.store.held[membership] = office.store.held[membership].model_copy(
        update={"groups": {**office.store.state(*membership_of()).groups, "Engineering": True, "Choir": True}}
    )
    given = dict(office.store.held)
    assert office.site.ledger.allocations("licence:crm", holder="E1042")
    shown = office.ok(*TO_ACCOUNTING, "--yes")
    assert "Run 2: done" in shown

    assert groups(office) == {"Staff", "Accounting", "Intranet-Users", "Engineering", "Choir"}, "by hand stays"
    assert packages(office) == {"Halden Archive Tool", "Corporate Fonts"}
    assert office.site.ledger.allocations("licence:crm", holder="E1042") == [], "the seat is free again"
    user = office.store.state("directory.user", "anna.petrova")
    assert (user.ou, user.title) == ("OU=Accounting,OU=Staff,DC=corp,DC=example", "Accountant")
    assert (user.department, user.manager, user.ip_phone) == ("Accounting", "jean-luc.moreau", "1042")
    chrome = office.store.state("windows.registry", r"HKLM\SOFTWARE\Policies\Google\Chrome", "windows:WS-0042")
    assert "accounting" in str(chrome.values["HomepageLocation"])
    proofs = {proof["name"]: proof["passed"] for proof in office.site.ledger.run(2).proofs}
    assert all(proofs.values())
    assert r"\\dc1.corp.example\departments\Sales is refused to anna.petrova" in proofs
    assert "Halden Archive Tool 23.1.0 is registered on WS-0042" in proofs

    now = office.site.wired.people["E1042"]
    assert (now.profile, now.department, now.manager) == ("accounting", "Accounting", "E1015")
    assert "no changes" in office.ok(*TO_ACCOUNTING, "--yes")
    office.ok("undo", "2", "--yes")
    assert office.store.held == given
    assert office.site.ledger.allocations("licence:crm", holder="E1042")
    assert office.site.wired.people["E1042"].profile == "sales"
    office.store.held[membership] = before[membership]
    assert office.site.plan(onboard("E1042")).is_empty


def membership_of() -> tuple[str, str]:
    return "directory.membership", "anna.petrova"


def test_the_port_comes_last_and_carries_the_new_vlan(office: WholeOffice) -> None:
    office.edit("profiles.yml", "software: [archive-tool, office-fonts]\n    vlan: staff", SPECIAL)
    office.edit("network.yml", "    staff:", "    ledger: {id: 77, subnet: 10.77.0.0/24}\n    staff:")
    office.ok(*TO_ACCOUNTING, "--yes")
    kinds = [change.address.kind for change in office.store.applied]
    assert kinds.index("switch.port") > max(i for i, kind in enumerate(kinds) if kind.startswith("windows."))
    port = office.store.state("switch.port", "GigabitEthernet1/0/12", "switch:sw-b2-1")
    assert port.access_vlan == 77
    names = [proof["name"] for proof in office.site.ledger.run(2).proofs]
    assert "WS-0042 is on GigabitEthernet1/0/12 in VLAN 77" in names
    assert "WS-0042 has an address in VLAN ledger" in names


SPECIAL = "software: [archive-tool, office-fonts]\n    optional_software: [crm-client]\n    vlan: ledger"


def test_what_the_new_profile_offers_may_be_kept(office: WholeOffice) -> None:
    office.edit("profiles.yml", "software: [archive-tool, office-fonts]\n    vlan: staff", OFFERS)
    gone = office.site.plan(reassign(office.site.wired, "E1042", "accounting"))
    said = "crm-client goes from WS-0042, and the profile accounting offers it: --keep crm-client leaves it there"
    assert said in gone.warnings
    plan = office.site.plan(reassign(office.site.wired, "E1042", "accounting", keep=["crm-client"]))
    assert "Meridian CRM Client" not in {change.key for change in plan.changes}
    assert {seat.holder for seat in plan.seats} == {"E1042"}, "and its seat stays taken"


OFFERS = "software: [archive-tool, office-fonts]\n    optional_software: [crm-client]\n    vlan: staff"


def test_at_a_shared_desk_nothing_is_removed(office: WholeOffice) -> None:
    plain = (office.folder / "workplaces.csv").read_text(encoding="utf-8")
    line = next(one for one in plain.splitlines() if one.startswith("B-204-3,"))
    office.edit(
        "workplaces.csv", line, line.removesuffix("false") + ("true" if line.endswith("false") else ",true"[1:])
    )
    assert office.site.inventory.workplaces["B-204-3"].shared
    plan = office.site.plan(reassign(office.site.wired, "E1042", "accounting"))
    assert [c for c in plan.changes if c.address.kind == "windows.package" and c.after is None] == []
    assert "B-204-3 is shared: what the profile sales had installed there stays" in plan.warnings


def test_a_profile_that_must_be_approved_waits_for_it(office: WholeOffice) -> None:
    shown = office.ok("reassign", "E1042", "--profile", "management", "--yes")
    assert "E1042 gets the profile management" in shown
    assert "E1042 joins the group Management" in shown
    assert office.store.applied == []
    assert office.site.wired.people["E1042"].profile == "sales"


def test_even_where_both_profiles_have_one_unit(office: WholeOffice) -> None:
    management = "OU=Management,OU=Staff,DC=corp,DC=example"
    office.edit("profiles.yml", management, "OU=Sales,OU=Staff,DC=corp,DC=example")
    plan = office.site.plan(reassign(office.site.wired, "E1042", "management"))
    assert "E1042 gets the profile management" in plan.grounds["security"]


def test_a_licence_that_the_new_job_has_without_asking_needs_nobody(office: WholeOffice) -> None:
    office.ok(*TO_ACCOUNTING, "--yes")
    plan = office.site.plan(reassign(office.site.wired, "E1042", "sales"))
    assert plan.grounds == {}
    assert [seat.holder for seat in plan.seats] == ["E1042"]


def test_only_another_manager(office: WholeOffice) -> None:
    office.sessions.off = {"windows:WS-0042", "switch:sw-b2-1"}
    office.ok("reassign", "E1042", "--manager", "E1015", "--department", "Sales East", "--yes")
    assert [str(c.address) for c in office.store.applied] == ["directory.user[directory/anna.petrova]"]
    assert [proof["name"] for proof in office.site.runs(1)[0].record.proofs] == ["anna.petrova signs in"]
    assert [one.field for one in office.site.ledger.amendments()] == ["department", "manager"]


def test_the_files_may_say_the_new_profile_already(office: WholeOffice) -> None:
    office.edit("people.csv", "E1042,Анна,Петрова,Sales,sales,", "E1042,Анна,Петрова,Accounting,accounting,")
    office.ok("reassign", "E1042", "--from", "sales", "--yes")
    assert groups(office) == {"Staff", "Accounting", "Intranet-Users"}
    assert packages(office) == {"Halden Archive Tool", "Corporate Fonts"}
    assert office.site.ledger.amendments() == []


NUMBERS = '    staff: {first: "1000", last: "1999"'
BOOKS = '    books: {first: "3000", last: "3009", number: "+49 30 5550 {extension}"}\n'


def test_another_range_of_extensions_gives_another_number(office: WholeOffice) -> None:
    office.edit("phones.yml", NUMBERS, BOOKS + NUMBERS)
    for other in ("1015", "1033"):
        office.edit("people.csv", f"+49 30 5550 {other}", "")
    office.edit("phones.yml", "    office: {range: staff}", "    office: {range: staff}\n    books: {range: books}")
    accounting = "pages: [accounting]\n    phone_class: "
    office.edit("profiles.yml", f"{accounting}office", f"{accounting}books")
    office.ok(*TO_ACCOUNTING, "--yes")
    assert {key: s.holder for key, s in office.store.of("phones.subscriber").items()} == {"3000": "E1042"}
    user = office.store.state("directory.user", "anna.petrova")
    assert (user.ip_phone, user.telephone) == ("3000", "+49 30 5550 3000")
    assert office.site.wired.people["E1042"].phone == "+49 30 5550 3000"
    held = [(a.pool, a.item) for a in office.site.ledger.allocations(holder="E1042") if "extension" in a.pool]
    assert held == [("extension:books", "3000")]
    assert "no changes" in office.ok(*TO_ACCOUNTING, "--yes")
    office.ok("undo", "2", "--yes")
    assert set(office.store.of("phones.subscriber")) == {"1042"}


def test_without_a_class_of_telephone_there_is_no_number(office: WholeOffice) -> None:
    office.edit("profiles.yml", "pages: [accounting]\n    phone_class: office", "pages: [accounting]")
    office.ok(*TO_ACCOUNTING, "--yes")
    assert office.store.of("phones.subscriber") == {}
    (file,) = office.store.of("phones.configuration").values()
    assert (file.settings["account.1.enable"], file.secrets["account.1.password"]) == ("0", None)
    user = office.store.state("directory.user", "anna.petrova")
    assert (user.ip_phone, user.telephone) == (None, None)
    assert office.site.wired.people["E1042"].phone is None
    assert office.site.plan(onboard("E1042")).is_empty


def test_a_title_of_ones_own_goes_with_the_old_job(example: Inventory) -> None:
    request = reassign(example, "E1002", "accounting")  # the head of sales
    after = request.foreseen(example)
    assert after.people["E1002"].title is None
    assert request.foreseen(after) == after, "when it is so, it is so"
    named = reassign(example, "E1002", "accounting", title="Head of books").foreseen(example)
    assert named.people["E1002"].title == "Head of books"
    assert reassign(example, "E1002", manager="E1015").foreseen(example).people["E1002"].title == "Head of sales"


def refused(example: Inventory, **words: Any) -> str:
    with pytest.raises(RequestError) as caught:
        reassign(example, words.pop("person", "E1042"), words.pop("profile", None), **words)
    return str(caught.value)


def test_what_cannot_be_is_a_clear_sentence(example: Inventory) -> None:
    assert "did you mean 'E1042'" in refused(example, person="E1O42", profile="sales")
    assert "the site has no profile 'acounting'; did you mean 'accounting'?" in refused(example, profile="acounting")
    assert "did you mean 'E1015'" in refused(example, manager="E1O15")
    assert "E1042 → E1042" in refused(example, manager="E1042")
    assert "the managers would go round (E1001 → E1002 → E1001)" in refused(example, person="E1001", manager="E1002")
    assert "nothing is to change for E1042; name --profile" in refused(example)
    assert "package archive-tool is none of the profile engineer" not in refused(example, profile="x")
    assert "package crm-client is none of" in refused(example, person="E1007", profile="sales", keep=["crm-client"])
    assert "the site has no package 'crm'" in refused(example, profile="engineer", keep=["crm"])
    assert "the title '' cannot be one" in refused(example, profile="engineer", title="")
    assert "cannot be one" in refused(example, department="A\x1b")


def test_refused_on_the_command_line_nothing_is_changed(office: WholeOffice) -> None:
    assert "not approved for profile 'accounting'" in office.refused(*TO_ACCOUNTING, "--keep", "crm-client", "--yes")
    assert "E1043 has no account yet" in office.refused("reassign", "E1043", "--profile", "engineer", "--yes")
    assert office.site.ledger.amendments() == []


def test_a_request_that_was_overtaken_is_refused(office: WholeOffice) -> None:
    late = reassign(office.site.wired, "E1042", "engineer")
    office.ok(*TO_ACCOUNTING, "--yes")
    with pytest.raises(RequestError, match="E1042 has the profile accounting by now, neither sales nor engineer"):
        office.site.plan(late)


def test_leavers_are_refused(example: Inventory) -> None:
    left = example.people["E1015"].model_copy(update={"left": "2026-12-31"})
    gone = example.model_copy(update={"people": {**example.people, "E1015": left}})
    assert "E1015 has left" in refused(gone, person="E1015", profile="sales")
    assert "E1015 has left" in refused(gone, manager="E1015")


def test_a_request_comes_back_from_the_ledger() -> None:
    request = Reassign("E1042", "accounting", "sales", "Accounting", None, "E1015", ("office-fonts",))
    assert from_plain(request.to_plain()) == request
    assert request.title == "reassign E1042 from sales to accounting (department Accounting, manager E1015)"
    assert Amendment("people", "E1042", "profile", "accounting").subject == ("people", "E1042", "profile")
