"""One measurement of a large site, in a process of its own: ``python -m benchmarks.site_job TASK FOLDER``.

Prints one JSON object: seconds of each step (imports are behind it already), MiB, and what was found, by which the
contestants are compared. TASK is ``parse`` (the floor: every file of the site is parsed, by :mod:`csv` and by PyYAML's
C parser, and nothing is looked at), ``load`` (ours, to the end of validation) or ``plan`` (ours, to the end of the plan
of the whole site, on systems that hold nothing).
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")


def main(task: str, folder: Path) -> dict[str, Any]:
    """The numbers of one task."""
    return {"parse": parse, "load": load, "plan": plan}[task](folder)


def parse(folder: Path) -> dict[str, Any]:
    """The least that reading such files takes in Python: the standard library's CSV reader, which is C, and PyYAML's
    loader on libyaml."""
    before, rows = _mib(), {}

    def read() -> Any:
        held: dict[str, Any] = {}
        for path in sorted(folder.glob("*.yml")):
            held[path.name] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)  # a safe one
        for path in sorted(folder.glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                held[path.name] = list(csv.DictReader(file))
                rows[path.stem] = len(held[path.name])
        return held

    took, held = _timed(read)
    return {"seconds": {"parse": took}, "mib": _mib() - before, "rows": rows, "files": len(held)}


def load(folder: Path) -> dict[str, Any]:
    """The site, read and validated, as every command begins."""
    from provisioning.site.load import load as load_site  # noqa: PLC0415  (the floor does without)

    before = _mib()
    took, site = _timed(lambda: load_site(folder))
    rows = {name: len(getattr(site, name)) for name in ("outlets", "people", "workplaces", "workstations")}
    return {"seconds": {"load": took}, "mib": _mib() - before, "rows": rows}


def plan(folder: Path) -> dict[str, Any]:
    """Load, compile the request for the whole site, and plan it against systems that hold nothing."""
    from provisioning.engine import planner  # noqa: PLC0415
    from provisioning.procedures.base import Accounts  # noqa: PLC0415
    from provisioning.procedures.whole_site import whole_site  # noqa: PLC0415
    from provisioning.resources.registry import KINDS  # noqa: PLC0415
    from provisioning.site.load import load as load_site  # noqa: PLC0415

    for name in KINDS:
        KINDS[name] = EmptySystem(KINDS[name])
    before = _mib()
    loading, site = _timed(lambda: load_site(folder))
    compiling, work = _timed(lambda: whole_site(site).compile(site, Accounts()))
    reading, found = _timed(lambda: planner.read(work.resources, NoSessions()))
    comparing, changes = _timed(lambda: planner.compare(work.resources, found))
    seconds = {"load": loading, "compile": compiling, "read": reading, "compare": comparing}
    return {"seconds": seconds, "mib": _mib() - before, "resources": len(work.resources), "changes": len(changes)}


class EmptySystem:
    """A kind whose system holds nothing of it yet. Of what a kind can do beside reading it has what planning wants."""

    def __init__(self, kind: Any) -> None:
        self.name, self.state, self._kind = kind.name, kind.state, kind

    def __getattr__(self, name: str) -> Any:
        if name not in {"lasting", "lines", "unsettled"}:
            raise AttributeError(name)
        return getattr(self._kind, name)

    def read(self, session: str, keys: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002  (a kind's signature)
        return {}


class NoSessions:
    """Sessions to nobody: the name of the target."""

    @contextmanager
    def session(self, target: str) -> Iterator[str]:
        yield target

    def drop(self, target: str) -> None:
        pass


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of processor time: nothing is waited for here, and what else the machine does counts less so."""
    began = time.process_time()
    done = work()
    return time.process_time() - began, done


def _mib() -> float:
    """The most memory that this process had so far (``VmHWM``, proc(5); getrusage(2) would count its parent's, too)."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(told.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]))) + "\n")
