"""How fast a file of new colleagues becomes accounts: ``python -m benchmarks.bulk`` (as root; a few minutes).

A site with that many people without PCs is made in a temporary folder, its directory (Samba), mail and intranet servers
are started as a lab of a number of its own, and ``provision onboard --from hires.csv --yes`` runs as a user would run
it: plan, accounts, groups, mailboxes, proofs. Beside it the floor: ``ldapadd`` and ldap3 (one connection, requests
pipelined) write the same attributes and the same members, and read, prove and remember nothing.
"""

from __future__ import annotations

import argparse
import base64
import csv
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import ldap3

from benchmarks.lab_office import names, newcomers, office_up
from provisioning.api import Site
from provisioning.lab.colleagues import GROUPS_UNIT
from provisioning.lab.office import Office
from provisioning.lab.site_copy import write_site

EXAMPLE = Path(__file__).parents[1] / "inventories/example"


def main() -> int:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--number", type=int, default=79, help="the lab's number (79)")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    parser.add_argument("--no-floor", dest="floor", action="store_false", help="leave the floor out")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bulk-") as scratch, _lab(Path(scratch), chosen) as office:
        for name, (seconds, mib, said) in _contestants(office, chosen.people, chosen.floor):
            rate = chosen.people / seconds
            print(f"{name:<34} {seconds:8.1f} s {rate:7.1f} people/s {mib:6.0f} MiB  {said}", flush=True)  # noqa: T201
    return 0


Measured = tuple[float, float, str]


def _contestants(office: Office, people: int, floor: bool) -> Iterator[tuple[str, Measured]]:
    if floor:
        yield "ldapadd (floor)", Floor(office, people, "OU=Floor-a").ldapadd()
        yield "ldap3, pipelined (floor)", Floor(office, people, "OU=Floor-b").ldap3()
    site = office.site_folder
    yield "provision onboard --check", _program(site, "--check")
    yield "provision onboard --from", _program(site, "--yes")
    print(f"{'':<34} {_shares(site)}", flush=True)  # noqa: T201
    yield "the same file again", _program(site, "--yes")


@contextmanager
def _lab(scratch: Path, chosen: argparse.Namespace) -> Iterator[Office]:
    folder = scratch / "site"
    write_site(EXAMPLE, folder, chosen.number)
    _furnish_site(folder, chosen.people)
    with office_up(folder, chosen.number, keep=chosen.keep) as office:
        yield office


def _furnish_site(folder: Path, people: int) -> None:
    """People who start later than the lab's first morning, and neither desks nor phones nor file shares for them."""
    hires = ["person;note", *(f"{key};bulk" for key in newcomers(folder, people))]
    (folder.parent / "hires.csv").write_bytes("\r\n".join(hires).encode("utf-8-sig"))


# ------------------------------------------------------------------------------------------------------- ourselves


def _program(site: Path, *words: str) -> Measured:
    hires, said = site.parent / "hires.csv", site.parent / "said.txt"
    command = [sys.executable, "-m", "provisioning.cli", "--site", str(site), "onboard", "--from", str(hires), *words]
    begun = time.monotonic()
    with said.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begun
    last = said.read_text(encoding="utf-8").strip().splitlines()
    result = hires.with_name("hires.results.csv")
    states = Counter[str]()
    if result.exists():
        with result.open(encoding="utf-8-sig", newline="") as opened:
            states.update(row["state"] for row in csv.DictReader(opened, delimiter=";"))
    counted = ", ".join(f"{n} {state}" for state, n in states.items()) or (last or [""])[-1]
    own = usage.ru_utime + usage.ru_stime
    return seconds, usage.ru_maxrss / 1024, f"exit {process.returncode}; {counted}; {own:.0f} s of it our own work"


def _shares(folder: Path) -> str:
    """How long the runs of a site wrote (up to the last change that was verified) and how long they proved."""
    site = Site.load(folder)
    writing = proving = 0.0
    for run in site.runs(1_000_000):
        at = {state: datetime.fromisoformat(e.at) for e in site.ledger.events(run.id) for state in [e.state]}
        ended = datetime.fromisoformat(run.record.finished or run.record.started)
        begun = datetime.fromisoformat(run.record.started)
        wrote = at.get("verified", begun)
        writing += (wrote - begun).total_seconds()
        proving += (ended - wrote).total_seconds()
    site.ledger.close()
    return f"of which the runs wrote for {writing:.1f} s and proved for {proving:.1f} s"


