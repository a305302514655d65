"""Checks of the lines on the lab's switches: real ports with real traffic, and lines that are bad on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site
from provisioning.lab.network import Desk
from provisioning.lab.switch import misbehaving
from provisioning.lab.switch.faults import PortFault
from provisioning.procedures.lines import LineFinding
from provisioning.secrets import Secrets
from provisioning.site.equipment import Equipment
from provisioning.site.line_checks import LineChecks
from provisioning.site.network import Closet, Outlet
from provisioning.site.workplaces import Workplace, Workstation
from provisioning.worker import Errands
from tests.lab.network_bench import MAC_A, MAC_B, PORTS, Bench, Faults

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]
DESK, PRINTER, SPARE = PORTS[6], PORTS[2], PORTS[8]
STRANGER = "02:00:5e:99:00:01"


@dataclass(frozen=True)
class BenchSite(Site):
    """The small network as a site; its secrets lie in its folder."""

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self.inventory.folder, self.inventory.folder / "handover")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench.make(tmp_path_factory.mktemp("bench"), 55)
    try:
        made.up()
        made.type("sw-b", [
            f"interface {PRINTER}", "description Hall O-B printer", "switchport mode access",
            "switchport access vlan 30", "exit",
        ])  # fmt: skip
        made.type("sw-a", [f"interface {DESK}", "switchport mode access", "switchport access vlan 20", "exit"])
        yield made
    finally:
        made.down()


@pytest.fixture
def site(bench: Bench, tmp_path: Path) -> Iterator[BenchSite]:
    rules = LineChecks(slow=True, period="5 min", errors=10)
    inventory = bench.inventory(uplinks=PORTS[-2:])
    here: dict[str, Any] = {
        "ledger": tmp_path / "ledger.sqlite",
        "network": inventory.network.model_copy(update={"lines": rules}),
        "closets": {"C": Closet(room="K1", panels={"P1": 24})},
        "outlets": {
            "O-A": Outlet(closet="C", panel="P1", panel_port=1, switch="sw-a", switch_port=DESK),
            "O-B": Outlet(closet="C", panel="P1", panel_port=2, switch="sw-b", switch_port=PRINTER),
        },
        "workplaces": {"D-1": Workplace(building="B", room="1", outlet="O-A")},
        "workstations": {"PC-A": Workstation(asset_tag="1", mac=MAC_A, host="pc-a.corp.example", workplace="D-1")},
        "equipment": {"printer": Equipment(kind="printer", room="Hall", outlet="O-B", vlan="printers", mac=MAC_B)},
        "people": {},
        "profiles": {},
    }
    made = BenchSite(inventory.model_copy(update=here))
    yield made
    if "ledger" in vars(made):
        made.ledger.close()


def faulty(bench: Bench, switch: str, **ports: PortFault) -> Any:
    named = {f"GigabitEthernet1/0/{name.lstrip('p')}": fault for name, fault in ports.items()}
    return misbehaving(bench.switches.faults_file(switch), Faults(ports=named))


def found(findings: tuple[LineFinding, ...]) -> set[tuple[str, str, str]]:
    return {(finding.switch, finding.shown, finding.sort) for finding in findings}


def heard(site: BenchSite, switch: str, mac: str) -> None:
    """Wait until the switch has seen the device."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with site.connect() as pool, pool.session(f"switch:{switch}") as session:
            if any(row["mac"] == mac for row in session.dialect.rows("macs", session.show("show mac address-table"))):
                return
        time.sleep(0.5)
    pytest.fail(f"{switch} does not see {mac}")


def test_sound_lines_are_fine(site: BenchSite) -> None:
    heard(site, "sw-a", MAC_A)
    heard(site, "sw-b", MAC_B)
    report = site.lines()
    assert report.is_whole
    assert [finding.sentence for finding in report.findings] == []
    assert [note for switch in report.switches for note in switch.notes] == []
    states = {(s.name, p.port): p for s in report.switches for p in s.ports}
    assert (states["sw-a", DESK].status, states["sw-a", DESK].speed, states["sw-a", DESK].place) == (
        "up", 1000, "desk D-1, PC-A",
    )  # fmt: skip
    assert states["sw-a", SPARE].status == "down"
    assert states["sw-a", PORTS[-1]].uplink


