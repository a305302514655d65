"""How fast a file gets to a Windows PC of the lab: ``python -m benchmarks.transfer`` (as root; about two minutes).

Our two ways (SMB, and HTTPS fetched by the PC; both with the hash checked on the PC) stand beside ``smbclient put``,
the floor, which checks nothing, and beside base64 through the shell, the way of a session without files.
Medians of five.
The lab number is one of its own, with one PC and nothing else, unless a lab of that number stands already.
"""

from __future__ import annotations

import argparse
import base64
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioning.connections.windows import WindowsSession, open_session
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.office import Office, standing
from provisioning.lab.servers import ROOT
from provisioning.lab.site_copy import write_site
from provisioning.lab.ssh_service import ensure_password
from provisioning.lab.windows.host import WindowsPc, WindowsPcs
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.windows import PullServer

EXAMPLE = Path(__file__).parents[1] / "inventories/example"
PC = "WS-0042"
_RUNS = 5
_LINE = 6000  # characters of base64 that one command line carries
_PULL_PORT = 8543


@dataclass(frozen=True)
class Bench:
    """A lab with one PC, and the file that goes there."""

    inventory: Inventory
    folder: Path
    big: Path

    def session(self, **settings: object) -> WindowsSession:
        windows = self.inventory.windows.model_copy(update=settings)
        inventory = self.inventory.model_copy(update={"windows": windows})
        return open_session(f"windows:{PC}", inventory, Secrets(inventory.folder, self.folder))


@dataclass(frozen=True)
class Row:
    """One way: what was sent, in octets, and the seconds of each run."""

    way: str
    octets: int
    seconds: Sequence[float]

    @property
    def speed(self) -> float:
        """Median, MB/s (10^6 octets)."""
        return self.octets / 1e6 / statistics.median(self.seconds)

    def __str__(self) -> str:
        rates = [self.octets / 1e6 / one for one in self.seconds]
        hundred = 100 / self.speed
        return (
            f"{self.way:<42} {self.octets / 1e6:>8.2f} {self.speed:>9.2f} {min(rates):>8.2f} – {max(rates):<8.2f} "
            f"{hundred:>8.1f}"
        )


def measure(bench: Bench) -> list[Row]:
    """All ways, one after the other."""
    size = bench.big.stat().st_size
    rows = [Row("smbclient put (no check)", size, _runs(lambda: _smbclient(bench)))]
    with _opened(bench.session()) as session:
        rows.append(Row("provision over SMB, hash checked", size, _runs(lambda: session.put(bench.big, "big.bin"))))
        rows.append(Row("  the same without the check", size, _runs(lambda: session.push(bench.big, "big.bin"))))
    with _opened(bench.session(pull=_pull(bench))) as session:
        rows.append(
            Row("provision, fetched over HTTPS, hash checked", size, _runs(lambda: _put_pulled(session, bench)))
        )
        if any(one.way != "https" for one in session.transfers):
            raise SystemExit("a transfer went over SMB instead of HTTPS; the row would be wrong")
    with _opened(bench.session()) as session:
        rows.append(
            Row("base64 through the shell (extrapolated)", 100_000, _runs(lambda: _base64(session, 100_000), 3))
        )
    return rows


def _runs(once: Callable[[], object], runs: int = _RUNS) -> list[float]:
    seconds = []
    for _ in range(runs):
        began = time.monotonic()
        once()
        seconds.append(time.monotonic() - began)
    return seconds


def _put_pulled(session: WindowsSession, bench: Bench) -> None:
    session.delete("pulled.bin")  # curl would find it whole
    session.put(bench.big, "pulled.bin")


def _base64(session: WindowsSession, octets: int) -> None:
    """Lines of text appended by echo, as tools without SMB do it; decoding on the PC is not even counted."""
    text = base64.b64encode(os.urandom(octets)).decode()
    path = session.path("text.b64")
    for start in range(0, len(text), _LINE):
        session._commands.run(f"echo {text[start : start + _LINE]}>>{path}", timeout=60)


def _smbclient(bench: Bench) -> None:
    windows, address = bench.inventory.windows, bench.inventory.workstations[PC].address
    account = bench.folder / "smbclient.auth"
    password = Secrets(bench.inventory.folder, bench.folder).resolve(windows.credential.password).get_secret_value()
    account.touch(mode=0o600)
    account.write_text(f"username = {windows.credential.user}\npassword = {password}\n", encoding="utf-8")
    subprocess.run(
        [
            "smbclient",
            f"//{address}/C$",
            "-A",
            str(account),
            "-m",
            "SMB3",
            "-c",
            f"put {bench.big} Windows\\Temp\\floor.bin",
        ],
        check=True,
        capture_output=True,
    )


def _pull(bench: Bench) -> PullServer:
    files = LabAuthority(bench.inventory.windows.trust.parent).issue(  # type: ignore[union-attr]  # the lab's site has one
        ["localhost"], ["127.0.0.1"], bench.folder, "pull"
    )
    here = {"host": "localhost", "address": "127.0.0.1", "port": _PULL_PORT, "larger_than": 0}
    return PullServer.model_validate({**here, "certificate": files.certificate, "key": f"file:{files.key}"})


@contextmanager
def _opened(session: WindowsSession) -> Iterator[WindowsSession]:
    session.run(["hostname"])
    session.probe_files()
    try:
        yield session
    finally:
        session.close()


@contextmanager
def bench_of(number: int, mebibytes: int) -> Iterator[Bench]:
    """The running lab `number`, or one PC alone that is taken down afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="transfer-")))
        big = folder / "big.bin"
        big.write_bytes(os.urandom(mebibytes * 1_000_000))
        office = standing(number)
        if office is None or not office.pcs.running():
            write_site(EXAMPLE, folder / "site", number)
            office = Office(folder / "site", number)
            stack.enter_context(_one_pc(office, ROOT / str(number)))
        yield Bench(office.inventory, folder, big)


@contextmanager
def _one_pc(office: Office, folder: Path) -> Iterator[None]:
    if folder.exists():
        raise SystemExit(f"{folder} is there already; `provision lab down` removes it, or use another --number")
    site = office.inventory
    workstation = site.workstations[PC]
    if workstation.address is None:
        raise SystemExit(f"{PC} has no address in {office.site_folder}")
    folder.mkdir(parents=True)
    office.secrets.mkdir(mode=0o700)
    ensure_password(office.secrets / "windows")
    office.authority.up()
    pcs = WindowsPcs(
        folder / "windows",
        [WindowsPc(PC, workstation.host, workstation.address)],
        user=site.windows.credential.user,
        password=office.secrets / "windows",
        authority=office.authority,
    )
    try:
        pcs.up()
        yield
    finally:
        pcs.down()
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.transfer", description="MB/s to a Windows PC of the lab.")
    parser.add_argument("--number", type=int, default=8, help="lab number (default 8)")
    parser.add_argument("--size", type=int, default=100, help="MB of the file (default 100)")
    asked = parser.parse_args(arguments)
    with bench_of(asked.number, asked.size) as bench:
        sys.stdout.write(f"{'way':<42} {'MB':>8} {'MB/s':>9} {'slowest – fastest':>19} {'s/100 MB':>10}\n")
        for row in measure(bench):
            sys.stdout.write(f"{row}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
