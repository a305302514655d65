"""The command line on systems in memory: the example site, its systems replaced.

Used inside a test (:func:`install`), or as a program of its own for exit codes and signals::

    python -m tests.unit.cli_office SCENARIO WORDS…
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioning.api import Plan, Site
from provisioning.api.planning import people_of
from provisioning.engine import planner
from provisioning.engine.events import Listener, one_at_a_time
from provisioning.engine.prover import prove
from provisioning.errors import RejectedError, UnreachableError
from provisioning.procedures.approvals import Grounds
from provisioning.procedures.base import Request
from provisioning.procedures.licences import Seat
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Proof, Resource
from provisioning.resources.registry import KINDS, PROOFS
from tests.memory import MemoryKind, MemoryProof, MemorySessions, MemorySystem, Thing, thing

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"
LAB = "/var/lib/provisioning-lab/0"
"""Where the example site keeps everything."""
HOSTILE = "evil\x1b]0;owned\x07\x9b31m\u202eneve\nError: forged"

Put = Callable[[Any, str, Any], object]


def write_site(folder: Path) -> Path:
    """The example site with its ledger, its archive and all that it keeps below `folder`."""
    site = folder / "site"
    shutil.copytree(EXAMPLE, site)
    for file in site.rglob("*.yml"):
        text = file.read_text(encoding="utf-8")
        if LAB in text:
            file.write_text(text.replace(LAB, str(folder / "lab")), encoding="utf-8")
    return site


class Office:
    """What the systems hold and what is wanted of them."""

    def __init__(self) -> None:
        self.a = MemorySystem({"old": Thing(colour="red", size=1, labels={"x": "1"})})
        self.b = MemorySystem()
        self.sessions = MemorySessions({"a": self.a, "b": self.b})
        self.wanted: list[Resource] = [
            thing("a", "new", Thing(colour="blue", labels={"team": "sales"})),
            thing("a", "old", Thing(size=2, labels={"x": None, "y": "2"}), ("a", "new")),
            thing("b", "far", Thing(colour=HOSTILE), ("a", "new")),
        ]
        self.proofs = [Proof("memory.exists", "a", "the new thing is there", {"key": "new"})]
        self.warnings: tuple[str, ...] = ()
        self.grounds: Grounds = {}
        self.seats: tuple[Seat, ...] = ()

    def plan(self, site: Site, request: Request | None = None) -> Plan:
        request = request or onboard("E1042", "E1043")
        for person in request.people(site.inventory):
            site.inventory.person(person)
        reading = planner.read(self.wanted, self.sessions)
        changes = tuple(planner.compare(self.wanted, reading))
        known = len([r for r in self.wanted if r.target not in reading.unread])
        return Plan(
            site,
            request.title,
            request.to_plain(),
            changes,
            tuple(self.proofs),
            self.warnings,
            reading.unread,
            known,
            grounds=self.grounds,
            seats=self.seats,
        )

    def check(
        self, site: Site, *names: str, workplace: str | None = None, listener: Listener | None = None
    ) -> Sequence[Any]:
        for name in names:
            people_of(site.inventory, name)
        return prove(self.proofs, self.sessions, one_at_a_time(listener))

    @contextmanager
    def connect(self, _: Site, *, anew: bool = False) -> Iterator[MemorySessions]:
        yield self.sessions


class Counted(Office):
    """Every request wants one thing on each system for each of its people; what reaches them is written into the file
    ``FAR_SIDE``, which several processes share. The first plan waits until ``FAR_SIDE_PROCESSES`` of them plan."""

    def __init__(self) -> None:
        super().__init__()
        self.proofs, self.met, self.turn = [], False, threading.Lock()
        self.far_side = Path(os.environ["FAR_SIDE"])
        for name, system in (("a", self.a), ("b", self.b)):
            system.applied = _Noted(name, self.far_side)
            system.on_apply = lambda: time.sleep(0.05)

    def plan(self, site: Site, request: Request | None = None) -> Plan:
        request = request or onboard("E1042")
        with self.turn:  # several requests are planned at once, each by a thread
            self.wanted = [thing(t, p, Thing(colour="blue")) for p in request.desks(site.inventory) for t in ("a", "b")]
            planned = super().plan(site, request)
        self._meet()
        return planned

    def _meet(self) -> None:
        if not self.met:
            self.far_side.with_suffix(f".{os.getpid()}").touch()
            self.met = True
            deadline = time.monotonic() + 30
            while len(list(self.far_side.parent.glob(f"{self.far_side.stem}.[0-9]*"))) < int(
                os.environ["FAR_SIDE_PROCESSES"]
            ):
                assert time.monotonic() < deadline, "the others did not come"
                time.sleep(0.01)


class _Noted(list[Any]):
    """Writes down each change that reaches a system, and who sent it."""

    def __init__(self, system: str, file: Path) -> None:
        super().__init__()
        self.system, self.file = system, file

    def append(self, change: Any) -> None:
        super().append(change)
        with self.file.open("a", encoding="utf-8") as file:  # one short line: O_APPEND does not mix them
            file.write(f"{os.getpid()} {self.system}:{change.key}\n")


def install(office: Office, put: Put, put_item: Put) -> None:
    """Let :class:`Site` work on `office`. `put` sets attributes, `put_item` items (monkeypatch does both)."""
    put_item(KINDS, "memory.thing", MemoryKind())
    put_item(PROOFS, "memory.exists", MemoryProof())

    def plan(site: Site, request: Request | None = None, listener: Listener | None = None) -> Plan:
        return office.plan(site, request)

    def check(site: Site, *names: str, **words: Any) -> Sequence[Any]:
        return office.check(site, *names, **words)

    def connect(site: Site, *, anew: bool = False) -> Any:
        return office.connect(site)

    put(Site, "plan", plan)
    put(Site, "check", check)
    put(Site, "connect", connect)


def scenario(name: str) -> Office:
    """An office with one fault, by name."""
    office = Office()
    match name:
        case "fine":
            pass
        case "counted":
            office = Counted()
        case "off":
            del office.sessions.systems["b"]  # type: ignore[attr-defined]
        case "partial":
            office.b.refuses["far"] = RejectedError("b", "the system says no")
        case "unproven":
            office.proofs.append(Proof("memory.exists", "b", "nowhere is there", {"key": "nowhere"}))
        case "bug":
            office.wanted = [None]  # type: ignore[list-item]
        case "interrupt":
            office.a.on_apply = lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(0.3)  # type: ignore[func-returns-value]
        case "slow":
            office.a.on_apply = lambda: time.sleep(60)
        case "kill":
            office.a.on_apply = lambda: os.kill(os.getpid(), signal.SIGKILL)
        case "dead":
            office.sessions = _DeadSessions({})
        case "hang":
            office.a.on_apply = _interrupt_twice
        case _:
            raise ValueError(name)
    return office


class _DeadSessions(MemorySessions):
    """Systems that take for ever to say nothing; the admin loses patience."""

    @contextmanager
    def session(self, target: str) -> Iterator[MemorySystem]:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
        raise UnreachableError(target, "nobody answers")
        yield self.systems[target]


def _interrupt_twice() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


if __name__ == "__main__":
    install(scenario(sys.argv[1]), setattr, lambda where, key, value: where.__setitem__(key, value))
    sys.argv = ["provision", *sys.argv[2:]]
    from provisioning.cli import main

    main()
