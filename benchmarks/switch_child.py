"""One contestant in a process of its own: ``python -m benchmarks.switch_child CONTESTANT JOB.json``.

It says on standard output what a :class:`Told` holds: seconds of the work itself, without imports and start.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks import switch_contestants
from benchmarks.switch_contestants import Contestant, Work
from benchmarks.switch_job import Job, Told


def _ours(job: Job) -> Work:
    from benchmarks.switch_ours import facade  # noqa: PLC0415  (its imports are ours alone)

    return facade(job)


CONTESTANTS: Mapping[str, Contestant] = {
    "bare": switch_contestants.bare,
    "netmiko-one-write": switch_contestants.netmiko_one_write,
    "netmiko": switch_contestants.netmiko_default,
    "nornir": switch_contestants.nornir_netmiko,
    "ours": _ours,
}


def main() -> None:
    name, file = sys.argv[1:]
    work = CONTESTANTS[name](Job.read(Path(file)))
    began, computed = time.monotonic(), time.process_time()
    parts = work()
    seconds, cpu = time.monotonic() - began, time.process_time() - computed
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps(asdict(Told(seconds, cpu, parts, memory))) + "\n")


if __name__ == "__main__":
    main()
