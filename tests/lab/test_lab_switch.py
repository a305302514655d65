"""The lab's switches over SSH: management, neighbours, trunks by traffic, rollback, misbehaviour, Open vSwitch."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import paramiko
import pytest

from provisioning.errors import LabError
from provisioning.lab.desks import Phone
from provisioning.lab.network import Desk, Network, SwitchPlan
from provisioning.lab.switch import Faults, PortFault, Switches, SwitchHost, misbehaving
from provisioning.lab.switch.faults import BANNER

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
PORTS = (*(f"GigabitEthernet1/0/{i}" for i in range(1, 9)), "TenGigabitEthernet1/1/1")
NATIVE = ("p1", "p2", "up1")
G1, G2, G3, G4 = PORTS[:4]
MACS = {name: f"02:00:5e:10:00:{number:02x}" for number, name in enumerate(("pc-a", "pc-b", "pc-c", "pc-d"), 0xA1)}
PROMPT = re.compile(r"[\w.-]+(\([\w-]+\))?[#>] ?$|\]\?? ?$|assword: $| --More-- $")


@dataclass(frozen=True)
class Bench:
    folder: Path
    network: Network
    switches: Switches

    @property
    def password(self) -> str:
        return (self.folder / "password").read_text().strip()

    def faults(self, switch: str = "sw-a") -> Path:
        return self.switches.faults_file(switch)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("lab-switch")
    desks = [
        Desk("pc-a", MACS["pc-a"], "sw-a", G1, lldp=True),
        Desk("pc-b", MACS["pc-b"], "sw-a", G2, phone=Phone("02:00:5e:aa:00:01", 120)),
        Desk("pc-c", MACS["pc-c"], "sw-o", "p1"),
    ]
    plans = [SwitchPlan("sw-a", PORTS, PORTS[-1:]), SwitchPlan("sw-o", NATIVE, NATIVE[-1:], "ovs")]
    subnets = {vlan: IPv4Network(f"10.20.{vlan}.0/24") for vlan in (20, 30, 120)}
    network = Network(folder / "network", 49, plans, subnets, desks)
    hosts = [
        SwitchHost("sw-a", "sw-a.corp.example", "127.77.49.21", PORTS, PORTS[-1:]),
        SwitchHost("sw-o", "sw-o.corp.example", "127.77.49.22", NATIVE, NATIVE[-1:], dialect="ovs"),
    ]
    vlans = {20: "staff", 30: "printers", 120: "voice"}
    switches = Switches(folder / "switches", hosts, network, vlans, user="netops", password_file=folder / "password")
    made = Bench(folder, network, switches)
    try:
        network.up()
        switches.up()
        yield made
    finally:
        switches.down()
        network.down()


class Console:
    """A session on sw-a, as a person has it."""

    def __init__(self, bench: Bench, address: str = "127.77.49.21") -> None:
        self.client = signed_in(bench, address)
        self.channel = self.client.invoke_shell(width=200)
        self.greeting = self.read()

    def read(self, done: re.Pattern[str] = PROMPT, seconds: float = 10.0) -> str:
        text, deadline = "", time.monotonic() + seconds
        while not done.search(text) and time.monotonic() < deadline:
            self.channel.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                received = self.channel.recv(65536)
            except TimeoutError:
                break
            if not received:
                break
            text += received.decode()
        return text.replace("\r", "")

    def run(self, *lines: str) -> str:
        answer = ""
        for line in lines:
            self.channel.sendall(f"{line}\n".encode())
            answer = self.read()
        return answer

    def close(self) -> None:
        self.client.close()


def signed_in(bench: Bench, address: str, **options: Any) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_host_keys(str(bench.switches.known_hosts))
    name = "sw-a.corp.example" if address.endswith(".21") else "sw-o.corp.example"
    wire = socket.create_connection((address, 22), 10)
    client.connect(
        name, 22, "netops", bench.password, look_for_keys=False, allow_agent=False, sock=wire, timeout=10, **options
    )
    return client


@pytest.fixture
def console(bench: Bench) -> Iterator[Console]:
    made = Console(bench)
    made.run("terminal length 0", "configure terminal", *(f"default interface {port}" for port in PORTS[:-1]), "end")
    yield made
    made.close()


def eventually(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def address_of(desk: str) -> str:
    words = ["ip", "-n", f"pl49-{desk}", "-4", "-json", "address", "show", "eth0"]
    found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return str(found[0]["addr_info"][0]["local"]) if found and found[0].get("addr_info") else ""


def test_the_port_that_carries_the_management_can_be_found_out(bench: Bench, console: Console) -> None:
    assert eventually(lambda: "10.255.99.1 " in console.run("show ip arp"))
    mac = re.search(r"10\.255\.99\.1 +\d+ +(\S+)", console.run("show ip arp"))
    assert mac is not None
    assert re.search(rf" 99 +{mac[1]} +DYNAMIC +Te1/1/1", console.run(f"show mac address-table address {mac[1]}"))


def test_neighbours_are_heard_on_the_wire(bench: Bench, console: Console) -> None:
    assert eventually(lambda: "pc-a" in console.run("show lldp neighbors"))
    detail = console.run("show lldp neighbors Gi1/0/1 detail")
    assert "System Name: pc-a" in detail
    assert "Chassis id: 0200.5e10.00a1" in detail
    assert "SEP02005EAA0001" in console.run("show lldp neighbors Gi1/0/2 detail")
    assert "Device ID: SEP02005EAA0001" in console.run("show cdp neighbors detail")
    assert re.search(r"Gi1/0/2 +auto +on +6\.3", console.run("show power inline"))


def test_a_neighbour_goes_with_its_link(bench: Bench, console: Console) -> None:
    assert eventually(lambda: "pc-a" in console.run("show lldp neighbors"))
    console.run("configure terminal", f"interface {G1}", "shutdown", "end")
    assert eventually(lambda: "pc-a" not in console.run("show lldp neighbors"), 2)
    assert f"Interface {G1}, changed state to administratively down" in console.run("show logging")


def test_a_desk_moves_with_its_cable(bench: Bench, console: Console) -> None:
    console.run("configure terminal", f"interface {G3}", "switchport access vlan 30", "end")
    console.run("configure terminal", f"interface {G1}", "switchport access vlan 20", "shutdown", "no shutdown", "end")
    assert eventually(lambda: address_of("pc-a").startswith("10.20.20."))
    with pytest.raises(LabError, match="taken by pc-b"):
        bench.network.move("pc-a", "sw-a", G2)
    bench.network.move("pc-a", "sw-a", G3)
    try:
        assert eventually(lambda: address_of("pc-a").startswith("10.20.30."))
        assert re.search(r"Gi1/0/1 +notconnect", console.run("show interfaces status"))
        assert "0200.5e10.00a1" in console.run(f"show mac address-table interface {G3}")
    finally:
        bench.network.move("pc-a", "sw-a", G1)


def test_swapped_cables_and_a_strange_device(bench: Bench, console: Console) -> None:
    bench.network.swap("pc-a", "pc-c")
    try:
        assert eventually(lambda: "0200.5e10.00a3" in console.run(f"show mac address-table interface {G1}"))
    finally:
        bench.network.swap("pc-a", "pc-c")
    bench.network.plug(Desk("pc-d", MACS["pc-d"], "sw-a", G4))
    assert eventually(lambda: "0200.5e10.00a4" in console.run(f"show mac address-table interface {G4}"))
    bench.network.unplug("pc-d")
    assert eventually(lambda: re.search(r"Gi1/0/4 +notconnect", console.run("show interfaces status")) is not None, 3)
    with pytest.raises(LabError, match="no desk 'pc-d'"):
        bench.network.unplug("pc-d")


def test_a_trunk_carries_what_it_allows(bench: Bench, console: Console) -> None:
    """The PC behind a trunk is in the native VLAN; a list without it keeps it out."""
    lines = [f"interface {G1}", "switchport mode trunk", "switchport trunk native vlan 20"]
    console.run("configure terminal", *lines, "shutdown", "no shutdown", "end")
    assert eventually(lambda: address_of("pc-a").startswith("10.20.20."))
    console.run("configure terminal", f"interface {G1}", "switchport trunk allowed vlan 30", "end")
    console.run("clear mac address-table dynamic")
    time.sleep(6)  # longer than the PC is silent
    assert "0200.5e10.00a1" not in console.run(f"show mac address-table interface {G1}")


def test_counters_come_from_the_bridge_and_from_faults(bench: Bench, console: Console) -> None:
    packets = re.compile(r"(\d+) packets input")

    def count() -> int:
        found = packets.search(console.run(f"show interfaces {G1}"))
        return int(found[1]) if found else -1

    first = count()
    assert eventually(lambda: count() > first > 0)
    console.run(f"clear counters {G1}")
    assert count() < first + 5
    with misbehaving(bench.faults(), Faults(ports={G1: PortFault(crc=120, duplex="half", speed=100, flaps=14)})):
        assert re.search(r"Gi1/0/1 +connected +1 +a-half +a-100 ", console.run("show interfaces status"))
        assert " 120 CRC" in console.run(f"show interfaces {G1}")
    assert " 0 CRC" in console.run(f"show interfaces {G1}")


def test_a_cut_session_leaves_the_revert_timer_running(bench: Bench, console: Console) -> None:
    with misbehaving(bench.faults(), Faults(minute=6)):
        other = Console(bench)
        other.run("configure terminal revert timer 1", f"interface {G1}", "switchport access vlan 30")
        other.close()
        assert "vlan 30" in console.run(f"show running-config interface {G1}")
        assert eventually(lambda: "vlan 30" not in console.run(f"show running-config interface {G1}"), 30)


def test_the_connection_is_cut_in_the_middle(bench: Bench, console: Console) -> None:
    with misbehaving(bench.faults(), Faults(cut_after=2, cut_sessions=1)):
        other = Console(bench)
        other.channel.sendall(f"configure terminal\ninterface {G1}\nswitchport access vlan 30\nshutdown\n".encode())
        assert "shutdown" not in other.read(re.compile("(?!)"))
        assert other.channel.closed or not other.client.get_transport().is_active()  # type: ignore[union-attr] # it had one
        assert "vlan 30" in console.run(f"show running-config interface {G1}")
        again = Console(bench)  # the fault hits one session only
        assert "#" in again.run("configure terminal", f"interface {G1}", "no switchport access vlan", "end")
        again.close()


@pytest.mark.parametrize("early", [False, True])
def test_the_session_limit(bench: Bench, console: Console, early: bool) -> None:
    with misbehaving(bench.faults(), Faults(max_sessions=1, refuse_early=early)):
        if early:
            with pytest.raises((paramiko.SSHException, EOFError, OSError)):
                Console(bench)
        else:
            other = Console(bench)
            assert "Sorry, session limit reached." in other.greeting
            assert other.channel.exit_status_ready()
    Console(bench).close()


def test_no_privileges(bench: Bench) -> None:
    with misbehaving(bench.faults(), Faults(enable="no password set")):
        other = Console(bench)
        assert other.greeting.endswith("sw-a>")
        assert "% No password set" in other.run("enable")
        assert "Invalid input" in other.run("configure terminal")
        other.close()
    with misbehaving(bench.faults(), Faults(enable="error in authentication")):
        other = Console(bench)
        assert "% Error in authentication." in other.run("enable", bench.password)
        assert other.run("").endswith("sw-a>")
        other.close()


def test_paging(bench: Bench, console: Console) -> None:
    whole = console.run("show running-config")
    with misbehaving(bench.faults(), Faults(paging=True)):
        console.run("terminal length 0")
        paged = console.run("show running-config")
        assert paged.endswith(" --More-- ")
        assert paged.count("\n") == 24
        while paged.endswith(" --More-- "):
            console.channel.sendall(b" ")
            paged += console.read()
    assert re.sub(r" --More-- \x08{9} {8}\x08{9}", "", paged) == whole


def test_banners_and_log_messages_in_the_middle(bench: Bench) -> None:
    with misbehaving(bench.faults(), Faults(banner=BANNER, motd=BANNER, interrupt=3)):
        other = Console(bench)
        transport = other.client.get_transport()
        assert transport is not None
        assert b"sw# " in (transport.get_banner() or b"")
        assert "sw> is watched" in other.greeting
        broken = other.run("terminal length 0", "show version")
        assert re.search(r"\n[^\n*]+\n\*\w+ +\d+ \S+: %LINK-3-UPDOWN: [^\n]+\n[^\n*]+\n", broken)
        other.close()


def test_a_slow_line(bench: Bench, console: Console) -> None:
    """9600 baud are 960 characters a second, both ways."""
    fast = time.monotonic()
    text = console.run("show interfaces status")
    fast = time.monotonic() - fast
    with misbehaving(bench.faults(), Faults(baud=9600)):
        began = time.monotonic()
        assert console.run("show interfaces status") == text
        took = time.monotonic() - began
    assert len(text) / 960 <= took < len(text) / 960 + 3
    assert took > fast


def test_a_slow_sign_in_and_another_host_key(bench: Bench) -> None:
    began = time.monotonic()
    with misbehaving(bench.faults(), Faults(login_delay=1.0)):
        Console(bench).close()
    assert time.monotonic() - began >= 1.0
    with misbehaving(bench.faults(), Faults(host_key="other")), pytest.raises(paramiko.BadHostKeyException):
        Console(bench)
    Console(bench).close()


@pytest.mark.parametrize("line", ["", "^description"])
def test_a_reboot_brings_the_startup_configuration(bench: Bench, console: Console, line: str) -> None:
    console.run("configure terminal", f"interface {G1}", "description saved", "end", "write memory")
    console.run("configure terminal", f"interface {G1}", "description not saved", "end")
    with misbehaving(bench.faults(), Faults(reboot=1.0, reboot_on=line)):
        if line:
            console.channel.sendall(b"configure terminal\ninterface Gi1/0/2\ndescription x\n")
        assert eventually(lambda: not bench.switches.running(), 3)
        with pytest.raises(OSError, match="refused"):
            Console(bench)
        assert eventually(bench.switches.running, 5)
    again = Console(bench)
    assert "description saved" in again.run(f"show running-config interface {G1}")
    again.run("configure terminal", f"default interface {G1}", "end", "write memory")
    again.close()


# -- an Open vSwitch host


@pytest.fixture
def host(bench: Bench) -> Iterator[paramiko.SSHClient]:
    client = signed_in(bench, "127.77.49.22")
    yield client
    client.close()


def ran(host: paramiko.SSHClient, command: str) -> tuple[str, str, int]:
    _, output, errors = host.exec_command(command, timeout=20)
    return output.read().decode(), errors.read().decode(), output.channel.recv_exit_status()


def test_an_open_vswitch_host_takes_its_own_commands(bench: Bench, host: paramiko.SSHClient) -> None:
    assert ran(host, "ovs-vsctl set port p1 vlan_mode=access tag=30 -- set port p2 tag=20") == ("", "", 0)
    assert ran(host, "ovs-ofctl mod-port br0 p1 down")[2] == 0
    assert ran(host, "ovs-ofctl mod-port br0 p1 up")[2] == 0
    rows = json.loads(ran(host, "ovs-vsctl --format=json --columns=name,tag list port")[0])["data"]
    assert {row[0] for row in rows} == {"br0", *NATIVE}  # its own, and nobody else's
    assert ["p1", 30] in rows
    assert eventually(lambda: "30  02:00:5e:10:00:a3" in ran(host, "ovs-appctl fdb/show br0")[0])
    assert eventually(lambda: address_of("pc-c").startswith("10.20.30."))
    assert json.loads(ran(host, "ip -json link show p1")[0])[0]["ifname"] == "p1"


@pytest.mark.parametrize(
    "command",
    [
        "cat /etc/passwd",
        "ip netns list",
        "ip -n pl49-net link",
        "ip -batch /etc/passwd",
        "ovs-vsctl --db=unix:/x show",
        "ovs-appctl -t /x version",
        "ovs-vsctl show; id",
        "ip rule",
    ],
)
def test_it_runs_nothing_else(host: paramiko.SSHClient, command: str) -> None:
    output, errors, code = ran(host, command)
    assert (output, code != 0, errors != "") == ("", True, True)
