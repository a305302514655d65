"""200 registry policies and 5 packages on 10 PCs: ours beside the least that any program could do, and pywinrm.

Everybody begins with new PCs (Wine prefixes cloned anew) and ends with the same, which Wine's own reg.exe, started in
each prefix, must show: all values under the policies' keys, all packages below Uninstall.

* Ours is ``Site.plan`` → ``Plan.apply`` as a program that goes straight on does it: reading before and behind each
  change, hashes of the packages on the PC, what waits for a restart, the journal, the ledger.
* The floor signs in once a PC, sends the .reg file and the packages with one smbclient, opens one shell, runs one
  ``reg import`` and five times ``msiexec``. It reads nothing, checks nothing and writes nothing down.
* pywinrm's ``run_cmd`` opens a shell for every command: ``reg add``, a value at a time. A fortieth of the values is
  measured, on all PCs at once, and scaled; its packages are not counted at all.

All work on all PCs at once. Wine computes 35 ms for each program that is started and 130 ms for each small package, on
the same processors as we and for all PCs. So what is compared here is the number of programs that are started: reading
before and behind each change is most of the difference. Real PCs compute on processors of their own, and msiexec takes
seconds there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any

from smbprotocol.connection import Connection
from winrm import Session
from winrm.protocol import Protocol

from benchmarks.measuring import Asked, Row, at_most, in_turn, seconds
from benchmarks.windows_lab import Bench, at_once, windows_bench
from benchmarks.windows_work import KEYS, PACKAGES, ROOT_KEY, VALUES, Package, SetUp, build, full, printed, values_of
from provisioning.connections.winrm import WinRm
from provisioning.resources.windows.baseline import baseline_policies
from provisioning.resources.windows.reg_file import KeyEdit, write
from provisioning.site import Inventory

_PCS = 10
_UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
_BUILDING = Lock()
_PART = 5  # values that are added one by one


def measure(asked: Asked) -> Iterator[Row]:
    """The row ``settings``."""
    packages = [build(asked.folder / "packages", number) for number in range(PACKAGES)]
    policies = {f"{ROOT_KEY}\\Key{key:02}": values_of(key) for key in range(KEYS)}
    sections = {
        "site.yml": {"workstation_baseline": {"registry": policies}},
        "software.yml": {"software": {one.key: one.plain() for one in packages}},
    }
    with windows_bench(asked, _PCS, sections) as bench:
        job = _Job(bench, packages, bench.site().inventory)
        contestants = {"ours": job.ours, "floor": job.floor, "pywinrm": job.pywinrm}
        times = in_turn(contestants, asked.repeat, asked.note)
    ours, floor = times["ours"], times["floor"]
    yield Row(
        "settings",
        f"{KEYS * VALUES} registry policies and {PACKAGES} packages on {_PCS} PCs",
        ours,
        "reg.exe query, started in each PC's own prefix",
        floor,
        times["pywinrm"].times(KEYS * VALUES / _PART),
        [at_most(ours, floor, 1.3)],
        {name: sum(found) / len(found) for name, found in job.figures.items()},
        "floor: one shell, one reg import, five msiexec, files by one smbclient; pywinrm: run_cmd with one reg add a "
        f"value, {_PART} values measured, its packages not counted; PCs are Wine on the same processors",
    )


class _Job:
    """The contestants. `figures` gets what is counted while we work, one number a turn."""

    def __init__(self, bench: Bench, packages: list[Package], inventory: Inventory) -> None:
        self._bench = bench
        self._packages = packages
        self._policies = baseline_policies(inventory.workstation_baseline)
        self._trust = str(inventory.windows.trust)
        self._user = inventory.windows.credential.user
        self._password = (bench.folder / "secrets/windows").read_text().strip()
        self._names = list(bench.addresses)
        self._ran = 0
        self.figures: dict[str, list[float]] = {}

    def ours(self) -> float:
        self._renew()
        site = self._bench.site()
        _ = site.ledger
        request = SetUp(tuple(self._names), tuple(one.key for one in self._packages))
        began, computed = time.perf_counter(), time.process_time()
        with _counted() as counts, site.kept_open():
            plan = site.plan(request)
            planned = time.perf_counter()
            run = plan.apply()
            applied = time.perf_counter()
        took = time.perf_counter() - began
        self._count("plan s", planned - began)
        self._count("apply s", applied - planned)
        self._count("CPU s of our process", time.process_time() - computed)
        for what, number in counts.items():
            self._count(f"{what} a PC", number / len(self._names))
        if not run.succeeded:
            raise SystemExit(f"the run ended {run.state}: {[r.error for r in run.record.changes if r.error][:3]}")
        self._look()
        return took

    def floor(self) -> float:
        self._renew()
        file = self._bench.folder / "policies.reg"
        file.write_bytes(write(KeyEdit(key, state.values) for key, state in self._policies.items()))
        computed = time.process_time()
        took = seconds(lambda: at_once(lambda name: self._set_up(name, file), self._names))
        self._count("CPU s of the floor's process", time.process_time() - computed)
        self._look()
        return took

    def pywinrm(self) -> float:
        took = seconds(lambda: at_once(self._add_one_by_one, self._names))
        for name in self._names:
            if f"Value{_PART - 1:02}" not in self._bench.reg(name, "query", f"{ROOT_KEY}\\OneByOne"):
                raise SystemExit(f"pywinrm did not set the values of {name}")
            self._bench.reg(name, "delete", f"{ROOT_KEY}\\OneByOne", "/f")
        return took

    def _set_up(self, name: str, policies: Path) -> None:
        """One PC, with the least that does it."""
        there = {policies.name: policies, **{one.file.name: one.file for one in self._packages}}
        self._bench.send(name, there)
        protocol = Protocol(
            f"https://{self._bench.addresses[name]}:5986/wsman",
            transport="ntlm",
            username=self._user,
            password=self._password,
            ca_trust_path=self._trust,
            proxy=None,
        )
        _without_environment(protocol)
        shell = protocol.open_shell(codepage=65001)
        commands = [["reg", "import", f"C:\\Windows\\Temp\\{policies.name}", "/reg:64"]]
        for one in self._packages:
            commands.append(["msiexec", "/i", f"C:\\Windows\\Temp\\{one.file.name}", "/qn", "/norestart"])
        for program, *arguments in commands:
            command = protocol.run_command(shell, program, arguments)
            _, _, code = protocol.get_command_output(shell, command)
            protocol.cleanup_command(shell, command)
            if code != 0:
                raise SystemExit(f"{name}: {program} {arguments} ended with {code}")
        protocol.close_shell(shell)

    def _add_one_by_one(self, name: str) -> None:
        where = f"https://{self._bench.addresses[name]}:5986/wsman"
        session = Session(where, (self._user, self._password), transport="ntlm", ca_trust_path=self._trust, proxy=None)
        _without_environment(session.protocol)
        for number in range(_PART):
            words = [
                "add",
                f"{ROOT_KEY}\\OneByOne",
                "/v",
                f"Value{number:02}",
                "/t",
                "REG_DWORD",
                "/d",
                str(number),
                "/f",
            ]
            if session.run_cmd("reg", words).status_code != 0:
                raise SystemExit(f"{name}: reg add failed")

    def _renew(self) -> None:
        """New PCs: the lab has just switched them on, or all are made anew."""
        if self._ran:
            self._bench.renew()
        self._ran += 1

    def _look(self) -> None:
        wanted = {line for key, state in self._policies.items() for line in printed(key, state.values)}
        for name in self._names:
            shown = self._bench.reg(name, "query", ROOT_KEY, "/s")
            found = {line.strip() for line in shown.splitlines() if line.strip()} - {full(ROOT_KEY)}
            if found != wanted:
                raise SystemExit(f"{name} has other policies: {sorted(found ^ wanted)[:5]}")
            installed = self._bench.reg(name, "query", _UNINSTALL, "/s")
            for one in self._packages:
                _, _, entry = installed.partition(f"\\{one.code}\n")
                if "DisplayVersion    REG_SZ    1.0.0" not in entry.partition("\nHKEY_")[0]:
                    raise SystemExit(f"{name} does not have {one.name}")

    def _count(self, what: str, number: float) -> None:
        self.figures.setdefault(what, []).append(number)


def _without_environment(protocol: Protocol) -> None:
    """requests changes and restores ``no_proxy`` of the environment at every message, which other threads trip over."""
    with _BUILDING:
        session = protocol.transport.build_session()
    session.trust_env = False
    session.proxies = {}


@contextmanager
def _counted() -> Iterator[dict[str, int]]:
    """How often we do what takes a round trip: commands, messages of WinRM (the sign-in's own are not among them) and
    of SMB (several may go in one packet)."""
    counts: dict[str, int] = {}
    watched: list[tuple[Any, str, str]] = [
        (WinRm, "_begin", "commands"),
        (Protocol, "send_message", "WinRM messages"),
        (Connection, "_send", "SMB packets"),
    ]
    former = [(owner, name, getattr(owner, name)) for owner, name, _ in watched]
    for (owner, name, call), (_, _, what) in zip(former, watched, strict=True):
        counts[what] = 0
        setattr(owner, name, _counting(call, counts, what))
    try:
        yield counts
    finally:
        for owner, name, call in former:
            setattr(owner, name, call)


def _counting(call: Callable[..., Any], counts: dict[str, int], what: str) -> Callable[..., Any]:
    @wraps(call)
    def counting(*arguments: Any, **options: Any) -> Any:
        counts[what] += 1
        return call(*arguments, **options)

    return counting
