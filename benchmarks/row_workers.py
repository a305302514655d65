"""1,000 onboardings by 1, 2 and 3 workers on one PostgreSQL ledger.

The requests are written into the ledger beforehand and become due at one moment; the clock runs from then until the
last of them is proven. Workers are ``provision worker`` processes as a user starts them, which wait for work by then;
planning, drift check, verification, proofs, journal, locks and queue are the product's own, and PostgreSQL puts every
commit on the disk.

What is fair: all workers, PostgreSQL and what stands in for the systems share the machine's two cores, as no
installation would. Two workers can be faster than one only where the work waits for something, so the systems are ones
that answer late and compute little (:mod:`benchmarks.late_directory`): the figures tell what everybody computed. Each
worker carries out as many requests at once as it does by default (4).

What is not shown: LDAP, TLS, SMTP, IMAP and Kerberos themselves, which cost a worker processor time as well; and a
directory's own limit. The figures have both, from the lab's Samba: a directory that writes as fast as it can, whoever
asks, is not made faster by more workers.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import yaml

from benchmarks.lab_office import MANAGER, newcomers
from benchmarks.late_directory import LateDirectory, is_listening
from benchmarks.measuring import Asked, Row, faster, in_turn
from benchmarks.worker_crew import Crew, Done, ask, database, postgres, worker_command, write_ledger
from benchmarks.worker_lab import in_the_lab
from provisioning.api import Site
from provisioning.lab.postgres import Postgres

PEOPLE = 1000
ROUND_TRIP = 0.006
"""Seconds, network and server together: an onboarding asks about 60 times, and the lab's real servers take 0.35 s for
the same steps done by bare tools. With less, the two cores are the limit, not a worker's waiting; with 20 ms one worker
needs five minutes for the thousand."""

_EXAMPLE = Path(__file__).parents[1] / "inventories/example"
_ASKED = "asked"
_CREWS = {"one worker": 1, "two workers": 2, "three workers": 3}


def measure(asked: Asked) -> Iterator[Row]:
    """Two rows: two workers beside one, three beside one."""
    with postgres(asked.number) as server, _field(asked, server) as field:
        times = in_turn({name: partial(field.carry_out, name) for name in _CREWS}, asked.repeat, asked.note)
        figures = field.figures() | in_the_lab(asked, server, furnish)
    one, two, three = (times[name] for name in _CREWS)
    work = f"{PEOPLE:,} onboardings by {{}} workers"
    verified = (
        "psql counts in the ledger (requests proven, runs done, changes verified, one run a request), and what stands "
        "in for the directory counts what reached it (every account added once, its groups, its mailbox)"
    )
    note = (
        f"directory, mail and intranet are stood in for by a process that answers {1000 * ROUND_TRIP:g} ms a round trip"
        " late; all processes share two cores. On the lab's Samba (figures) two workers are no faster: writing is its"
    )
    goals = [faster(two, one, 1.7, name="one worker")]
    yield Row("workers-2", work.format("two"), two, verified, None, one, goals, figures, note)
    yield Row("workers-3", work.format("three"), three, verified, None, one, (), figures, note)


@contextmanager
def _field(asked: Asked, server: Postgres) -> Iterator[_Field]:
    with database(server, _ASKED) as template:
        folder = asked.folder / "asked"
        folder.mkdir()
        people = write_site(folder / "site", folder / "lab", PEOPLE)
        write_ledger(folder / "site", server, template)
        ask(folder / "site", people)
        yield _Field(asked, server)


@dataclass
class _Field:
    """Where crews take turns: a new site, ledger and directory each time."""

    asked: Asked
    server: Postgres
    turns: int = 0
    done: dict[str, list[Done]] = field(default_factory=lambda: {name: [] for name in _CREWS})

    def carry_out(self, name: str) -> float:
        """One turn; its seconds."""
        self.turns += 1
        folder = self.asked.folder / f"turn-{self.turns}"
        folder.mkdir()
        write_site(folder / "site", folder / "lab", PEOPLE)
        with database(self.server, f"turn_{self.turns}", like=_ASKED) as ledger:
            write_ledger(folder / "site", self.server, ledger)
            done = self._turn(folder, ledger, _CREWS[name])
        shutil.rmtree(folder)
        self.done[name].append(done)
        shown = ", ".join(f"{who} {seconds:.1f} s" for who, seconds in done.processor.items())
        self.asked.note(f"computed: {shown}")
        return done.seconds

    def _turn(self, folder: Path, ledger: str, workers: int) -> Done:
        site, place = Site.load(folder / "site"), folder / "far"
        with _far_side(place) as pid, closing(LateDirectory(place, "directory", site.inventory, site.secrets)) as far:
            _fill(far, site)
            command = worker_command("benchmarks.worker_child", str(place), str(folder / "site"))
            crew = Crew(self.server, ledger, command, folder / "workers.log", {"far side": pid})
            done = crew.carry_out(workers)
            _verify(crew, far, site, PEOPLE)
        return done

    def figures(self) -> dict[str, float]:
        """Requests a second, and what everybody computed."""
        found = {}
        for name, turns in self.done.items():
            middle = sorted(turns, key=lambda one: one.seconds)[len(turns) // 2]
            found[f"{name}: requests/s"] = PEOPLE / middle.seconds
            found |= {f"{name}: CPU s, {who}": seconds for who, seconds in middle.processor.items()}
        return found


def write_site(folder: Path, lab: Path, people: int) -> list[str]:
    """The example site with so many new people, who have neither desks nor phones nor file shares; the lab's paths lead
    to `lab`. Their keys."""
    shutil.copytree(_EXAMPLE, folder)
    for file in folder.glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("/var/lib/provisioning-lab/0", str(lab)), encoding="utf-8")
    return furnish(folder, people)


def furnish(folder: Path, people: int) -> list[str]:
    """:func:`write_site` on a copy of the example site that is there already."""
    settings = yaml.safe_load((folder / "site.yml").read_text(encoding="utf-8"))
    settings["mail"].pop("clients")
    settings["intranet"].pop("files")
    (folder / "site.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return newcomers(folder, people)


@contextmanager
def _far_side(place: Path) -> Iterator[int]:
    process = subprocess.Popen(worker_command("benchmarks.late_directory", str(place), str(ROUND_TRIP)))
    try:
        while not is_listening(place):
            if process.poll() is not None:
                raise SystemExit("the late directory did not start; what it said stands above")
            time.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _fill(far: LateDirectory, site: Site) -> None:
    """The groups, and the manager's account."""
    base = site.inventory.directory.base_dn
    operations = [
        ["add", f"CN={name},OU=Groups,{base}", {"objectClass": ["group"], "sAMAccountName": [name]}]
        for name in site.inventory.managed_groups
    ]
    boss = {"objectClass": ["user"], "sAMAccountName": ["the.manager"], "employeeID": [MANAGER]}
    operations.append(["add", f"CN=Manager,OU=Staff,{base}", boss])
    if refused := [why for why in far.ask("write", operations=operations) if why]:
        raise SystemExit(f"the late directory: {refused[0]}")


