"""`find` on real switches: desks that move, addresses by lease, a dead switch, log messages in the middle of output."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioning.api.finding import Finding, find
from provisioning.connections import shell, switch
from provisioning.connections.pool import Pool
from provisioning.lab.network import Desk
from provisioning.lab.switch import misbehaving
from provisioning.ledger import Ledger
from provisioning.reports.finding import finding as as_text
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.lab.network_bench import MAC_A, MAC_B, PORTS, Bench, Faults

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"


@dataclass(frozen=True)
class Network:
    """The bench as a site: WS-0042 belongs on sw-a port 7, WS-0043 on sw-b port 3."""

    bench: Bench
    wired: Inventory
    has_ledger = False

    @property
    def ledger(self) -> Ledger:
        raise NotImplementedError

    @classmethod
    def of(cls, bench: Bench) -> Network:
        example = load(EXAMPLE)
        outlets, pcs = dict(example.outlets), dict(example.workstations)
        for pc, outlet, mac, name, port in (
            ("WS-0042", "B2-04C", MAC_A, "sw-a", PORTS[6]),
            ("WS-0043", "B2-04A", MAC_B, "sw-b", PORTS[2]),
        ):
            outlets[outlet] = outlets[outlet].model_copy(update={"switch": name, "switch_port": port})
            pcs[pc] = pcs[pc].model_copy(update={"mac": mac})
        network = bench.inventory().network
        parts = {"network": network, "outlets": outlets, "workstations": pcs, "folder": bench.folder}
        return cls(bench, example.model_copy(update=parts))

    @contextmanager
    def reading(self, listener: object = None, purpose: str = "a plan") -> Iterator[Pool]:
        secrets = Secrets(self.bench.folder, self.bench.folder / "handover")
        with Pool(self.wired, secrets, {"switch": switch.open_session, "dhcp": shell.open_session}) as pool:
            yield pool


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench.make(tmp_path_factory.mktemp("bench"), 52)
    try:
        made.up()
        for name, port in (("sw-a", PORTS[6]), ("sw-b", PORTS[2])):
            made.type(name, [f"interface {port}", "switchport access vlan 20"])
        yield made
    finally:
        made.down()


@pytest.fixture
def site(bench: Bench) -> Network:
    return Network.of(bench)


def eventually(site: Network, text: str, what: Callable[[Finding], bool], seconds: float = 20.0) -> Finding:
    """What `find` says as soon as `what` holds, or at last."""
    deadline = time.monotonic() + seconds
    while not what(found := find(site, text)) and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


def test_a_pc_is_where_the_site_says(site: Network) -> None:
    found = eventually(site, "WS-0042", lambda found: found.agrees)
    one = found.located[0]
    assert (one.verdict, found.unread, found.remarks) == ("agrees", {}, ())
    place = one.places[0]
    assert (place.at.switch, place.at.port, place.vlans) == ("sw-a", PORTS[6], (20,))
    assert place.at.link is not None
    assert (place.at.link.status, place.at.link.vlan, place.at.link.speed) == ("connected", "20", 1000)
    assert place.at.activity is not None
    assert place.at.activity.last_change


def test_every_name_of_it(site: Network) -> None:
    eventually(site, "WS-0042", lambda found: found.agrees)
    for text in ("petrova", "0200.5e10.00a1"):
        assert find(site, text).agrees, text
    for text in ("B2-04C", "sw-a:Gi1/0/7"):
        both = {one.device.name: one.verdict for one in find(site, text).located}
        assert both == {"WS-0042": "agrees", "phone-204-3": "not seen"}, "nobody plugged the telephone in"


def test_an_address_by_its_lease(site: Network) -> None:
    leases = site.bench.network.leases
    deadline = time.monotonic() + 20
    while MAC_A not in leases.read_text() and time.monotonic() < deadline:
        time.sleep(0.3)
    address = next(line.split()[2] for line in leases.read_text().splitlines() if MAC_A in line)
    assert eventually(site, address, lambda found: found.agrees).located[0].device.name == "WS-0042"


def test_log_messages_in_the_middle_of_output(site: Network) -> None:
    eventually(site, "WS-0042", lambda found: found.agrees)
    for faults in (Faults(chatter=True), Faults(interrupt=3)):
        with misbehaving(site.bench.switches.faults_file("sw-a"), faults):
            found = find(site, "WS-0042")
        assert found.agrees, (faults, as_text(found.to_document()).plain)
        assert found.remarks == ()


def test_a_pc_that_was_moved_is_found_elsewhere_and_back(site: Network) -> None:
    eventually(site, "WS-0042", lambda found: found.agrees)
    network = site.bench.network
    site.bench.type("sw-b", [f"interface {PORTS[9]}", "switchport access vlan 20"])
    network.unplug("pc-a")
    network.plug(Desk("pc-a", MAC_A, "sw-b", PORTS[9]))
    try:
        found = eventually(site, "WS-0042", lambda found: found.located[0].verdict == "elsewhere")
        assert [(p.at.switch, p.at.port) for p in found.located[0].places] == [("sw-b", PORTS[9])]
        assert f"should be on  sw-a {PORTS[6]}" in as_text(found.to_document()).plain
        outlet = find(site, "B2-04C").ports[0]
        assert outlet.link is not None
        assert outlet.link.status == "notconnect"
    finally:
        network.unplug("pc-a")
        network.plug(Desk("pc-a", MAC_A, "sw-a", PORTS[6]))
    assert eventually(site, "WS-0042", lambda found: found.agrees).agrees


def test_a_dead_switch_is_named_and_the_rest_answered(site: Network) -> None:
    eventually(site, "WS-0042", lambda found: found.agrees)
    with misbehaving(site.bench.switches.faults_file("sw-b"), Faults(drop="^show")):
        assert find(site, "WS-0042").agrees
        found = find(site, "WS-0043")
    assert list(found.unread) == ["sw-b"]
    assert found.located[0].verdict in {"behind", "not seen"}
    assert not found.agrees
