"""A domain controller of its own for the directory's benchmarks, furnished as the example site's, with nothing else.

Everybody signs in as the site's own service account (whose rights are delegated to it, so the server checks the same
access-control lists for all) over LDAPS with verification.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.directory_people import READ, MadeUp, Post, entries_of, made_up, members, plain
from benchmarks.lab_office import MANAGER, office_up
from benchmarks.measuring import Asked
from provisioning.api import Site
from provisioning.lab.colleagues import GROUPS_UNIT
from provisioning.lab.office import Office
from provisioning.lab.process import Daemon
from provisioning.lab.site_copy import write_site

EXAMPLE = Path(__file__).parents[1] / "inventories/example"
PEOPLE = "(&(objectCategory=person)(objectClass=user)(employeeID=N*))"
"""The made-up accounts, and no others."""

_SYSTEM_PYTHON = "/usr/bin/python3"  # Samba's own library is a package of the distribution


@dataclass(frozen=True)
class DirectoryLab:
    """The running domain controller, its site, and an empty folder."""

    office: Office
    folder: Path

    @property
    def base(self) -> str:
        """DN of the unit that all people are in."""
        return f"OU=Staff,{self.office.inventory.directory.base_dn}"

    @cached_property
    def manager(self) -> tuple[str, str]:
        """DN and login of a colleague who is there already."""
        ((dn, found),) = entries_of(self.search(f"(employeeID={MANAGER})", ["sAMAccountName"]))
        return dn, found["sAMAccountName"][0]

    def people(self, number: int) -> list[MadeUp]:
        """So many people, in the units and groups of the site's profiles."""
        site = self.office.inventory
        under = f"{GROUPS_UNIT},{site.directory.base_dn}"
        posts = [
            Post(
                name, one.title, one.ou, {group: f"CN={group},{under}" for group in (*one.groups, site.intranet.group)}
            )
            for name, one in site.profiles.items()
            if not site.approvals.groups.keys() & set(one.groups)  # nobody is asked to approve 500 people
        ]
        return made_up(number, posts, self.manager, site.directory.domain, site.directory.company or "Office")

    def write_people(self, people: Sequence[MadeUp]) -> Path:
        """The file from which our own contestant has them."""
        file = self.folder / "people.json"
        file.write_text(json.dumps(plain(people), ensure_ascii=False), encoding="utf-8")
        return file

    # ------------------------------------------------------------------------------------------ independent tools

    def words(self, program: str, *words: str) -> list[str]:
        """OpenLDAP's `program`, signed in as the service account; the password is in a file."""
        directory = self.office.inventory.directory
        where = [
            "-x",
            "-H",
            f"ldaps://{directory.server.connect_to}:{directory.server.port}",
            "-D",
            str(directory.credential.user),
        ]
        return [program, *where, "-y", str(self.password_file), *words]

    @property
    def password_file(self) -> Path:
        """The service account's password without a line end, which OpenLDAP's ``-y`` would send too."""
        return self.folder / "password"

    @property
    def trust(self) -> Path:
        """The certificate that the server's is verified by."""
        return self.office.authority.certificate

    def environment(self) -> dict[str, str]:
        """What OpenLDAP's tools are told: whom to trust."""
        return {**os.environ, "LDAPTLS_CACERT": str(self.trust), "LDAPTLS_REQCERT": "demand"}

    def search(self, condition: str, attributes: Sequence[str]) -> str:
        """What ``ldapsearch`` prints of the people that fulfil `condition`."""
        words = ["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", self.base, condition, *attributes]
        done = subprocess.run(
            self.words("ldapsearch", *words), env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"ldapsearch ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def look(self, people: Sequence[MadeUp], who: str) -> None:
        """``ldapsearch`` must find just these accounts with just these attributes and groups. Raises ``SystemExit``."""
        found = {dn.casefold(): entry for dn, entry in entries_of(self.search(PEOPLE, [*READ, "pwdLastSet"]))}
        for one in people:
            wanted = one.expected() | {"pwdLastSet": ["0"]}
            actual = found.pop(one.dn.casefold(), None)
            if actual != wanted:
                raise SystemExit(f"{who} left {one.dn} otherwise: {actual}, expected {wanted}")
        if found:
            raise SystemExit(f"{who} left {len(found)} accounts that nobody asked for, {next(iter(found))} among them")

    def server_seconds(self) -> float:
        """What the server's processes computed since they were started: the part of the work that is not ours."""
        leader = Daemon(self.office.dc.folder / "run", "domain-controller").pid
        ticks = 0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    ticks += int(fields[11]) + int(fields[12]) if int(fields[3]) == leader else 0
        return ticks / os.sysconf("SC_CLK_TCK")

    # -------------------------------------------------------------------------------------------------- databases

    def fill(self, people: Sequence[MadeUp]) -> None:
        """Put them into the stopped server's database, by Samba's own library: over LDAP, ten thousand would take six
        minutes."""
        self._stop()
        told = {
            "settings": str(self.office.dc.smb_conf),
            "people": [[one.dn, {**one.texts(), "objectClass": "user"}, f"Xk4-{one.number}-qP7"] for one in people],
            "groups": members(people),
        }
        script = Path(__file__).with_name("directory_fill.py")
        subprocess.run([_SYSTEM_PYTHON, str(script)], input=json.dumps(told), text=True, check=True)
        self._start()

    def keep(self) -> None:
        """Remember the database as it is now."""
        self._stop()
        _copy(self.office.dc.folder / "private", self.folder / "kept")
        self._start()

    def bring_back(self) -> None:
        """The database as it was when it was kept, behind a server that has answered everybody before."""
        self._stop()
        shutil.rmtree(self.office.dc.folder / "private")
        _copy(self.folder / "kept", self.office.dc.folder / "private")
        self._start()

    def _stop(self) -> None:
        Daemon(self.office.dc.folder / "run", "domain-controller").stop()

    def _start(self) -> None:
        """A process of the server's reads the schema when it is asked for the first time: not while somebody is
        timed."""
        self.office.dc.up()
        deadline = time.monotonic() + 60
        for _ in range(6):
            while True:
                words = self.words("ldapsearch", "-LLL", "-b", self.base, "-s", "base", "(objectClass=*)", "ou")
                done = subprocess.run(words, env=self.environment(), capture_output=True, check=False)
                if not done.returncode:
                    break
                if time.monotonic() > deadline:
                    raise SystemExit(f"the domain controller does not answer: {done.stderr.decode().strip()}")
                time.sleep(0.2)


def _copy(source: Path, target: Path) -> None:
    """With holes: what LMDB reserves and does not use."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", str(source), str(target)], check=True)


@contextmanager
def directory_lab(asked: Asked) -> Iterator[DirectoryLab]:
    """The domain controller of lab `asked.number`, up and furnished; nothing is left of it behind the block."""
    folder = asked.folder / "site"
    write_site(EXAMPLE, folder, asked.number)
    with office_up(folder, asked.number, servers=()) as office:
        lab = DirectoryLab(office, asked.folder)
        lab.password_file.touch(mode=0o600)
        lab.password_file.write_text((office.secrets / "svc-provision").read_text(encoding="utf-8").strip())
        yield lab


def fresh_ledger(lab: DirectoryLab) -> None:
    """A ledger that is there and empty, and nobody's password waiting: as on a site's first day at work."""
    place = Path(str(lab.office.inventory.ledger))
    for file in place.parent.glob(f"{place.name}*"):
        file.unlink()
    shutil.rmtree(lab.office.inventory.handover.folder, ignore_errors=True)
    site = Site.load(lab.office.site_folder)
    site.ledger.runs()
    site.ledger.close()
