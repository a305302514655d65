"""`provision find`: what a name means, where it is, where it should be, and what is said when they differ."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from provisioning.api.finding import Finding, find
from provisioning.cli.invocation import Invocation
from provisioning.cli.program import PROGRAM
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE
from provisioning.errors import RequestError, UnreachableError
from provisioning.procedures.sought import sought
from provisioning.reports.finding import finding as as_text
from provisioning.resources.base import Proof, ProofResult
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.unit.conftest import Place
from tests.unit.switch_fakes import FakeSite, FakeSwitch, ios_links, ios_lldp, ios_macs

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"
PC, OTHER, PHONE = "02:00:5e:10:00:42", "02:00:5e:10:00:43", "02:00:5e:10:40:43"
PRINTER = "02:00:5e:10:30:11"
PORT = "GigabitEthernet1/0/12"  # where the example site has WS-0042
UPLINK = ("Gi1/0/24", "connected", "trunk")
COUNTERS = f"""{PORT} is up, line protocol is up (connected)
  Description: B-204-3 B2-04C WS-0042
  Full-duplex, 1000Mb/s, media type is 10/100/1000BaseTX
  Last input 00:00:03, output 00:00:00, output hang never
"""
POWER = """Interface Admin  Oper       Power   Device              Class Max
                            (Watts)
