"""Contestants take turns on the same simulated switches, which are looked at afterwards: one that is otherwise than the
lines make it ends the benchmark. Each contestant is a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import switch_ansible
from benchmarks.measuring import Asked
from benchmarks.switch_fleet import RunningFleet, Seen, fleet_of
from benchmarks.switch_job import Job, Told
from benchmarks.switch_scenarios import Scenario


@dataclass(frozen=True)
class Result:
    """One contestant in one scenario: seconds of each repetition (of its work; that it computed; of its whole process),
    of parts of it, what the switches saw, its memory in octets; seconds that the simulated switches computed."""

    scenario: str
    switches: int
    contestant: str
    seconds: Sequence[float]
    cpu: Sequence[float]
    process_seconds: Sequence[float]
    parts: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0
    connections: int = 0
    most: int = 0
    switches_cpu: Sequence[float] = ()
    apply_seconds: Sequence[float] = ()
    apply_cpu: Sequence[float] = ()

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def apply(self) -> Result | None:
        """Ours without the plan: what a person waits for who confirmed it."""
        return replace(self, seconds=self.apply_seconds, cpu=self.apply_cpu) if self.apply_seconds else None


def contest(scenario: Scenario, names: Sequence[str], asked: Asked) -> Iterator[Result]:
    """All contestants as often as is asked for, in turn."""
    told: dict[str, list[tuple[Told, float, Seen]]] = defaultdict(list)
    repeat = asked.repeat
    with (
        tempfile.TemporaryDirectory(prefix="switches-") as place,
        fleet_of(Path(place), scenario, asked.number) as fleet,
    ):
        for turn in range(repeat):
            shift = turn % len(names)
            for name in [*names[shift:], *names[:shift]]:
                fleet.reset(scenario.round_trip)
                one, whole = _run(name, _job(scenario, fleet, Path(place) / f"{name}-{turn}"), asked.ansible)
                seen = fleet.look()
                if seen.wrong:
                    raise SystemExit(f"{name}, {scenario.title}: {len(seen.wrong)} switches are wrong: {seen.wrong}")
                told[name].append((one, whole, seen))
                asked.note(f"{scenario.name} {turn + 1}/{repeat} {name}: {one.seconds:.2f} s")
    for name in names:
        yield _result(scenario, name, told[name])


def _result(scenario: Scenario, name: str, told: Sequence[tuple[Told, float, Seen]]) -> Result:
    parts = {part: statistics.median(one.parts[part] for one, _, _ in told) for part in told[0][0].parts}
    return Result(
        scenario.name,
        scenario.switches,
        name,
        [one.seconds for one, _, _ in told],
        [one.cpu for one, _, _ in told],
        [whole for _, whole, _ in told],
        parts,
        max(one.memory for one, _, _ in told),
        max(seen.connections for _, _, seen in told),
        max(seen.most for _, _, seen in told),
        [seen.cpu for _, _, seen in told],
        [one.parts["apply"] for one, _, _ in told if "apply" in one.parts],
        [one.parts["apply CPU"] for one, _, _ in told if "apply CPU" in one.parts],
    )


def _job(scenario: Scenario, fleet: RunningFleet, folder: Path) -> Job:
    folder.mkdir(mode=0o700)
    return Job(
        scenario, fleet.addresses, fleet.port, "netops", str(fleet.password_file), str(fleet.known_hosts), str(folder)
    )


def _run(name: str, job: Job, ansible: Path) -> tuple[Told, float]:
    if name.startswith("ansible-"):
        seconds = switch_ansible.run(job, name.removeprefix("ansible-"), ansible)
        return Told(seconds), seconds
    file = Path(job.folder) / "job.json"
    job.write(file)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.switch_child", name, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    whole = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}; what it said stands above")
    return Told(**json.loads(done.stdout.splitlines()[-1])), whole
