"""Waves as text and as plain data: how each stands, and why no further one was begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from rich.text import Text

from provisioning.reports.words import count, safe

_NAMED = 10


class Wave(Protocol):
    """One wave, as far as a report cares."""

    @property
    def number(self) -> int: ...
    @property
    def pcs(self) -> Sequence[str]: ...
    @property
    def run(self) -> int | None: ...
    @property
    def state(self) -> str | None: ...
    @property
    def done(self) -> Sequence[str]: ...
    @property
    def failed(self) -> Mapping[str, str]: ...
    @property
    def waiting(self) -> Mapping[str, str]: ...


def planned(waves: Sequence[Wave], limit: str) -> Text:
    """In which waves it will go."""
    text = Text()
    for wave in waves:
        text.append(f"Wave {wave.number}: {count(len(wave.pcs), 'PC')} ({_some(wave.pcs)})\n")
    if len(waves) > 1:
        stop = f"{limit[:-1]} % of the PCs" if limit.endswith("%") else count(int(limit), "PC")
        text.append(f"No further wave begins once {stop} failed.\n")
    text.rstrip()
    return text


def line(wave: Wave, of: int) -> Text:
    """``Wave 2 of 3 (5 PCs), run 4: 3 done, 1 failed, 1 waiting``, and who failed or waits."""
    text = Text(f"Wave {wave.number} of {of} ({count(len(wave.pcs), 'PC')})", "bold")
    if wave.run is None:
        return text.append(": not begun", "not bold")
    left = len(wave.pcs) - len(wave.done) - len(wave.failed) - len(wave.waiting)
    told = [(len(wave.done), "done", "green"), (len(wave.failed), "failed", "red")]
    told += [(len(wave.waiting), "waiting", "yellow"), (left, "not come to", "yellow")]
    text.append(f", run {wave.run}: ", "not bold")
    parts = [Text(f"{number} {word}", style) for number, word, style in told if number]
    text.append_text(Text(", ").join(parts))
    for word, style, whose in (("failed", "red", wave.failed), ("waiting", "yellow", wave.waiting)):
        for pc, why in list(whose.items())[:_NAMED]:
            text.append(f"\n  {word} ", style).append(f"{safe(pc)}: {safe(why)}", "not bold")
        if len(whose) > _NAMED:
            text.append(f"\n  and {len(whose) - _NAMED} more {word}", style)
    return text


def plain(waves: Iterable[Wave]) -> list[dict[str, Any]]:
    """One mapping a wave."""
    return [
        {
            "wave": wave.number,
            "run": wave.run,
            "state": wave.state,
            "pcs": list(wave.pcs),
            "done": list(wave.done),
            "failed": dict(wave.failed),
            "waiting": dict(wave.waiting),
        }
        for wave in waves
    ]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return safe(", ".join(names[:_NAMED]) + more)