--------- ------ ---------- ------- ------------------- ----- ----
Gi1/0/12  auto   on         6.3     IP Phone 8841       2     30.0
"""
TIMES = """Port           Name               Down Time      Up Time
Gi1/0/12                          00:00:00       5d02h
"""


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return load(EXAMPLE)


def answers(macs: str, links: str = "", **more: str) -> dict[str, str]:
    return {"show mac address-table": macs, "show interfaces status": links, **more}


@pytest.fixture
def site(inventory: Inventory) -> FakeSite:
    """WS-0042 with its telephone where it should be; the second switch sees it through its uplink."""
    first = answers(
        ios_macs(
            (20, PC, "Gi1/0/12"), (120, PHONE, "Gi1/0/12"), (20, OTHER, "Gi1/0/10"), (30, PRINTER, "Gi1/0/24")
        ),
        ios_links(("Gi1/0/10", "connected", "20"), ("Gi1/0/12", "connected", "20"), UPLINK),
    )  # fmt: skip
    first |= {
        "show lldp neighbors detail": ios_lldp(
            ("Gi1/0/12", "SEP0004F2AA0001", "0004.f2aa.0001", "B,T"), ("Gi1/0/24", "core-1", "00c1.64aa.0100", "B,R")
        ),
        "show power inline": POWER,
        f"show interfaces {PORT}": COUNTERS,
        "show interfaces link": TIMES,
    }
    second = answers(
        ios_macs((20, PC, "Gi1/0/24"), (20, OTHER, "Gi1/0/24"), (30, PRINTER, "Gi1/0/7")),
        ios_links(("Gi1/0/7", "connected", "30"), UPLINK),
    )
    return FakeSite(
        inventory,
        {
            "switch:sw-b2-1": FakeSwitch("sw-b2-1", inventory, first),
            "switch:sw-b2-2": FakeSwitch("sw-b2-2", inventory, second),
        },
    )


def only(found: Finding) -> Any:
    assert len(found.located) == 1
    return found.located[0]


def said(found: Finding) -> str:
    return as_text(found.to_document()).plain


# -- where it is -----------------------------------------------------------------------------------------


def test_a_pc_that_is_where_it_should_be(site: FakeSite) -> None:
    found = find(site, "WS-0042")
    one = only(found)
    assert (found.agrees, one.verdict, len(one.places)) == (True, "agrees", 1)
    place = one.places[0]
    assert (place.at.switch, place.at.port, place.vlans, place.others) == ("sw-b2-1", PORT, (20,), 1)
    assert (place.at.link.status, place.at.link.speed, place.at.link.duplex) == ("connected", 1000, "full")
    assert (place.at.power.oper, place.at.power.watts, place.at.power.device) == ("on", 6.3, "IP Phone 8841")
    assert (place.at.activity.last_input, place.at.activity.last_change) == ("00:00:03", "5d02h")
    assert [(n.name, n.protocol) for n in place.at.neighbours] == [("SEP0004F2AA0001", "LLDP")]
    assert (one.device.expected.outlet, one.device.expected.workplace) == ("B2-04C", "B-204-3")
    text = said(found)
    for words in (f"sw-b2-1 {PORT}, VLAN 20", "1000 Mbit/s, full duplex", "6.3 W (IP Phone 8841)", "5d02h",
                  "described as  B-204-3 B2-04C WS-0042",
                  "SEP0004F2AA0001 (B,T, 192.0.2.9, x1)", "as the site says"):  # fmt: skip
        assert words in text, text


@pytest.mark.parametrize(
    "text",
    ["ws-0042", "WS0042", "ws 0042", "NW-20042", "ws-0042.corp.example", "0200.5e10.0042", "02-00-5E-10-00-42",
     "0200:5e10:0042", "02005e-100042", "Анна Петрова", "anna petrova", "Petrova", "petrova anna", "petrov",
     "E1042", "e1042", "petorva", "127.77.0.101", "person:E1042"],
)  # fmt: skip
def test_every_way_to_say_it(site: FakeSite, text: str) -> None:
    found = find(site, text)
    assert (only(found).device.name, found.agrees) == ("WS-0042", True)


@pytest.mark.parametrize("text", ["B2-04C", "b204c", "B-204-3", "sw-b2-1:Gi1/0/12", "SW-B2-1 gigabitethernet1/0/12",
                                  "sw-b2-1:gig1/0/12"])  # fmt: skip
def test_outlets_workplaces_and_ports_show_the_port(site: FakeSite, text: str) -> None:
    found = find(site, text)
    assert [(port.switch, port.port) for port in found.ports] == [("sw-b2-1", PORT)]
    assert found.ports[0].macs == ((PC, 20, "WS-0042"), (PHONE, 120, "phone-204-3"))
    assert [one.device.name for one in found.located] == ["WS-0042", "phone-204-3"]
    assert found.agrees


def test_each_switch_is_asked_once_and_only_ports_that_matter_again(site: FakeSite) -> None:
    find(site, "WS-0042")
    first, second = site.sessions["switch:sw-b2-1"].writes, site.sessions["switch:sw-b2-2"].writes
    assert (len(first), len(second)) == (2, 1)
    assert first[1] == [f"show interfaces {PORT}", "show interfaces link"]


def test_a_port_alone_is_asked_of_its_switch_alone(site: FakeSite) -> None:
    found = find(site, "sw-b2-2:Gi1/0/20")
    assert site.sessions["switch:sw-b2-1"].writes == []
    assert [port.known for port in found.ports] == [False]
    assert not found.agrees
    assert "has no such port" in said(found)


def test_an_uplink_is_no_place_whatever_it_is_called(site: FakeSite) -> None:
    """Here only LLDP says so: the port is no uplink in the site, and no trunk."""
    site.sessions["switch:sw-b2-2"].answers |= answers(
        ios_macs((20, PC, "Gi1/0/20")), ios_links(("Gi1/0/20", "connected", "20"))
    ) | {"show lldp neighbors detail": ios_lldp(("Gi1/0/20", "core-1", "00c1.64aa.0100", "B,R"))}
    assert only(find(site, "WS-0042")).verdict == "agrees"


@pytest.mark.parametrize("capabilities", ["B,T", "B,W", "S", "B,R,S", ""])
def test_telephones_access_points_and_pcs_are_no_switches(site: FakeSite, capabilities: str) -> None:
    site.sessions["switch:sw-b2-1"].answers["show lldp neighbors detail"] = ios_lldp(
        ("Gi1/0/12", "thing", "0004.f2aa.0001", capabilities)
    )
    assert only(find(site, "WS-0042")).verdict == "agrees"


def test_a_switch_of_the_site_is_one_by_its_name_alone(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"].answers["show lldp neighbors detail"] = ios_lldp(
        ("Gi1/0/12", "sw-b2-2.corp.example", "0004.f2aa.0001", "")
    )
    assert only(find(site, "WS-0042")).verdict == "behind"


def test_a_pc_on_another_port(site: FakeSite) -> None:
    switch = site.sessions["switch:sw-b2-2"]
    site.sessions["switch:sw-b2-1"].answers |= answers(ios_macs((20, PC, "Gi1/0/24")), ios_links(UPLINK))
    switch.answers |= answers(ios_macs((20, PC, "Gi1/0/3")), ios_links(("Gi1/0/3", "connected", "20"), UPLINK))
    found = find(site, "WS-0042")
    one = only(found)
    assert (one.verdict, one.places[0].at.port, found.agrees) == ("elsewhere", "GigabitEthernet1/0/3", False)
    text = said(found)
    assert "not where the site says" in text
    assert f"should be on  sw-b2-1 {PORT}, VLAN 20 (workplace B-204-3, outlet B2-04C)" in text


def test_a_pc_in_another_vlan(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"].answers |= answers(ios_macs((90, PC, "Gi1/0/12")))
    found = find(site, "WS-0042")
    assert (only(found).verdict, found.agrees) == ("other VLAN", False)


def test_a_pc_on_two_ports_at_once(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"].answers |= answers(ios_macs((20, PC, "Gi1/0/12"), (20, PC, "Gi1/0/10")))
    found = find(site, "WS-0042")
    assert (only(found).verdict, len(only(found).places), found.agrees) == ("several places", 2, False)


def test_nobody_sees_it(site: FakeSite) -> None:
    found = find(site, "WS-0061")
    assert (only(found).verdict, found.agrees) == ("not seen", False)
    assert "is it switched on and plugged in?" in said(found)


def test_a_dead_switch_is_named_and_the_rest_answered(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-2"] = UnreachableError("switch:sw-b2-2", "nobody answers at 127.77.0.22 port 22")
    found = find(site, "WS-0042")
    assert found.agrees
    assert dict(found.unread) == {"sw-b2-2": "nobody answers at 127.77.0.22 port 22"}
    assert "! sw-b2-2 was not asked: nobody answers" in said(found)


def test_behind_a_dead_switch(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"] = UnreachableError("switch:sw-b2-1", "nobody answers")
    found = find(site, "WS-0042")
    one = only(found)
    assert (one.verdict, one.places, found.agrees) == ("behind", (), False)
    assert [(way.at.switch, way.through) for way in one.ways] == [("sw-b2-2", "an uplink of sw-b2-2")]


def test_a_switch_that_refuses_the_account_the_mac_table_is_named(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"].answers.clear()
    assert "refused the command 'show mac address-table'" in dict(find(site, "WS-0042").unread)["sw-b2-1"]


def test_what_may_not_be_shown_is_left_out(site: FakeSite) -> None:
    switch = site.sessions["switch:sw-b2-1"]
    switch.answers = {"show mac address-table": switch.answers["show mac address-table"]}
    place = only(find(site, "WS-0042")).places[0]
    assert (place.at.port, place.at.link, place.at.power, place.at.neighbours) == (PORT, None, None, ())


def test_a_trunk_is_a_place_only_if_the_site_says_so(site: FakeSite) -> None:
    """An access point's own address is on a trunk; what else is seen there is behind it."""
    switch = site.sessions["switch:sw-b2-1"]
    links = ios_links(("Gi1/0/12", "connected", "trunk"), ("Gi1/0/5", "connected", "trunk"), UPLINK)
    switch.answers |= answers(ios_macs((20, PC, "Gi1/0/12"), (20, OTHER, "Gi1/0/5")), links)
    assert only(find(site, "WS-0042")).verdict == "agrees"
    behind = only(find(site, "WS-0043"))
    assert behind.verdict == "behind"
    assert "a trunk with 0 other addresses" in [way.through for way in behind.ways]
    switch.answers["show lldp neighbors detail"] = ios_lldp(("Gi1/0/5", "ap-5", OTHER.replace(":", ""), "B,W"))
    assert only(find(site, "WS-0043")).places[0].at.port == "GigabitEthernet1/0/5"


