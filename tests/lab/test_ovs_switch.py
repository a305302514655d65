"""An Open vSwitch host driven natively: its own commands over SSH on a real bridge, proven by the desk's DHCP lease."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections import shell, switch
from provisioning.connections.pool import Pool
from provisioning.connections.switch import SwitchSession
from provisioning.errors import CredentialError, RejectedError, UnreachableError, VerifyError
from provisioning.lab.file_server import FileHost
from provisioning.lab.network import Desk, Network, SwitchPlan
from provisioning.lab.switch import Faults, Switches, SwitchHost, misbehaving
from provisioning.resources.base import Address, Change, Outcome, Proof
from provisioning.resources.switch.counters import read_lines
from provisioning.resources.switch.port import PORT, SwitchPort
from provisioning.resources.switch.proofs import DESK_ON_PORT, LEASE
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site import network as site
from provisioning.site.base import Credential, Endpoint

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
NUMBER = 47
TARGET = "switch:ovs-a"
PORTS, UPLINKS = (*(f"p{n}" for n in range(1, 9)), "up1", "up2"), ("up1",)  # up2 is a trunk that only the host knows of
MAC = "02:00:5e:10:00:a7"
LEASES = "/var/lib/misc/dnsmasq.leases"
VLANS = {"staff": 20, "printers": 30, "voice": 120}
STAFF = SwitchPort(description="WS-0042 B-204 (2nd)", enabled=True, mode="access", access_vlan=20, voice_vlan=120)


class Bench:
    """One Open vSwitch host, one desk on p7, DHCP."""

    def __init__(self, folder: Path) -> None:
        subnets: dict[int, IPv4Network | None] = {vlan: IPv4Network(f"10.20.{vlan}.0/24") for vlan in VLANS.values()}
        plan = SwitchPlan("ovs-a", PORTS, ("up1", "up2"), dialect="ovs")
        self.folder = folder
        self.network = Network(folder / "network", NUMBER, [plan], subnets, [Desk("pc-a", MAC, "ovs-a", "p7")])
        host = SwitchHost(
            "ovs-a", "ovs-a.corp.example", f"127.77.{NUMBER}.21", PORTS, ("up1", "up2"), dialect="ovs"
        )  # fmt: skip
        password = folder / "switch-password"
        vlans = {vlan: name for name, vlan in VLANS.items()}
        self.switches = Switches(
            folder / "switches", [host], self.network, vlans, user="netops", password_file=password
        )
        self.files = FileHost(
            folder / "files", "dhcp.corp.example", f"127.77.{NUMBER}.50", {LEASES: self.network.leases},
            user="netops", password_file=password,
        )  # fmt: skip

    def up(self) -> None:
        self.network.up()
        self.switches.up()
        self.files.up()

    def down(self) -> None:
        self.files.down()
        self.switches.down()
        self.network.down()

    def pool(self, reference: str = "file:switch-password") -> Pool:
        login = Credential.model_validate({"user": "netops", "password": reference})
        endpoint = Endpoint(host="ovs-a.corp.example", port=22, address=IPv4Address(f"127.77.{NUMBER}.21"))
        ovs = site.Switch.model_validate({
            "ssh": endpoint, "dialect": "ovs", "credential": login, "known_hosts": self.switches.known_hosts,
            "closet": "C", "uplinks": UPLINKS,
        })  # fmt: skip
        dhcp = site.Dhcp(
            ssh=Endpoint(host="dhcp.corp.example", port=22, address=IPv4Address(f"127.77.{NUMBER}.50")),
            credential=Credential.model_validate({"user": "netops", "password": "file:switch-password"}),
            known_hosts=self.files.known_hosts,
            leases=LEASES,
        )
        vlans = {name: site.Vlan(id=vlan, subnet=IPv4Network(f"10.20.{vlan}.0/24")) for name, vlan in VLANS.items()}
        said: dict[str, Any] = {
            "folder": self.folder,
            "network": site.Network(vlans=vlans, switches={"ovs-a": ovs}, voice_vlan="voice", dhcp=dhcp),
        }
        secrets = Secrets(self.folder, self.folder / "handover")
        return Pool(
            Inventory.model_construct(**said), secrets, {"switch": switch.open_session, "dhcp": shell.open_session}
        )

    def column(self, session: SwitchSession, port: str, column: str) -> str:
        """What the host's own database says."""
        return session.show(f"ovs-vsctl get port {port} {column}").strip()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("ovs"))
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture
def pool(bench: Bench) -> Iterator[Pool]:
    with bench.pool() as opened:
        yield opened


