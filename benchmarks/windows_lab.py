"""Windows PCs of the lab for a benchmark: a site of so many PCs, nothing else running, all of it gone afterwards.

They are Wine prefixes with a WS-Management endpoint and an smbd each (:mod:`provisioning.lab.windows`), all on this
machine: what a command computes on a PC, it computes here.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import Asked
from provisioning.api import Site
from provisioning.lab.office import Office
from provisioning.lab.servers import ROOT
from provisioning.lab.site_copy import write_site
from provisioning.lab.ssh_service import ensure_password
from provisioning.lab.windows.host import WindowsPc, WindowsPcs
from provisioning.lab.windows.prefix import wine_command, wine_environment

EXAMPLE = Path(__file__).parents[1] / "inventories/example"
_FIRST_ADDRESS = 150
Sections = Mapping[str, Mapping[str, Any]]
"""File of the site → section → what is put into it."""


@dataclass(frozen=True)
class Bench:
    """The PCs and the site that names them. `addresses` are by name of the PC, `account` is a file for smbclient's
    ``-A``."""

    site_folder: Path
    folder: Path
    pcs: WindowsPcs
    addresses: Mapping[str, str]
    account: Path

    def site(self) -> Site:
        return Site.load(self.site_folder)

    def drive(self, name: str) -> Path:
        """Where drive C of a PC lies here."""
        return self.pcs.drive(name)

    def renew(self) -> None:
        """Every PC becomes a new one."""
        with ThreadPoolExecutor(3) as workers:
            list(workers.map(self.pcs.renew, self.addresses))

    def reg(self, name: str, *words: str) -> str:
        """What Wine's own reg.exe prints, asked in the prefix and not over the network."""
        prefix = self.drive(name).parent
        done = subprocess.run(
            wine_command("C:\\windows\\system32\\reg.exe", *words),
            env=wine_environment(prefix),
            cwd=prefix,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")

    def send(self, name: str, files: Mapping[str, Path]) -> None:
        """Copy files to ``C:\\Windows\\Temp`` with one smbclient; `files` by their names there."""
        puts = "; ".join(f"put {path} Windows\\Temp\\{there}" for there, path in files.items())
        words = ["smbclient", f"//{self.addresses[name]}/C$", "-A", str(self.account), "-m", "SMB3", "-c", puts]
        subprocess.run(words, check=True, capture_output=True)


@contextmanager
def windows_bench(asked: Asked, count: int, sections: Sections) -> Iterator[Bench]:
    """`count` PCs, switched on, and all that they need in ``/var/lib/provisioning-lab/NUMBER``, which must be free."""
    folder = ROOT / str(asked.number)
    if folder.exists():
        raise SystemExit(
            f"{folder} is there already; `provision lab down --number {asked.number}`, or another --number"
        )
    names = [f"WS-B{number:02}" for number in range(count)]
    addresses = {name: f"127.77.{asked.number}.{_FIRST_ADDRESS + at}" for at, name in enumerate(names)}
    site = asked.folder / "site"
    write_site(EXAMPLE, site, asked.number)
    _add(site, sections)
    with (site / "workstations.csv").open("a", encoding="utf-8") as file:
        for at, (name, address) in enumerate(addresses.items()):
            mac = f"02:00:5e:20:00:{at:02x}"
            file.write(f"{name},BENCH-{at},{mac},EliteDesk 800 G9,{name.lower()}.corp.example,{address},\n")
    office = Office(site, asked.number)
    windows = office.inventory.windows
    folder.mkdir(parents=True)
    try:
        office.secrets.mkdir(mode=0o700)
        password = office.secrets / "windows"
        ensure_password(password)
        office.authority.up()
        account = folder / "smbclient.auth"
        account.touch(mode=0o600)
        account.write_text(f"username = {windows.credential.user}\npassword = {password.read_text().strip()}\n")
        pcs = WindowsPcs(
            folder / "windows",
            [WindowsPc(name, office.inventory.workstations[name].host, _address(office, name)) for name in names],
            user=windows.credential.user,
            password=password,
            authority=office.authority,
        )
        try:
            asked.note(f"{count} PCs are switched on")
            pcs.up()
            yield Bench(site, folder, pcs, addresses, account)
        finally:
            pcs.down()
    finally:
        shutil.rmtree(folder)


def at_once(work: Callable[[str], object], names: Sequence[str]) -> None:
    """Do it on all PCs at once, as the engine does (it takes 32)."""
    with ThreadPoolExecutor(len(names)) as workers:
        list(workers.map(work, names))


def _address(office: Office, name: str) -> Any:
    return office.inventory.workstations[name].address


def _add(site: Path, sections: Sections) -> None:
    for name, added in sections.items():
        file = site / name
        plain = yaml.safe_load(file.read_text(encoding="utf-8"))
        for section, content in added.items():
            plain[section] = {**plain.get(section, {}), **content} if section == "software" else content
        file.write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), encoding="utf-8")
