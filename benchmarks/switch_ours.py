"""We: the whole way through the facade. A site of so many switches is loaded; then plan → apply, with everything that
belongs to it: reading before, verification, the SQLite ledger, saving.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from threading import Lock, local
from typing import Any

import yaml

from benchmarks.switch_contestants import Work
from benchmarks.switch_fleet import host_name
from benchmarks.switch_job import Job
from benchmarks.switch_scenarios import ACCESS, UPLINKS, VLANS, VOICE, description
from provisioning.api.configurations import archive_of
from provisioning.api.site import Site
from provisioning.connections.switch import SwitchSession
from provisioning.dialects import load
from provisioning.lab.site_copy import write_site
from provisioning.ledger.runs import Runs
from provisioning.procedures.base import Accounts
from provisioning.procedures.base import Work as Wanted
from provisioning.resources.base import Resource
from provisioning.resources.switch import port
from provisioning.resources.switch.port import PortKind, SwitchPort
from provisioning.site import Inventory

EXAMPLE = Path(__file__).parents[1] / "inventories/example"
_NUMBER = 16  # of a lab that is never started


@dataclass(frozen=True)
class Ports:
    """A request for the ports of the scenario on all switches of the site that are named `bench-…`."""

    ports: tuple[str, ...]
    title: str = "configure ports"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "benchmark", "ports": list(self.ports)}

    def compile(self, inventory: Inventory, accounts: Accounts) -> Wanted:  # noqa: ARG002
        wanted = {
            name: SwitchPort(description=description(number), access_vlan=ACCESS, voice_vlan=VOICE, enabled=True)
            for number, name in enumerate(self.ports, 1)
        }
        switches = [name for name in inventory.network.switches if name.startswith("bench-")]
        return Wanted(
            tuple(
                Resource("switch.port", f"switch:{switch}", name, state)
                for switch in switches
                for name, state in wanted.items()
            ),
            (),
        )


def facade(job: Job) -> Work:
    """``Site.load``, :meth:`Site.plan`, :meth:`Plan.apply`, as ``provision … --yes`` does it; the run must end
    ``done``. What the steps of a session take is added up over all switches and divided by their number."""
    folder = Path(job.folder) / "site"
    _write(job, folder)
    began = time.monotonic()
    site = Site.load(folder)
    loading = time.monotonic() - began
    request = Ports(tuple(job.scenario.interfaces))
    import_module("provisioning.api.plan_making")  # imported on first use, as all that only some programs need
    load("ios")  # what it imports, and its own file
    _ = site.ledger  # the file is there from the second run on, and so is the archive
    place = archive_of(site.inventory).place
    with place.writing() as git:
        place.prepare(git)

    def work() -> Mapping[str, float]:
        steps = _Steps(len(job.addresses))
        with steps.watched(), site.kept_open():
            began = time.monotonic()
            plan = site.plan(request)
            planned, computed = time.monotonic(), time.process_time()
            steps.applying = True
            run = plan.apply()
            done, cpu = time.monotonic(), time.process_time() - computed
        if not run.succeeded:
            raise SystemExit(f"the run ended {run.state}: {[r.error for r in run.record.changes if r.error][:3]}")
        parts = {"load site": loading, "plan": planned - began, "apply": done - planned, "apply CPU": cpu}
        return {**parts, **steps.means()}

    return work


class _Steps:
    """Seconds that each step took, over all switches. What they wait for one another is in it."""

    def __init__(self, switches: int) -> None:
        self.applying = False
        self._switches = switches
        self._sums: dict[str, float] = defaultdict(float)
        self._lock = Lock()
        self._here = local()

    def means(self) -> dict[str, float]:
        """``a switch: step`` → seconds."""
        return {f"a switch: {step}": total / self._switches for step, total in self._sums.items()}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The steps are timed during the block."""
        steps: list[tuple[Any, str, Callable[[], str]]] = [
            (SwitchSession, "_open", lambda: "sign in"),
            (PortKind, "read", self._reading),
            (PortKind, "keepsake", lambda: "archive: whole configuration"),
            (port, "look", lambda: "look (what must be left alone)"),
            (SwitchSession, "send", lambda: "write and read back"),
            (SwitchSession, "save", lambda: "save"),
            (Runs, "settle", lambda: "journal"),
        ]
        former = [(owner, name, getattr(owner, name)) for owner, name, _ in steps]
        for (owner, name, title), (_, _, call) in zip(steps, former, strict=True):
            setattr(owner, name, self._timed(title, call))
        try:
            yield
        finally:
            for owner, name, call in former:
                setattr(owner, name, call)

    def _reading(self) -> str:
        """A target's reads come one after the other on one thread: for the plan; before the change, and behind it."""
        if not self.applying:
            return "read for the plan"
        self._here.again = not getattr(self._here, "again", False)
        return "read before the change" if self._here.again else "read behind it (verify)"

    def _timed(self, title: Callable[[], str], call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def timed(*arguments: Any, **options: Any) -> Any:
            step, began = title(), time.monotonic()
            try:
                return call(*arguments, **options)
            finally:
                with self._lock:
                    self._sums[step] += time.monotonic() - began

        return timed


def _write(job: Job, folder: Path) -> None:
    """The example site, with the switches of the scenario beside its own. All that it keeps is in `folder`."""
    write_site(EXAMPLE, folder, _NUMBER)
    for file in folder.glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(f"/var/lib/provisioning-lab/{_NUMBER}/", f"{folder}/kept/"), encoding="utf-8")
    file = folder / "network.yml"
    section = yaml.safe_load(file.read_text(encoding="utf-8"))
    network = section["network"]
    network["vlans"] = {name: {"id": number} for number, name in VLANS.items()} | {
        name: vlan for name, vlan in network["vlans"].items() if name not in VLANS.values()
    }
    for name, address in job.addresses.items():
        network["switches"][name] = {
            "ssh": {"host": host_name(name), "port": job.port, "address": address},
            "dialect": "ios",
            "credential": {"user": job.user, "password": f"file:{job.password_file}"},
            "known_hosts": job.known_hosts,
            "closet": "C-B2",
            "uplinks": list(UPLINKS),
        }
    file.write_text(yaml.safe_dump(section, sort_keys=False), encoding="utf-8")
