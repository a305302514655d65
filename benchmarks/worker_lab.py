"""The same onboardings, fewer of them, in the lab's real directory (Samba), mail server and intranet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.lab_office import office_up
from benchmarks.measuring import Asked
from benchmarks.worker_crew import Crew, ask, database, worker_command, write_ledger
from provisioning.lab.office import Office
from provisioning.lab.postgres import Postgres
from provisioning.lab.process import run
from provisioning.lab.site_copy import write_site

PEOPLE = 50
_EXAMPLE = Path(__file__).parents[1] / "inventories/example"
_CREWS = {"one worker": 1, "two workers": 2}


def in_the_lab(asked: Asked, server: Postgres, furnish_site: Callable[[Path, int], list[str]]) -> dict[str, float]:
    """Requests a second of one worker and of two, and what they computed; once each, other people each time."""
    figures: dict[str, float] = {}
    folder = asked.folder / "lab-site"
    write_site(_EXAMPLE, folder, asked.number)
    people = furnish_site(folder, len(_CREWS) * PEOPLE)
    original = (folder / "site.yml").read_text(encoding="utf-8")
    with office_up(folder, asked.number) as office:
        for turn, (name, workers) in enumerate(_CREWS.items()):
            mine = people[turn * PEOPLE : (turn + 1) * PEOPLE]
            (folder / "site.yml").write_text(original, encoding="utf-8")
            with database(server, f"lab_{turn}") as ledger:
                write_ledger(folder, server, ledger)
                ask(folder, mine)
                command = worker_command("provisioning.cli", "--site", str(folder), "worker")
                crew = Crew(server, ledger, command, asked.folder / "lab-workers.log")
                done = crew.carry_out(workers)
                _verify(office, crew, mine)
            asked.note(f"Samba, {name}: {done.seconds:.1f} s for {PEOPLE} people")
            figures[f"Samba, {name}: requests/s"] = PEOPLE / done.seconds
            figures[f"Samba, {name}: CPU ms a request, workers"] = 1000 * done.processor["workers"] / PEOPLE
    return figures


def _verify(office: Office, crew: Crew, people: list[str]) -> None:
    """The ledger says proven, and ldapsearch finds the accounts."""
    states = crew.query("SELECT state, count(*) FROM requests GROUP BY state")
    if states != [("proven", str(len(people)))]:
        raise SystemExit(f"the ledger's requests: {states}; see {crew.log}")
    dc = office.dc
    done = run(
        ["ldapsearch", "-LLL", "-x", "-E", "pr=1000/noprompt", "-H", f"ldaps://{dc.address}", "-D",
         f"Administrator@{dc.domain}", "-y", str(dc.admin_password), "-b", office.inventory.directory.base_dn,
         "(&(objectClass=user)(employeeID=N*)(mail=*))", "employeeID"],
        env={"LDAPTLS_CACERT": str(dc.authority.certificate), "LDAPTLS_REQCERT": "demand"},
    )  # fmt: skip
    there = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("employeeID: ")]
    if missing := set(people) - set(there):
        raise SystemExit(f"ldapsearch does not find {sorted(missing)[:3]} and {len(missing)} in all")
