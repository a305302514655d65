"""What a manager reads in the work log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioning.engine.sentences import LONGEST, Speaker
from provisioning.ledger import ChangeRecord, ChangeState
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.computer import Computer
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User
from provisioning.resources.mail.mailbox import Mailbox
from provisioning.resources.switch.state import SwitchPort
from provisioning.resources.windows.package import InstalledPackage
from provisioning.resources.windows.registry import RegistryKey, RegistryValue
from tests.servicedesk import site_with

OU = "OU=Sales,OU=Staff,DC=corp,DC=example"
USER = User(ou=OU, display_name="Анна Петрова", department="Sales", enabled=True)
PORT = ("switch.port", "switch:sw-b2-1", "GigabitEthernet1/0/12")
KEY = ("windows.registry", "windows:WS-0042", r"HKLM\SOFTWARE\Policies\Microsoft\Edge")
PACKAGE = ("windows.package", "windows:WS-0042", "CRM Client")
ACCOUNT = ("directory.user", "directory", "anna.petrova")

CASES: list[tuple[tuple[str, str, str], State | None, State | None, str]] = [
    (ACCOUNT, None, USER, "Created the account anna.petrova (Анна Петрова, Sales) in OU Sales."),
    (ACCOUNT, USER, None, "Removed the account anna.petrova (Анна Петрова, Sales)."),
    (ACCOUNT, User(enabled=True), User(enabled=False), "Disabled the account anna.petrova."),
    (ACCOUNT, User(enabled=False), User(enabled=True), "Enabled the account anna.petrova."),
    (
        ACCOUNT,
        User(department="Sales", telephone="1"),
        User(department="IT", telephone=None),
        "Changed the account anna.petrova: department is now IT and telephone number is now empty.",
    ),
    (
        ("directory.membership", "directory", "anna.petrova"),
        Memberships(groups={"A": None, "B": True}),
        Memberships(groups={"A": True, "B": None}),
        "Added anna.petrova to the group A, removed from the group B.",
    ),
    (
        ("directory.membership", "directory", "anna.petrova"),
        Memberships(groups={"A": True, "B": True}),
        Memberships(groups={"A": None, "B": None}),
        "Removed anna.petrova from the groups A and B.",
    ),
    (
        ("directory.computer", "directory", "WS-0042"),
        None,
        Computer(ou="OU=Workstations,DC=corp,DC=example"),
        "Created the computer account WS-0042 in OU Workstations.",
    ),
    (
        ("mail.mailbox", "directory", "anna.petrova"),
        Mailbox(mail=None, quota=None),
        Mailbox(mail="anna.petrova@corp.example", quota=2048),
        "Gave anna.petrova the mail address anna.petrova@corp.example and a mailbox of 2048 MiB.",
    ),
    (
        ("mail.mailbox", "directory", "anna.petrova"),
        Mailbox(mail="a@corp.example"),
        Mailbox(mail=None),
        "Took the mail address a@corp.example from anna.petrova.",
    ),
    (
        PORT,
        SwitchPort(enabled=False, access_vlan=1),
        SwitchPort(enabled=True, access_vlan=4000),
        "Set port GigabitEthernet1/0/12 of switch sw-b2-1: switched on and VLAN 4000 for PCs.",
    ),
    (
        KEY,
        RegistryKey(values={"A": None, "B": None}),
        RegistryKey(values={"A": RegistryValue(type="REG_SZ", data="x"), "B": RegistryValue(type="REG_SZ", data="y")}),
        r"Set 2 settings of Edge on PC WS-0042 (HKLM\SOFTWARE\Policies\Microsoft\Edge).",
    ),
    (PACKAGE, None, InstalledPackage(version="4.2.0"), "Installed CRM Client 4.2.0 on PC WS-0042."),
    (
        PACKAGE,
        InstalledPackage(version="4.1.0"),
        InstalledPackage(version="4.2.0"),
        "Replaced CRM Client 4.1.0 by 4.2.0 on PC WS-0042.",
    ),
    (PACKAGE, InstalledPackage(version="4.1.0"), None, "Removed CRM Client 4.1.0 from PC WS-0042."),
    (
        ("phones.extension", "phones", "1042"),
        User(office="A"),
        User(office="B"),
        "Changed phones extension 1042 (phones): office is now B.",
    ),
]


def record(change: Change[State], state: ChangeState = "verified", error: str | None = None) -> ChangeRecord:
    return ChangeRecord(1, change, state, attempted=True, error=error)


@pytest.fixture(scope="module")
def speaker() -> Speaker:
    site = site_with(None)
    return Speaker.of(site.model_copy(update={"outlets": {}}))


@pytest.mark.parametrize(
    ("address", "before", "after", "expected"), CASES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_change_is_one_sentence(
    speaker: Speaker, address: tuple[str, str, str], before: State | None, after: State | None, expected: str
) -> None:
    assert speaker.change(record(Change(Address(*address), before, after))) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("verified", "Created the account anna.petrova (Анна Петрова, Sales) in OU Sales."),
        ("failed", "Could not create the account anna.petrova (Анна Петрова, Sales) in OU Sales: it is full."),
        ("blocked", "Did not create the account anna.petrova (Анна Петрова, Sales) in OU Sales: it is full."),
        (
            "deferred",
            "Put off for now, will be tried again: create the account anna.petrova (Анна Петрова, Sales) in OU Sales: "
            "it is full.",
        ),
        ("abandoned", None),
        ("attempted", None),
        ("planned", None),
    ],
)
def test_what_became_of_it(speaker: Speaker, state: ChangeState, expected: str | None) -> None:
    error = None if state == "verified" else "it is full."
    assert speaker.change(record(Change(Address(*ACCOUNT), None, USER), state, error)) == expected


def test_what_was_so_already_is_not_called_our_work(speaker: Speaker) -> None:
    done = replace(record(Change(Address(*PACKAGE), None, InstalledPackage(version="1"))), attempted=False)
    assert speaker.change(done) == "Nothing to do, it was so already: install CRM Client 1 on PC WS-0042."


def test_a_range_of_versions_is_said_as_the_version_that_was_installed(speaker: Speaker) -> None:
    viewer = Address("windows.package", "windows:WS-0042", "Kestrel Viewer")
    wish = InstalledPackage(version=">=2.1,<3")
    installed: Change[State] = Change(viewer, None, wish)
    assert speaker.change(record(installed)) == "Installed Kestrel Viewer 2.1.0 on PC WS-0042."
    assert speaker.change(record(installed.inverse())) == "Removed Kestrel Viewer 2.1.0 from PC WS-0042."
    there = replace(record(installed), attempted=False)
    assert speaker.change(there) == "Nothing to do, it was so already: install Kestrel Viewer >=2.1,<3 on PC WS-0042."


def test_hostile_names_and_endless_errors_stay_one_short_line(speaker: Speaker) -> None:
    change: Change[State] = Change(Address("directory.user", "directory", "a\x1b[31m\nb"), None, User(name="x"))
    sentence = speaker.change(record(change, "failed", "page\n" * 1000))
    assert sentence is not None
    assert len(sentence) == LONGEST
    assert sentence.isprintable()


def test_names_of_the_site_are_used() -> None:
    site = site_with(None)
    name, outlet = next((key, one) for key, one in site.outlets.items() if one.switch)
    vlan_name, vlan = next(iter(site.network.vlans.items()))
    change: Change[State] = Change(
        Address("switch.port", f"switch:{outlet.switch}", str(outlet.switch_port)),
        SwitchPort(access_vlan=1),
        SwitchPort(access_vlan=vlan.id),
    )
    assert Speaker.of(site).change(record(change)) == (
        f"Set port {outlet.switch_port} of switch {outlet.switch} (outlet {name}): "
        f"VLAN {vlan.id} ({vlan_name}) for PCs."
    )