def test_bad_lines_are_found_and_said_what_to_do(bench: Bench, site: BenchSite) -> None:
    site.lines()
    bad = {
        "p7": PortFault(crc=700, duplex="half", speed=100, late_collisions=50, collisions=900),
        "p9": PortFault(error_disabled="bpduguard"),
        "p11": PortFault(poe="faulty"),
    }
    with faulty(bench, "sw-a", **bad):
        report = site.lines()
    assert {("sw-a", "Gi1/0/7", "duplex"), ("sw-a", "Gi1/0/7", "errors")} <= found(report.findings)
    assert {("sw-a", "Gi1/0/9", "shut down"), ("sw-a", "Gi1/0/11", "power")} <= found(report.findings)
    duplex = next(finding for finding in report.findings if finding.sort == "duplex")
    assert duplex.says.startswith("runs in half duplex at 100 Mbit/s, with 50 late collisions in")
    assert not report.is_clean
    # Counters that go back are those of a device that was restarted; what it counted before still counts.
    after = site.lines("sw-a")
    assert found(after.findings) == {("sw-a", "Gi1/0/7", "errors")}
    assert any("went back" in note for note in after.switches[0].notes)


def test_drift_of_a_port_is_found(bench: Bench, site: BenchSite) -> None:
    bench.type("sw-b", [f"interface {PRINTER}", "switchport access vlan 20", "exit"])
    try:
        [drift] = [finding for finding in site.lines().findings if finding.sort == "drift"]
    finally:
        bench.type("sw-b", [f"interface {PRINTER}", "switchport access vlan 30", "exit"])
    assert (drift.switch, drift.port, drift.says) == ("sw-b", PRINTER, "access VLAN is 20, expected 30")


def test_a_device_that_nobody_knows(bench: Bench, site: BenchSite) -> None:
    bench.network.plug(Desk("stranger", STRANGER, "sw-a", SPARE))
    try:
        heard(site, "sw-a", STRANGER)
        [unknown] = site.lines().findings
    finally:
        bench.network.unplug("stranger")
    assert (unknown.shown, unknown.sort) == ("Gi1/0/9", "unknown port")
    assert STRANGER in unknown.says


def test_a_switch_that_goes_away_in_the_middle_holds_up_nobody_else(bench: Bench, site: BenchSite) -> None:
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(drop="show interfaces")):
        report = site.lines()
    assert not report.is_whole
    assert [bool(switch.error) for switch in report.switches] == [True, False]
    assert len(report.switches[1].ports) == len(PORTS)


def test_a_log_message_in_the_middle_of_it_changes_nothing(bench: Bench, site: BenchSite) -> None:
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(chatter=True)):
        report = site.lines()
    assert report.is_whole
    assert len(report.switches[0].ports) == len(PORTS)
    assert report.findings == ()


def test_what_is_not_offered_is_left_out(bench: Bench, site: BenchSite) -> None:
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(reject="power inline|lldp|cdp")):
        report = site.lines()
    assert report.is_whole
    assert report.findings == ()


def test_a_worker_tells_of_a_bad_line_once(bench: Bench, site: BenchSite) -> None:
    errands = Errands(site)
    with faulty(bench, "sw-a", p11=PortFault(poe="faulty")):
        first, second = (errands._lines(number) for number in (1, 2))
    assert "1 new finding. sw-a Gi1/0/11: gives no power" in first
    assert second.endswith("nothing new (1 finding known).")


def test_a_check_waits_for_somebody_who_is_at_work_on_the_switch(site: BenchSite) -> None:
    site.lines("sw-b")  # the ledger is there, and so are its locks
    ours: list[Any] = []
    thread = threading.Thread(target=lambda: ours.append(site.lines("sw-a")))
    with site.reading() as theirs, theirs.session("switch:sw-a"):
        thread.start()
        thread.join(3)
        assert thread.is_alive()
        assert not ours
    thread.join(30)
    assert ours[0].is_whole