@pytest.fixture
def session(pool: Pool) -> Iterator[SwitchSession]:
    """A session on ovs-a, whose desk ports are in VLAN 1 again and say nothing else."""
    with pool.session(TARGET) as opened:
        for port in PORTS[:8]:
            opened.configure([
                f"ovs-vsctl set port {port} vlan_mode=access tag=1 trunks=[] external_ids={{}} other_config={{}}",
                f"ip link set dev {port} up",
            ])  # fmt: skip
        yield opened


def apply(session: SwitchSession, **wanted: SwitchPort) -> list[Outcome]:
    changes = [Change(Address("switch.port", TARGET, port), None, state) for port, state in wanted.items()]
    return PORT.apply(session, changes)


def only_error(session: SwitchSession, wanted: SwitchPort, port: str = "p7") -> Any:
    return apply(session, **{port: wanted})[0].error


def test_a_vlan_change_moves_the_desk_for_real(pool: Pool, session: SwitchSession) -> None:
    for vlan in (20, 30, 20):
        assert only_error(session, STAFF.model_copy(update={"access_vlan": vlan})) is None
        lease = Proof("network.lease", "dhcp", "lease", {"mac": MAC, "subnet": f"10.20.{vlan}.0/24"})
        on_port = Proof("network.port", TARGET, "port", {"interface": "p7", "mac": MAC, "vlan": vlan})
        for result in (LEASE.check(pool, lease), DESK_ON_PORT.check(pool, on_port)):
            assert result.passed, result.detail
    assert {"vlan": "20", "mac": MAC, "port": "p7"}.items() <= next(
        row for row in session.dialect.rows("macs", session.show(session.dialect.tables["macs"].command))
        if row["mac"] == MAC and row["vlan"] == "20"
    ).items()  # fmt: skip


def test_apply_and_its_inverse_restore_the_port(bench: Bench, session: SwitchSession) -> None:
    given = ["ovs-vsctl set port p7 tag=30 'external_ids:description=\"Old desk\"'", "ip link set dev p7 down"]
    for lines in ([], given):
        session.configure(lines)
        former = {name: bench.column(session, "p7", name) for name in ("tag", "trunks", "vlan_mode", "external_ids")}
        before = PORT.read(session, ["p7"])["p7"]
        change = Change(Address("switch.port", TARGET, "p7"), STAFF.view_of(before), STAFF)
        assert PORT.apply(session, [change])[0].error is None
        assert STAFF.agrees_with(PORT.read(session, ["p7"])["p7"])
        assert bench.column(session, "p7", "vlan_mode") == "native-untagged"
        assert bench.column(session, "p7", "trunks") == "[120]"
        assert PORT.apply(session, [change.inverse()])[0].error is None
        assert {name: bench.column(session, "p7", name) for name in former} == former
        assert PORT.read(session, ["p7"])["p7"] == before


def test_a_desk_becomes_the_port_of_an_access_point_and_back(bench: Bench, session: SwitchSession) -> None:
    assert only_error(session, STAFF) is None
    ap = SwitchPort(description="AP-B2-07", mode="trunk", native_vlan=20, allowed_vlans={30: True, 120: True})
    before = PORT.read(session, ["p7"])["p7"]
    change = Change(Address("switch.port", TARGET, "p7"), ap.view_of(before), ap)
    assert PORT.apply(session, [change])[0].error is None
    assert bench.column(session, "p7", "trunks") == "[20, 30, 120]"
    more = SwitchPort(mode="trunk", allowed_vlans={40: True, 30: None})
    assert only_error(session, more) is None
    assert bench.column(session, "p7", "trunks") == "[20, 40, 120]"
    assert "its mode is trunk" in str(only_error(session, STAFF))  # a desk is never asked for where a trunk is
    assert PORT.apply(session, [change.inverse()])[0].error is None
    assert PORT.read(session, ["p7"])["p7"] == before


