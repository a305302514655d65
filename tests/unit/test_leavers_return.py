"""Who may be given back what, and who may be erased: what these requests come to, without any system."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioning.api import Site
from provisioning.api.returning import _anew, _Return
from provisioning.errors import RequestError
from provisioning.ledger import RunRecord
from provisioning.procedures.approvals import grounds
from provisioning.procedures.base import Accounts, Numbering
from provisioning.procedures.erase import Erase
from provisioning.procedures.leaving_guard import refuse_stranger
from provisioning.procedures.leaving_places import Home, is_at
from provisioning.procedures.leaving_record import Thing
from provisioning.procedures.offboard import Offboard
from provisioning.procedures.registry import from_plain
from provisioning.procedures.reinstate import Reinstate
from provisioning.resources.base import Address, Change, Resource, State
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.all_groups import AllGroups
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.phones.configuration import Configuration
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.resources.switch.state import SwitchPort
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.load import load

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"
SITE = load(EXAMPLE)

ANNA = Offboard(
    "E1042",
    "anna.petrova",
    "Анна Петрова",
    "2026-12-31",
    desk="B-204-3",
    addresses=("anna.petrova@corp.example",),
    extensions=("1042",),
    home=Home("files", "homes$\\anna.petrova"),
)


def amended(key: str, site: Inventory = SITE, **new: Any) -> Inventory:
    people = {**site.people, key: site.people[key].model_copy(update=new)}
    return site.model_copy(update={"people": people})


def of(resources: tuple[Resource, ...], kind: str) -> list[Resource]:
    return [resource for resource in resources if resource.kind == kind]


def the(resources: tuple[Resource, ...], kind: str) -> Any:
    (found,) = of(resources, kind)
    return found.desired


# ------------------------------------------------------------------------------------------ guards and approvals


def found(state: State | None) -> dict[Address, State | None]:
    return {ANNA.account: state}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "is gone"),
        (User(employee_id="E7", enabled=True), "of E7 by now"),
        (User(employee_id=None, enabled=True), "nobody known"),
    ],
)
def test_an_account_that_is_somebody_elses_is_left_alone(state: User | None, said: str) -> None:
    for request in (ANNA, Reinstate("E1042", "anna.petrova", "Anna", 1, ())):
        with pytest.raises(RequestError, match=said):
            refuse_stranger(request, found(state), ())
    refuse_stranger(ANNA, found(User(employee_id="E1042", enabled=True)), ())


def test_who_is_back_is_not_erased() -> None:
    erase = Erase("E1042", "anna.petrova", "Anna", 3)
    with pytest.raises(RequestError, match="has not left"):
        erase.compile(SITE, Accounts())
    erase.compile(amended("E1042", left=date(2026, 12, 31)), Accounts())
    with pytest.raises(RequestError, match="is enabled"):
        refuse_stranger(erase, found(User(employee_id="E1042", enabled=True)), ())
    refuse_stranger(erase, found(User(employee_id="E1042", enabled=False)), ())
    refuse_stranger(erase, found(None), ())


def test_erasing_names_nobody_else_and_reserves_the_names() -> None:
    erase = Erase("E1042", "anna.petrova", "Anna", 3, Home("files", "homes$\\anna.petrova"))
    site = amended("E1042", left=date(2026, 12, 31))
    hers = Account("anna.petrova", "E1042", "CN=x", "x", ("a.p@corp.example",))
    work = erase.compile(site, Accounts((hers, Account("b", "E9", "CN=b", "b", ("b@corp.example",)))))
    assert dict(work.reserved) == {"anna.petrova": "E1042", "a.p@corp.example": "E1042"}
    user = of(work.resources, "directory.user")[0]
    assert {address.kind for address in user.requires} == {"mail.contents", "files.archived"}
    assert any("no undo brings them back" in sentence for sentence in work.warnings)
    assert from_plain(erase.to_plain()) == erase
    assert "persons" not in erase.to_plain()


def test_deleting_an_account_needs_the_role_that_the_site_names() -> None:
    deletion = Change[State](ANNA.account, User(employee_id="E1042", enabled=False), None)
    asked = grounds(SITE, [deletion], {})
    assert asked == {"security": ("account, mailbox and home folder of E1042 are deleted for good",)}
    assert asked == Erase("E1042", "anna.petrova", "Анна Петрова", 3).grounds(SITE)


def test_closing_an_account_needs_no_approval_and_opening_it_does() -> None:
    boss = Address("directory.user", "directory", "hannah.brandt")
    owners = {boss: "E1001"}
    closed, opened = User(enabled=False, ou="OU=L,DC=x"), User(enabled=True, ou="OU=M,DC=x")
    assert grounds(SITE, [Change[State](boss, opened, closed)], owners) == {}
    assert "security" in grounds(SITE, [Change[State](boss, closed, opened)], owners)


def test_privileged_groups_that_come_back_need_approval_again() -> None:
    address = Address("directory.all_groups", "directory", "hannah.brandt")
    change = Change[State](address, AllGroups(groups=()), AllGroups(groups=("management", "Staff")))
    assert grounds(SITE, [change], {address: "E1001"}) == {"security": ("E1001 joins the group management",)}
    assert grounds(SITE, [change.inverse()], {address: "E1001"}) == {}
    assert not isinstance(change.after, Memberships)


# ------------------------------------------------------------------------------------------------------ reinstate

BEFORE = User(
    ou="OU=Sales,OU=Staff,DC=corp,DC=example", name="Анна Петрова", employee_id="E1042", telephone="+49 30 5550 1042",
    ip_phone="1042", office="B-204-3", home_folder="\\\\dc1.corp.example\\homes$\\anna.petrova", enabled=True,
)  # fmt: skip
THINGS = (
    Thing("directory.user", "directory", "anna.petrova", BEFORE),
    Thing("directory.all_groups", "directory", "anna.petrova", AllGroups(groups=("Staff", "Chess Club"))),
    Thing("mail.rules", "mail", "anna.petrova", None),
    Thing("phones.subscriber", "phones", "1042", Subscriber(holder="E1042")),
)
BACK = Reinstate("E1042", "anna.petrova", "Анна Петрова", 3, THINGS, "B-204-3", "1042", pools=("crm",))
LEFT = amended("E1042", left=date(2026, 12, 31))
FACTS = Accounts((Account("anna.petrova", "E1042", "CN=x", "x"),))


def test_a_reinstatement_is_what_the_offboarding_found() -> None:
    work = BACK.compile(LEFT, FACTS)
    assert the(work.resources, "directory.user") == BEFORE
    assert the(work.resources, "directory.all_groups").groups == ("Chess Club", "Staff")
    assert the(work.resources, "directory.password").random is False
    assert the(work.resources, "phones.subscriber") == Subscriber(holder="E1042")
    (amendment,) = work.amendments
    assert (amendment.subject, amendment.value) == (("people", "E1042", "left"), None)
    assert from_plain(BACK.to_plain()) == BACK
    assert {"directory.sign_in", "mail.delivery", "network.port"} <= {proof.kind for proof in work.proofs}
    (seat,) = BACK.seats_again(LEFT)
    assert (seat.pool, seat.holder) == ("licence:crm", "E1042")


def test_software_comes_back_once_the_pc_is_reached_again() -> None:
    software = Thing("windows.package", "windows:WS-0042", "Meridian CRM Client", InstalledPackage(version="4.2.0"))
    port = Thing("switch.port", "switch:sw-b2-1", "GigabitEthernet1/0/12", SwitchPort(enabled=True))
    work = replace(BACK, things=(*THINGS, software, port)).compile(LEFT, FACTS)
    (package,) = of(work.resources, "windows.package")
    assert package.desired == InstalledPackage(version="4.2.0")
    assert package.requires == {port.address}
    assert from_plain(replace(BACK, things=(software,)).to_plain()) == replace(BACK, things=(software,))


def test_another_extension_is_said_and_set_everywhere() -> None:
    other = replace(BACK, extension="1099", lost=("extension 1042 is E1's by now",))
    site = amended("E1042", LEFT, phone=None)
    work = other.compile(site, replace(FACTS, numbering=Numbering({"staff": {"1042": "E1001"}})))
    user = the(work.resources, "directory.user")
    assert (user.ip_phone, user.telephone) == ("1099", "+49 30 5550 1099")
    assert [resource.key for resource in of(work.resources, "phones.subscriber")] == ["1099"]
    assert {p.parameters["extension"] for p in work.proofs if p.kind == "phones.registration"} == {"1099"}
    assert work.warnings == other.lost


def test_without_a_desk_nothing_is_proved_of_it() -> None:
    work = replace(BACK, desk=None).compile(LEFT, FACTS)
    assert "network.port" not in {proof.kind for proof in work.proofs}
    assert the(work.resources, "directory.user").office is None
    assert [(one.field, one.value) for one in work.amendments] == [("left", None), ("workplace", None)]
    assert work.custody == ()
    assert replace(BACK, desk=None).compile(amended("E1042", workplace=None), FACTS) == work


def test_what_stands_at_the_desk_is_theirs_again() -> None:
    assert [(one.asset, one.to) for one in BACK.compile(LEFT, FACTS).custody] == [
        ("NW-20042", "E1042"),
        ("phone-204-3", "E1042"),
    ]


PORT = Address("switch.port", "switch:sw-b2-1", "GigabitEthernet1/0/12")
PHONE = Address("phones.configuration", "phone-files", "02005e104043.cfg")
PC = Address("windows.package", "windows:WS-0042", "Meridian CRM Client")


@pytest.mark.parametrize(("desk", "there"), [("B-204-3", True), ("B-204-2", False)])
def test_what_is_at_a_desk_is_known(desk: str, there: bool) -> None:
    assert [is_at(SITE, desk, address) for address in (PORT, PHONE, PC)] == [there] * 3


def test_somebody_who_was_erased_is_onboarded_anew() -> None:
    work = Reinstate("E1042", "anna.petrova", "Anna", 3, (), "B-204-3", lost=("a new one",), anew=True).compile(
        LEFT, Accounts()
    )
    assert the(work.resources, "directory.user").enabled is True
    assert of(work.resources, "directory.password") == []
    assert work.warnings[0] == "a new one"
    assert [one.field for one in work.amendments] == ["left"]


# --------------------------------------------------------------------------------- what is looked up before it is asked

AT_HERS = (
    Thing(PORT.kind, PORT.target, PORT.key, SwitchPort(enabled=True)),
    Thing(PHONE.kind, PHONE.target, PHONE.key, Configuration(settings={}, secrets={})),
    Thing(PC.kind, PC.target, PC.key, InstalledPackage(version="4.2.0")),
)


def returning(site: Inventory, asked: Offboard = ANNA) -> _Return:
    return _Return(cast("Site", SimpleNamespace(ledger=None)), site, asked, [], [*THINGS, *AT_HERS])


def test_a_desk_that_nobody_took_is_given_back_whole() -> None:
    back = returning(LEFT)
    assert back.desk() == "B-204-3"
    assert (back.things, back.lost) == ([*THINGS, *AT_HERS], [])


def test_at_a_desk_that_is_somebody_elses_nothing_is_touched() -> None:
    back = returning(amended("E1043", LEFT, workplace="B-204-3"))
    desk = back.desk()
    assert (desk, back.pools(desk)) == (None, ())
    assert back.things == list(THINGS)
    assert "B-204-3 is not E1042's any more" in back.lost[0]
    assert "provision move E1042 --to" in back.lost[0]


def test_a_cable_that_lies_elsewhere_keeps_its_port() -> None:
    outlet = LEFT.outlets["B2-04C"].model_copy(update={"switch_port": "GigabitEthernet1/0/20"})
    back = returning(LEFT.model_copy(update={"outlets": {**LEFT.outlets, "B2-04C": outlet}}))
    assert back.desk() is None
    assert "the cable of B-204-3 lies elsewhere by now" in back.lost[0]


def test_a_pc_that_stands_elsewhere_by_now_keeps_its_software() -> None:
    pc = LEFT.workstations["WS-0042"].model_copy(update={"workplace": "B-204-2"})
    back = returning(LEFT.model_copy(update={"workstations": {**LEFT.workstations, "WS-0042": pc}}))
    assert back.desk() == "B-204-3"
    assert [one.kind for one in back.things if one.kind == "windows.package"] == []
    assert "Meridian CRM Client (windows:WS-0042) stays as it is" in back.lost[0]


def test_who_shares_a_desk_comes_back_to_it() -> None:
    back = returning(amended("E1042", LEFT, workplace="B-207-1"), replace(ANNA, desk=None))
    back.things = list(THINGS)
    assert (back.desk(), back.lost) == ("B-207-1", [])


def test_who_was_erased_and_whose_desk_is_taken_is_told_both() -> None:
    back = returning(amended("E1043", LEFT, workplace="B-204-3"))
    back.runs = [cast("RunRecord", SimpleNamespace(id=3))]
    anew = _anew(replace(back, things=[]))
    assert (anew.anew, anew.desk) == (True, None)
    assert [sentence.partition(":")[0] for sentence in anew.lost] == [
        "the account of E1042 was deleted",
        "B-204-3 is not E1042's any more",
    ]
