"""What the lab's IOS-style switch shows is what ntc-templates reads from real ones."""

from __future__ import annotations

import json
import struct
import time
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from ntc_templates.parse import parse_output

from provisioning.lab.switch.device import Device, Line
from provisioning.lab.switch.neighbours import Neighbour, read_cdp, read_lldp
from provisioning.lab.switch.terminal import Terminal
from tests.unit.lab_device import G7, G8, made, typed

PHONE = Neighbour(
    "lldp", G7, "10.20.120.7", "0200000000AA:P1", 120, time.monotonic() + 120, "0200.0000.00aa",
    port_description="SW PORT", name="SEP0200000000AA", description="Cisco IP Phone 7841,V5\nsecond line",
    capabilities=("B,T", "B,T"), address="10.20.120.7", watts=6.3, vlan=20, voice_vlan=120,
    inventory=(("Serial number", "FCH1"), ("Manufacturer", "Cisco Systems, Inc."), ("Model", "CP-7841")),
    med_class=3,
)  # fmt: skip
PC = Neighbour(
    "lldp", G8, "0200.5e10.00a1", "0200.5e10.00a1", 120, time.monotonic() + 120, "0200.5e10.00a1", name="WS-0042"
)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return made(tmp_path)


def parsed(device: Device, command: str, template: str | None = None) -> list[dict[str, Any]]:
    rows = parse_output("cisco_ios", template or command, Terminal(device).type(command))
    assert isinstance(rows, list)
    return rows


def faulty(device: Device, **ports: Any) -> None:
    (Path(device.settings.folder) / "faults.json").write_text(json.dumps(ports))


def test_status(device: Device) -> None:
    typed(Terminal(device), "conf t", f"int {G7}", "desc B-204-3 is connected", "sw ac vl 20", "int gi1/0/8", "shut")
    typed(
        Terminal(device), "conf t", "int gi1/0/9", "speed 100", "duplex full", "int gi1/0/10", "switchport mode trunk"
    )
    faulty(device, ports={"GigabitEthernet1/0/11": {"error_disabled": "psecure-violation"}})
    rows = {row["port"]: row for row in parsed(device, "show interfaces status")}
    assert len(rows) == 25
    seven, eight, nine, eleven = (rows[f"Gi1/0/{n}"] for n in (7, 8, 9, 11))
    assert (seven["name"], seven["status"], seven["vlan_id"]) == ("B-204-3 is connect", "connected", "20")
    assert (seven["duplex"], seven["speed"], seven["type"]) == ("a-full", "a-1000", "10/100/1000BaseTX")
    assert (eight["status"], eight["duplex"], eight["speed"]) == ("disabled", "auto", "auto")
    assert (nine["status"], nine["duplex"], nine["speed"]) == ("notconnect", "full", "100")
    assert (rows["Te1/1/1"]["vlan_id"], rows["Te1/1/1"]["speed"]) == ("trunk", "a-10G")
    assert eleven["status"] == "err-disabled"


def test_half_duplex_and_low_speed_are_shown_as_negotiated(device: Device) -> None:
    faulty(device, ports={G7: {"duplex": "half", "speed": 100}})
    row = next(row for row in parsed(device, "show interfaces status") if row["port"] == "Gi1/0/7")
    assert (row["duplex"], row["speed"]) == ("a-half", "a-100")
    row = parsed(device, f"show interfaces {G7}", "show interfaces")[0]
    assert (row["duplex"], row["speed"]) == ("Half-duplex", "100Mb/s")


def test_interfaces(device: Device) -> None:
    typed(Terminal(device), "conf t", f"int {G7}", "description x y", f"int {G8}", "shutdown")
    faulty(device, ports={G7: {"crc": 120, "runts": 2, "flaps": 14, "input_discards": 9, "output_discards": 8}})
    rows = {row["interface"]: row for row in parsed(device, "show interfaces")}
    assert len(rows) == 27  # with Vlan1 and Vlan99
    row = rows[G7]
    assert (row["link_status"], row["protocol_status"]) == ("up", "up (connected)")
    assert (row["crc"], row["input_errors"], row["runts"]) == ("123", "122", "2")
    assert (row["input_packets"], row["output_packets"], row["description"]) == ("100", "200", "x y")
    assert (row["queue_drops"], row["queue_output_drops"], row["media_type"]) == ("9", "8", "10/100/1000BaseTX")
    assert rows[G8]["link_status"] == "administratively down"
    assert rows["Vlan99"]["ip_address"] == "10.255.99.11"
    assert "14 interface resets" in Terminal(device).type(f"show interfaces {G7}")
    errors = Terminal(device).type("show interfaces counters errors").splitlines()
    assert errors[1].split() == ["Port", "Align-Err", "FCS-Err", "Xmit-Err", "Rcv-Err", "UnderSize", "OutDiscards"]
    assert [line.split() for line in errors if line.startswith("Gi1/0/7 ")] == [
        ["Gi1/0/7", "0", "123", "0", "122", "2", "8"],
        ["Gi1/0/7", "0", "0", "0", "0", "14", "2", "0"],
    ]
    widths = [len(line) for line in errors if line]
    assert len(set(widths)) == 2  # every line of a table is as wide as its heading