# ------------------------------------------------------------------------------------------------------- the floor


@dataclass(frozen=True)
class Floor:
    """Whoever writes the same with nothing but LDAP, as the domain's administrator, into a unit of their own."""

    office: Office
    people: int
    unit: str

    @property
    def _base(self) -> str:
        return self.office.inventory.directory.base_dn

    def ldapadd(self) -> Measured:
        """OpenLDAP's own tool, from one file."""
        lines = [f"dn: {self.unit},{self._base}", "changetype: add", "objectClass: organizationalUnit", ""]
        dns = []
        for dn, values in self._entries():
            dns.append(dn)
            lines += [f"dn:: {_base64(dn)}", "changetype: add"]
            lines += [f"{name}:: {_base64(v)}" for name, some in values.items() for v in _several(some)] + [""]
        for group in self._groups():
            lines += [f"dn: {group}", "changetype: modify", "add: member"]
            lines += [*(f"member:: {_base64(dn)}" for dn in dns), ""]
        dc = self.office.dc
        command = ["ldapmodify", "-x", "-H", f"ldaps://{dc.address}", "-D", f"Administrator@{dc.domain}"]
        begun = time.monotonic()
        done = subprocess.run(
            [*command, "-y", str(dc.admin_password)],
            input="\n".join(lines), text=True, capture_output=True, check=False,
            env={**os.environ, "LDAPTLS_CACERT": str(dc.authority.certificate), "LDAPTLS_REQCERT": "demand"},
        )  # fmt: skip
        return time.monotonic() - begun, 0, f"exit {done.returncode}"

    def ldap3(self) -> Measured:
        """One connection; requests are sent a hundred at a time and answered meanwhile."""
        directory, dc = self.office.inventory.directory, self.office.dc
        tls = ldap3.Tls(
            ca_certs_file=str(directory.trust), validate=ssl.CERT_REQUIRED, valid_names=[directory.server.host]
        )
        server = ldap3.Server(dc.address, 636, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        password = dc.admin_password.read_text(encoding="utf-8").strip()
        connection = ldap3.Connection(
            server, f"Administrator@{dc.domain}", password, client_strategy=ldap3.ASYNC, auto_bind=True
        )
        connection.get_response(connection.add(f"{self.unit},{self._base}", "organizationalUnit"))
        begun, codes = time.monotonic(), Counter[str]()
        for some in _blocks(list(self._entries()), 100):
            sent = [connection.add(dn, attributes=values) for dn, values in some]
            codes.update(connection.get_response(number)[1]["description"] for number in sent)
            members = {"member": [(ldap3.MODIFY_ADD, [dn for dn, _ in some])]}
            sent = [connection.modify(group, members) for group in self._groups()]
            codes.update(connection.get_response(number)[1]["description"] for number in sent)
        seconds = time.monotonic() - begun
        connection.unbind()
        return seconds, 0, f"answers: {dict(codes)}"

    def _entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        directory, sign = self.office.inventory.directory, self.unit[-1]
        for number, (given, family) in enumerate(names(self.people), 1):
            login, shown = f"{sign}{number:05}", f"{given} {family}"
            yield f"CN={shown},{self.unit},{self._base}", {
                "objectClass": "user", "sAMAccountName": login, "userPrincipalName": f"{login}@{directory.domain}",
                "givenName": given, "sn": family, "displayName": shown, "employeeID": login,
                "department": "Engineering", "title": "Engineer", "company": directory.company or "Office",
                "pwdLastSet": "0", "userAccountControl": "512", "unicodePwd": f'"Xk4-{login}-qP7"'.encode("utf-16-le"),
                "mail": f"{login}@{directory.domain}",
                "proxyAddresses": [f"SMTP:{login}@{directory.domain}", f"smtp:{login}@mail.{directory.domain}"],
            }  # fmt: skip

    def _groups(self) -> list[str]:
        site = self.office.inventory
        return [
            f"CN={name},{GROUPS_UNIT},{self._base}" for name in (*site.profiles["engineer"].groups, site.intranet.group)
        ]


def _several(some: Any) -> list[Any]:
    return some if isinstance(some, list) else [some]


def _base64(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _blocks(things: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]


if __name__ == "__main__":
    sys.exit(main())