def test_a_stranger_on_the_port_is_named(site: FakeSite) -> None:
    found = find(site, "sw-b2-1:Gi1/0/12")
    assert found.strangers == ()
    site.sessions["switch:sw-b2-1"].answers |= answers(ios_macs((20, OTHER, "Gi1/0/12")))
    found = find(site, "B2-04C")
    assert [one.name for one in found.strangers] == ["WS-0043"]
    assert not found.agrees
    assert "WS-0043 is plugged in there, and belongs on sw-b2-1 GigabitEthernet1/0/10" in said(found)


def test_a_device_that_the_site_does_not_know(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"].answers |= answers(ios_macs((120, "00:04:f2:aa:00:01", "Gi1/0/12")))
    found = find(site, "0004.f2aa.0001")
    one = only(found)
    assert (one.places[0].at.port, one.places[0].vlans, found.agrees) == (PORT, (120,), True)
    assert "the site says nothing of it" in said(found)


def test_a_pc_in_store_that_is_plugged_in(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"].answers |= answers(ios_macs((20, "02:00:5e:10:00:90", "Gi1/0/12")))
    found = find(site, "WS-0090")
    assert (only(found).verdict, found.agrees) == ("no place in the site", False)
    assert "the site says it is in store" in said(found)


def test_when_its_own_switch_does_not_answer_it_is_not_called_switched_off(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"] = UnreachableError("switch:sw-b2-1", "nobody answers")
    site.sessions["switch:sw-b2-2"].answers |= answers(ios_macs())
    found = find(site, "WS-0042")
    assert only(found).verdict == "not seen"
    assert "its own switch did not answer, and no other one sees it\n! sw-b2-1 was not asked: nobody" in said(found)


def test_when_no_switch_answers_nothing_is_said_about_where_it_is(site: FakeSite) -> None:
    dead = {name: UnreachableError(name, "nobody answers") for name in (*site.sessions, "dhcp")}
    site.sessions = {**dead, "switch:sw-b2-2": UnreachableError("switch:sw-b2-2", "it is busy")}
    for text in ("WS-0042", "10.20.20.142"):
        with pytest.raises(RequestError, match="no switch answered: sw-b2-1: nobody answers; sw-b2-2: it is busy"):
            find(site, text)
    with pytest.raises(RequestError, match="no switch answered: sw-b2-2: it is busy"):
        find(site, "sw-b2-2:Gi1/0/20")
    site.sessions = dict(dead)
    with pytest.raises(RequestError, match="none of the 2 switches answered: nobody answers"):
        find(site, "WS-0042")


def test_a_pc_in_store_that_is_nowhere(site: FakeSite) -> None:
    text = said(find(site, "WS-0090"))
    assert text.endswith("the site says it is in store, at no workplace\n    not seen by any switch that answered")


def test_since_when_it_is_known_on_its_port(site: FakeSite, place: Place) -> None:
    site.ledger = place.open()
    run = site.ledger.begin("onboard", {}, [])
    proof = Proof("network.port", "switch:sw-b2-1", "it is there", {"interface": PORT, "mac": PC, "vlan": 20})
    site.ledger.prove(run.id, [ProofResult(proof, True, "seen")])
    found = find(site, "WS-0042")
    first = only(found).first_seen
    assert (first.switch, first.port, first.run_id) == ("sw-b2-1", PORT, run.id)
    assert f"first seen    {first.at[:10]} {first.at[11:16]} UTC on sw-b2-1 {PORT} (run 1)" in said(found)
    assert found.to_document()["devices"][0]["first_seen"]["run_id"] == 1
    assert only(find(site, "WS-0043")).first_seen is None


def test_equipment(site: FakeSite) -> None:
    for text in ("printer-sales", "prn-b2-sales", "10.20.30.11"):
        found = find(site, text)
        assert (only(found).device.name, only(found).verdict, found.agrees) == ("printer-sales", "agrees", True)


def test_people_without_a_desk_or_a_pc(site: FakeSite) -> None:
    for text, words in (("E1043", "no workplace"), ("E1001", "no PC stands at their workplace B-201-1")):
        found = find(site, text)
        assert not found.agrees
        assert words in said(found)
    assert site.sessions["switch:sw-b2-1"].writes == []


def test_lines_that_were_not_understood_are_told(site: FakeSite) -> None:
    switch = site.sessions["switch:sw-b2-1"]
    switch.answers["show mac address-table"] += "\nwhat is this\n"
    remarks = find(site, "WS-0042").remarks
    assert remarks == ("sw-b2-1: a line of `show mac address-table` could not be understood, such as 'what is this'",)


def test_log_lines_in_between_change_nothing(site: FakeSite) -> None:
    switch = site.sessions["switch:sw-b2-1"]
    noise = "\n*Nov 23 05:24:06.123: %LINK-3-UPDOWN: Interface GigabitEthernet1/0/7, changed state to up\n"
    plain = find(site, "WS-0042").to_document()
    switch.answers = {command: text.replace("\n", noise) for command, text in switch.answers.items()}
    assert find(site, "WS-0042").to_document() == plain


# -- addresses -------------------------------------------------------------------------------------------


class FakeDhcp:
    def __init__(self, inventory: Inventory, text: str) -> None:
        self.dhcp, self.text = inventory.network.dhcp, text

    def read_file(self, path: str) -> str:
        return self.text


def test_an_address_by_its_lease(site: FakeSite, inventory: Inventory) -> None:
    site.sessions["dhcp"] = FakeDhcp(inventory, f"0 {PC} 10.20.20.142 ws-0042 *\n1000 {OTHER} 10.20.20.143 old *\n")
    found = find(site, "10.20.20.142")
    assert (only(found).device.name, found.agrees) == ("WS-0042", True)
    gone = find(site, "10.20.20.143")
    assert "neither a lease nor an ARP table says which device has it" in said(gone)
    assert not gone.agrees


def test_an_address_by_arp_when_there_is_no_dhcp_server(site: FakeSite) -> None:
    site.sessions["dhcp"] = UnreachableError("dhcp", "nobody answers")
    site.sessions["switch:sw-b2-2"].answers["show ip arp"] = (
        "Protocol  Address          Age (min)  Hardware Addr   Type   Interface\n"
        "Internet  10.20.20.142            3   0200.5e10.0042  ARPA   Vlan20\n"
    )
    found = find(site, "10.20.20.142")
    assert only(found).device.name == "WS-0042"
    assert found.remarks == ("the DHCP server was not asked: dhcp: nobody answers",)


# -- names -----------------------------------------------------------------------------------------------


def test_when_several_things_fit_they_are_listed_and_nothing_is_guessed(inventory: Inventory) -> None:
    with pytest.raises(RequestError) as failure:
        sought(inventory, "B-204")
    assert str(failure.value) == (
        "'B-204' fits 3 things: workplace:B-204-1, workplace:B-204-2, workplace:B-204-3; name one of them"
    )
    with pytest.raises(RequestError, match=r"'ws' fits 10 things: .* and 2 more; name one of them"):
        sought(inventory, "ws")


@pytest.mark.parametrize(
    ("text", "key"),
    [("muller", "E1002"), ("Mueller", "E1002"), ("wisniewski", "E1019"), ("ŁUKASZ", "E1019"), ("obrien", "E1011"),
     ("sokolov", "E1007"), ("nguyen", "E1043"), ("jean luc", "E1015"), ("garcia lopez", "E1023"), ("Yilmaz", "E1028")],
)  # fmt: skip
def test_people_without_case_and_accents(inventory: Inventory, text: str, key: str) -> None:
    found = sought(inventory, text)
    assert (found.sort, found.name) == ("person", key)


def test_a_number_is_never_taken_for_a_like_one(inventory: Inventory) -> None:
    with pytest.raises(RequestError, match="the site has nothing called 'WS-0044'; did you mean 'WS-004"):
        sought(inventory, "WS-0044")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nobody-of-that-name", "the site has nothing called"),
        ("outlet:B9-99Z", "the site has no outlet called 'B9-99Z'"),
        ("sw-b2-1", "sw-b2-1 is a switch; name one of its ports, such as sw-b2-1:Gi1/0/7"),
        ("  ", "nothing is looked for"),
        ("10.20.20.300", "10.20.20.300 is no IPv4 address; expected four numbers from 0 to 255"),
        ("???", "the site has nothing called '\\?\\?\\?'"),
    ],
)
def test_what_fits_nothing(inventory: Inventory, text: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        sought(inventory, text)


def test_an_exact_name_wins_over_names_that_only_begin_so(inventory: Inventory) -> None:
    desks = {**inventory.workplaces, "B-204": inventory.workplaces["B-204-1"]}
    assert sought(inventory.model_copy(update={"workplaces": desks}), "b-204").name == "B-204"


# -- many switches ---------------------------------------------------------------------------------------


def test_hundreds_of_switches_a_few_at_a_time(inventory: Inventory) -> None:
    network = inventory.network
    names = [f"sw-{number}" for number in range(300)]
    switches = {**network.switches, **dict.fromkeys(names, network.switches["sw-b2-2"])}
    many = inventory.model_copy(update={"network": network.model_copy(update={"switches": switches})})
    site = FakeSite(many)
    uplinked = answers(ios_macs((20, PC, "Gi1/0/24")), ios_links(UPLINK))
    for name in switches:
        site.sessions[f"switch:{name}"] = FakeSwitch(name, many, uplinked)
    site.sessions["switch:sw-b2-1"] = FakeSwitch(
        "sw-b2-1", many, answers(ios_macs((20, PC, "Gi1/0/12")), ios_links(("Gi1/0/12", "connected", "20"), UPLINK))
    )
    site.sessions["switch:sw-7"] = UnreachableError("switch:sw-7", "nobody answers")
    found = find(site, "WS-0042")
    assert (only(found).verdict, list(found.unread)) == ("agrees", ["sw-7"])
    assert site.most_at_once <= MAX_TARGETS_AT_ONCE


def test_switches_are_asked_at_the_same_time(site: FakeSite) -> None:
    both = threading.Barrier(2, timeout=10)

    class Waiting(FakeSwitch):
        def show_all(self, commands: Sequence[str], optional: Collection[str] = ()) -> list[str]:
            if "show mac address-table" in commands:
                both.wait()  # a search that asked one after the other would break it
            return super().show_all(commands, optional)

    for target, switch in list(site.sessions.items()):
        site.sessions[target] = Waiting(switch.name, site.wired, switch.answers)
    assert find(site, "WS-0042").agrees


# -- the verb --------------------------------------------------------------------------------------------


@pytest.fixture
def run(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Invocation, "site", lambda _: site)
    return lambda *words: CliRunner().invoke(PROGRAM, ["find", *words])


def test_the_verb_says_it_and_exits_by_the_verdict(run: Any) -> None:
    result = run("anna", "petrova")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(
        "Анна Петрова (E1042), workplace B-204-3\n  WS-0042  workstation, 02:00:5e:10:00:42"
    )
    assert run("ws-0042").stdout.startswith(
        "workstation WS-0042, 02:00:5e:10:00:42, of Анна Петрова (E1042)\n    is on "
    )
    assert run("WS-0061").exit_code == 3


@pytest.mark.parametrize("option", [["--json"], ["--output", "json"]])
def test_the_verb_in_json(run: Any, option: list[str]) -> None:
    document = json.loads(run("WS-0042", *option).stdout)
    assert document["agrees"] is True
    place = document["devices"][0]["places"][0]
    assert (place["at"]["switch"], place["at"]["port"], place["vlans"]) == ("sw-b2-1", PORT, [20])
    assert document["devices"][0]["device"]["expected"]["workplace"] == "B-204-3"


def test_the_verb_with_a_name_that_fits_nothing(run: Any, site: FakeSite) -> None:
    result = run("no-such-thing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: the site has nothing called 'no-such-thing'")
    assert site.sessions["switch:sw-b2-1"].writes == []


def test_hostile_words_of_neighbours_do_not_reach_the_terminal(site: FakeSite) -> None:
    site.sessions["switch:sw-b2-1"].answers["show lldp neighbors detail"] = ios_lldp(
        ("Gi1/0/12", "evil\x1b[2J\x07name", "0004.f2aa.0001", "B,T")
    )
    found = find(site, "WS-0042")
    assert "\x1b" not in said(found)
    assert "\x1b" not in json.dumps(found.to_document(), ensure_ascii=False)
