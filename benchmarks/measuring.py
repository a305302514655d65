"""What every row of the table shares: contestants that take turns, medians, ratios with their spread, goals, one file.

A row is one piece of work, done by us, by the floor (the least that any program could do) and by the alternative that a
user would pick. :func:`in_turn` times them, another one first each time, so that whatever else the machine does hits
all of them. :class:`Row` holds the seconds and says whether the goals are met; :func:`record` writes it to the file.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("provisioning", "ldap3", "netmiko", "paramiko", "pydantic", "pywinrm", "smbprotocol")


@dataclass(frozen=True)
class Asked:
    """What a benchmark is told: how often to repeat, a lab number that is free, an empty folder, the
    ``ansible-playbook`` to measure, and where a line of progress goes."""

    repeat: int
    number: int
    folder: Path
    ansible: Path
    note: Callable[[str], None]


@dataclass(frozen=True)
class Times:
    """One contestant: what it is, its seconds each time. `scale` is what they were multiplied with, when only a part
    of the work was done (1: all of it was)."""

    way: str
    seconds: Sequence[float]
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.seconds or min(self.seconds) <= 0:
            raise ValueError(f"{self.way}: no times, or not above 0: {self.seconds}")

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)

    def times(self, factor: float) -> Times:
        """The same for `factor` times the work."""
        return Times(self.way, [factor * one for one in self.seconds], self.scale * factor)


@dataclass(frozen=True)
class Goal:
    """One sentence, and whether it is so (``None``: it could not be measured here)."""

    text: str
    met: bool | None


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `name` is what it is called on the command line, `work` what a reader sees, `verified` the independent tool that
    found the same end state for everybody. `figures` are other numbers worth keeping (MiB, shares of a step, requests).
    """

    name: str
    work: str
    ours: Times
    verified: str
    floor: Times | None = None
    alternative: Times | None = None
    goals: Sequence[Goal] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def ratio_to_floor(self) -> float | None:
        """How many times the floor's time we take."""
        return None if self.floor is None else self.ours.median / self.floor.median

    @property
    def ratio_to_alternative(self) -> float | None:
        """How many times our time the alternative takes."""
        return None if self.alternative is None else self.alternative.median / self.ours.median

    @property
    def met(self) -> bool | None:
        """Whether every goal is met; ``None`` when there is none, or one could not be measured."""
        verdicts = [goal.met for goal in self.goals]
        if False in verdicts:
            return False
        return None if None in verdicts or not verdicts else True

    def plain(self) -> dict[str, Any]:
        """As it stands in ``results.json``: seconds, medians; the spread of a ratio is that of the single turns."""
        return {
            "name": self.name,
            "work": self.work,
            "ours": _round(self.ours.median),
            "floor": _round(self.floor.median) if self.floor else None,
            "alternative": _round(self.alternative.median) if self.alternative else None,
            "ratio_to_floor": _round(self.ratio_to_floor),
            "ratio_to_alternative": _round(self.ratio_to_alternative),
            "goal": "; ".join(goal.text for goal in self.goals),
            "met": self.met,
            "goals": [{"goal": goal.text, "met": goal.met} for goal in self.goals],
            "spread_to_floor": _spread(self.ours, self.floor),
            "spread_to_alternative": _spread(self.alternative, self.ours),
            "ways": {
                part: {"way": one.way, "seconds": [_round(s) for s in one.seconds], "scale": one.scale}
                for part, one in (("ours", self.ours), ("floor", self.floor), ("alternative", self.alternative))
                if one is not None
            },
            "verified": self.verified,
            "figures": {name: _round(number) for name, number in self.figures.items()},
            "note": self.note,
        }


def at_most(ours: Times, other: Times, factor: float, *, name: str = "floor") -> Goal:
    """We take at most `factor` times as long as `other`."""
    return Goal(f"≤ {factor:g} × {name}", ours.median <= factor * other.median)


def faster(ours: Times, other: Times | None, factor: float, *, name: str = "the alternative") -> Goal:
    """We are at least `factor` times as fast as `other`, where it could be measured."""
    return Goal(f"≥ {factor:g} × faster than {name}", None if other is None else other.median >= factor * ours.median)


def within(what: str, number: float, most: float, unit: str) -> Goal:
    """A number of ours is at most `most`."""
    return Goal(f"{what} ≤ {most:g} {unit}", number <= most)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(
    contestants: Mapping[str, Callable[[], float]], repeat: int, note: Callable[[str], None]
) -> dict[str, Times]:
    """Every contestant `repeat` times, taking turns, another one first each time.

    A contestant does the work once and gives its seconds: what comes before (a clean start) and after (looking at the
    end state with an independent tool, which must raise when it is another one) it leaves out of them.
    """
    found: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(repeat):
        shift = turn % len(names)
        for name in [*names[shift:], *names[:shift]]:
            took = contestants[name]()
            found[name].append(took)
            note(f"{turn + 1}/{repeat} {name}: {took:.3f} s")
    return {name: Times(name, taken) for name, taken in found.items()}


def record(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows to the file; rows of other names that it holds already stay, with when and where they were
    measured."""
    held = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    fresh = {row.name: row.plain() | {"measured": _here()} for row in rows}
    merged = [fresh.pop(one["name"], one) for one in held] + list(fresh.values())
    path.write_text(json.dumps({"rows": merged}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def child(module: str, *words: str, env: Mapping[str, str] | None = None) -> tuple[float, str]:
    """Seconds of a Python process of its own, ``python -m module words``, from start to end; and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(words)} ended with {done.returncode}; what it said stands above")
    return took, done.stdout


def _here() -> dict[str, Any]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _spread(over: Times | None, under: Times | None) -> list[float] | None:
    if over is None or under is None:
        return None
    turns = [a / b for a, b in zip(over.seconds, under.seconds, strict=False)]
    return [round(min(turns), 3), round(max(turns), 3)]


def _round(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
