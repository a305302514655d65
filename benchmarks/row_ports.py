"""Switch ports, 20 ms away: 48 on one switch, 4 on each of 20, 4 on each of 1,000.

Four settings a port. The floor is a bare SSH connection that signs in, writes all lines in one go, saves and reads to
the last prompt: it reads nothing before, checks nothing, keeps nothing. Ours is the Python API as ``provision … --yes``
uses it, plan and apply, with all that belongs to it: reading before, the archive of configurations, the look at what
must be left alone, every line's answer, verification, journal, saving. The alternative is nornir with netmiko, as their
documentation shows them. Everybody is a process of its own, and what counts is the work alone: without start, imports
and loading the site. :mod:`benchmarks.switches` runs them too, and shows more of each.

The end state is what the switches themselves say (running and startup configuration, line for line that of a switch on
which the lines were typed). The switches are simulated and compute on the same machine, the round trip is imitated:
``benchmarks/README.md`` says what that means. Not shown: how long a real switch takes to carry out a line, or to print
its configuration, which ours asks for and bare does not.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks import switch_ansible
from benchmarks.measuring import Asked, Row, Times, at_most, faster
from benchmarks.switch_measuring import Result, contest
from benchmarks.switch_scenarios import SCENARIOS, Scenario

_PART = 100
"""Of a thousand switches nornir is given so many: all of them would take it minutes each time."""


def measure(asked: Asked) -> Iterator[Row]:
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    for name in ("one", "twenty", "thousand"):
        yield _row(asked, by_name[f"{name}-far"], by_name[name])


def _row(asked: Asked, far: Scenario, near: Scenario) -> Row:
    is_large = far.switches > _PART
    found = _measured(asked, far, ["bare", "ours"] if is_large else ["bare", "ours", "nornir"], asked.repeat)
    ours, floor = _times(found["ours"]), _times(found["bare"])
    if is_large:
        part = replace(far, switches=_PART)
        nornir = _measured(asked, part, ["nornir"], min(asked.repeat, 3))["nornir"]
        alternative = _times(nornir).times(far.switches / _PART)
    else:
        alternative = _times(found["nornir"])
    return Row(
        f"ports-{far.name.removesuffix('-far')}",
        far.title,
        replace(ours, way="Site.plan, Plan.apply: read, archive, look, write, verify, save, journal"),
        "running and startup configuration of every switch",
        replace(floor, way="paramiko, all lines in one write"),
        replace(alternative, way="nornir and netmiko, send_config and save_config"),
        [at_most(ours, floor, 1.5), faster(ours, alternative, 3, name="nornir + netmiko")],
        {**_figures(found), **({} if is_large else _others(asked, far) | _near(asked, near))},
        "simulated switches, which compute on the same cores; the round trip is imitated",
    )


def _figures(found: Mapping[str, Result]) -> dict[str, float]:
    """What a reader may want to know beside the seconds."""
    ours, bare = found["ours"], found["bare"]
    return {
        "ours: plan s": ours.parts["plan"],
        "ours: apply s": ours.parts["apply"],
        "ours: CPU ms a switch": 1000 * statistics.median(ours.cpu) / ours.switches,
        "floor: CPU ms a switch": 1000 * statistics.median(bare.cpu) / bare.switches,
        "ours: CPU ms a switch, of the simulated switch": 1000 * statistics.median(ours.switches_cpu) / ours.switches,
        "floor: CPU ms a switch, of the simulated switch": 1000 * statistics.median(bare.switches_cpu) / bare.switches,
        "ours: MiB": ours.memory / 2**20,
    }


def _near(asked: Asked, near: Scenario) -> dict[str, float]:
    found = _measured(asked, near, ["bare", "ours"], min(asked.repeat, 3))
    return {
        f"without the round trip: {name} s": found[key].median for name, key in (("ours", "ours"), ("floor", "bare"))
    }


def _others(asked: Asked, far: Scenario) -> dict[str, float]:
    """What else people use: seconds of one turn each."""
    ways = {"netmiko": "netmiko send_config_set s"}
    if (why := switch_ansible.has_collection(asked.ansible)) is None:
        ways |= {"ansible-block": "Ansible ios_config s", "ansible-resources": "Ansible resource modules s"}
    else:
        asked.note(f"Ansible is left out: {why}")
    found = _measured(asked, far, list(ways), 1)
    return {title: found[way].median for way, title in ways.items()}


def _measured(asked: Asked, scenario: Scenario, names: Sequence[str], repeat: int) -> dict[str, Result]:
    return {result.contestant: result for result in contest(scenario, names, replace(asked, repeat=repeat))}


def _times(result: Result) -> Times:
    return Times(result.contestant, result.seconds)
