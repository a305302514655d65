"""Workers in a storm: they are killed and stopped at random while they carry out requests, and the far side counts.

``make workers`` prints what comes of it; the last line is the verdict::

    workers: 37 kills, 24 stops, 200 requests, 0 lost, 0 doubled, 0 overlaps
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioning.api import Site
from provisioning.procedures.base import Request
from tests.many import office
from tests.many.far_side import count
from tests.postgres import Cluster, running_cluster

ROOT = Path(__file__).parent.parent.parent
QUICK = "look: 1, poll: 0.2, heartbeat: 0.5, stalled: 2"


@dataclass(frozen=True)
class Verdict:
    """What came of a storm. `lost`: things that should be there and are not; `doubled`: things that were created more
    than once; `overlaps`: targets that had two sessions at once."""

    seconds: float
    requests: int
    kills: int
    stops: int
    lost: int
    doubled: int
    overlaps: int
    unfinished: tuple[str, ...]
    sound: bool
    most_sessions: int

    @property
    def good(self) -> bool:
        return self.sound and not (self.lost or self.doubled or self.overlaps or self.unfinished)

    def __str__(self) -> str:
        return (
            f"workers: {self.kills} kills, {self.stops} stops, {self.requests} requests, {self.lost} lost, "
            f"{self.doubled} doubled, {self.overlaps} overlaps"
        )


@dataclass
class Field:
    """A site, its far side, and the workers on it."""

    folder: Path
    site: Site
    far: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, concurrency: int) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "tests.many.office", str(self.site.inventory.folder), str(self.far), "worker"]
        with (self.folder / "workers.log").open("ab") as log:
            worker = subprocess.Popen([*words, "--concurrency", str(concurrency)], cwd=ROOT, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def ask(self, requests: Sequence[Request]) -> None:
        for request in requests:
            self.site.ledger.ask(request.title, request.to_plain())

    def open_requests(self) -> int:
        return sum(request.state not in {"proven"} for request in self.site.ledger.requests(10_000))

    def stop(self, worker: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
        worker.send_signal(signal.SIGCONT)
        worker.send_signal(number)
        worker.wait(60)

    def count(self) -> dict[str, Any]:
        with count(self.far) as counted:
            return counted


@contextmanager
def playing_field(cluster: Cluster | None, folder: Path, *, latency: float, settings: str = QUICK) -> Iterator[Field]:
    """A new site and its far side; the ledger is on `cluster`, without one it is a SQLite file."""
    place = str(folder / "ledger" / "ledger.sqlite")
    if cluster is not None:
        password = folder / "password"
        password.write_text(cluster.password + "\n")
        password.chmod(0o600)
        place = f"{{url: '{cluster.url(cluster.make_database())}', password: 'file:{password}'}}"
    site = Site.load(office.write_site(folder, place, settings))
    far = folder / "far"
    side = subprocess.Popen([sys.executable, "-m", "tests.many.far_side", str(far), str(latency)], cwd=ROOT)
    played = Field(folder, site, far)
    try:
        while not far.exists():
            time.sleep(0.02)
        with office.installed(far):
            yield played
    finally:
        for worker in played.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        side.terminate()
        side.wait()
        site.ledger.close()


def wanted(number: int, targets: int, chance: random.Random) -> list[office.Many]:
    """Requests for two targets each."""
    names = [f"far:{n:02}" for n in range(targets)]
    return [office.Many(n, tuple(chance.sample(names, 2))) for n in range(1, number + 1)]


def storm(
    cluster: Cluster | None, folder: Path, *, workers: int = 3, requests: int = 200, targets: int = 40, seed: int = 1,
    severity: float = 0.3, patience: float = 300.0,
) -> Verdict:  # fmt: skip
    """Kill and stop workers until all requests are proven (or `patience`, in seconds, is over). `severity` is the
    chance of each, three times a second."""
    chance = random.Random(seed)  # noqa: S311  (weather)
    asked = wanted(requests, targets, chance)
    with playing_field(cluster, folder, latency=0.02) as played:
        played.ask(asked)
        crew = [played.start_worker(4) for _ in range(workers)]
        weather = _Weather(played, crew, chance, severity)
        begun = time.monotonic()
        while played.open_requests() and time.monotonic() < begun + patience:
            time.sleep(0.3)
            weather.blow()
        seconds = time.monotonic() - begun
        for worker in crew:
            played.stop(worker)
        return _verdict(played, asked, seconds, weather)


@dataclass
class _Weather:
    played: Field
    crew: list[subprocess.Popen[bytes]]
    chance: random.Random
    severity: float
    kills: int = 0
    stops: int = 0
    _stopped: dict[int, float] = field(default_factory=dict)

    def blow(self) -> None:
        """Perhaps kill a worker (another one is started), perhaps stop one for up to 5 s; let go whose time is over."""
        now = time.monotonic()
        for place in [place for place, until in self._stopped.items() if until <= now]:
            self.crew[place].send_signal(signal.SIGCONT)
            del self._stopped[place]
        place = self.chance.randrange(len(self.crew))
        if self.chance.random() < self.severity:
            self.crew[place].kill()
            self.crew[place].wait()
            self._stopped.pop(place, None)
            self.crew[place] = self.played.start_worker(4)
            self.kills += 1
        elif place not in self._stopped and self.chance.random() < self.severity:
            self.crew[place].send_signal(signal.SIGSTOP)
            self._stopped[place] = now + self.chance.uniform(0.1, 5.0)
            self.stops += 1


def _verdict(played: Field, asked: Sequence[office.Many], seconds: float, weather: _Weather) -> Verdict:
    counted = played.count()
    wanted = {f"{target} {key}" for request in asked for target in request.targets for key in request.keys}
    created = counted["created"]
    ledger = played.site.ledger
    return Verdict(
        seconds=seconds,
        requests=len(asked),
        kills=weather.kills,
        stops=weather.stops,
        lost=len(wanted - created.keys()),
        doubled=sum(number - 1 for number in created.values()),
        overlaps=len(counted["overlaps"]),
        unfinished=tuple(f"{r.id} {r.state}" for r in ledger.requests(10_000) if r.state != "proven"),
        sound=not ledger.verify().breaks,
        most_sessions=counted["most_sessions"],
    )


def one_and_two(cluster: Cluster, folder: Path, *, requests: int = 24) -> tuple[float, float]:
    """Seconds for the same latency-bound work with one worker and with two: targets take a quarter of a second for each
    answer, as switches do for a sign-in."""
    taken = []
    for workers in (1, 2):
        here = folder / f"{workers}"
        here.mkdir()
        with playing_field(cluster, here, latency=0.25) as played:
            crew = [played.start_worker(2) for _ in range(workers)]
            time.sleep(4)  # they start, and have looked once
            asked = [office.Many(n, (f"far:{n:02}",)) for n in range(1, requests + 1)]
            begun = time.monotonic()
            played.ask(asked)
            while played.open_requests():
                time.sleep(0.05)
            taken.append(time.monotonic() - begun)
            for worker in crew:
                played.stop(worker)
    return taken[0], taken[1]


def main() -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="provisioning-workers-")))
        cluster = stack.enter_context(running_cluster())
        one, two = one_and_two(cluster, folder)
        _say(f"one worker {one:.1f} s, two workers {two:.1f} s: {two / one:.2f} of one worker's time")
        (folder / "storm").mkdir()
        seed = int(os.environ.get("SEED", "0")) or int(time.time()) % 10_000
        _say(f"storm: 3 workers, 200 requests over 40 targets (SEED={seed})")
        verdict = storm(cluster, folder / "storm", seed=seed)
        if not verdict.good:
            _say((folder / "storm" / "workers.log").read_text()[-4000:])
        _say(f"{verdict.seconds:.1f} s, up to {verdict.most_sessions} sessions at once")
        if verdict.unfinished or not verdict.sound:
            _say(f"ledger chain {'sound' if verdict.sound else 'BROKEN'}; unfinished: {verdict.unfinished}")
        _say(str(verdict))
        return 0 if verdict.good else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
