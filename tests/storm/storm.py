"""``make storm``: runs and undos, killed hundreds of times at random points, must lose nothing and do nothing twice.

Two lanes work at the same time on the same boxes, through one ledger. Each lane asks for changes on all boxes, is
killed (after a random time, or at a named crash point: see ``crash.py``), resumes, is killed again …, until its run
is done; it takes the run back, is killed …; then it counts on the far side. Meanwhile boxes go off and connections
break.

The last line that is printed: ``storm: K kills, N changes, 0 lost, 0 doubled``. ``--seed`` repeats a storm as far as
threads allow.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from provisioning.api import Site
from provisioning.errors import ProvisioningError
from provisioning.ledger import Ledger, RunRecord
from provisioning.site.ledger import LedgerServer
from tests.storm import crash
from tests.storm.far_side import BoxSession
from tests.storm.office import Gale, installed, site_with

ROOT = Path(__file__).parent.parent.parent
LANES = 2
OPEN = {"running", "waiting", "interrupted"}


@dataclass
class Toll:
    """What a storm did."""

    kills: int = 0
    changes: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    rounds: int = 0
    points: dict[str, int] = field(default_factory=dict)

    def add(self, other: Toll) -> None:
        self.kills += other.kills
        self.changes += other.changes
        self.lost += other.lost
        self.doubled += other.doubled
        self.broken += other.broken
        self.rounds += other.rounds
        self.points = dict(Counter(self.points) + Counter(other.points))

    def line(self) -> str:
        """The last line."""
        return f"storm: {self.kills} kills, {self.changes} changes, {len(self.lost)} lost, {len(self.doubled)} doubled"


@dataclass
class Lane:
    """One operator: asks, is killed, resumes, takes back, counts."""

    number: int
    site: Site
    folder: Path
    boxes: tuple[str, ...]
    chance: random.Random
    kills: int
    toll: Toll = field(default_factory=Toll)

    def blow(self) -> Toll:
        """Rounds until enough processes were killed."""
        self._furnish()
        while self.toll.kills < self.kills:
            gale = Gale(self.number, self.toll.rounds, self.boxes)
            seen = self._applied()
            early = self.chance.random() < 0.25
            run = self._drive(gale, None, patience=self.chance.randrange(1, 4) if early else None)
            if run is not None and run.state == "done":
                seen = self._count(gale, run, seen, back=False)
            if run is not None:
                self._count(gale, self._drive(gale, run.id), seen, back=True, whole=run.state == "done")
            self.toll.rounds += 1
        return self.toll

    def _drive(self, gale: Gale, undoes: int | None, patience: int | None = None) -> RunRecord | None:
        """Begin a run (or the undoing of one), and resume it after every kill until it is done; with `patience`, give
        up after that many kills."""
        died = 0
        while True:
            run = self._latest(gale, undoes)
            if run is not None and run.state not in OPEN:
                return run
            if patience is not None and died >= patience:
                return run
            died += self._process(lambda run=run: self._work(gale, undoes, run))  # type: ignore[misc]

    def _latest(self, gale: Gale, undoes: int | None) -> RunRecord | None:
        with _opened(self.site) as ledger:
            found = ledger.runs(200, undoes=undoes) if undoes else ledger.runs(200)
        ours = [run for run in found if run.undoes == undoes and (undoes or run.request == gale.to_plain())]
        return ours[0] if ours else None

    def _work(self, gale: Gale, undoes: int | None, run: RunRecord | None) -> None:
        """What an operator types."""
        if run is not None:
            self.site.resume(run.id)
        elif undoes is not None:
            self.site.run(undoes).undo()
        else:
            self.site.plan(gale).apply()

    def _process(self, work: Callable[[], None]) -> bool:
        """Do `work` in a process of its own; whether it was killed."""
        point, nth, seconds = "", 0, None
        how = self.chance.random()
        if how < 0.55:
            point = self.chance.choice(crash.POINTS)
            nth = self.chance.randint(1, crash.OFTEN.get(point.partition(" ")[2], 3))
        elif how < 0.97:
            seconds = self.chance.random() ** 2
        child = os.fork()
        if child == 0:
            _live(work, point, nth)
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            ended, status = os.waitpid(child, os.WNOHANG if deadline else 0)
            if ended:
                break
            if deadline and time.monotonic() >= deadline:
                os.kill(child, signal.SIGKILL)
                deadline = None
            time.sleep(0.002)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if killed:
            self.toll.kills += 1
            named = point or "any time"
            self.toll.points[named] = self.toll.points.get(named, 0) + 1
        elif status != 0:
            self.toll.broken.append(f"lane {self.number}: a process ended with {os.waitstatus_to_exitcode(status)}")
            raise SystemExit(1)
        return killed

    # --------------------------------------------------------------------------------------------- the far side

    def _furnish(self) -> None:
        before = Gale(self.number, 0, self.boxes).before()
        for box in self.boxes:
            for key, fields in before.items():
                if fields is not None:
                    _ask(self.folder, box, "put", key, fields)

    def _applied(self) -> dict[str, Counter[tuple[str, str, str | None]]]:
        ours = {Gale(self.number, 0, ()).key(what) for what in ("new", "old", "gone")}
        counted = {}
        for box in self.boxes:
            lines = (self.folder / f"{box}.applied").read_text(encoding="utf-8").splitlines()
            done = (tuple(json.loads(line)[:3]) for line in lines)
            counted[box] = Counter(operation for operation in done if operation[1] in ours)
        return counted

    def _count(
        self,
        gale: Gale,
        run: RunRecord | None,
        seen: dict[str, Counter[tuple[str, str, str | None]]],
        *,
        back: bool,
        whole: bool = True,
    ) -> dict[str, Counter[tuple[str, str, str | None]]]:
        """Compare the far side with what it should be. An early undo may find a part of the operations to be done."""
        here = f"lane {self.number} round {gale.round}{' back' if back else ''}"
        if run is None or run.state != "done":
            self.toll.lost.append(f"{here}: the run is {run and run.state}: {run and _failures(run)}")
        now = self._applied()
        wanted = gale.before() if back else gale.wanted()
        once = gale.operations(back=back)
        if back and not whole:
            once = once | gale.operations(back=False)
        for box in self.boxes:
            for key, fields in wanted.items():
                found = _ask(self.folder, box, "read", key, None)
                if found != fields:
                    self.toll.lost.append(f"{here}: {box}/{key} is {found}, not {fields}")
            done = now[box] - seen[box]
            self.toll.changes += len({key for _, key, _ in done})
            for operation, times in done.items():
                limit = once.get(operation, 0) * (1 if whole else 2)
                if times > limit:
                    self.toll.doubled.append(f"{here}: {box}: {operation} was done {times} times")
        return now


def _live(work: Callable[[], None], point: str, nth: int) -> None:
    """The rest of a forked process's life."""
    code = 0
    try:
        if point:
            crash.plant(point, nth)
        work()
    except ProvisioningError:
        traceback.print_exc()
        code = 1
    except BaseException:
        traceback.print_exc()
        code = 2
    finally:
        os._exit(code)


