"""``lines``: reading all switches at once, judging their lines, and keeping what was counted for the next check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args

from provisioning.api.line_report import LineReport, PortHistory, PortState, SwitchCheck, earlier, histories
from provisioning.api.readable import Remembering
from provisioning.engine import planner
from provisioning.engine.events import Listener
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, Reading, TargetSessions
from provisioning.errors import TargetError
from provisioning.ledger.line_samples import SWITCH
from provisioning.procedures.line_devices import Trails, absent, follow, judge_drift, judge_moves, judge_place
from provisioning.procedures.line_history import Seen, remember, seen
from provisioning.procedures.line_places import Places, wanted_ports
from provisioning.procedures.lines import LineFinding, PortView, Sort, judge_line
from provisioning.resources.base import Address, Change, Resource, State
from provisioning.resources.switch.counters import Line, SwitchLines, read_lines
from provisioning.site import Inventory
from provisioning.site.inventory import unknown
from provisioning.site.port_names import natural

__all__ = ["LineReport", "PortState", "SwitchCheck", "check_lines"]

_WEIGHTS = {"fault": 0, "warning": 1, "remark": 2}
_SORTS = get_args(Sort)


@dataclass(frozen=True)
class _Answer:
    """What one switch said."""

    name: str
    lines: SwitchLines | None = None
    changes: tuple[Change[State], ...] = ()
    found: Mapping[Address, State | None] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    error: str = ""
    notes: tuple[str, ...] = ()


def check_lines(
    site: Remembering,
    names: Sequence[str] = (),
    listener: Listener | None = None,
    *,
    keep: bool = True,
    days: int | None = None,
    tell: Callable[[LineReport], None] | None = None,
) -> LineReport:
    """Check the lines of these switches (of all when none is named). Changes nothing on them.

    With `keep` what was counted is kept in the ledger, so that the next check can compare; `days` asks for the history
    of the ports as well. `tell` is given the report before anything is kept; what is new counts as told then. A switch
    that does not answer is named with the reason. Raises :class:`RequestError` for one that the site does not have.
    """
    inventory = site.wired
    for name in names:
        if name not in inventory.network.switches:
            unknown("switch", name, inventory.network.switches)
    chosen = tuple(dict.fromkeys(names)) or tuple(inventory.network.switches)
    check = _Check(site, inventory, datetime.now(UTC), keep=keep, days=days, tells=tell is not None)
    wanted, notes = wanted_ports(inventory, chosen)
    if chosen:
        with site.reading(listener, "a check of the lines") as pool:
            for answer in _answers(chosen, wanted, pool):
                check.take(answer)
    report = check.report(notes)
    if tell is not None:
        tell(report)
    if keep:
        check.keep()
    return report


def _answers(names: Sequence[str], wanted: Sequence[Resource], pool: TargetSessions) -> Iterator[_Answer]:
    """One answer a switch, in the order of `names`; all are asked at once."""
    workers = ThreadPoolExecutor(min(len(names), MAX_TARGETS_AT_ONCE), "lines")
    try:
        yield from workers.map(
            lambda name: _ask(name, [r for r in wanted if r.target == f"switch:{name}"], pool), names
        )
    finally:
        workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead switch may take its whole timeout


def _ask(name: str, wanted: Sequence[Resource], pool: TargetSessions) -> _Answer:
    target = f"switch:{name}"
    try:
        with pool.session(target) as session:
            lines = read_lines(session)
    except TargetError as exc:
        return _Answer(name, error=exc.message)
    finally:
        pool.drop(target)
    notes = []
    if not lines.ports:
        notes.append("how its ports are configured was not judged: it does not show its configuration")
    known = {port.casefold(): port for port in lines.lines}
    found: dict[Address, State | None] = {}
    for resource in wanted:
        port = known.get(resource.key.casefold())
        if port is None:
            notes.append(f"there is no port {resource.key}, which an outlet of the site names; correct its switch_port")
        elif port in lines.ports:
            found[resource.address] = lines.ports[port]
    changes = tuple(planner.compare(wanted, Reading(found, {})))
    fixed = frozenset(port for port, state in lines.ports.items() if state.speed or state.duplex)
    return _Answer(name, replace(lines, ports={}), changes, found, fixed, notes=tuple(notes))


class _Check:
    """One check while it goes on: answers are taken in as they come, and only what is needed of them stays."""

    def __init__(
        self, site: Remembering, inventory: Inventory, at: datetime, *, keep: bool, days: int | None, tells: bool
    ) -> None:
        self._inventory = inventory
        self._ledger = site.ledger if keep or site.has_ledger else None
        self._at, self._days, self._tells = at, days, tells
        self._rules = inventory.network.lines
        self._places = Places.of(inventory)
        self._answers: list[_Answer] = []
        self._views: dict[str, list[PortView]] = {}
        self._trails: Trails = {}
        self._findings: list[LineFinding] = []
        self._history: list[PortHistory] = []
        self._samples: dict[str, dict[str, Seen]] = {}
        self._found: dict[Address, State | None] = {}
        self._absent: set[str] = set()

    def take(self, answer: _Answer) -> None:
        """Judge the lines of one switch."""
        if answer.lines is None:
            self._answers.append(answer)
            return
        name, lines = answer.name, answer.lines.lines
        self._found |= answer.found
        before: Mapping[str, Sequence[Seen]] = {}
        if self._ledger is not None:
            before = earlier(self._ledger, name, self._at, lines, self._rules.period)
        drifts = {change.key.casefold(): change for change in answer.changes}
        views = self._views.setdefault(name, [])
        restarted = 0
        for port, line in lines.items():
            view = self._view(name, line, before.get(port, ()), is_fixed=port in answer.fixed)
            restarted += view.grown().restarted is not None
            follow(self._trails, view)
            self._absent |= absent(view, self._voice_vlan)
            if not self._rules.is_ignored(name, port):
                self._findings += judge_line(view)
                self._findings += judge_place(view, self._places, self._voice_vlan)
                if change := drifts.get(port.casefold()):
                    self._findings.append(judge_drift(view, change))
            views.append(replace(view, before=()))
        if self._days is not None and self._ledger is not None:
            now = {view.line.port: view.now for view in views}
            self._history += histories(self._ledger, name, now, self._at, self._days)
        notes = (*answer.notes, *_notes(answer.lines, restarted))
        self._answers.append(replace(answer, lines=None, changes=(), found={}, notes=notes))

    def _view(self, switch: str, line: Line, before: Sequence[Seen], *, is_fixed: bool) -> PortView:
        return PortView(
            switch,
            line,
            seen(line, self._at, before[-1] if before else None),
            before,
            self._places.at(switch, line.port),
            line.port.casefold() in {uplink.casefold() for uplink in self._inventory.network.switches[switch].uplinks},
            is_fixed,
            self._rules,
        )

    @property
    def _voice_vlan(self) -> int | None:
        network = self._inventory.network
        return network.vlans[network.voice_vlan].id if network.voice_vlan else None

    def report(self, notes: Iterable[str]) -> LineReport:
        """Everything that was found, with what is known of it from earlier checks."""
        views = [view for there in self._views.values() for view in there]
        told_of = [view for view in views if not self._rules.is_ignored(view.switch, view.line.port)]
        by_port: dict[tuple[str, str], list[LineFinding]] = defaultdict(list)
        for finding in (*self._findings, *judge_moves(told_of, self._trails, self._places)):
            by_port[finding.switch, finding.port].append(finding)
        findings: list[LineFinding] = []
        new: list[LineFinding] = []
        for view in views:
            here = by_port.get((view.switch, view.line.port), [])
            now, unheard = remember(view.now, [finding.sort for finding in here], tell=self._tells)
            self._samples.setdefault(view.switch, {})[view.line.port] = now
            here = [replace(finding, since=now.found[finding.sort].since) for finding in here]
            findings += here
            new += [finding for finding in here if finding.sort in unheard]
        switches = tuple(self._switch(answer, by_port) for answer in self._answers)
        return LineReport(
            self._at, switches, tuple(sorted(findings, key=_order)), tuple(sorted(new, key=_order)), tuple(notes),
            tuple(self._history), self._found, frozenset(self._absent),
        )  # fmt: skip

    def _switch(self, answer: _Answer, found: Mapping[tuple[str, str], Sequence[LineFinding]]) -> SwitchCheck:
        ports = []
        for view in self._views.get(answer.name, ()):
            here = found.get((view.switch, view.line.port), ())
            worst = min((finding.weight for finding in here), key=_WEIGHTS.__getitem__, default="fine")
            place = view.place.words if view.place is not None else ""
            line = view.line
            ports.append(
                PortState(line.port, line.shown or line.port, line.status, worst, line.speed, place, view.is_uplink)
            )
        return SwitchCheck(answer.name, tuple(ports), answer.error, answer.notes)

    def keep(self) -> None:
        """Write the samples, and let old ones go."""
        if self._ledger is None:
            return
        rules = self._rules
        for switch, ports in self._samples.items():
            rows = {port: now.to_plain() for port, now in ports.items()}
            self._ledger.keep_line_samples(switch, self._at, {SWITCH: {"ports": len(rows)}, **rows})
            self._ledger.thin_line_samples(switch, self._at, whole=rules.whole, thinned=rules.thinned, keep=rules.keep)


def _order(finding: LineFinding) -> tuple[Any, ...]:
    """Worst first; what is wrong with a line before what is plugged in there; then as ports stand on the switch."""
    return _WEIGHTS[finding.weight], _SORTS.index(finding.sort), -finding.size, finding.switch, natural(finding.port)


_JUDGED = {"counters": "errors and discards", "macs": "the devices that are plugged in"}
"""Tables that every switch should have; PoE and neighbours not every one has."""


def _notes(lines: SwitchLines, restarted: int) -> Iterator[str]:
    for table, what in _JUDGED.items():
        if table in lines.missing:
            yield f"{what} were not judged: {lines.missing[table]}"
    if restarted:
        ports = f"{restarted} port{'s' if restarted > 1 else ''}"
        yield f"counters of {ports} went back (restarted, or cleared); counted from zero"
