"""How fast a large site is listed by Ansible: ``python -m benchmarks.ansible_inventory`` (about five minutes).

A site with that many seats (10,000) is written to a temporary folder: people, PCs, desks, outlets, switches. The
inventory plugin lists it, and beside it Ansible lists a plain YAML inventory that holds the same hosts, variables and
groups, which is the least that Ansible takes for so many. Both take turns; both must say the same.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from provisioning.ansible_door.inventory import Listing, listing
from provisioning.api import Site

EXAMPLE = Path(__file__).parents[1] / "inventories/example"
_PORTS, _SWITCHES_IN_CLOSET, _DESKS_IN_ROOM, _ROOMS_IN_BUILDING = 48, 6, 4, 250
_PROFILES = (("sales", "Sales"), ("accounting", "Accounting"), ("engineer", "Engineering"), ("it-support", "IT"))


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


# -- the site ----------------------------------------------------------------------------------------------


def write_large_site(folder: Path, seats: int) -> None:
    """The example site with its own desks replaced by `seats` others, each with a person and a PC."""
    shutil.copytree(EXAMPLE, folder)
    for name in ("phones.yml", "files.yml", "printers.yml", "equipment.csv", "approvals.yml", "leavers.yml"):
        (folder / name).unlink()
    _trim(folder)
    switches = -(-seats // _PORTS)
    _write(folder / "closets.yml", yaml.safe_dump({"closets": dict(_closets(switches))}))
    network = yaml.safe_load((folder / "network.yml").read_text(encoding="utf-8"))
    model = network["network"]["switches"]["sw-b2-1"]
    network["network"]["switches"] = dict(_switches(switches, model))
    _write(folder / "network.yml", yaml.safe_dump(network))
    _table(folder / "outlets.csv", "outlet,closet,panel,panel_port,switch,switch_port", _outlets(seats))
    _table(folder / "workplaces.csv", "workplace,building,room,outlet", _desks(seats))
    _table(folder / "workstations.csv", "workstation,asset_tag,mac,model,host,workplace", _pcs(seats))
    _table(folder / "people.csv", "person,given_name,family_name,department,profile,workplace", _people(seats))


def _trim(folder: Path) -> None:
    """Without what would name things that are gone."""
    profiles = yaml.safe_load((folder / "profiles.yml").read_text(encoding="utf-8"))
    for profile in profiles["profiles"].values():
        profile.pop("shares", None)
        profile.pop("phone_class", None)
    _write(folder / "profiles.yml", yaml.safe_dump(profiles, allow_unicode=True))
    site = (folder / "site.yml").read_text(encoding="utf-8")
    _write(folder / "site.yml", re.sub(r"(?m)^ledger:.*$", "ledger: ledger.sqlite", site))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _table(path: Path, head: str, rows: Iterator[str]) -> None:
    _write(path, "\n".join([head, *rows, ""]))


def _room(seat: int) -> tuple[str, str]:
    building, room = divmod(seat // _DESKS_IN_ROOM, _ROOMS_IN_BUILDING)
    return f"B{building}", f"B{building}-{room:03}"


def _switch(seat: int) -> tuple[int, int]:
    return divmod(seat, _PORTS)


def _closets(switches: int) -> Iterator[tuple[str, Any]]:
    for number in range(-(-switches // _SWITCHES_IN_CLOSET)):
        panels = {f"P{panel}": _PORTS for panel in range(_SWITCHES_IN_CLOSET)}
        yield f"C-{number}", {"room": f"K-{number}", "panels": panels}


def _switches(count: int, model: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for number in range(count):
        ssh = {"host": f"sw-{number}.corp.example", "port": 22}
        yield f"sw-{number}", {**model, "ssh": ssh, "closet": f"C-{number // _SWITCHES_IN_CLOSET}", "uplinks": []}


def _outlets(seats: int) -> Iterator[str]:
    for seat in range(seats):
        switch, port = _switch(seat)
        closet, panel = divmod(switch, _SWITCHES_IN_CLOSET)
        yield f"O-{seat:05},C-{closet},P{panel},{port + 1},sw-{switch},GigabitEthernet1/0/{port + 1}"


def _desks(seats: int) -> Iterator[str]:
    for seat in range(seats):
        building, room = _room(seat)
        yield f"D-{seat:05},{building},{room},O-{seat:05}"


def _pcs(seats: int) -> Iterator[str]:
    for seat in range(seats):
        mac = f"02:00:5e:{seat >> 16 & 255:02x}:{seat >> 8 & 255:02x}:{seat & 255:02x}"
        yield f"WS-{seat:05},NW-{seat:05},{mac},OptiPlex 7010,ws-{seat:05}.corp.example,D-{seat:05}"


def _people(seats: int) -> Iterator[str]:
    for seat in range(seats):
        profile, department = _PROFILES[seat // _DESKS_IN_ROOM % len(_PROFILES)]
        yield f"E{seat:05},Anna,Petrova,{department},{profile},D-{seat:05}"


if __name__ == "__main__":
    raise SystemExit(main())
