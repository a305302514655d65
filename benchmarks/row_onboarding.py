"""One onboarding in the whole lab: accounts, mailbox, switch port, PC (20 registry keys, a printer, two packages), SIP
extension, desk phone's file, home folder with its quota, and all proofs.

Ours is ``provision onboard E1042 --yes`` from the start of its process to its end. The floor does the same steps by the
barest tools, one after the other (:mod:`benchmarks.onboarding_floor`); it computes nothing, reads nothing before and
verifies nothing but by the proofs, and its two steps that are Python are not charged for importing. The alternative is
a playbook (:mod:`benchmarks.onboarding_playbook`), which leaves the PC out: it does less than we do.

Everybody starts from the same office and must leave the same: what the servers' own tools say of accounts, port,
bridges, registry, programs, subscriber, phone's file, folders and quota is compared, before each turn and after it.
Ours is taken back by ``provision undo``, the others by those tools. The DHCP server forgets the PC's lease between
turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measuring import Asked, Goal, Row, at_most, faster, in_turn
from benchmarks.onboarding_floor import Floor
from benchmarks.onboarding_office import PERSON, Seen, forget_leases, look, office_of, settle, site_of, tidy
from benchmarks.onboarding_pattern import Pattern
from benchmarks.onboarding_playbook import Playbook
from benchmarks.switch_ansible import has_collection
from provisioning.lab.office import Office

FLOOR, OURS, PLAYBOOK = "bare tools, one after the other", "provision onboard --yes", "ansible-playbook, without the PC"
_PASSWORD = "Zvk8-pWqr-7Tsm-Hd3x"  # noqa: S105  (of the lab's new colleague, for the floor and the playbook)


@dataclass
class Ours:
    """``provision`` as a user runs it; `shares` are the seconds of plan, apply and proofs of each run."""

    site: Path
    shares: list[Mapping[str, float]] = field(default_factory=list)

    def onboard(self) -> float:
        """Seconds of the whole process."""
        took, report = self._provision("onboard", PERSON, "--yes", "--output", "json")
        failed = [proof["name"] for proof in report["proofs"] if not proof["passed"]]
        if report["state"] != "done" or failed:
            raise SystemExit(f"the onboarding ended {report['state']}; failed: {failed}")
        self.shares.append({**report["seconds"], "whole": took})
        self._run = int(report["run"])
        return took

    def undo(self) -> None:
        """Take the last one back."""
        self.take_back(self._run)

    def take_back(self, run: int) -> None:
        """Undo a run."""
        self._provision("undo", str(run), "--yes", "--output", "json")

    def _provision(self, *words: str) -> tuple[float, Any]:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "provisioning.cli", "--site", str(self.site), *words],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=as_installed(),
        )  # fmt: skip
        took = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(f"provision {' '.join(words)} ended with {done.returncode}: {done.stderr[-6000:]}")
        return took, json.loads(done.stdout)


def measure(asked: Asked) -> Iterator[Row]:
    """The row ``onboarding``."""
    with office_of(asked) as lab:
        ours = Ours(site_of(lab, asked.folder / "site"))
        forget_leases(lab)
        before = look(lab)
        ours.onboard()  # once before the clock: the first mail makes the mailbox, the first program starts Wine
        after, pattern = look(lab), Pattern.of(lab, _PASSWORD)
        ours.undo()
        settle(lab, before)
        ours.shares.clear()
        floor = Floor(lab, asked.folder / "floor", pattern, _PASSWORD)
        steps: list[Mapping[str, float]] = []
        contestants: dict[str, Callable[[], float]] = {
            FLOOR: lambda: _turn_of_floor(lab, floor, steps, before, after),
            OURS: lambda: _our_turn(lab, ours, before, after),
        }
        missing = has_collection(asked.ansible)
        if missing is None:
            book = Playbook(lab, asked.folder / "playbook", pattern, _PASSWORD, asked.ansible)
            contestants[PLAYBOOK] = lambda: _turn_of_playbook(lab, book, before, after)
        else:
            asked.note(f"without the playbook: {missing}")
        times = in_turn(contestants, asked.repeat, asked.note)
    alternative = times.get(PLAYBOOK)
    shares = {name: median(one[name] for one in ours.shares) for name in ("plan", "apply", "prove")}
    whole = median(one["whole"] for one in ours.shares)
    yield Row(
        "onboarding",
        "one onboarding, all systems, proofs included",
        times[OURS],
        "ldapsearch, smbcacls, smbcquotas, sqlite3, ovs-vsctl, reg.exe at the PC, the switch's own configuration",
        floor=times[FLOOR],
        alternative=alternative,
        goals=[
            at_most(times[OURS], times[FLOOR], 1.5),
            Goal("the playbook, which does less, is slower", None)
            if alternative is None
            else faster(times[OURS], alternative, 1.0, name="the playbook, which does less"),
        ],
        figures={
            **{f"ours: {name} s": seconds for name, seconds in shares.items()},
            "ours: start, load, end s": whole - sum(shares.values()),
            **{f"floor: {name} s": median(one[name] for one in steps) for name in steps[0]},
        },
        note="the playbook leaves out the PC, the desk phone's file, and the proofs of both and of the folders",
    )


def as_installed() -> dict[str, str]:
    """The environment of ``provision``: its modules are compiled once, as where it is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _our_turn(lab: Office, ours: Ours, before: Seen, after: Seen) -> float:
    took = ours.onboard()
    _must_be(lab, after, "provision")
    ours.undo()
    settle(lab, before)
    return took


def _turn_of_floor(lab: Office, floor: Floor, steps: list[Mapping[str, float]], before: Seen, after: Seen) -> float:
    taken = floor.seconds()
    steps.append(taken)
    _must_be(lab, after, "the floor")
    tidy(lab, before)
    return sum(taken.values())


def _turn_of_playbook(lab: Office, book: Playbook, before: Seen, after: Seen) -> float:
    took = book.run()
    _must_be(
        lab, replace(after, registry=before.registry, programs=before.programs, phone=before.phone), "the playbook"
    )
    tidy(lab, before)
    return took


def _must_be(lab: Office, wanted: Seen, who: str) -> None:
    if wrong := look(lab).differences(wanted):
        raise SystemExit(f"{who} left another end state: " + "\n".join(wrong))
