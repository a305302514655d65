"""Named crash points: the process kills itself with SIGKILL right before, inside or right after a step."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from provisioning.engine.locks import AdvisoryLocks, FileLocks
from provisioning.ledger import Ledger, chain, runs
from tests.storm.far_side import BoxSession
from tests.storm.office import ThingKind

STEPS: dict[str, tuple[Any, str]] = {
    "begin": (Ledger, "begin"),
    "attempt": (Ledger, "attempt"),
    "settle": (Ledger, "settle"),
    "defer": (Ledger, "defer"),
    "add changes": (Ledger, "add_changes"),
    "close targets": (Ledger, "close_targets"),
    "reopen": (Ledger, "reopen"),
    "prove": (Ledger, "prove"),
    "end": (Ledger, "end"),
    "transaction": (chain, "append"),
    "transaction of a run": (runs, "append_entries"),
    "lock": (FileLocks, "_try"),
    "advisory lock": (AdvisoryLocks, "_try"),
    "read": (ThingKind, "read"),
    "apply": (ThingKind, "apply"),
    "operation": (BoxSession, "ask"),
}
"""Name → where the step is."""

OFTEN = {
    "operation": 240,
    "lock": 40,
    "advisory lock": 40,
    "read": 80,
    "apply": 40,
    "attempt": 40,
    "settle": 40,
    "transaction": 80,
}
"""How often a step may come before the process dies at it; the others happen a few times in a run."""

POINTS = tuple(f"{when} {step}" for step in STEPS for when in ("before", "after"))


def plant(point: str, nth: int) -> None:
    """Let this process die at the `nth` time that it comes to `point`."""
    when, _, step = point.partition(" ")
    owner, name = STEPS[step]
    original: Callable[..., Any] = getattr(owner, name)
    guard, count = threading.Lock(), [0]

    def die_if_it_is_time() -> None:
        with guard:
            count[0] += 1
            if count[0] == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    def step_or_die(*args: Any, **words: Any) -> Any:
        if when == "before":
            die_if_it_is_time()
            return original(*args, **words)
        answer = original(*args, **words)
        die_if_it_is_time()
        return answer

    setattr(owner, name, step_or_die)