def _ask(folder: Path, box: str, operation: str, key: str, value: object) -> object:
    session = BoxSession(folder, box, calm=True)
    try:
        return session.ask(operation, key, None, value)
    finally:
        session.close()


def _failures(run: RunRecord) -> list[str]:
    return [f"{r.change.address} {r.state}: {r.error}" for r in run.changes if r.state != "verified"][:5]


@contextmanager
def _opened(site: Site) -> Iterator[Ledger]:
    # Never kept open: a process that forks must not share a database connection with its children.
    ledger = Ledger.at(site.inventory.ledger, site.secrets)
    try:
        yield ledger
    finally:
        ledger.close()


def storm(folder: Path, *, seed: int, kills: int, boxes: int = 40, ledger: LedgerServer | None = None) -> Toll:
    """One storm in `folder`: at least `kills` kills in all. `ledger` is a PostgreSQL database; SQLite without it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = tuple(f"b{number:02}" for number in range(boxes))
    site = site_with(ledger or folder / "ledger" / "ledger.sqlite")
    words = [sys.executable, "-m", "tests.storm.far_side", str(folder), str(seed), *names]
    far_side = subprocess.Popen(words, cwd=ROOT)
    try:
        with installed(folder):
            return _storm(site, folder, names, seed, kills)
    finally:
        far_side.kill()
        far_side.wait()


def _storm(site: Site, folder: Path, names: tuple[str, ...], seed: int, kills: int) -> Toll:
    while not (folder / "ready").exists():
        time.sleep(0.01)
    with _opened(site):
        pass
    lanes = [
        _start(Lane(n, site, folder, names, random.Random(f"{seed} {n}"), kills // LANES))  # noqa: S311
        for n in range(LANES)
    ]
    toll = Toll()
    for number, pid in enumerate(lanes):
        _, status = os.waitpid(pid, 0)
        told = folder / f"toll-{number}.json"
        if status != 0 or not told.exists():
            toll.broken.append(f"lane {number} ended with {os.waitstatus_to_exitcode(status)}")
        if told.exists():
            toll.add(Toll(**json.loads(told.read_text(encoding="utf-8"))))
    with _opened(site) as opened:
        toll.broken += [str(found) for found in opened.verify().breaks]
    return toll


def _start(lane: Lane) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        try:
            lane.blow()
            code = 0
        finally:
            told = json.dumps(asdict(lane.toll))
            (lane.folder / f"toll-{lane.number}.json").write_text(told, encoding="utf-8")
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


@contextmanager
def _server() -> Iterator[LedgerServer]:
    from tests.postgres import running_cluster  # noqa: PLC0415  (only this storm needs Debian's PostgreSQL)

    with running_cluster() as cluster:
        os.environ["STORM_LEDGER"] = cluster.password
        yield LedgerServer(url=cluster.url(cluster.make_database()), password="env:STORM_LEDGER")


def main() -> int:
    """Run a storm and print its toll; 0 when nothing was lost."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seed", type=int, default=int(time.time()))
    words.add_argument("--kills", type=int, default=240)
    words.add_argument("--boxes", type=int, default=40)
    words.add_argument("--postgresql", action="store_true", help="on a PostgreSQL ledger (started for it; root)")
    chosen = words.parse_args()
    sys.stdout.write(f"storm: seed {chosen.seed} (repeat with --seed {chosen.seed})\n")
    sys.stdout.flush()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="storm-") as folder, ExitStack() as stack:
        ledger = stack.enter_context(_server()) if chosen.postgresql else None
        toll = storm(Path(folder), seed=chosen.seed, kills=chosen.kills, boxes=chosen.boxes, ledger=ledger)
    wrong = [*toll.lost, *toll.doubled, *toll.broken]
    for line in wrong[:50]:
        sys.stdout.write(f"  {line}\n")
    killed = ", ".join(f"{number} × {point}" for point, number in Counter(toll.points).most_common())
    sys.stdout.write(f"storm: {toll.rounds} rounds in {time.monotonic() - begun:.0f} s, killed {killed}\n")
    sys.stdout.write(f"storm: ledger {'intact' if not toll.broken else 'BROKEN'}\n")
    sys.stdout.write(f"{toll.line()}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
