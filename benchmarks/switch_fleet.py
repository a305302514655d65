"""Starts and steers the process of simulated switches (:mod:`benchmarks.many_switches`)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.many_switches import FleetSettings
from benchmarks.switch_scenarios import BEFORE, INTERFACES, UPLINKS, VLANS, Scenario, lines
from provisioning.lab.ssh_service import ensure_host_key, ensure_password, known_hosts_line

USER = "netops"


@dataclass(frozen=True)
class Seen:
    """What the switches say after somebody was at work on them. `wrong`: switch → what is not as it should be;
    `connections`, and the `most` at once; `memory` of their process, octets; seconds that it computed (`cpu`)."""

    wrong: dict[str, str]
    connections: int
    most: int
    left_open: int
    memory: int
    cpu: float


@dataclass(frozen=True)
class RunningFleet:
    """Switches that listen."""

    process: subprocess.Popen[str]
    addresses: dict[str, str]
    port: int
    known_hosts: Path
    password_file: Path

    def reset(self, round_trip: float) -> None:
        """All as before, `round_trip` seconds away."""
        self._ask({"do": "reset", "round_trip": round_trip})

    def look(self) -> Seen:
        """Who is not as the lines make them."""
        return Seen(**self._ask({"do": "look"}))

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if self.process.stdin is None or self.process.stdout is None:
            raise SystemExit("the switches cannot be talked to")
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return _answer(self.process)


def host_name(switch: str) -> str:
    """The name that its host key is known by, beside its address."""
    return f"{switch}.corp.example"


@contextmanager
def fleet_of(folder: Path, scenario: Scenario, number: int) -> Iterator[RunningFleet]:
    """As many switches as the scenario has, in `folder`, on port 2200 + `number` of 127.78.0.0/16."""
    folder.mkdir(parents=True, exist_ok=True)
    port = 2200 + number
    addresses = {f"bench-{i:04}": f"127.78.{i // 250}.{i % 250 + 1}" for i in range(scenario.switches)}
    key, password = ensure_host_key(folder / "host_key"), ensure_password(folder / "password")
    known_hosts = folder / "known_hosts"
    of_one = known_hosts_line("HOST", port, key).partition(" ")[2]
    names = (f"[{host_name(name)}]:{port},[{address}]:{port}" for name, address in addresses.items())
    known_hosts.write_text("".join(f"{both} {of_one}" for both in names), encoding="ascii")
    settings = FleetSettings(
        addresses=addresses,
        port=port,
        user=USER,
        password_file=str(password),
        host_key=str(key),
        folder=str(folder / "switches"),
        interfaces=INTERFACES,
        uplinks=UPLINKS,
        vlans={str(vlan): name for vlan, name in VLANS.items()},
        before=BEFORE,
        lines=lines(scenario),
    )
    file = folder / "fleet.json"
    file.write_text(json.dumps(asdict(settings)), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.many_switches", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _answer(process)
        yield RunningFleet(process, addresses, port, known_hosts, password)
    finally:
        _end(process)


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise SystemExit(f"the process of the switches ended ({process.wait()}); what it said stands above")
    found: dict[str, Any] = json.loads(line)
    return found


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 5:
        time.sleep(0.02)
    if process.poll() is None:
        process.kill()
    process.wait()
