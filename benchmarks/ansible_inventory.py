"""How fast a large site is listed by Ansible: ``python -m benchmarks.ansible_inventory`` (about five minutes).

A site with that many seats (10,000) is written to a temporary folder: people, PCs, desks, outlets, switches. The
inventory plugin lists it, and beside it Ansible lists a plain YAML inventory that holds the same hosts, variables and
groups, which is the least that Ansible takes for so many. Both take turns; both must say the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from benchmarks.large_site import write_large_site
from provisioning.ansible_door.inventory import Listing, listing
from provisioning.api import Site


def main() -> int:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--repeat", type=int, default=5, help="how often each is timed (5)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="inventory-") as scratch:
        folder = Path(scratch)
        write_large_site(folder / "site", chosen.seats)
        ours = folder / "office.workplace.yml"
        ours.write_text("plugin: workplace.provisioning.site\nsite: site\n", encoding="utf-8")
        shares, found = _shares(folder / "site")
        plain = folder / "plain.yml"
        plain.write_text(yaml.dump(plain_inventory(found), Dumper=_Dumper, sort_keys=False), encoding="utf-8")
        empty = folder / "empty.yml"
        empty.write_text("all: {hosts: {one: {}}}\n", encoding="utf-8")
        _compare(ours, plain)
        _print_table({"our plugin": ours, "plain YAML": plain, "one host (Ansible itself)": empty}, chosen.repeat)
        print(f"of our plugin: {', '.join(f'{what} {seconds:.2f} s' for what, seconds in shares)}")  # noqa: T201
    return 0


_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _print_table(contestants: dict[str, Path], repeat: int) -> None:
    """Everybody once a round, another one first each time."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(repeat):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(_seconds(lambda name=name: listed(contestants[name])))  # type: ignore[misc]
    print(f"{'ansible-inventory --list of':<28} {'median s':>9} {'fastest':>9} {'slowest':>9}")  # noqa: T201
    for name, seconds in times.items():
        print(f"{name:<28} {median(seconds):9.2f} {min(seconds):9.2f} {max(seconds):9.2f}", flush=True)  # noqa: T201


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def listed(inventory: Path) -> str:
    """What ``ansible-inventory --list`` says, in a folder without an ansible.cfg."""
    words = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(inventory), "--list"]
    environment = os.environ | {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    done = subprocess.run(words, cwd=inventory.parent, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _compare(ours: Path, plain: Path) -> None:
    """Both inventories must have the same hosts, variables and groups."""
    one, other = (json.loads(listed(path)) for path in (ours, plain))
    if one["_meta"]["hostvars"] != other["_meta"]["hostvars"] or one.keys() != other.keys():
        raise SystemExit("the two inventories differ: the benchmark is wrong")


def _shares(folder: Path) -> tuple[list[tuple[str, float]], Listing]:
    """Seconds of what is ours, within this process: reading the site, and making hosts and groups of it."""
    begin = time.perf_counter()
    site = Site.load(folder).wired
    read = time.perf_counter()
    found = listing(site)
    return [("the site is read in", read - begin), ("hosts and groups made in", time.perf_counter() - read)], found


def plain_inventory(found: Listing) -> dict[str, Any]:
    """A listing as a YAML inventory would have it."""
    inside = {child for children in found.children.values() for child in children}
    groups: dict[str, Any] = {group: {"hosts": dict.fromkeys(names)} for group, names in found.groups.items()}
    for group, children in found.children.items():
        groups[group] = {"children": {child: groups[child] for child in children}}
    for group in ("workstations", "in_store", "switches"):  # every host is in one of them
        groups[group]["hosts"] = {name: found.hosts[name] for name in found.groups[group]}
    site = next(iter(found.hosts.values()))["provision_site"]
    top = {group: one for group, one in groups.items() if group not in inside}
    return {"all": {"children": top, "vars": {"provision_site": site, "workplace_sites": [site]}}}


if __name__ == "__main__":
    raise SystemExit(main())
