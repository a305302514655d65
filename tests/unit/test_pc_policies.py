"""Policies of browsers and mail programs and the site's baseline, as registry values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.errors import SiteError
from provisioning.procedures.pc_settings import PcSettings
from provisioning.procedures.publish import publication_proofs, published
from provisioning.resources.windows.baseline import baseline_policies
from provisioning.resources.windows.mail_policies import mail_policies
from provisioning.resources.windows.policies import Browsing, browser_policies, managed_json
from provisioning.resources.windows.policy_proofs import parse_query
from provisioning.resources.windows.reg_file import RegistryValue
from provisioning.resources.windows.registry import RegistryKey
from provisioning.site import Inventory
from provisioning.site.baseline import Power, RegistrySetting, WorkstationBaseline
from provisioning.site.load import load
from tests.conftest import EXAMPLE

EDGE, CHROME = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Edge", "HKLM\\SOFTWARE\\Policies\\Google\\Chrome"
FIREFOX = "HKLM\\SOFTWARE\\Policies\\Mozilla\\Firefox"
ZONES = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings"
WANTED = Browsing(
    home="https://intranet.corp.example/",
    start_pages=["https://intranet.corp.example/", "https://b/"],
    bookmarks=[("Отпуск", "https://a/?x=%20")],
    proxy_pac="https://intranet.corp.example/proxy.pac",
    sign_in_hosts=["*.corp.example", "intranet"],
    delegate_hosts=["*.corp.example"],
    intranet_zone=["*.corp.example", "https://old.example"],
)


def sz(text: str) -> RegistryValue:
    return RegistryValue(type="REG_SZ", data=text)


def dword(number: int) -> RegistryValue:
    return RegistryValue(type="REG_DWORD", data=number)


def listed(*entries: str) -> RegistryKey:
    return RegistryKey(values={str(i): sz(text) for i, text in enumerate(entries, 1)}, exclusive=True)


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def test_edge_and_chrome_get_the_vendors_own_names() -> None:
    states = browser_policies(WANTED)
    assert list(states) == sorted(states)
    assert states[EDGE].values["HomepageLocation"] == sz("https://intranet.corp.example/")
    assert states[EDGE].values["RestoreOnStartup"] == dword(4)
    assert states[EDGE].values["AuthServerAllowlist"] == sz("*.corp.example,intranet")
    assert states[EDGE].values["AuthNegotiateDelegateAllowlist"] == sz("*.corp.example")
    assert states[EDGE].values["ManagedFavorites"] == states[CHROME].values["ManagedBookmarks"]
    assert states[CHROME].values["ManagedBookmarks"] == sz('[{"name":"Отпуск","url":"https://a/?x=%20"}]')
    proxy = states[CHROME].values["ProxySettings"]
    assert proxy is not None
    assert json.loads(str(proxy.data)) == {"ProxyMode": "pac_script", "ProxyPacUrl": WANTED.proxy_pac}
    assert states[f"{CHROME}\\RestoreOnStartupURLs"] == listed("https://intranet.corp.example/", "https://b/")


def test_firefox_gets_mozillas_names_and_its_own_idea_of_a_domain() -> None:
    states = browser_policies(WANTED)
    assert states[f"{FIREFOX}\\Homepage"].values == {
        "URL": sz("https://intranet.corp.example/"),
        "StartPage": sz("homepage"),
    }
    assert states[f"{FIREFOX}\\Homepage\\Additional"] == listed("https://b/")
    assert states[FIREFOX].values["ManagedBookmarks"] == RegistryValue(
        type="REG_MULTI_SZ", data=('[{"name":"Отпуск","url":"https://a/?x=%20"}]',)
    )
    assert states[f"{FIREFOX}\\Proxy"].values["AutoConfigURL"] == sz("https://intranet.corp.example/proxy.pac")
    assert states[f"{FIREFOX}\\Authentication\\SPNEGO"] == listed("corp.example", "intranet")
    assert states[f"{FIREFOX}\\Authentication\\Delegated"] == listed("corp.example")
    assert states[f"{FIREFOX}\\Certificates"].values == {"ImportEnterpriseRoots": dword(1)}


def test_the_zone_list_is_shared_with_others() -> None:
    zones = browser_policies(WANTED)[f"{ZONES}\\ZoneMapKey"]
    assert zones == RegistryKey(values={"*.corp.example": sz("1"), "https://old.example": sz("1")})
    assert not zones.exclusive


def test_policies_that_nobody_asked_for_are_left_alone() -> None:
    assert browser_policies(Browsing()) == {}
    assert baseline_policies(WorkstationBaseline()) == {}


def test_the_same_data_as_chromium_reads_it_elsewhere() -> None:
    assert managed_json(browser_policies(WANTED)) == {
        "HomepageLocation": "https://intranet.corp.example/",
        "HomepageIsNewTabPage": False,
        "ShowHomeButton": True,
        "RestoreOnStartup": 4,
        "RestoreOnStartupURLs": ["https://intranet.corp.example/", "https://b/"],
        "ManagedBookmarks": [{"name": "Отпуск", "url": "https://a/?x=%20"}],
        "ProxySettings": {"ProxyMode": "pac_script", "ProxyPacUrl": "https://intranet.corp.example/proxy.pac"},
        "AuthServerAllowlist": "*.corp.example,intranet",
        "AuthNegotiateDelegateAllowlist": "*.corp.example",
    }


@pytest.mark.parametrize("exchange", [True, False])
def test_outlook_looks_where_the_site_has_its_servers(exchange: bool) -> None:
    states = mail_policies(exchange=exchange, kerberos_domains=["corp.example"])
    outlook = next(state for key, state in states.items() if "Active Setup" in key)
    stub = outlook.values["StubPath"]
    assert stub is not None
    assert f"/v ZeroConfigExchange /t REG_DWORD /d {int(exchange)} /f" in str(stub.data)
    assert f"/v ExcludeScpLookup /t REG_DWORD /d {int(not exchange)} /f" in str(stub.data)
    thunderbird = "HKLM\\SOFTWARE\\Policies\\Mozilla\\Thunderbird"
    preferences = states[thunderbird].values["Preferences"]
    assert preferences is not None
    assert isinstance(preferences.data, tuple)
    told = json.loads(preferences.data[0])
    assert told["mailnews.auto_config.fetchFromExchange.enabled"] == {"Value": exchange, "Status": "locked"}
    assert states[f"{thunderbird}\\Authentication\\SPNEGO"] == listed("corp.example")


def test_outlook_is_told_again_when_the_site_changes_its_mind() -> None:
    def version(exchange: bool) -> object:
        return next(s for k, s in mail_policies(exchange=exchange).items() if "Active Setup" in k).values["Version"]

    assert version(True) != version(False)


def test_the_baseline_in_the_units_of_windows() -> None:
    states = baseline_policies(
        WorkstationBaseline(
            dns_suffixes=("corp.example", "example"), lock_after=10, hide_last_user=False, remote_desktop=True,
            power=Power(display_off=15, sleep=0),
        )
    )  # fmt: skip
    by_end = {key.rpartition("\\")[2]: state.values for key, state in states.items()}
    assert by_end["DNSClient"] == {"SearchList": sz("corp.example,example")}
    assert by_end["System"] == {"InactivityTimeoutSecs": dword(600), "DontDisplayLastUserName": dword(0)}
    assert by_end["Terminal Services"] == {"fDenyTSConnections": dword(0)}
    assert by_end["3C0BC021-C8A8-4E07-A973-6B14CBCB2B7E"] == {"ACSettingIndex": dword(900)}
    assert by_end["29F6C1DB-86DA-48C5-9FDB-F2B67B1F44DA"] == {"ACSettingIndex": dword(0)}


def test_what_the_site_says_in_registry_terms_wins_whatever_the_case() -> None:
    key = "HKEY_LOCAL_MACHINE\\software\\policies\\Microsoft\\Windows NT\\DNSClient"
    states = baseline_policies(
        WorkstationBaseline(
            dns_suffixes=("corp.example",),
            registry={key: {"searchlist": RegistrySetting(type="REG_SZ", data="mine"), "Gone": None}},
        )
    )
    assert len(states) == 1
    assert next(iter(states.values())).values == {"searchlist": sz("mine"), "Gone": None}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{type: REG_DWORD, data: five}", "REG_DWORD holds a number from 0 to 4294967295, not 'five'"),
        ("{type: REG_DWORD, data: 4294967296}", "REG_DWORD holds a number from 0 to 4294967295"),
        ("{type: REG_QWORD, data: -1}", "REG_QWORD holds a number from 0 to 18446744073709551615"),
        ("{type: REG_SZ, data: [a]}", "REG_SZ holds a text"),
        ("{type: REG_MULTI_SZ, data: a}", "REG_MULTI_SZ holds a list of texts"),
        ("{type: REG_MULTI_SZ, data: ['']}", "REG_MULTI_SZ holds a list of texts that are not empty"),
        ("{type: REG_FANCY, data: a}", "'REG_FANCY' does not fit; expected 'REG_SZ'"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_file_line_key_and_value(line: str, said: str, tmp_path: Path) -> None:
    for file in EXAMPLE.iterdir():
        (tmp_path / file.name).symlink_to(file)
    site = tmp_path / "site.yml"
    text = site.read_text(encoding="utf-8")
    site.unlink()
    head, baseline, rest = text.partition("workstation_baseline:\n")
    added = f"  registry:\n    HKLM\\SOFTWARE\\Policies\\X:\n      Wanted: {line}\n"
    site.write_text(f"{head}{baseline}{added}{rest}", encoding="utf-8")
    number = (head + baseline).count("\n") + 3
    with pytest.raises(SiteError) as caught:
        load(tmp_path)
    assert f"{site}:{number}: workstation_baseline registry: HKLM\\SOFTWARE\\Policies\\X: Wanted: " in str(caught.value)
    assert said in str(caught.value)


def test_numbers_of_the_site_are_numbers_and_texts_stay_texts(example: Inventory) -> None:
    read = WorkstationBaseline.model_validate(
        {
            "registry": {
                "HKLM\\SOFTWARE\\X": {
                    "a": {"type": "REG_DWORD", "data": "0x10"},
                    "b": {"type": "REG_SZ", "data": "10"},
                    "c": {"type": "REG_MULTI_SZ", "data": ["1", "2"]},
                }
            }
        }
    )
    assert next(iter(baseline_policies(read).values())).values == {
        "a": dword(16),
        "b": sz("10"),
        "c": RegistryValue(type="REG_MULTI_SZ", data=("1", "2")),
    }


def test_a_pc_gets_the_printers_of_its_room_and_loses_the_sites_others(example: Inventory) -> None:
    settings = PcSettings(example, "WS-0042", "B-204", ["https://intranet.corp.example/"])
    printers = {r.key: r.desired for r in settings.resources() if r.kind == "windows.printer"}
    assert {key: state is not None for key, state in printers.items()} == {
        "\\\\print.corp.example\\B2-Offices": False,
        "\\\\print.corp.example\\B2-Sales": True,
    }


def test_local_groups_go_by_sid(example: Inventory) -> None:
    baseline = WorkstationBaseline.model_validate(
        {"local_groups": {"administrators": {"CORP\\IT-Support": "true", "CORP\\Sales": "false"}}}
    )
    settings = PcSettings(
        example.model_copy(update={"workstation_baseline": baseline}), "WS-0042", "B-204", ["https://a/"]
    )
    found = [r for r in settings.resources() if r.kind == "windows.local_group"]
    assert [(r.key, r.desired.to_plain() if r.desired else None) for r in found] == [
        ("S-1-5-32-544", {"members": {"CORP\\IT-Support": True, "CORP\\Sales": None}})
    ]


def test_every_key_is_proven_once_and_the_documents_are_published(example: Inventory) -> None:
    settings = PcSettings(example, "WS-0042", "B-204", ["https://intranet.corp.example/"])
    keys = [r.key for r in settings.resources() if r.kind == "windows.registry"]
    proven = [key for proof in settings.proofs() for key in proof.parameters["keys"]]
    assert sorted(proven) == sorted(
        r.key for r in settings.resources() if isinstance(r.desired, RegistryKey) and any(r.desired.values.values())
    )
    assert len(set(map(str.casefold, keys))) == len(keys)
    assert {r.key for r in published(example)} == {
        "/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml", "/autodiscover/autodiscover.xml",
    }  # fmt: skip
    assert [proof.kind for proof in publication_proofs(example)] == ["mail.autoconfig"]


def test_what_reg_query_prints_for_several_keys() -> None:
    output = (
        "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\A\r\n    (Standard)    REG_SZ    x\r\n    n 1    REG_DWORD    0x4\r\n"
        "    empty    REG_SZ    \r\n\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\A\\Below\r\n"
        "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\B\r\n    m    REG_MULTI_SZ    a\\0b\r\n"
    )
    assert parse_query(output) == {
        "hkey_local_machine\\software\\a": {
            "(standard)": ("REG_SZ", "x"),
            "n 1": ("REG_DWORD", "0x4"),
            "empty": ("REG_SZ", ""),
        },
        "hkey_local_machine\\software\\a\\below": {},
        "hkey_local_machine\\software\\b": {"m": ("REG_MULTI_SZ", "a\\0b")},
    }
