"""Row ``accounts``: 500 accounts, each in three groups, in a Samba domain with nothing else to do.

**Fair**: each contestant is a whole process (imports, loading the site, sign-in) that begins with the same database
(brought back between turns), signs in as the same service account over LDAPS with verification, and leaves the same
sixteen attributes, the same password rules (must be changed) and the same memberships; ``ldapsearch`` looks
afterwards. `ours` is plan and apply as a program or a task of Ansible's would do it: the accounts are looked up before,
a journal is kept in the ledger (SQLite, synced to the disk), each account gets a random initial password that waits for
hand-over in a synced file of its own, everything is read again and compared, and the work log is written. The floor,
``ldapmodify`` with one LDIF file, does nothing of this and has its LDIF, passwords included, ready.

**Not shown**: mailboxes and proofs (row ``onboarding`` has them), and a directory on another machine: Samba computes on
the same processors as the contestant, so what a contestant computes while the server works is not free here.

The alternative is measured on a part and scaled, without its own start-up (see :mod:`benchmarks.directory_ansible`).
"""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import directory_ansible
from benchmarks.directory_lab import DirectoryLab, directory_lab, fresh_ledger
from benchmarks.directory_people import MadeUp, ldif
from benchmarks.measuring import Asked, Row, Times, at_most, child, faster, in_turn, seconds

PEOPLE = 500
PART = 25
"""How many the alternative makes."""


def measure(asked: Asked) -> Iterator[Row]:
    """One row."""
    with directory_lab(asked) as lab:
        people = lab.people(PEOPLE)
        lab.keep()
        told: list[dict[str, Any]] = []
        server: list[float] = []
        contestants: dict[str, Callable[[], float]] = {
            "ours": lambda: _ours(asked, lab, people, told),
            "floor": lambda: _floor(asked, lab, people, server),
        }
        if directory_ansible.usable(asked):
            contestants["alternative"] = lambda: _alternative(asked, lab, people[:PART])
        times = in_turn(contestants, asked.repeat, asked.note)
    yield _row(times, told, server)


def _row(times: dict[str, Times], told: list[dict[str, Any]], server: list[float]) -> Row:
    ours = Times("provisioning: Site.plan, Plan.apply", times["ours"].seconds)
    floor = Times("ldapmodify, one LDIF file", times["floor"].seconds)
    alternative = None
    if "alternative" in times:
        alternative = Times(directory_ansible.WAY, times["alternative"].seconds, PEOPLE / PART)
    return Row(
        "accounts",
        f"create {PEOPLE} accounts with groups",
        ours,
        "ldapsearch: every attribute and group of every account, and no other account",
        floor,
        alternative,
        [at_most(ours, floor, 1.10), faster(ours, alternative, 10)],
        {
            name: statistics.median(one[name] for one in told)
            for name in ("loaded", "planned", "applied", "MiB", "cpu", "server")
        }
        | {"server, floor": statistics.median(server), "accounts a second": PEOPLE / ours.median},
        "whole processes; ours also looks before, verifies, keeps a journal, leaves initial passwords for hand-over. "
        "loaded, planned, applied: seconds since the site began to be loaded (imports come before); cpu: seconds that "
        "our process computed; server: that the server's processes did",
    )


def _ours(asked: Asked, lab: DirectoryLab, people: list[MadeUp], told: list[dict[str, Any]]) -> float:
    lab.bring_back()
    fresh_ledger(lab)
    file, before = lab.write_people(people), lab.server_seconds()
    took, said = child("benchmarks.directory_child", "apply", str(lab.office.site_folder), str(file))
    told.append(json.loads(said) | {"server": lab.server_seconds() - before})
    if (told[-1]["state"], told[-1]["changes"]) != ("done", 2 * len(people)):
        raise SystemExit(f"ours ended otherwise: {said}")
    lab.look(people, "ours")
    waiting = len(list(lab.office.inventory.handover.folder.iterdir()))
    if waiting != len(people):
        raise SystemExit(f"ours left {waiting} initial passwords, {len(people)} were expected")
    asked.note("ours: " + ", ".join(f"{name} {told[-1][name]:.2f}" for name in ("planned", "applied", "cpu", "server")))
    return took


def _floor(asked: Asked, lab: DirectoryLab, people: list[MadeUp], server: list[float]) -> float:
    lab.bring_back()
    file = lab.folder / "people.ldif"
    file.write_text(ldif(people), encoding="ascii")
    words = lab.words("ldapmodify", "-f", str(file))

    def add() -> None:
        done = subprocess.run(words, env=lab.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"ldapmodify ended with {done.returncode}: {done.stderr.strip()}")

    before = lab.server_seconds()
    took = seconds(add)
    server.append(lab.server_seconds() - before)
    asked.note(f"floor: the server computed {server[-1]:.2f} s")
    lab.look(people, "the floor")
    return took


def _alternative(asked: Asked, lab: DirectoryLab, part: list[MadeUp]) -> float:
    lab.bring_back()
    took = directory_ansible.scaled(asked, lab, part, PEOPLE, changed=True)
    lab.look(part, "Ansible")
    return took