def test_switchport(device: Device) -> None:
    typed(Terminal(device), "conf t", f"int {G7}", "sw mo acc", "sw ac vl 20", "sw vo vl 120")
    typed(Terminal(device), "conf t", f"int {G8}", "sw mo tr", "sw tr nat vl 99", "sw tr all vl 20,99,120-123")
    rows = {row["interface"]: row for row in parsed(device, "show interfaces switchport")}
    assert (rows["Gi1/0/7"]["mode"], rows["Gi1/0/7"]["access_vlan"]) == ("static access", "20")
    assert rows["Gi1/0/7"]["voice_vlan"] == "120"
    assert (rows["Gi1/0/8"]["admin_mode"], rows["Gi1/0/8"]["native_vlan"]) == ("trunk", "99")
    assert rows["Gi1/0/8"]["trunking_vlans"] == ["20", "99", "120-123"]


def test_macs(device: Device) -> None:
    rows = parsed(device, "show mac address-table")
    assert [row["vlan_id"] for row in rows].count("All") == 20
    assert rows[-2] == {
        "destination_address": "0200.5e10.00a1", "type": "DYNAMIC", "vlan_id": "20", "destination_port": ["Gi1/0/7"],
    }  # fmt: skip
    found = parsed(device, "show mac address-table address 0200.5e10.00fe", "show mac address-table")
    assert [row["destination_port"] for row in found] == [["Te1/1/1"]]
    assert "criterion: 0" in Terminal(device).type("show mac address-table address 0200.5e10.ffff")
    assert len(parsed(device, "show mac address-table interface gi1/0/7", "show mac address-table")) == 1
    typed(Terminal(device), "conf t", f"int {G7}", "sw mo acc", "switchport port-security")
    assert parsed(device, "show mac address-table vlan 20", "show mac address-table")[0]["type"] == "STATIC"


def test_lldp_and_power(device: Device) -> None:
    for each in (PHONE, PC):
        device.neighbours.heard(each)
    rows = {row["local_interface"]: row for row in parsed(device, "show lldp neighbors detail")}
    phone = rows["Gi1/0/7"]
    assert (phone["neighbor_name"], phone["chassis_id"]) == ("SEP0200000000AA", "10.20.120.7")
    assert (phone["capabilities"], phone["mgmt_address"], phone["serial"]) == ("B,T", "10.20.120.7", "FCH1")
    assert phone["mac_address"] == "0200.0000.00aa"
    assert (rows["Gi1/0/8"]["neighbor_name"], rows["Gi1/0/8"]["neighbor_port_id"]) == ("WS-0042", "0200.5e10.00a1")
    brief = {row["local_interface"]: row for row in parsed(device, "show lldp neighbors")}
    assert (brief["Gi1/0/7"]["neighbor_name"], brief["Gi1/0/7"]["capabilities"]) == ("SEP0200000000AA", "B,T")
    power = {row["interface"]: row for row in parsed(device, "show power inline")}
    assert (power["Gi1/0/7"]["operational_status"], power["Gi1/0/7"]["power"]) == ("on", "6.3")
    assert (power["Gi1/0/8"]["operational_status"], power["Gi1/0/8"]["power"]) == ("off", "0.0")
    faulty(device, ports={G7: {"poe": "faulty"}})
    power = {row["interface"]: row for row in parsed(device, "show power inline gi1/0/7", "show power inline")}
    assert power["Gi1/0/7"]["operational_status"] == "faulty"
    device.link_seen(G7, up=True)
    device.link_seen(G7, up=False)
    assert [row["local_interface"] for row in parsed(device, "show lldp neighbors")] == ["Gi1/0/8"]


def test_cdp(device: Device) -> None:
    said = replace(PHONE, protocol="cdp", capabilities=("Host Phone", ""), platform="Cisco IP Phone 7841")
    device.neighbours.heard(replace(said, remote_port="Port 1"))
    row = parsed(device, "show cdp neighbors detail")[0]
    assert (row["neighbor_name"], row["local_interface"]) == ("SEP0200000000AA", G7)
    assert (row["platform"], row["capabilities"]) == ("Cisco IP Phone 7841", "Host Phone")
    assert (row["neighbor_interface"], row["mgmt_address"]) == ("Port 1", "10.20.120.7")


