"""The lab's network: VLANs separate, desks get leases, two networks run at once, and nothing is left
behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.lab.network import Desk
from tests.lab.network_bench import MAC_A, MAC_B, PORTS, Bench

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def eventually(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def address(bench: Bench, desk: str) -> str:
    words = ran(
        "ip", "-n", bench.network.desk_namespace(desk), "-4", "-brief", "address", "show", "eth0"
    ).stdout.split()
    return words[2].partition("/")[0] if len(words) > 2 else ""


def traces(number: int) -> list[str]:
    """Everything of a bench that is on this machine."""
    prefix = f"pl{number}-"
    found = [line for line in ran("ip", "netns", "list").stdout.splitlines() if line.startswith(prefix)]
    found += [line for line in ran("ip", "-oneline", "link").stdout.splitlines() if f" {prefix}" in line]
    found += [line for line in ran("ss", "-ltnH").stdout.splitlines() if f"127.77.{number}." in line]
    return found


def processes(folder: Path) -> list[str]:
    """Command lines that name the bench's folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{folder}/" in words and "pytest" not in words:
            lines.append(words)
    return lines


def test_two_networks_at_once_and_nothing_left(tmp_path: Path) -> None:
    benches = [Bench.make(tmp_path / str(number), number) for number in (42, 43)]
    try:
        for bench in benches:
            bench.up()
            bench.up()  # a second time changes nothing
            assert bench.network.running()
            assert bench.switches.running()
            assert bench.files.running()
        for bench in benches:
            for switch, port in (("sw-a", PORTS[6]), ("sw-b", PORTS[2])):
                bench.type(switch, [f"interface {port}", "switchport access vlan 20"])
        for bench in benches:
            assert eventually(lambda bench=bench: address(bench, "pc-a").startswith("10.20.20."))  # type: ignore[misc] # called at once
            assert eventually(lambda bench=bench: address(bench, "pc-b").startswith("10.20.20."))  # type: ignore[misc] # called at once
    finally:
        for bench in benches:
            bench.down()
    for bench in benches:
        assert not bench.network.running()
        assert not bench.switches.running()
        assert traces(bench.number) == []
        assert processes(bench.folder) == []


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench.make(tmp_path, 46)
    try:
        made.up()
        yield made
    finally:
        made.down()


def test_vlans_separate_and_the_trunk_joins(bench: Bench) -> None:
    def pings() -> bool:
        return ran("ip", "netns", "exec", "pl46-pc-a", "ping", "-c1", "-W1", address(bench, "pc-b")).returncode == 0

    bench.type("sw-a", [f"interface {PORTS[6]}", "switchport access vlan 20"])
    bench.type("sw-b", [f"interface {PORTS[2]}", "switchport access vlan 20"])
    assert eventually(lambda: address(bench, "pc-a") != "" and address(bench, "pc-b") != "")
    assert eventually(pings, 5)
    bench.type("sw-b", [f"interface {PORTS[2]}", "switchport access vlan 30"])
    assert not pings()


def test_a_pc_without_carrier_loss_keeps_its_old_address(bench: Bench) -> None:
    """As on a real network, which is why the port is bounced when its VLAN changes."""
    port = f"interface {PORTS[6]}"
    bench.type("sw-a", [port, "switchport access vlan 20"])
    assert eventually(lambda: address(bench, "pc-a").startswith("10.20.20."))
    bench.type("sw-a", [port, "switchport access vlan 30"])
    assert not eventually(lambda: not address(bench, "pc-a").startswith("10.20.20."), 1.5)
    bench.type("sw-a", [port, "shutdown", "no shutdown"])
    assert eventually(lambda: address(bench, "pc-a").startswith("10.20.30."))
    assert MAC_A in bench.network.leases.read_text()
    assert MAC_B not in bench.network.leases.read_text()


def test_a_cable_can_be_pulled_and_plugged_elsewhere(bench: Bench) -> None:
    def status(port: str) -> str:
        with bench.pool() as pool, pool.session("switch:sw-a") as session:
            return str(session.show(f"show interfaces status | include ^{port} "))

    assert " connected " in status("Gi1/0/7")
    bench.network.unplug("pc-a")
    assert " notconnect " in status("Gi1/0/7")
    bench.network.plug(Desk("pc-a", MAC_A, "sw-a", PORTS[10]))
    assert " connected " in status("Gi1/0/11")
    bench.type("sw-a", [f"interface {PORTS[10]}", "shutdown"])
    assert " disabled " in status("Gi1/0/11")


def test_down_clears_what_a_crash_left(bench: Bench) -> None:
    for pidfile in bench.folder.rglob("*.pid"):
        ran("kill", "-KILL", pidfile.read_text().split()[0])
    assert eventually(lambda: not bench.network.running())
    bench.up()
    assert bench.network.running()
    bench.down()
    assert traces(46) == []
