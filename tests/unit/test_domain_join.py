"""What joining is made of, without servers: the request, the answer file, what LAPS stores."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from pydantic import SecretStr, ValidationError

from provisioning.api.planning import unmet
from provisioning.connections import wmi
from provisioning.connections.directory import Entry
from provisioning.engine.planner import Reading, compare, lasting
from provisioning.errors import RejectedError, RequestError
from provisioning.procedures import registry
from provisioning.procedures.base import Accounts
from provisioning.procedures.join import dns_name, join
from provisioning.procedures.onboard import onboard
from provisioning.procedures.together import Together
from provisioning.procedures.unattend import AnswerFile, answer_file
from provisioning.procedures.winrm_certificate import make
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory import laps
from provisioning.resources.windows.domain_membership import DomainMembership
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.unattend import Unattend
from tests.conftest import EXAMPLE

NAME = "WS-0042"
NS = "{urn:schemas-microsoft-com:unattend}"

DOCUMENTED: dict[str, dict[str, set[str]]] = {
    "windowsPE": {
        "Microsoft-Windows-International-Core-WinPE": {
            "SetupUILanguage/UILanguage", "InputLocale", "SystemLocale", "UILanguage", "UserLocale",
        },
        "Microsoft-Windows-Setup": {
            "DiskConfiguration/Disk/DiskID", "DiskConfiguration/Disk/WillWipeDisk", "DiskConfiguration/WillShowUI",
            *(f"DiskConfiguration/Disk/CreatePartitions/CreatePartition/{n}"
              for n in ("Order", "Type", "Size", "Extend")),
            *(f"DiskConfiguration/Disk/ModifyPartitions/ModifyPartition/{n}"
              for n in ("Order", "PartitionID", "Format", "Label")),
            "ImageInstall/OSImage/InstallFrom/MetaData/Key", "ImageInstall/OSImage/InstallFrom/MetaData/Value",
            "ImageInstall/OSImage/InstallTo/DiskID", "ImageInstall/OSImage/InstallTo/PartitionID",
            "UserData/AcceptEula", "UserData/ProductKey/Key", "UserData/ProductKey/WillShowUI",
        },
    },
    "specialize": {
        "Microsoft-Windows-Shell-Setup": {"ComputerName", "TimeZone", "RegisteredOrganization"},
        "Microsoft-Windows-UnattendedJoin": {"Identification/Provisioning/AccountData"},
        "Microsoft-Windows-Deployment": {
            "RunSynchronous/RunSynchronousCommand/Order", "RunSynchronous/RunSynchronousCommand/Path",
        },
    },
    "oobeSystem": {
        "Microsoft-Windows-International-Core": {"InputLocale", "SystemLocale", "UILanguage", "UserLocale"},
        "Microsoft-Windows-Shell-Setup": {
            *(f"OOBE/{n}"
              for n in ("HideEULAPage", "HideOnlineAccountScreens", "HideWirelessSetupInOOBE", "ProtectYourPC")),
            *(f"UserAccounts/LocalAccounts/LocalAccount/{n}" for n in ("Group", "Name")),
            *(f"UserAccounts/LocalAccounts/LocalAccount/Password/{n}" for n in ("Value", "PlainText")),
            *(f"UserAccounts/AdministratorPassword/{n}" for n in ("Value", "PlainText")),
        },
    },
}  # fmt: skip
"""Pass → component → settings, from Microsoft Learn, "Unattended Windows Setup Reference": each setting's page names
its component, its parent hierarchy and its valid passes."""


@pytest.fixture(scope="module")
def site() -> Inventory:
    return load(EXAMPLE)


def answers(site: Inventory, **settings: Any) -> ET.Element:
    changed = site.model_copy(update={"unattend": Unattend(**settings)})
    certificate = make("ws-0042.corp.example", 30)
    given = AnswerFile(NAME, SecretStr("QkxPQg=="), SecretStr("p<&>\"'w"), certificate, SecretStr("AAAAA-BBBBB"))
    return ET.fromstring(answer_file(changed, given))  # noqa: S314 - ours


def leaves(element: ET.Element, path: Sequence[str] = ()) -> list[tuple[str, str]]:
    children = [(child, [*path, child.tag.removeprefix(NS)]) for child in element]
    if not children:
        return [("/".join(path), element.text or "")]
    return [leaf for child, below in children for leaf in leaves(child, below)]


WAYS: list[dict[str, Any]] = [
    {},
    {"disk": "erase", "edition": "Windows 11 Pro", "administrator": "random", "time_zone": "W. Europe Standard Time"},
]


@pytest.mark.parametrize("settings", WAYS)
def test_only_documented_settings_in_their_passes(site: Inventory, settings: dict[str, Any]) -> None:
    root = answers(site, **settings)
    assert root.tag == f"{NS}unattend"
    seen = set()
    for passed in root:
        for component in passed:
            known = DOCUMENTED[passed.get("pass", "")][component.get("name", "")]
            found = {path for path, _ in leaves(component)}
            assert found <= known
            seen |= {f"{passed.get('pass')}/{component.get('name')}/{path}" for path in found}
            assert component.get("publicKeyToken") == "31bf3856ad364e35"
    if settings:
        every = {f"{p}/{c}/{s}" for p, components in DOCUMENTED.items() for c, rows in components.items() for s in rows}
        assert seen == every


def test_a_pc_that_took_over_a_name_is_installed_under_it(site: Inventory) -> None:
    """It still answers us under its own host, the name in its certificate."""
    renamed = site.workstations[NAME].model_copy(update={"computer_name": "WS-0007"})
    inventory = site.model_copy(update={"workstations": {**site.workstations, NAME: renamed}})
    root = answers(inventory)
    assert root.findtext(f".//{NS}ComputerName") == dns_name(inventory, NAME).partition(".")[0].upper() == "WS-0007"
    assert any('Hostname="ws-0042.corp.example"' in (one.text or "") for one in root.iter(f"{NS}Path"))


def test_lists_are_added_in_order(site: Inventory) -> None:
    root = answers(site)
    commands = list(root.iter(f"{NS}RunSynchronousCommand"))
    assert {c.get("{http://schemas.microsoft.com/WMIConfig/2002/State}action") for c in commands} == {"add"}
    assert [c.findtext(f"{NS}Order") for c in commands] == [str(n) for n in range(1, len(commands) + 1)]
    assert max(len(c.findtext(f"{NS}Path") or "") for c in commands) <= 259


def test_the_commands_rebuild_the_certificate(site: Inventory) -> None:
    certificate = make("ws-0042.corp.example", 30)
    given = AnswerFile(NAME, SecretStr("QkxPQg=="), SecretStr("pw"), certificate)
    root = ET.fromstring(answer_file(site, given))  # noqa: S314 - ours
    paths = [c.findtext(f"{NS}Path") or "" for c in root.iter(f"{NS}RunSynchronousCommand")]
    chunks = [path.rpartition(" ")[2] for path in paths if re.match(r"cmd /c >>%WINDIR%\\Temp\\winrm\.b64 echo ", path)]
    (imported,) = [path for path in paths if "-importpfx" in path]
    password = imported.split(" -p ")[1].split()[0]
    key, found, _ = pkcs12.load_key_and_certificates(base64.b64decode("".join(chunks)), password.encode())
    assert key is not None
    assert found == x509.load_pem_x509_certificate(certificate.pem)
    (listener,) = [path for path in paths if "winrm create" in path]
    assert f'CertificateThumbprint="{certificate.thumbprint}"' in listener
    assert 'Hostname="ws-0042.corp.example"' in listener
    assert not any(set(path) & set("^&|<%") - {"%"} for path in chunks)


def test_values(site: Inventory) -> None:
    values = dict(leaves(answers(site, language="fr-FR", keyboard="040c:0000040c")))
    joined = {path.rpartition("}")[2]: value for path, value in values.items()}
    assert any(path.endswith("AccountData") and value == "QkxPQg==" for path, value in joined.items())
    assert any(path.endswith("Password/Value") and value == "p<&>\"'w" for path, value in joined.items())
    assert any(path.endswith("LocalAccount/Name") and value == "svc-deploy" for path, value in joined.items())
    assert any(path.endswith("LocalAccount/Group") and value == "Administrators" for path, value in joined.items())
    assert any(path.endswith("InputLocale") and value == "040c:0000040c" for path, value in joined.items())


def test_nothing_is_erased_unless_the_site_says_so(site: Inventory) -> None:
    assert not list(answers(site).iter(f"{NS}DiskConfiguration"))
    assert list(answers(site, disk="erase").iter(f"{NS}DiskConfiguration"))


@pytest.mark.parametrize("user", ["CORP\\svc-deploy", "svc-deploy@corp.example"])
def test_a_bare_pc_has_no_account_of_the_domain(site: Inventory, user: str) -> None:
    credential = site.windows.credential.model_copy(update={"user": user})
    windows = site.windows.model_copy(update={"credential": credential})
    given = AnswerFile(NAME, SecretStr("x"), SecretStr("y"), make("ws-0042.corp.example", 30))
    with pytest.raises(RequestError, match="not a local account"):
        answer_file(site.model_copy(update={"windows": windows}), given)


OFFICES = [
    ({"language": "fr-FR", "time_zone": "Romance Standard Time"}, "Société Générale d’Été & fils", "fr-FR", "fr-FR"),
    (
        {"language": "ru-RU", "locale": "ru-RU", "keyboard": "0419:00000419"},
        "ООО «Северный ветер» <1>",
        "ru-RU",
        "0419:00000419",
    ),
]


@pytest.mark.parametrize(("settings", "company", "locale", "keyboard"), OFFICES)
def test_offices_of_other_languages(
    site: Inventory, settings: dict[str, Any], company: str, locale: str, keyboard: str
) -> None:
    directory = site.directory.model_copy(update={"company": company})
    values = leaves(answers(site.model_copy(update={"directory": directory}), **settings))
    assert {value for path, value in values if path.endswith("RegisteredOrganization")} == {company}
    assert {value for path, value in values if path.endswith(("SystemLocale", "UserLocale"))} == {locale}
    assert {value for path, value in values if path.endswith("InputLocale")} == {keyboard}


@pytest.mark.parametrize("password", ["a\x0bb", "a\rb", "a\ud800b", "a\x00b"])
def test_what_xml_cannot_hold_is_refused_and_not_repeated(site: Inventory, password: str) -> None:
    given = AnswerFile(NAME, SecretStr("x"), SecretStr(password), make("ws-0042.corp.example", 30))
    with pytest.raises(RequestError, match="control characters in Value") as raised:
        answer_file(site, given)
    assert password not in str(raised.value)


@pytest.mark.parametrize(
    "settings", [{"language": "German"}, {"keyboard": "qwertz"}, {"disk": "maybe"}, {"certificate_days": 0}]
)
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Unattend(**settings)


def test_secrets_do_not_show_themselves() -> None:
    certificate = make("ws-0042.corp.example", 30)
    assert certificate.password.get_secret_value() not in repr(certificate)
    given = AnswerFile(NAME, SecretStr("blob-blob"), SecretStr("pass-pass"), certificate)
    assert not re.search("blob-blob|pass-pass", repr(given))


# -- the request


def test_the_account_comes_first_and_is_the_one_that_onboarding_makes(site: Inventory) -> None:
    work = join(NAME).compile(site, Accounts())
    account, member = work.resources
    assert member.desired == DomainMembership(domain="corp.example", computer_name=NAME)
    assert member.requires == {account.address}
    assert [proof.kind for proof in work.proofs] == ["directory.computer_sign_in"]
    person = next(key for key, p in site.people.items() if p.workplace == site.workstations[NAME].workplace)
    theirs = onboard(person).compile(site, Accounts()).resources
    assert account.desired == next(r.desired for r in theirs if r.kind == "directory.computer")


def test_a_bare_pc_gets_its_account_only(site: Inventory) -> None:
    work = join(NAME, bare=True).compile(site, Accounts())
    assert [resource.kind for resource in work.resources] == ["directory.computer"]
    assert work.proofs == ()


def test_the_request_survives_the_ledger(site: Inventory) -> None:
    for request in (join(NAME, "WS-0043", bare=True), join(NAME, again=True)):
        assert registry.from_plain(request.to_plain()) == request
    assert "again" not in join(NAME).to_plain()


def test_unknown_pcs(site: Inventory) -> None:
    with pytest.raises(RequestError, match="did you mean 'WS-"):
        join("WS-0041x").compile(site, Accounts())
    with pytest.raises(RequestError, match="name at least one"):
        join()


def test_an_account_of_the_domain_is_refused_before_anything_is_planned(site: Inventory) -> None:
    credential = site.windows.credential.model_copy(update={"user": "CORP\\svc-deploy"})
    other = site.model_copy(update={"windows": site.windows.model_copy(update={"credential": credential})})
    with pytest.raises(RequestError, match="local administrator"):
        join(NAME).compile(other, Accounts())
    assert join(NAME, bare=True).compile(other, Accounts()).resources


def changes_of(site: Inventory, *found: State | None) -> list[Change[Any]]:
    work = join(NAME).compile(site, Accounts())
    at = {resource.address: state for resource, state in zip(work.resources, found, strict=True)}
    return compare(work.resources, Reading(at, {}))


def test_the_plan_says_that_a_password_is_gone_for_good(site: Inventory) -> None:
    workgroup = DomainMembership(domain=None, computer_name=NAME)
    account = join(NAME).compile(site, Accounts()).resources[0].desired
    (said,) = lasting(changes_of(site, account, workgroup))
    assert f"computer account {NAME} a new password, which no undo takes back" in said
    assert list(lasting(changes_of(site, None, workgroup))) == [], "the account is made by this plan"
    member = DomainMembership(domain="corp.example", computer_name=NAME)
    leaving: Change[Any] = Change(Address("windows.domain_membership", f"windows:{NAME}", "domain"), member, workgroup)
    assert list(lasting([leaving])) == []


def test_onboarding_says_when_the_pc_is_no_member(site: Inventory) -> None:
    person = next(key for key, p in site.people.items() if p.workplace == site.workstations[NAME].workplace)
    work = onboard(person).compile(site, Accounts())
    (expected,) = [one for one in work.expected if one.resource.kind == "windows.domain_membership"]
    other = Together((onboard(person), join(NAME))).compile(site, Accounts())
    for domain, name, said in ((None, NAME, 1), ("CORP.example", NAME.lower(), 0), ("corp.example", "WS-OLD", 1)):
        found = DomainMembership(domain=domain, computer_name=name)
        reading = Reading({expected.resource.address: found}, {})
        assert len(list(unmet(work, reading))) == said
        assert list(unmet(other, reading)) == [], "this plan joins it"
    assert list(unmet(work, Reading({}, {}))) == [], "a PC that is off says nothing"


# -- WMI


def test_a_call_escapes_what_it_carries() -> None:
    message = wmi.invocation("Win32_ComputerSystem", {"Name": "A<&>B"}, "Rename", {"Name": "<x>"})
    root = ET.fromstring(message)  # noqa: S314 - ours
    assert [e.text for e in root.iter() if e.tag.endswith("}Selector")] == ["A<&>B"]
    assert [e.text for e in root.iter() if e.tag.endswith("}Name")] == ["<x>"]


def test_a_call_of_a_class_selects_nothing() -> None:
    assert b"Selector" not in wmi.invocation("StdRegProv", {}, "GetStringValue", {})


@pytest.mark.parametrize("octets", [b"", b"<a/>", b"<!DOCTYPE a><a/>", b"<a><ReturnValue>x</ReturnValue></a>"])
def test_answers_that_are_none(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        wmi.returned(octets)


# -- LAPS


class Directory:
    """A directory that finds one computer."""

    target = "directory"

    def __init__(self, site: Inventory, attributes: dict[str, str]) -> None:
        self.directory = site.directory
        self._found = {name.lower(): (value.encode(),) for name, value in attributes.items()}

    def search(self, condition: str, attributes: Sequence[str]) -> list[Entry]:
        return [Entry(f"CN={NAME}", {"samaccountname": (f"{NAME}$".encode(),), **self._found})]

    def search_many(self, conditions: Sequence[str], attributes: Sequence[str]) -> list[Entry]:
        return [entry for condition in conditions for entry in self.search(condition, attributes)]


@pytest.mark.parametrize(
    "stored",
    [
        "canary-7",
        '["canary-7"]',
        '{"n":"A","t":"1"}',
        '{"n":"A","p":["canary-7"]}',
        '{"n":1,"p":"canary-7"}',
        '{"n":"A","p":"canary-7","t":"x-canary-7"}',
    ],
)
def test_a_password_of_another_form_is_not_repeated(site: Inventory, stored: str) -> None:
    session: Any = Directory(site, {"msLAPS-Password": stored})
    with pytest.raises(RejectedError, match="MS-ADA2") as raised:
        laps.read(session, NAME)
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_password_without_times(site: Inventory) -> None:
    session: Any = Directory(site, {"msLAPS-Password": '{"n":"A","p":"x"}', "msLAPS-PasswordExpirationTime": "0"})
    found = laps.read(session, NAME)
    assert (found.updated, found.expires) == (None, None)
