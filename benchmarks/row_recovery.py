"""A storm of kills: ``kill -9`` at random moments of an onboarding's changes; ``provision resume`` goes on.

What is timed is a resume, from the start of its process to the first change that it attempts, by the time that stands
in the ledger (in milliseconds, written before anything is sent). It is killed at a random moment as well, and resumed
again, until one comes to the end of the run; then the whole office must be as an onboarding without kills leaves it
(:func:`benchmarks.onboarding_office.look`, the servers' own tools). That nothing was done twice is told by the domain
controller, which counts the writes of each attribute (replPropertyMetaData, MS-DRSR 4.1.10.2.22), and by the ledger's
file: nothing is attempted after it was verified. Resumes that find nothing left to change are not timed.
"""

from __future__ import annotations

import base64
import os
import random
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks import office_programs as theirs
from benchmarks.measuring import Asked, Row, Times, within
from benchmarks.onboarding_office import LOGIN, PERSON, forget_leases, look, office_of, settle, site_of
from benchmarks.row_onboarding import Ours, as_installed
from provisioning.lab.office import Office

_WINDOW = 3.0  # seconds: how long the changes of the onboarding take
_RESUMES_ENOUGH = 3
_META = struct.Struct("<II8s16sQQ")  # attribute, version, time, who, their and our number of the update


@dataclass
class Storm:
    """What happened: `first` are the seconds from a resume's start to its first change."""

    lab: Office
    site: Path
    chance: random.Random
    kills: int = 0
    resumes: int = 0
    first: list[float] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        return self.site / "ledger.sqlite"

    def round(self) -> int:
        """One onboarding, killed and resumed until it is done; the run's number."""
        last = self._last_run()
        process = self._start("onboard", PERSON, "--yes")
        while (run := self._last_run()) == last or not self._attempts(run, 0.0):
            if process.poll() is not None:
                raise SystemExit(f"the onboarding ended with {process.returncode} before its first change")
            time.sleep(0.02)
        self._kill(process)
        ended = 0
        while self._state(run) != "done":
            began = time.time()
            process = self._start("resume", str(run))
            self.resumes += 1
            while process.poll() is None and not self._attempts(run, began):
                time.sleep(0.02)
            if attempted := self._attempts(run, began):
                self.first.append(attempted[0] - began)
            if self.chance.random() < 0.6:
                self._kill(process)
            else:
                process.wait()
                ended += 1
            if ended == _RESUMES_ENOUGH and self._state(run) != "done":
                raise SystemExit(
                    f"run {run} is {self._state(run)} after {ended} resumes that nobody killed; see {self.ledger}"
                )
        return run

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-m", "provisioning.cli", "--site", str(self.site), *words]
        return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=as_installed())

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """At a random moment; one that was faster is not counted."""
        try:
            process.wait(self.chance.random() * _WINDOW)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            self.kills += 1

    def _last_run(self) -> int:
        return int(self._ask("SELECT coalesce(max(id), 0) FROM runs")[0][0])

    def _state(self, run: int) -> str:
        return str(self._ask("SELECT state FROM runs WHERE id = ?", run)[0][0])

    def _attempts(self, run: int, since: float) -> list[float]:
        """When changes were attempted, in seconds since 1970, from `since` on."""
        rows = self._ask("SELECT at FROM change_events WHERE run_id = ? AND state = 'attempted' ORDER BY number", run)
        times = [datetime.fromisoformat(row[0]).timestamp() for row in rows]
        return [at for at in times if at >= since - 0.001]

    def twice(self, run: int) -> list[str]:
        """Changes that were attempted after they were verified, or verified twice."""
        rows = self._ask(
            "SELECT c.kind || ' ' || c.key, e.state FROM change_events e JOIN changes c ON c.id = e.change_id "
            "WHERE e.run_id = ? ORDER BY e.number", run,
        )  # fmt: skip
        done: set[str] = set()
        again = []
        for name, state in rows:
            if name in done:
                again.append(f"{name} was {state} after it was verified")
            elif state == "verified":
                done.add(name)
        return again

    def _ask(self, query: str, *words: object) -> Sequence[tuple[str, ...]]:
        with sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True, timeout=30) as connection:
            return connection.execute(query, words).fetchall()


def measure(asked: Asked) -> Iterator[Row]:
    """The row ``recovery``: at least ten kills, and two for each repetition."""
    with office_of(asked) as lab:
        ours = Ours(site_of(lab, asked.folder / "site"))
        forget_leases(lab)
        before = look(lab)
        ours.onboard()
        after, written = look(lab), writes(lab)
        ours.undo()
        settle(lab, before)
        seed = int(time.time())
        storm = Storm(lab, ours.site, random.Random(seed))  # noqa: S311
        wanted = max(10, 2 * asked.repeat)
        while storm.kills < wanted or len(storm.first) < wanted:
            run = storm.round()
            wrong = [*look(lab).differences(after), *storm.twice(run)]
            wrong += [f"{name} was written {n} times" for name, n in writes(lab).items() if n > written.get(name, 0)]
            if wrong:
                raise SystemExit(f"after the kills (seed {seed}) it is not as it should be: " + "\n".join(wrong))
            asked.note(f"{storm.kills} kills, {storm.resumes} resumes, first changes: {_list(storm.first)}")
            ours.take_back(run)
            settle(lab, before)
    slowest = max(storm.first)
    yield Row(
        "recovery",
        "from the start of `provision resume` after a kill -9 to its first change",
        Times("provision resume", storm.first),
        "ldapsearch (also how often each attribute was written), smbcacls, smbcquotas, sqlite3, ovs-vsctl, reg.exe",
        goals=[within(f"the slowest of {len(storm.first)} first changes", slowest, 1.0, "s")],
        figures={"kills": storm.kills, "resumes": storm.resumes, "slowest s": slowest},
        note=f"whole process, its start and imports included; seed {seed}",
    )


def writes(lab: Office) -> Mapping[str, int]:
    """Attribute (as the domain controller numbers them) of the new colleague's account → how often it was written."""
    words = ["-LLL", "-o", "ldif-wrap=no", "-b", theirs.base(lab), f"(sAMAccountName={LOGIN})", "replPropertyMetaData"]
    found = re.search(r"replPropertyMetaData:: (\S+)", theirs.ldap(lab, "ldapsearch", *words))
    if found is None:
        raise SystemExit("the domain controller does not say how often attributes were written")
    octets = base64.b64decode(found[1])
    count = struct.unpack_from("<I", octets, 8)[0]  # behind the version and what is reserved
    rows = (_META.unpack_from(octets, 16 + number * _META.size) for number in range(count))
    return {f"attribute {row[0]:#x}": int(row[1]) for row in rows}


def _list(seconds: Sequence[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in seconds)