def test_all_ports_of_a_host_at_once(session: SwitchSession) -> None:
    outcomes = apply(session, **dict.fromkeys(PORTS[:8], STAFF))
    assert [outcome.error for outcome in outcomes] == [None] * 8


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        ("up1", "the site lists it as an uplink"),
        ("up2", "its mode is trunk"),
        ("br0", "no port for a cable"),
        ("p99", "has no interface p99"),
    ],
)
def test_ports_that_are_not_for_desks_are_refused(session: SwitchSession, port: str, reason: str) -> None:
    before = session.show("ovs-vsctl --columns=name,tag,trunks,vlan_mode,external_ids list port")
    error = only_error(session, STAFF, port)
    assert isinstance(error, RejectedError)
    assert reason in str(error)
    assert session.show("ovs-vsctl --columns=name,tag,trunks,vlan_mode,external_ids list port") == before


@pytest.mark.parametrize("rejected", ["tag=20", "trunks=120", "external_ids:description", "link set dev p7 up"])
def test_a_rejected_command_is_named_and_the_port_restored(bench: Bench, session: SwitchSession, rejected: str) -> None:
    session.configure(["ovs-vsctl set port p7 tag=30"])
    before = PORT.read(session, ["p7"])["p7"]
    with misbehaving(
        bench.switches.faults_file("ovs-a"), Faults(reject=f"(?:port|^ip) .*p7 .*{rejected}|^ip {rejected}")
    ):
        outcomes = apply(session, p7=STAFF, p8=SwitchPort(access_vlan=30))
    error = outcomes[0].error
    assert isinstance(error, RejectedError)
    assert re.search(rf"rejected the line '[^\n]*{rejected}[^\n]*\(ovs-vsctl: refused by the lab\)", str(error))
    assert outcomes[1].error is None
    after = PORT.read(session, ["p7"])["p7"]
    if "link" in rejected:  # what the host refuses to open stays shut, and is said
        assert "could not all be restored" in str(error)
        assert after == before.model_copy(update={"enabled": False})
    else:
        assert "its former lines are in place" in str(error)
        assert after == before


def test_a_value_that_the_database_does_not_take(session: SwitchSession) -> None:
    sent = session.send(
        ["ovs-vsctl set port p1 tag=30", "ovs-vsctl set port p2 tag=5000", "ovs-vsctl set port p3 tag=30"]
    )
    assert [(refused.index, refused.answer) for refused in sent.rejections] == [
        (1, "ovs-vsctl: constraint violation: 5000 is not in the valid range 0 to 4095 (inclusive)")
    ]
    tags = [PORT.read(session, ["p1", "p2", "p3"])[port].access_vlan for port in ("p1", "p2", "p3")]
    assert tags == [30, 1, 30]


def test_commands_that_are_ignored_silently_are_caught(bench: Bench, session: SwitchSession) -> None:
    with misbehaving(bench.switches.faults_file("ovs-a"), Faults(ignore="set port")):
        error = only_error(session, STAFF)
    assert isinstance(error, VerifyError)
    assert "access_vlan is 1 instead of 20" in str(error)


def test_a_connection_that_is_cut_in_mid_change(bench: Bench, pool: Pool, session: SwitchSession) -> None:
    with (
        misbehaving(bench.switches.faults_file("ovs-a"), Faults(drop="set port p7")),
        pytest.raises(UnreachableError, match="did not finish 'ovs-vsctl'"),
    ):
        apply(session, p7=STAFF)
    with pool.session(TARGET) as again:
        # The link went down before the connection did; nothing brings it up but the next run.
        assert PORT.read(again, ["p7"])["p7"].enabled is False
        assert only_error(again, STAFF) is None
        assert PORT.read(again, ["p7"])["p7"].enabled is True


def test_a_command_that_hangs(bench: Bench, session: SwitchSession) -> None:
    session.patience = 1.0
    with (
        misbehaving(bench.switches.faults_file("ovs-a"), Faults(hang="list interface")),
        pytest.raises(UnreachableError, match="did not finish"),
    ):
        PORT.read(session, ["p7"])


def test_a_wrong_password_is_tried_once(bench: Bench) -> None:
    (bench.folder / "wrong").write_text("wrong\n")
    (bench.folder / "wrong").chmod(0o600)
    with bench.pool("file:wrong") as pool, pytest.raises(CredentialError), pool.session(TARGET):
        pass


def test_the_lines_of_a_host_are_read(session: SwitchSession) -> None:
    assert only_error(session, STAFF) is None
    seen = read_lines(session)
    line = seen.lines["p7"]
    assert (line.status, line.carries) == ("up", "20")
    assert seen.lines["p1"].status == "down"
    assert line.counters["in_packets"] > 0
    assert "br0" not in seen.lines
