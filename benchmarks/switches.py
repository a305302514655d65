"""How fast switch ports are configured: ``python -m benchmarks.switches`` (see ``benchmarks/README.md``).

Every contestant writes the same lines to the same simulated switches and saves; afterwards the switches themselves are
looked at, and a contestant that left one of them otherwise ends the benchmark. The contestants take turns, so that
whatever else the machine does hits all of them; each is a process of its own. Shown are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import switch_ansible
from benchmarks.measuring import Asked
from benchmarks.switch_measuring import Result, contest
from benchmarks.switch_scenarios import SCENARIOS, Scenario

TITLES = {
    "bare": "bare SSH, one write (checks nothing)",
    "ours": "provision: plan, apply, verify, journal",
    "netmiko-one-write": "netmiko, all lines in one write",
    "netmiko": "netmiko send_config_set",
    "nornir": "nornir + netmiko",
    "ansible-block": "Ansible cisco.ios, ios_config one block",
    "ansible-resources": "Ansible cisco.ios, resource modules",
}
_APPLY = "  of that, apply (what bare is beside)"
_GOALS = {"bare": 1.5, "nornir": 3.0, "ansible-block": 20.0, "ansible-resources": 20.0}
_MOST_FOR_ANSIBLE = 100  # switches; a thousand would take the better part of an hour


# ----------------------------------------------------------------------------------------------------- shown


def table(scenario: Scenario, results: Sequence[Result]) -> str:
    """One scenario, the fastest first, with ratios to us and what the goals say."""
    ours = next((one for one in results if one.contestant == "ours"), None)
    columns = f"{'median s':>9} {'fastest – slowest':>19} {'to ours':>9} {'CPU s':>7} {'process s':>10} {'MiB':>5}"
    shown = [scenario.title, f"  {'':<41} {columns}  goal"]
    for one in sorted(results, key=lambda result: result.median):
        shown.append(f"{_row(TITLES[one.contestant], one, ours)}  {goal(one, ours)}".rstrip())
        if one.apply is not None:
            shown.append(_row(_APPLY, one.apply, ours).rstrip())
    for one in results:
        if one.parts:
            told = ", ".join(f"{part} {seconds:.3f}" for part, seconds in one.parts.items())
            shown.append(f"  {one.contestant}: {told}; {one.connections} connections, {one.most} at once")
    return "\n".join(shown)


def _row(title: str, one: Result, ours: Result | None) -> str:
    ratio = "" if ours is None else f"{one.median / ours.median:.2f}"
    spread = f"{min(one.seconds):.2f} – {max(one.seconds):.2f}"
    cpu = f"{statistics.median(one.cpu):.2f}" if any(one.cpu) else ""
    whole = f"{statistics.median(one.process_seconds):.2f}" if title != _APPLY else ""
    memory = f"{one.memory / 2**20:.0f}" if one.memory and title != _APPLY else ""
    return f"  {title:<41} {one.median:>9.2f} {spread:>19} {ratio:>9} {cpu:>7} {whole:>10} {memory:>5}"


def goal(one: Result, ours: Result | None) -> str:
    """What issue 5 asks for, and whether it is so here."""
    wanted = _GOALS.get(one.contestant)
    if wanted is None or ours is None:
        return ""
    if one.contestant == "bare":
        factor = ours.median / one.median
        alone = f"; apply {ours.apply.median / one.median:.2f} x" if ours.apply is not None else ""
        return f"ours within {wanted:g} x: {'yes' if factor <= wanted else 'NO'} ({factor:.2f} x{alone})"
    factor = one.median / ours.median
    return f"ours {wanted:g} x faster: {'yes' if factor >= wanted else 'NO'} ({factor:.1f} x)"


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.switches", description="Seconds to configure switch ports, ours and other ways side by side."
    )
    parser.add_argument("--only", default="", metavar="A,B", help=f"contestants: {', '.join(TITLES)}")
    parser.add_argument("--scenarios", default="", metavar="A,B", help=", ".join(one.name for one in SCENARIOS))
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="repetitions (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there as well")
    parser.add_argument("--number", type=int, default=16, help="lab number: the switches listen on port 2200 + number")
    parser.add_argument(
        "--ansible",
        type=Path,
        default=Path(sys.executable).with_name("ansible-playbook"),
        metavar="FILE",
        help="the ansible-playbook to measure (default: beside this Python); see requirements-ansible.txt",
    )
    asked = parser.parse_args(arguments)
    if asked.repeat < 1:
        parser.error("--repeat is at least 1")
    names = _chosen(parser, asked.only, list(TITLES))
    scenarios = [one for one in SCENARIOS if one.name in _chosen(parser, asked.scenarios, [s.name for s in SCENARIOS])]
    if any(name.startswith("ansible-") for name in names) and (why := switch_ansible.has_collection(asked.ansible)):
        if asked.only:
            parser.error(why)
        _note(f"Ansible is left out: {why}")
        names = [name for name in names if not name.startswith("ansible-")]
    told = Asked(asked.repeat, asked.number, Path(), asked.ansible, _note)
    found: list[Result] = []
    for scenario in scenarios:
        able = [name for name in names if scenario.switches <= _MOST_FOR_ANSIBLE or not name.startswith("ansible-")]
        results = list(contest(scenario, able, told))
        found += results
        sys.stdout.write(table(scenario, results) + "\n\n")
        sys.stdout.flush()
    if asked.json:
        machine = {"cores": os.cpu_count(), "python": sys.version.split()[0], "at": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
        written = {"machine": machine, "results": [asdict(one) | {"median": one.median} for one in found]}
        asked.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _chosen(parser: argparse.ArgumentParser, text: str, known: Sequence[str]) -> list[str]:
    names = [name for name in text.split(",") if name]
    if unknown := [name for name in names if name not in known]:
        parser.error(f"{unknown[0]!r} is none of {', '.join(known)}")
    return [name for name in known if not names or name in names]


if __name__ == "__main__":
    main(sys.argv[1:])
