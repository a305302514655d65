"""When a run's changes were attempted and verified, on every target: the geometry of the picture. Pure.

Pauses in which nothing was under way are drawn short, or a run that waited for a night would show nothing else. Lengths
are in user units of SVG.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provisioning.ledger import Event, RunRecord

Verdict = Literal["good", "bad", "open", "wait"]

WIDTH, LEFT, LANE, HEAD = 900.0, 190.0, 20.0, 22.0
MOST = 40
"""Targets with a lane of their own; of more, those with failures come first."""

_LONG_PAUSE = 60.0
"""Seconds without anything under way from which a pause is drawn short."""

_PAUSE, _NARROWEST, _TICK = 54.0, 3.0, 78.0
_SETTLED: Mapping[str, Verdict] = {"verified": "good", "failed": "bad", "deferred": "wait"}


@dataclass(frozen=True)
class Bar:
    """Changes that were attempted and settled together. Times are those of the ledger."""

    begin: str
    end: str
    verdict: Verdict
    count: int
    x: float = 0.0
    width: float = 0.0


@dataclass(frozen=True)
class Dot:
    """The result of a proof."""

    at: str
    name: str
    kind: str
    passed: bool
    parameters: Mapping[str, object]
    x: float = 0.0


@dataclass(frozen=True)
class Lane:
    """One target, or (without a name) all that have no lane of their own."""

    target: str | None
    bars: tuple[Bar, ...]
    dots: tuple[Dot, ...]
    y: float = 0.0


@dataclass(frozen=True)
class Pause:
    """A stretch of time that is drawn short."""

    x: float
    width: float
    seconds: float


@dataclass(frozen=True)
class Timeline:
    """The whole picture. `more` targets share the last lane."""

    lanes: tuple[Lane, ...]
    pauses: tuple[Pause, ...]
    ticks: tuple[tuple[float, str], ...]
    more: int
    height: float


def timeline(record: RunRecord, events: Sequence[Event]) -> Timeline | None:
    """The picture of a run; ``None`` when nothing was attempted or proven yet."""
    bars, dots = _bars(record, events), _dots(record)
    targets = list(dict.fromkeys([*bars, *dots]))
    spans = [(_seconds(one.begin), _seconds(one.end)) for some in bars.values() for one in some]
    spans += [(at, at) for some in dots.values() for one in some for at in [_seconds(one.at)]]
    if not spans:
        return None
    scale, pauses, ticks = _scale(spans, {_seconds(at): at for at in _times(bars, dots)})
    first = {t: min(_seconds(one.begin) for one in bars[t]) if t in bars else float("inf") for t in targets}
    failing = {t for t in targets if _fails(bars.get(t, ()), dots.get(t, ()))}
    chosen = sorted(targets, key=lambda t: (t not in failing, first[t], t))[:MOST]
    shown = sorted(chosen, key=lambda t: (first[t], t))
    rest = [target for target in targets if target not in set(chosen)]
    lanes = [_placed(t, bars.get(t, ()), dots.get(t, ()), i, scale) for i, t in enumerate(shown)]
    if rest:
        every = [one for t in rest for one in bars.get(t, ())]
        lanes.append(_merged(_placed(None, every, [d for t in rest for d in dots.get(t, ())], len(shown), scale)))
    return Timeline(tuple(lanes), pauses, ticks, len(rest), HEAD + len(lanes) * LANE + 6)


def _bars(record: RunRecord, events: Sequence[Event]) -> dict[str, list[Bar]]:
    target_of = {one.id: one.change.target for one in record.changes}
    begun: dict[int, str] = {}
    counted: Counter[tuple[str, str, str, Verdict]] = Counter()
    for event in events:
        number = event.change_id
        if number is None or number not in target_of:
            continue
        if event.state == "attempted":
            begun[number] = event.at
        elif event.state in _SETTLED and (number in begun or event.state == "verified"):
            counted[target_of[number], begun.pop(number, event.at), event.at, _SETTLED[event.state]] += 1
    last = events[-1].at if events else record.started
    for number, at in begun.items():
        counted[target_of[number], at, last, "open"] += 1
    found: dict[str, list[Bar]] = defaultdict(list)
    for (target, begin, end, verdict), count in counted.items():
        found[target].append(Bar(begin, end, verdict, count))
    return dict(found)


def _dots(record: RunRecord) -> dict[str, list[Dot]]:
    found: dict[str, list[Dot]] = defaultdict(list)
    for proof in record.proofs:
        found[proof["target"]].append(
            Dot(proof["at"], proof["name"], proof["kind"], proof["passed"], proof["parameters"])
        )
    return dict(found)


def _times(bars: Mapping[str, Sequence[Bar]], dots: Mapping[str, Sequence[Dot]]) -> set[str]:
    times = {at for some in bars.values() for one in some for at in (one.begin, one.end)}
    return times | {one.at for some in dots.values() for one in some}


def _fails(bars: Sequence[Bar], dots: Sequence[Dot]) -> bool:
    return any(one.verdict != "good" for one in bars) or any(not one.passed for one in dots)


def _scale(
    spans: Sequence[tuple[float, float]], said: Mapping[float, str]
) -> tuple[Callable[[str], float], tuple[Pause, ...], tuple[tuple[float, str], ...]]:
    """How a time becomes a place; the pauses; places that are labelled with their time."""
    pieces = [list(min(spans))]
    for begin, end in sorted(spans):
        if begin - pieces[-1][1] > _LONG_PAUSE:
            pieces.append([begin, end])
        pieces[-1][1] = max(pieces[-1][1], end)
    active = sum(end - begin for begin, end in pieces)
    room = WIDTH - LEFT - 12 - (len(pieces) - 1) * _PAUSE
    factor = max(room, 80.0) / active if active else 0.0
    places: list[tuple[float, float, float]] = []
    pauses: list[Pause] = []
    x = LEFT
    for i, (begin, end) in enumerate(pieces):
        places.append((begin, end, x))
        x += (end - begin) * factor
        if i + 1 < len(pieces):
            pauses.append(Pause(round(x, 1), _PAUSE, pieces[i + 1][0] - end))
            x += _PAUSE

    def place(at: str) -> float:
        moment = _seconds(at)
        begin, _, start = next(one for one in reversed(places) if one[0] <= moment)
        return round(start + (moment - begin) * factor, 1)

    ticks: list[tuple[float, str]] = []
    for begin, end, _ in places:
        for moment in (begin, end):
            if not ticks or place(said[moment]) - ticks[-1][0] >= _TICK:
                ticks.append((place(said[moment]), said[moment]))
    return place, tuple(pauses), tuple(ticks)


def _placed(
    target: str | None, bars: Sequence[Bar], dots: Sequence[Dot], row: int, place: Callable[[str], float]
) -> Lane:
    drawn = [
        Bar(one.begin, one.end, one.verdict, one.count, x, max(_NARROWEST, round(place(one.end) - x, 1)))
        for one in bars
        for x in [place(one.begin)]
    ]
    marks = [Dot(one.at, one.name, one.kind, one.passed, one.parameters, place(one.at)) for one in dots]
    return Lane(target, tuple(drawn), tuple(marks), HEAD + row * LANE)


def _merged(lane: Lane) -> Lane:
    """Bars and dots that would cover each other become one."""
    bars: dict[tuple[int, int, Verdict], Bar] = {}
    for one in lane.bars:
        key = (round(one.x / 4), round(one.width / 4), one.verdict)
        count = one.count + (bars[key].count if key in bars else 0)
        bars[key] = Bar(one.begin, one.end, one.verdict, count, one.x, one.width)
    dots = {(round(one.x / 4), one.passed): one for one in lane.dots}
    return Lane(lane.target, tuple(bars.values()), tuple(dots.values()), lane.y)


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
