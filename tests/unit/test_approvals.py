"""Who must approve what: pure, on the example site and on plans made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import SiteError
from provisioning.procedures.approvals import grounds
from provisioning.procedures.base import Accounts
from provisioning.procedures.licences import seats
from provisioning.procedures.onboard import Onboard, onboard
from provisioning.procedures.ownership import owners
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.switch.port import SwitchPort
from provisioning.resources.windows.package import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.approvals import Approvals
from provisioning.site.load import load
from tests.unit.cli_office import write_site

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_site(tmp_path)


def without_policy(folder: Path) -> Inventory:
    """The site without approvals, and without leavers, whose deletion somebody has to approve."""
    (folder / "approvals.yml").unlink()
    (folder / "leavers.yml").unlink()
    return load(folder)


@pytest.fixture
def site(folder: Path) -> Inventory:
    return load(folder)


def of_request(site: Inventory, request: Onboard) -> dict[str, tuple[str, ...]]:
    """What a request needs where nothing exists yet."""
    work = request.compile(site, Accounts())
    changes: list[Change[State]] = [Change(r.address, None, r.desired) for r in work.resources]
    whose = owners(site, request, [(r.address, r.desired) for r in work.resources])
    return dict(grounds(site, changes, whose))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (onboard("E1042"), {}),
        (onboard("E1011"), {}),
        (onboard("E1028"), {"security": ("E1028 joins the group IT-Support",)}),
        (onboard("E1001"), {"security": ("E1001 gets the profile management", "E1001 joins the group Management")}),
        (
            onboard("E1042", "E1028", "E1019"),
            {"security": ("E1019 joins the group IT-Support", "E1028 joins the group IT-Support")},
        ),
    ],
    ids=lambda value: " ".join(value.persons) if isinstance(value, Onboard) else "",
)
def test_what_the_example_site_wants_approved(
    site: Inventory, request_: Onboard, expected: dict[str, tuple[str, ...]]
) -> None:
    assert of_request(site, request_) == expected


def test_everybody_of_the_site_can_be_planned(site: Inventory) -> None:
    found = of_request(site, onboard(*(key for key, person in site.people.items() if person.workplace)))
    assert set(found) == {"security"}


def test_software_that_costs_is_free_for_the_functions_that_have_it(folder: Path) -> None:
    profiles = folder / "profiles.yml"
    text = profiles.read_text(encoding="utf-8")
    profiles.write_text(text.replace("[archive-tool, office-fonts]", "[archive-tool, crm-client]"), encoding="utf-8")
    site = load(folder)
    found = of_request(site, onboard("E1015"))
    assert found == {"purchasing": ("E1015 takes a licence of crm (Meridian CRM Client on WS-0021)",)}
    assert of_request(site, onboard("E1042")) == {}


def test_a_protected_vlan_becomes_possible_with_approval(site: Inventory, folder: Path) -> None:
    profiles = folder / "profiles.yml"
    text = profiles.read_text(encoding="utf-8")
    profiles.write_text(text.replace("vlan: staff", "vlan: management", 1), encoding="utf-8")
    found = of_request(load(folder), onboard("E1042"))
    assert list(found) == ["network", "security"]
    assert found["network"] == found["security"]
    assert found["network"][0].endswith("(E1042) gets the VLAN management")
    (folder / "approvals.yml").unlink()
    with pytest.raises(SiteError, match="'management' is protected; say in approvals: vlans who may give it"):
        load(folder)


def test_a_site_without_a_policy_asks_nobody(folder: Path) -> None:
    assert of_request(without_policy(folder), onboard("E1001", "E1028")) == {}


def change(kind: str, target: str, key: str, before: State | None, after: State | None) -> Change[State]:
    return Change(Address(kind, target, key), before, after)


def member(before: dict[str, Any] | None, **after: Any) -> Change[State]:
    groups = {name.replace("_", "-"): value for name, value in after.items()}
    old = None if before is None else Memberships(groups=before)
    return change("directory.membership", "directory", "anna", old, Memberships(groups=groups))


@pytest.mark.parametrize(
    ("one", "roles"),
    [
        (member({}, IT_Support=True), ["security"]),
        (member({}, it_SUPPORT=True), ["security"]),
        (member({"IT-Support": True}, IT_Support=True, Staff=True), []),
        (member({"it-support": True}, IT_Support=True), []),
        (member({"IT-Support": True}, IT_Support=None), []),
        (member(None, Staff=True), []),
        (change("switch.port", "switch:sw-b2-1", "Gi1", SwitchPort(access_vlan=20), SwitchPort(access_vlan=99)),
         ["network", "security"]),
        (change("switch.port", "switch:sw-b2-1", "Gi1", SwitchPort(access_vlan=99), SwitchPort(access_vlan=99)), []),
        (change("switch.port", "switch:sw-b2-1", "Gi1", SwitchPort(), SwitchPort(voice_vlan=99)),
         ["network", "security"]),
        (change("switch.port", "switch:sw-b2-1", "Gi1", SwitchPort(access_vlan=99), SwitchPort(access_vlan=20)), []),
        (change("switch.port", "switch:sw-b2-1", "Gi1", None, SwitchPort(description="x")), []),
        (change("windows.package", "windows:WS-1", "Meridian CRM Client", None, InstalledPackage(version="4.2.0")),
         ["purchasing"]),
        (change("windows.package", "windows:WS-1", "Meridian CRM Client", InstalledPackage(version="4.1.0"),
                InstalledPackage(version="4.2.0")), []),
        (change("windows.package", "windows:WS-1", "Meridian CRM Client", InstalledPackage(version="4.1.0"), None), []),
        (change("windows.package", "windows:WS-1", "Corporate Fonts", None, InstalledPackage(version="1")), []),
        (change("windows.package", "windows:WS-1", "unknown", None, InstalledPackage(version="1")), []),
    ],
)  # fmt: skip
def test_only_what_changes_needs_approval(site: Inventory, one: Change[State], roles: list[str]) -> None:
    assert list(grounds(site, [one], {})) == roles


@pytest.mark.parametrize(
    ("before", "after", "asked"),
    [
        (None, User(ou="OU=M"), True),
        (User(ou="OU=Sales"), User(ou="OU=M"), True),
        (User(enabled=False), User(enabled=True), True),
        (User(telephone="1"), User(telephone="2"), False),
    ],
)
def test_a_profile_is_given_once(site: Inventory, before: User | None, after: User | None, asked: bool) -> None:
    one = change("directory.user", "directory", "hannah", before, after)
    assert bool(grounds(site, [one], {one.address: "E1001"})) == asked
    assert not grounds(site, [one], {one.address: "E1042"})
    assert not grounds(site, [one], {})


def test_user_data_that_leaves_the_house_needs_the_security_role(folder: Path) -> None:
    expected = {"security": ("user data of E1042 is copied off the premises",)}
    assert grounds(load(folder), [], {}, ["E1042"]) == expected
    assert grounds(without_policy(folder), [], {}, ["E1042"]) == expected


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("roles: {security: [anna]}\n  groups: {IT-Suport: security}", "did you mean 'IT-Support'?"),
        ("roles: {security: [anna]}\n  groups: {IT-Support: secrity}", "there is no role 'secrity'; did you mean"),
        ("roles: {security: []}", "nobody has the role 'security'"),
        ("roles: {security: [anna]}\n  vlans: {nowhere: security}", "there is no VLAN 'nowhere'"),
        (
            "roles: {security: [anna]}\n  licences: {cmr: security}",
            "there is no licence pool 'cmr'; did you mean 'crm'",
        ),
        (
            "roles: {security: [anna]}\n  profiles: {sails: security}",
            "there is no profile 'sails'; did you mean 'sales'",
        ),
        ("roles: {s: [anna]}\n  copy_off_premises: security", "there is no role 'security'"),
        ("roles: {s: [anna]}\n  groups: {IT-Support: {roles: s, except_profiles: [x]}}", "there is no profile 'x'"),
        ("roles: {s: [anna]}\n  groups: {IT-Support: []}", "at least one entry"),
        ("roles: {s: ['an na']}", "a user's name as `whoami` shows it"),
        ("roles: {s: [anna]}\n  group: {IT-Support: s}", "there is no setting 'group' here; did you mean 'groups'"),
    ],
)
def test_a_policy_that_leads_nowhere_is_a_fault(folder: Path, yaml: str, expected: str) -> None:
    (folder / "approvals.yml").write_text(f"approvals:\n  {yaml}\n", encoding="utf-8")
    (folder / "network.yml").write_text(
        (folder / "network.yml").read_text(encoding="utf-8").replace("protected: true", "protected: false"),
        encoding="utf-8",
    )
    with pytest.raises(SiteError) as caught:
        load(folder)
    assert expected in str(caught.value)
    assert "approvals.yml:" in str(caught.value)


def test_names_of_users() -> None:
    policy = Approvals(roles={"a": ("Anna", "CORP\\boris"), "b": ("anna",)})
    assert policy.roles_of("ANNA") == {"a", "b"}
    assert policy.roles_of("boris") == frozenset()
    assert policy.who_may(["a", "b"], but="ANNA") == ["CORP\\boris"]


def test_seats_follow_the_metric(site: Inventory) -> None:
    address = Address("windows.package", "windows:WS-0042", "Meridian CRM Client")
    other = Address("windows.package", "windows:WS-0042", "Corporate Fonts")
    whose = {address: "E1042", other: "E1042"}
    assert [(s.pool, s.holder, len(s.candidates)) for s in seats(site, [address, other], whose)] == [
        ("licence:crm", "E1042", 25)
    ]
    assert [s.holder for s in seats(site, [address], {})] == ["WS-0042"]
    devices = site.model_copy(
        update={"licences": {"crm": site.licences["crm"].model_copy(update={"metric": "per-device"})}}
    )
    assert [s.holder for s in seats(devices, [address], whose)] == ["WS-0042"]


def test_everything_of_a_plan_has_an_owner(site: Inventory) -> None:
    request = onboard("E1042", "E1028")
    work = request.compile(site, Accounts())
    whose = owners(site, request, [(r.address, r.desired) for r in work.resources])
    unowned = [r.address for r in work.resources if r.address not in whose]
    # Nobody's: a computer account is the organisation's, the documents of the intranet are read by everybody, and the
    # folder of a department is the department's.
    nobodys = {"directory.computer", "intranet.document"}
    assert [str(one) for one in unowned if one.kind not in nobodys] == [r"files.folder[files:files/departments\Sales]"]
    assert set(whose.values()) == {"E1042", "E1028"}
