"""Row ``unchanged``: a plan over 10,000 accounts and their memberships that finds nothing to do.

**Fair**: each contestant is a whole process against the same Samba domain, signed in as the same service account over
LDAPS with verification. The floor, ``ldapsearch`` (pages of 1,000), reads the attributes of everybody in one search and
throws them away; it compares nothing, and it need not know whom it is looking for. `ours` is told 10,000 logins, looks
for each of them, and compares thirteen attributes, the place and three memberships. It reads over two connections,
which the server works on at once where it has a second processor; ``ldapsearch`` has one. Afterwards ``ldapsearch``
must find everything as it was; and one attribute that is then changed by ``ldapmodify`` must be the one difference that
our plan finds.

The alternative runs the playbook that makes accounts (row ``accounts``) again, on a part, scaled without its start-up.
``ldap_entry`` only looks whether an entry is there and says "ok" whatever the attributes are: it has less to do.

The domain is filled by Samba's own library in the stopped server's database: see
:meth:`~benchmarks.directory_lab.DirectoryLab.fill`.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import directory_ansible
from benchmarks.directory_lab import PEOPLE, DirectoryLab, directory_lab, fresh_ledger
from benchmarks.directory_people import READ, MadeUp, encoded
from benchmarks.measuring import Asked, Goal, Row, Times, at_most, child, in_turn, seconds, within

NUMBER = 10_000
PART = 25
"""How many the alternative looks at."""


def measure(asked: Asked) -> Iterator[Row]:
    """One row."""
    with directory_lab(asked) as lab:
        people = lab.people(NUMBER)
        asked.note(f"filling the domain with {NUMBER} accounts took {seconds(lambda: lab.fill(people)):.0f} s")
        fresh_ledger(lab)
        lab.look(people, "filling the database")
        before, file = _fingerprint(lab), lab.write_people(people)
        told: list[dict[str, Any]] = []
        server: list[float] = []
        contestants: dict[str, Callable[[], float]] = {
            "ours": lambda: _ours(asked, lab, file, told),
            "floor": lambda: _floor(lab, server),
        }
        if directory_ansible.usable(asked):
            contestants["alternative"] = lambda: directory_ansible.scaled(
                asked, lab, people[:PART], NUMBER, changed=False
            )
        times = in_turn(contestants, asked.repeat, asked.note)
        if _fingerprint(lab) != before:
            raise SystemExit("somebody changed an account, who was only to look")
        _a_difference_is_found(asked, lab, people[NUMBER // 2], file)
    yield _row(times, told, server)


def _row(times: dict[str, Times], told: list[dict[str, Any]], server: list[float]) -> Row:
    ours = Times("provisioning: Site.plan", times["ours"].seconds)
    floor = Times("ldapsearch", times["floor"].seconds)
    alternative = None
    if "alternative" in times:
        alternative = Times(directory_ansible.WAY, times["alternative"].seconds, NUMBER / PART)
    most = max(one["MiB"] for one in told)
    goals: list[Goal] = [at_most(ours, floor, 2.0), within("memory", most, 300, "MiB")]
    return Row(
        "unchanged",
        f"plan with nothing to do, {NUMBER:,} accounts",
        ours,
        "ldapsearch: nothing changed; a change made by ldapmodify is found by the next plan",
        floor,
        alternative,
        goals,
        {"MiB": most}
        | {name: statistics.median(one[name] for one in told) for name in ("loaded", "planned", "cpu", "server")}
        | {"server, floor": statistics.median(server), "accounts a second": NUMBER / ours.median},
        "whole processes; ours looks for each of the accounts and compares them; the alternative does not compare "
        "attributes. loaded, planned: seconds since the site began to be loaded (imports come before); cpu: seconds "
        "that our process computed; server: that the server's processes did",
    )


def _ours(asked: Asked, lab: DirectoryLab, file: Path, told: list[dict[str, Any]]) -> float:
    before = lab.server_seconds()
    took, said = child("benchmarks.directory_child", "plan", str(lab.office.site_folder), str(file))
    told.append(json.loads(said) | {"server": lab.server_seconds() - before})
    if (told[-1]["things"], told[-1]["changes"]) != (2 * NUMBER, 0):
        raise SystemExit(f"ours found otherwise: {said}")
    asked.note("ours: " + ", ".join(f"{name} {told[-1][name]:.2f}" for name in ("planned", "cpu", "server", "MiB")))
    return took


def _floor(lab: DirectoryLab, server: list[float]) -> float:
    words = ["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", lab.base, PEOPLE, *READ]
    out = lab.folder / "floor.ldif"

    def read() -> None:
        with out.open("w") as opened:
            done = subprocess.run(
                lab.words("ldapsearch", *words),
                env=lab.environment(),
                stdout=opened,
                stderr=subprocess.PIPE,
                check=False,
            )
        if done.returncode:
            raise SystemExit(f"ldapsearch ended with {done.returncode}: {done.stderr.decode().strip()}")

    before = lab.server_seconds()
    took = seconds(read)
    server.append(lab.server_seconds() - before)
    found = sum(line.startswith("dn:") for line in out.read_text(encoding="utf-8").splitlines())
    if found != NUMBER:
        raise SystemExit(f"the floor read {found} accounts, {NUMBER} were expected")
    return took


def _fingerprint(lab: DirectoryLab) -> str:
    """SHA-256 of all that ``ldapsearch`` shows of the accounts, their change numbers included."""
    return hashlib.sha256(lab.search(PEOPLE, ["*", "memberOf", "uSNChanged"]).encode()).hexdigest()


def _a_difference_is_found(asked: Asked, lab: DirectoryLab, one: MadeUp, file: Path) -> None:
    """What is quick because it does not look would not notice."""
    change = f"dn:: {encoded(one.dn)}\nchangetype: modify\nreplace: title\ntitle: Apprentice\n"
    subprocess.run(lab.words("ldapmodify"), env=lab.environment(), input=change, text=True, check=True)
    _, said = child("benchmarks.directory_child", "plan", str(lab.office.site_folder), str(file))
    told = json.loads(said)
    if told["differences"] != [f"directory.user[directory/{one.login}]: ['title']"]:
        raise SystemExit(f"ours did not find what ldapmodify changed: {said}")
    asked.note("ours found the one title that ldapmodify changed")
