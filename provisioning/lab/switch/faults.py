"""Misbehaviour that tests switch on while a lab switch runs, through one file in its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Faults:
    """Regular expressions over typed lines (empty: never), and what to do with a line that one matches."""

    reject: str = ""  # answer "% Invalid input detected" and do nothing
    ignore: str = ""  # answer nothing and do nothing
    hang: str = ""  # never answer again
    drop: str = ""  # close the session
    chatter: bool = False  # print a log message in the middle of everything
    delay: float = 0.0  # seconds a line

    def verdict(self, line: str) -> str | None:
        """The fault that hits `line`: ``reject``, ``ignore``, ``hang``, ``drop`` or ``None``."""
        for name in ("drop", "hang", "ignore", "reject"):
            pattern = getattr(self, name)
            if pattern and re.search(pattern, line):
                return name
        return None


def read_faults(path: Path) -> Faults:
    """The faults that are switched on now."""
    try:
        return Faults(**json.loads(path.read_text()))
    except FileNotFoundError:
        return Faults()


@contextmanager
def misbehaving(path: Path, faults: Faults) -> Iterator[None]:
    """Switch `faults` on while the block runs. `path` is :meth:`Switches.faults_file`."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(faults)))
    partial.rename(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
