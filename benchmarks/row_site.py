"""``site-1000``, ``site-10000``, ``site-100000``: a site of that many seats is read, validated, compiled and planned.

A seat is a person, a desk, an outlet, a switch port and a PC; 48 share a switch (:mod:`benchmarks.large_site`). No
system is asked for anything, so this is what this program itself adds to a command.

Everybody works in a fresh process, and what is given is the processor's seconds of the work alone, without start and
imports (row ``startup`` has those). *Ours* is reading and validating the folder. The *floor* parses the same files and
looks at nothing. The *alternative* is ``ansible-inventory --list`` of a plain YAML inventory with the same hosts and
variables: people, outlets and desks are only variables there, and nothing is checked, so it does less than ours. It is
given in the processor's seconds too, of the whole process (half a second of that is Ansible's own start). It takes
10 ms a host, so it is timed once, and not at all at 100,000.

The figures say what follows on loading: compiling the request for the whole site, and the plan (reading from systems
that answer at once and hold nothing, comparing, ordering the changes).
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.large_site import write_large_site
from benchmarks.measuring import Asked, Goal, Row, Times, child, in_turn, within

SEATS = (1_000, 10_000, 100_000)
_MOST_LISTED = 10_000
_LINEAR = 1.3
_TABLES = ("outlets", "people", "workplaces", "workstations")


def measure(asked: Asked) -> Iterator[Row]:
    """A row for each size."""
    smaller = None
    for seats in SEATS:
        row = _row(asked, seats, smaller)
        smaller = row.figures["whole"] / seats
        yield row


def _row(asked: Asked, seats: int, smaller: float | None) -> Row:
    folder = asked.folder / str(seats)
    write_large_site(folder, seats)
    figures: dict[str, list[float]] = {}
    times = in_turn(
        {
            "ours": lambda: _load(folder, seats, figures),
            "floor": lambda: _parse(folder, seats, figures),
            "whole": lambda: _plan(folder, figures),
        },
        asked.repeat,
        asked.note,
    )
    whole = times["whole"].median
    goals = []
    if seats == 10_000:
        goals.append(within("read and validate", times["ours"].median, 3, "s"))
        goals.append(within("compile and plan the whole site too", whole, 3, "s"))
    if seats == 100_000 and smaller is not None:
        goals.append(Goal(f"time of a seat ≤ {_LINEAR:g} × that at 10,000", whole / seats <= _LINEAR * smaller))
    listed = _listed(asked, folder, seats)
    found = {name: sorted(numbers)[len(numbers) // 2] for name, numbers in figures.items()}
    shutil.rmtree(folder)
    return Row(
        f"site-{seats}",
        f"read and validate a site of {seats:,} seats",
        Times("load and validate", times["ours"].seconds),
        "every contestant found the same number of people, desks, outlets and PCs",
        Times("csv and libyaml alone", times["floor"].seconds),
        listed,
        goals,
        {"whole": whole, **found, "ms a seat, whole": 1000 * whole / seats},
        "whole: load, validate, compile and plan the whole site on systems that hold nothing. "
        + ("ansible-inventory: one process, timed once." if listed else "ansible-inventory: not timed at this size."),
    )


def _processor() -> float:
    """Seconds that processes took which this one started and which ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _job(task: str, folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(child("benchmarks.site_job", task, str(folder))[1])
    return told


def _load(folder: Path, seats: int, figures: dict[str, list[float]]) -> float:
    told = _job("load", folder)
    _same(told, seats)
    figures.setdefault("MiB, load", []).append(told["mib"])
    return float(told["seconds"]["load"])


def _parse(folder: Path, seats: int, figures: dict[str, list[float]]) -> float:
    told = _job("parse", folder)
    _same(told, seats)
    figures.setdefault("MiB, floor", []).append(told["mib"])
    return float(told["seconds"]["parse"])


def _plan(folder: Path, figures: dict[str, list[float]]) -> float:
    told = _job("plan", folder)
    for step, seconds in told["seconds"].items():
        figures.setdefault(step, []).append(seconds)
    figures.setdefault("MiB, whole", []).append(told["mib"])
    figures.setdefault("resources", []).append(told["resources"])
    return float(sum(told["seconds"].values()))


def _same(told: dict[str, Any], seats: int) -> None:
    if any(told["rows"][table] != seats for table in _TABLES):
        raise SystemExit(f"not {seats} of each: {told['rows']}; the benchmark is wrong")


def _listed(asked: Asked, folder: Path, seats: int) -> Times | None:
    """Seconds of Ansible, where it is there and the size is bearable."""
    program = asked.ansible.with_name("ansible-inventory")
    if seats > _MOST_LISTED or not program.exists():
        return None
    from benchmarks.ansible_inventory import plain_inventory  # noqa: PLC0415  (it needs Ansible)
    from provisioning.ansible_door.inventory import listing  # noqa: PLC0415
    from provisioning.site.load import load  # noqa: PLC0415

    inventory = folder.parent / f"{seats}.yml"
    plain = plain_inventory(listing(load(folder)))
    inventory.write_text(yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
    began = _processor()
    done = subprocess.run(
        [str(program), "-i", str(inventory), "--list"],
        cwd=folder.parent,
        env=os.environ | {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    took = _processor() - began
    asked.note(f"ansible-inventory: {took:.1f} s")
    hosts = json.loads(done.stdout)["_meta"]["hostvars"]
    if sum(name.startswith("WS-") for name in hosts) != seats:
        raise SystemExit(f"Ansible listed {len(hosts)} hosts, not {seats} PCs: the benchmark is wrong")
    inventory.unlink()
    return Times("ansible-inventory --list of plain YAML", [took])
