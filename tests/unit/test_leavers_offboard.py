"""What offboarding, reinstating and erasing come to, without any system."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.procedures.leaving_places import Home, home_of
from provisioning.procedures.offboard import Offboard, leavers_name, rules_of
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Resource
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.user import User
from provisioning.resources.switch.state import SwitchPort
from provisioning.site import Inventory
from provisioning.site.leavers import Leavers
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
JOERG = Offboard("E1002", "joerg.mueller", "Jörg Müller", "2026-12-31", desk="B-203-1")


def amended(key: str, site: Inventory = SITE, **new: Any) -> Inventory:
    people = {**site.people, key: site.people[key].model_copy(update=new)}
    return site.model_copy(update={"people": people})


def accounts(*people: str, site: Inventory = SITE) -> Accounts:
    found = [
        Account(f"login.{key}", key, f"CN={key},{site.profiles[site.people[key].profile].ou}", key) for key in people
    ]
    return Accounts(tuple(found))


def of(resources: tuple[Resource, ...], kind: str) -> list[Resource]:
    return [resource for resource in resources if resource.kind == kind]


def the(resources: tuple[Resource, ...], kind: str) -> Any:
    (found,) = of(resources, kind)
    return found.desired


# ------------------------------------------------------------------------------------------------------- offboard


def test_everything_that_was_theirs_is_taken() -> None:
    work = ANNA.compile(SITE, Accounts())
    user = the(work.resources, "directory.user")
    assert (user.ou, user.name, user.enabled) == ("OU=Leavers,DC=corp,DC=example", "Анна Петрова (E1042)", False)
    assert {"telephone", "ip_phone", "office", "home_folder", "home_drive"} <= set(user.managed())
    assert the(work.resources, "directory.all_groups").groups == ()
    assert the(work.resources, "directory.password").random is True
    assert the(work.resources, "files.folder").archived is True
    assert the(work.resources, "phones.subscriber") is None
    file = the(work.resources, "phones.configuration")
    assert (file.settings["account.1.enable"], file.secrets) == ("0", {"account.1.password": None})
    (port,) = of(work.resources, "switch.port")
    assert (port.target, port.key) == ("switch:sw-b2-1", "GigabitEthernet1/0/12")
    assert isinstance(port.desired, SwitchPort)
    assert port.desired.enabled is False
    (amendment,) = work.amendments
    assert (amendment.subject, amendment.value) == (("people", "E1042", "left"), "2026-12-31")
    kinds = [proof.kind for proof in work.proofs]
    assert kinds == [
        *("directory.shut_out", "directory.no_ticket", "mail.delivery", "network.released", "phones.registration"),
    ]


def test_accounts_are_closed_before_what_they_open() -> None:
    work = ANNA.compile(SITE, Accounts())
    for kind in ("directory.password", "directory.all_groups", "mail.sessions", "files.folder"):
        assert ANNA.account in of(work.resources, kind)[0].requires
    (rules,) = of(work.resources, "mail.rules")
    assert rules.desired is None  # nothing was asked for: what was there goes


def test_licensed_software_goes_before_the_port_is_released() -> None:
    asked = replace(ANNA, licensed=("crm-client",), workstation="WS-0042")
    work = asked.compile(SITE, Accounts())
    (package,) = of(work.resources, "windows.package")
    assert (package.target, package.desired) == ("windows:WS-0042", None)
    (port,) = of(work.resources, "switch.port")
    assert package.address in port.requires
    assert not any("crm-client" in sentence for sentence in work.warnings)
    assert from_plain(asked.to_plain()) == asked


def test_licensed_software_that_stays_is_said() -> None:
    work = replace(ANNA, licensed=("crm-client",)).compile(SITE, Accounts())
    assert of(work.resources, "windows.package") == []
    (said,) = (sentence for sentence in work.warnings if "crm-client" in sentence)
    assert "provision install crm-client --for WS-0042 --remove" in said


def test_it_compiles_to_the_same_once_its_amendments_hold() -> None:
    assert ANNA.compile(amended("E1042", left=date(2026, 12, 31)), Accounts()) == ANNA.compile(SITE, Accounts())


def test_it_survives_the_ledger() -> None:
    asked = replace(ANNA, forward_to="x@corp.example", forward_login="x", reply="Weg", keep=30, reports=("E1001",))
    assert from_plain(asked.to_plain()) == asked
    assert asked.to_plain()["persons"] == ["E1042"]


def test_what_an_earlier_version_wrote_is_read() -> None:
    plain = ANNA.to_plain()
    del plain["workstation"], plain["licensed"]  # a leaving may lie months ahead
    assert from_plain(plain) == ANNA
    del plain["login"]
    with pytest.raises(RequestError, match="not one that this version wrote"):
        from_plain(plain)


def test_forwarding_and_reply_are_set_and_proved() -> None:
    asked = replace(
        ANNA, forward_to="heir@corp.example", forward_login="heir", reply="Anna ist weg.", reply_subject="Weg"
    )
    work = asked.compile(SITE, Accounts())
    rules = the(work.resources, "mail.rules")
    assert (rules.forward_to, rules.keep_copy, rules.reply, rules.reply_subject) == (
        *("heir@corp.example", True, "Anna ist weg.", "Weg"),
    )
    forwarding, reply = (proof for proof in work.proofs if proof.kind.startswith("mail."))
    assert (forwarding.kind, forwarding.parameters["to"]) == ("mail.forwarding", "heir")
    assert (reply.kind, reply.parameters["kept_in"]) == ("mail.reply", ["anna.petrova", "heir"])


@pytest.mark.parametrize(
    ("reply", "subject", "said"),
    [("  \n", None, "the reply is empty"), ("a\x07b", None, "control character"), (None, "Weg", "there is none")],
)
def test_a_reply_that_cannot_be_is_refused(reply: str | None, subject: str | None, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        rules_of(None, reply, subject)


def test_a_desk_that_others_share_keeps_its_port() -> None:
    site = amended("E1043", workplace="B-204-3")
    work = ANNA.compile(site, Accounts())
    assert of(work.resources, "switch.port") == []
    assert any("others sit at B-204-3 too" in sentence for sentence in work.warnings)
    assert ANNA.desks(site) == {"E1042": None}


def test_a_leaver_who_moved_since_leaves_the_new_desk() -> None:
    site = amended("E1042", workplace="B-203-1", site=amended("E1002", workplace=None))
    (port,) = of(ANNA.compile(site, Accounts()).resources, "switch.port")
    assert port.key == SITE.outlets[SITE.workplaces["B-203-1"].outlet].switch_port


def test_somebody_whom_the_personnel_file_has_dropped_is_offboarded_too() -> None:
    site = SITE.model_copy(update={"people": {key: one for key, one in SITE.people.items() if key != "E1042"}})
    work = ANNA.compile(site, Accounts())
    assert work.amendments == ()
    assert the(work.resources, "directory.user").enabled is False
    assert of(work.resources, "switch.port")  # the desk is known from the time when it was asked for
    assert any("is not in the site's people" in sentence for sentence in work.warnings)


def test_mail_rules_without_a_place_for_them_are_refused() -> None:
    site = SITE.model_copy(update={"mail": SITE.mail.model_copy(update={"sieve": None})})
    for asked in (replace(ANNA, reply="Weg"), replace(ANNA, forward_to="x@corp.example", forward_login="x")):
        with pytest.raises(RequestError, match="add mail: sieve"):
            asked.compile(site, Accounts())
    assert of(ANNA.compile(site, Accounts()).resources, "mail.rules") == []


def test_a_site_that_names_no_place_for_leavers_refuses() -> None:
    with pytest.raises(RequestError, match="add `leavers:`"):
        ANNA.compile(SITE.model_copy(update={"leavers": None}), Accounts())


def test_a_long_name_fits_into_a_common_name() -> None:
    assert len(leavers_name("Ö" * 80, "E1042")) == 64
    assert leavers_name("Ö" * 80, "E1042").endswith("Ö (E1042)")


# ---------------------------------------------------------------------------------------------- whose manager left


def test_a_manager_is_refused_with_the_names() -> None:
    with pytest.raises(RequestError, match="manager-of-reports") as caught:
        JOERG.compile(SITE, Accounts())
    for named in ("E1003 (Zoé Lefèvre)", "E1023", "E1038", "E1043"):
        assert named in str(caught.value)
    assert "E1042" not in str(caught.value)  # her manager is another one


def test_reports_get_the_successor_in_site_and_directory() -> None:
    asked = replace(JOERG, successor="E1001")
    assert {"E1001", "E1003", "E1023"} <= set(asked.people(SITE))
    work = asked.compile(SITE, accounts("E1001", "E1003", "E1038"))
    changed = {r.key: r.desired for r in of(work.resources, "directory.user") if r.key != JOERG.login}
    assert set(changed) == {"login.E1003", "login.E1038"}  # those who have an account
    assert all(isinstance(state, User) and state.manager == "login.E1001" for state in changed.values())
    managers = {one.key: one.value for one in work.amendments if one.field == "manager"}
    assert managers == dict.fromkeys(("E1003", "E1023", "E1038", "E1043"), "E1001")


def test_a_successor_among_the_reports_gets_the_leavers_manager() -> None:
    work = replace(JOERG, successor="E1003").compile(SITE, Accounts())
    managers = {one.key: one.value for one in work.amendments if one.field == "manager"}
    assert managers == {"E1003": "E1001", "E1023": "E1003", "E1038": "E1003", "E1043": "E1003"}


def test_a_successor_below_a_report_would_close_a_circle() -> None:
    with pytest.raises(RequestError, match="E1042 is managed by E1003"):
        replace(JOERG, successor="E1042").compile(amended("E1042", manager="E1003"), Accounts())


@pytest.mark.parametrize(
    ("successor", "said"), [("E1002", "that is the leaver"), ("E10O1", "no person 'E10O1'; did you mean")]
)
def test_a_wrong_successor_is_refused(successor: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        replace(JOERG, successor=successor).compile(SITE, Accounts())


def test_a_successor_who_has_left_is_refused() -> None:
    with pytest.raises(RequestError, match="E1001 has left on 2026-06-30"):
        replace(JOERG, successor="E1001").compile(amended("E1001", left=date(2026, 6, 30)), Accounts())


def test_a_report_whom_the_site_gave_another_manager_follows_the_site() -> None:
    site = SITE
    for key in ("E1003", "E1023", "E1038", "E1043"):
        site = amended(key, site, manager="E1001")
    work = replace(JOERG, reports=("E1003",)).compile(site, accounts("E1001", "E1003"))
    (report,) = (r for r in of(work.resources, "directory.user") if r.key != JOERG.login)
    assert isinstance(report.desired, User)
    assert (report.key, report.desired.manager) == ("login.E1003", "login.E1001")
    assert [one.field for one in work.amendments] == ["left"]


# ----------------------------------------------------------------------------------------------------------- site


def test_the_day_ends_on_the_clock_of_the_site() -> None:
    leavers = Leavers(ou="OU=L,DC=x", erase_approval="security", end_of_day="18:30", keep=90)
    winter, summer = (leavers.end_of(day, "Europe/Berlin") for day in (date(2026, 12, 31), date(2026, 7, 31)))
    assert winter.astimezone(UTC) == datetime(2026, 12, 31, 17, 30, tzinfo=UTC)
    assert summer.astimezone(UTC) == datetime(2026, 7, 31, 16, 30, tzinfo=UTC)
    assert leavers.erased_at(date(2026, 12, 31), None, "Europe/Berlin").date() == date(2027, 3, 31)
    assert leavers.erased_at(date(2026, 12, 31), 10, "Europe/Berlin").date() == date(2027, 1, 10)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("\\\\dc1.corp.example\\homes$\\anna.petrova", Home("files", "homes$\\anna.petrova")),
        ("\\\\DC1.corp.example\\Homes$\\anna", Home("files", "homes$\\anna")),
        ("\\\\other.corp.example\\homes$\\anna", None),
        ("\\\\dc1.corp.example\\homes$\\", None),
        (None, None),
    ],
)
def test_only_a_folder_on_the_sites_own_server_is_a_home(folder: str | None, expected: Home | None) -> None:
    assert home_of(SITE, folder) == expected
