"""The lab's IOS-style switch keeps what is configured, shows it in the order of the device, and takes it back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.lab.switch import Faults, dataplane
from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.factory import lab_secrets
from provisioning.lab.switch.session import Typing
from provisioning.lab.switch.terminal import Terminal
from provisioning.lab.switch.vlans import ALL, format_vlans, parse_vlans, wrapped
from tests.unit.lab_device import G7, UPLINK, made, typed

EVERYTHING = [
    "description B-204-3 B2-04A WS-0042",
    "switchport access vlan 20",
    "switchport trunk native vlan 99",
    "switchport trunk allowed vlan 20,99,120",
    "switchport mode access",
    "switchport nonegotiate",
    "switchport voice vlan 120",
    "switchport port-security maximum 3",
    "switchport port-security violation restrict",
    "switchport port-security mac-address sticky",
    "switchport port-security",
    "shutdown",
    "power inline never",
    "speed 100",
    "duplex half",
    "authentication port-control auto",
    "dot1x pae authenticator",
    "storm-control broadcast level 5.00",
    "spanning-tree portfast",
    "spanning-tree bpduguard enable",
    "channel-group 1 mode active",
    "ip dhcp snooping trust",
]


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return made(tmp_path)


def on(device: Device, port: str, *lines: str) -> list[str]:
    terminal = Terminal(device)
    return typed(terminal, "configure terminal", f"interface {port}", *lines, "end")[2:-1]


def shown(device: Device, port: str = G7) -> list[str]:
    return [line.strip() for line in device.config.section(port)[1:]]


def test_every_port_line_is_kept_and_shown_in_the_order_of_the_device(device: Device) -> None:
    rest = [line for line in reversed(EVERYTHING) if line not in {"switchport mode access", "duplex half"}]
    answers = on(device, G7, "switchport mode access", *rest, "duplex half")
    assert [a for a in answers if a and not a.startswith("%Warning: portfast")] == []
    assert shown(device) == EVERYTHING


def test_no_takes_every_line_away_again(device: Device) -> None:
    on(device, G7, "switchport mode access", *EVERYTHING)
    assert on(device, G7, *(f"no {line}" for line in reversed(EVERYTHING))) == [""] * len(EVERYTHING)
    assert shown(device) == []
    assert device.config.ports[G7] == PortConfig()


@pytest.mark.parametrize("line", EVERYTHING)
def test_default_interface_clears_it(device: Device, line: str) -> None:
    on(device, G7, "switchport mode access", "speed 100", line)
    assert shown(device)
    typed(Terminal(device), "configure terminal", f"default interface {G7}")
    assert shown(device) == []


@pytest.mark.parametrize(
    ("lines", "list_"),
    [
        (["20,30"], "20,30"),
        (["20,30", "add 31,32"], "20,30-32"),
        (["20,30", "remove 30"], "20"),
        (["none"], "none"),
        (["none", "add 7"], "7"),
        (["except 10"], "1-9,11-4094"),
        (["remove 1-4093"], "4094"),
        (["20", "all"], None),
        (["add 20"], None),  # all and one more are all
    ],
)
def test_allowed_vlans_are_merged(device: Device, lines: list[str], list_: str | None) -> None:
    on(device, G7, *(f"switchport trunk allowed vlan {line}" for line in lines))
    assert shown(device) == ([] if list_ is None else [f"switchport trunk allowed vlan {list_}"])


@pytest.mark.parametrize("text", ["0", "4095", "5-3", "x", "1,,2", "1-"])
def test_a_bad_vlan_list_is_refused_at_the_right_column(device: Device, text: str) -> None:
    assert "Invalid input" in on(device, G7, f"switchport trunk allowed vlan {text}")[0]
    assert shown(device) == []


def test_long_vlan_lists_go_over_several_lines_and_come_back(device: Device) -> None:
    odd = frozenset(range(1, 400, 2))
    on(device, G7, f"switchport trunk allowed vlan {format_vlans(odd)}")
    assert len(shown(device)) > 5
    assert all(len(line) < 90 for line in shown(device))
    assert shown(device)[1].startswith("switchport trunk allowed vlan add ")
    assert parse_vlans(",".join(wrapped(odd))) == odd
    again, refused = device.understood(device.config.text())
    assert (again.ports[G7].allowed_vlans, refused) == (odd, [])


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        (PortConfig(mode="access", access_vlan=20), ["vlan_mode=access", "tag=20", "trunks=[]"]),
        (
            PortConfig(mode="access", access_vlan=20, voice_vlan=120),
            ["vlan_mode=native-untagged", "tag=20", "trunks=120"],
        ),
        (PortConfig(mode="trunk"), ["vlan_mode=native-untagged", "tag=1", "trunks=[]"]),
        (
            PortConfig(mode="trunk", native_vlan=99, allowed_vlans=frozenset({20, 99})),
            ["vlan_mode=native-untagged", "tag=99", "trunks=20,99"],
        ),
        (PortConfig(mode="trunk", allowed_vlans=frozenset({20})), ["vlan_mode=trunk", "tag=[]", "trunks=20"]),
        (PortConfig(mode="trunk", allowed_vlans=frozenset()), ["vlan_mode=trunk", "tag=[]", "trunks=4095"]),
        (PortConfig(mode="access", port_control="force-unauthorized"), ["vlan_mode=access", "tag=4095", "trunks=[]"]),
    ],
)
def test_what_open_vswitch_is_told(config: PortConfig, columns: list[str]) -> None:
    assert dataplane._vlan_columns(config, uplink=False) == columns


def test_uplinks_tag_every_vlan(device: Device) -> None:
    assert dataplane._vlan_columns(device.config.ports[UPLINK], uplink=True)[0] == "vlan_mode=trunk"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["switchport port-security"], "Command rejected: GigabitEthernet1/0/7 is a dynamic port."),
        (["authentication port-control auto"], "Command rejected: Dynamic mode"),
        (["duplex half"], "% Duplex cannot be set to half"),
        (["speed 100", "duplex half", "speed auto", "duplex half"], "% Duplex cannot be set to half"),
        (["storm-control broadcast level 101"], "Invalid input"),
        (["spanning-tree portfast"], "%Portfast has been configured on GigabitEthernet1/0/7 but will only"),
    ],
)
def test_the_device_refuses_what_does_not_fit(device: Device, lines: list[str], answer: str) -> None:
    assert answer in on(device, G7, *lines)[-1]


def test_the_whole_configuration_comes_back_from_its_own_text(device: Device) -> None:
    on(device, G7, "switchport mode access", *EVERYTHING)
    terminal = Terminal(device)
    typed(terminal, "configure terminal", "snmp-server location here", "no ip domain-lookup", "no lldp run")
    typed(terminal, "line vty 0 4", "exec-timeout 5 0", "exit", "interface vlan 99", "description mgmt")
    typed(terminal, "interface vlan 7", "ip address 10.0.7.1 255.255.255.0", "end")
    again, refused = device.understood(device.config.text())
    assert refused == []
    assert again == device.config
    assert again.text() == device.config.text()


def test_the_configuration_holds_secrets_as_real_ones_do(device: Device) -> None:
    text = device.config.text()
    secrets = lab_secrets(device.config.hostname)
    assert all(text.count(secret) == 1 for secret in secrets.values())
    for line in (
        "enable secret 9 $9$",
        "username netops privilege 15 secret 9 $9$",
        "snmp-server community ro-",
        " key 7 0",
    ):
        assert f"\n{line}" in text
    assert "\nip default-gateway 10.255.99.1\n" in text
    assert "\ninterface Vlan99\n ip address 10.255.99.11 255.255.255.0\n" in text


# -- rollback


def clocked(device: Device, **faults: object) -> None:
    (Path(device.settings.folder) / "faults.json").write_text(json.dumps(faults))


def test_an_unconfirmed_change_is_taken_back_although_its_session_is_gone(device: Device) -> None:
    clocked(device, minute=0.0)
    said: list[str] = []
    terminal = Terminal(device, tell=said.append)
    answers = typed(terminal, "configure terminal revert timer 1", f"interface {G7}", "switchport access vlan 30")
    assert answers[0].startswith("Rollback Confirmed Change: Backing up current running config to flash:archive-")
    assert answers[0].endswith("Enter configuration commands, one per line.  End with CNTL/Z.")
    assert device.config.ports[G7].access_vlan == 30
    del terminal
    device.tick()
    assert device.config.ports[G7] == PortConfig()
    assert "Rollback Done" in said[-1]
    assert device.rollback.pending is None


def test_before_its_time_nothing_is_taken_back_and_a_confirmed_change_stays(device: Device) -> None:
    terminal = Terminal(device)
    typed(terminal, "configure terminal revert timer 5", f"interface {G7}", "switchport access vlan 30", "end")
    device.tick()
    assert "Timer value: 5 min" in typed(terminal, "show archive config rollback timer")[0]
    assert typed(terminal, "configure terminal revert timer 5")[0].startswith("%")
    assert typed(terminal, "configure confirm", "configure confirm") == ["", "%No Rollback Confirmed Change pending"]
    clocked(device, minute=0.0)
    device.tick()
    assert device.config.ports[G7].access_vlan == 30


def test_a_change_can_be_taken_back_at_once(device: Device) -> None:
    terminal = Terminal(device)
    typed(terminal, "conf t revert timer 5", f"interface {G7}", "shutdown", "end")
    assert "Rollback Done" in typed(terminal, "configure revert now")[0]
    assert device.config.ports[G7] == PortConfig()


def test_without_an_archive_there_is_no_timer(device: Device) -> None:
    terminal = Terminal(device)
    typed(terminal, "configure terminal", "no archive", "end")
    answers = typed(terminal, "configure terminal revert timer 1", "show archive")
    assert answers == ["%Turn config archive on before using Rollback Confirmed Change", " Archive feature not enabled"]
    assert terminal.mode == "exec"


def test_old_archives_make_room(device: Device) -> None:
    typed(Terminal(device), "configure terminal", "archive", "maximum 3", "end", *["archive config"] * 5)
    assert len(device.rollback.archived()) == 3


def test_copy_asks_and_replace_restores(device: Device, tmp_path: Path) -> None:
    keyboard = Typing(device)
    assert keyboard.receive("copy running-config flash:before.cfg\n").endswith("Destination filename [before.cfg]? ")
    assert "bytes copied" in keyboard.receive("\n")
    keyboard.receive(f"conf t\ninterface {G7}\nswitchport access vlan 30\ndescription x\nend\n")
    assert "before.cfg" in keyboard.receive("dir flash:\n")
    again = keyboard.receive("copy running-config flash:before.cfg\n\n")
    assert again.endswith("Do you want to over write? [confirm]")
    assert "aborted" in keyboard.receive("n")
    assert "Rollback Done" in keyboard.receive("configure replace flash:before.cfg force\n")
    assert device.config.ports[G7] == PortConfig()
    assert "%" not in keyboard.receive("delete /force flash:before.cfg\n")
    assert "%Error opening flash:before.cfg" in keyboard.receive("configure replace flash:before.cfg force\n")


def test_redirect_writes_a_file_that_replace_takes(device: Device) -> None:
    terminal = Terminal(device)
    assert typed(terminal, "show running-config | redirect flash:now.cfg") == [""]
    typed(terminal, "configure terminal", f"interface {G7}", "shutdown", "end")
    assert "Rollback Done" in typed(terminal, "configure replace flash:now.cfg force")[0]
    assert device.config.ports[G7] == PortConfig()


def test_replace_names_the_lines_that_the_device_does_not_take(device: Device) -> None:
    device.flash.write("bad.cfg", device.config.text().replace("ip default-gateway", "ip bogus"))
    answer = typed(Terminal(device), "configure replace flash:bad.cfg force")[0]
    assert "failed to apply" in answer
    assert "ip bogus 10.255.99.1" in answer
    assert "Rollback Done" not in answer


def test_file_prompt_quiet_asks_nothing(device: Device) -> None:
    terminal = Terminal(device)
    typed(terminal, "configure terminal", "file prompt quiet", "end")
    assert "bytes copied" in typed(terminal, "copy running-config flash:a.cfg")[0]


def test_all_vlans_are_one_to_4094() -> None:
    assert (min(ALL), max(ALL), len(ALL)) == (1, 4094, 4094)
    assert Faults().port(G7).crc == 0