def _verify(crew: Crew, far: LateDirectory, site: Site, people: int) -> None:
    """All done, and exactly once. Raises SystemExit."""
    counts: Sequence[tuple[str, str, str]] = (
        ("requests", "SELECT state, count(*) FROM requests GROUP BY state", f"proven {people}"),
        (
            "runs",
            "SELECT state, count(*), count(DISTINCT request_id) FROM runs GROUP BY state",
            f"done {people} {people}",
        ),
        (
            "changes",
            "SELECT kind, count(*), count(DISTINCT key) FROM changes JOIN change_events e ON change_id = changes.id "
            "WHERE e.state = 'verified' GROUP BY kind ORDER BY kind",
            "; ".join(
                f"{kind} {people} {people}" for kind in ("directory.membership", "directory.user", "mail.mailbox")
            ),
        ),
        ("proofs", "SELECT passed, count(DISTINCT run_id) FROM proofs GROUP BY passed", f"t {people}"),
    )
    for what, statement, wanted in counts:
        found = "; ".join(" ".join(row) for row in crew.query(statement))
        if found != wanted:
            raise SystemExit(f"the ledger's {what}: {found}; expected {wanted}; see {crew.log}")
    counted = far.ask("count")
    groups = {*site.inventory.profiles["engineer"].groups, site.inventory.intranet.group}
    wanted_members = {name: people if name in groups else 0 for name in site.inventory.managed_groups}
    twice = [dn for dn, number in counted["added"].items() if number != 1]
    if twice or counted["members"] != wanted_members or counted["mailboxes"] != people:
        raise SystemExit(f"the directory: added more than once {twice[:3]}, {counted['members']}")