def test_addresses(device: Device) -> None:
    device.arp.entries[IPv4Address("10.255.99.1")] = ("0200.5e10.00fe", time.monotonic() - 130)
    rows = {row["ip_address"]: row for row in parsed(device, "show ip arp")}
    assert (rows["10.255.99.1"]["mac_address"], rows["10.255.99.1"]["age"]) == ("0200.5e10.00fe", "2")
    assert (rows["10.255.99.11"]["age"], rows["10.255.99.11"]["interface"]) == ("-", "Vlan99")
    brief = {row["interface"]: row for row in parsed(device, "show ip interface brief")}
    assert (brief["Vlan99"]["ip_address"], brief["Vlan99"]["status"]) == ("10.255.99.11", "up")
    assert (brief["Vlan1"]["ip_address"], brief["Vlan1"]["status"]) == ("unassigned", "administratively down")
    assert len(brief) == 27


def test_users_archive_and_files(device: Device) -> None:
    device.lines = {0: Line("netops", "10.1.1.1", time.monotonic(), print), 3: Line("joe", "10.1.1.2", 0.0, print)}
    rows = parsed(device, "show users")
    assert [(row["line"], row["user"], row["location"]) for row in rows] == [
        ("1 vty 0", "netops", "10.1.1.1"),
        ("4 vty 3", "joe", "10.1.1.2"),
    ]
    assert parse_output("cisco_ios", "show archive", Terminal(device).type("show archive"))
    typed(Terminal(device), "archive config", "archive config")
    assert len(parsed(device, "show archive")[0]["filenames"]) == 2
    assert len(parsed(device, "dir flash:", "dir")) == 2
    assert parsed(device, "show version")[0]["hostname"] == "sw-b2-1"
    assert [row["vlan_id"] for row in parsed(device, "show vlan brief", "show vlan")] == ["1", "20", "99", "120"]
    assert parsed(device, f"show port-security interface {G7}")[0]["port_security"] == "Disabled"


@pytest.mark.parametrize(
    "command", ["show interfaces link", "show interfaces description", "show etherchannel summary"]
)
def test_the_rest(device: Device, command: str) -> None:
    typed(Terminal(device), "conf t", f"int {G7}", "channel-group 1 mode active", "description x")
    templates = {"show interfaces link": "show interface link"}
    assert parsed(device, command, templates.get(command))


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!H", kind << 9 | len(value)) + value


def lldp(*tlvs: bytes, hold: int = 4) -> bytes:
    head = b"\x01\x80\xc2\x00\x00\x0e" + bytes.fromhex("02005e1000a1") + b"\x88\xcc"
    first = [tlv(1, b"\x04" + bytes.fromhex("02005e1000a1")), tlv(2, b"\x05eth0"), tlv(3, struct.pack("!H", hold))]
    return head + b"".join([*first, *tlvs]) + b"\0\0"


def test_lldp_frames_are_read() -> None:
    med = [b"\x00\x12\xbb\x02\x01" + (120 << 9 | 5 << 6 | 46).to_bytes(3, "big"), b"\x00\x12\xbb\x04\x51\x00\x3f"]
    frame = lldp(tlv(5, b"WS\x1b[0042"), tlv(7, b"\x00\x24\x00\x20"), *(tlv(127, value) for value in med))
    said = read_lldp(G7, frame)
    assert said is not None
    assert (said.chassis, said.remote_port, said.hold) == ("0200.5e10.00a1", "eth0", 4)
    assert said.name == "WS.[0042"  # nothing that a terminal would act on
    assert (said.capabilities, said.voice_vlan, said.watts) == (("B,T", "T"), 120, 6.3)


@pytest.mark.parametrize("frame", [b"", lldp()[:30], lldp(tlv(7, b"\x00")), b"\0" * 60, lldp(tlv(8, b""))])
def test_broken_frames_are_passed_over(frame: bytes) -> None:
    assert read_lldp(G7, frame) is None
    assert read_cdp(G7, frame) is None


def test_a_farewell_is_obeyed_and_silence_forgotten(device: Device) -> None:
    first = read_lldp(G7, lldp())
    farewell = read_lldp(G7, lldp(hold=0))
    assert first is not None
    assert farewell is not None
    device.neighbours.heard(first)
    device.neighbours.heard(farewell)
    assert device.neighbours.on("lldp") == []
    device.neighbours.heard(replace(first, expires=time.monotonic() - 1))
    device.tick()
    assert device.neighbours.on("lldp") == []
