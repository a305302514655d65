"""A site's worker: what an errand means for a site, and the engine that fits the site's ledger."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from provisioning.api import Site, configurations
from provisioning.api.configurations import Round
from provisioning.api.line_report import LineReport
from provisioning.connections.idle import IdleSessions
from provisioning.engine.alone import Alone
from provisioning.engine.errands import Engine, Errand, OwnStop, PutOffError, Watcher, audit_key, repeated_key
from provisioning.engine.outbox import Messenger, deliver
from provisioning.engine.run import alone
from provisioning.errors import InUseError, LedgerError, ProvisioningError, RequestError
from provisioning.intake.waves import goes_on, roll_out
from provisioning.ledger import Entry, RunRecord
from provisioning.reports import prometheus
from provisioning.reports.audit import sentence
from provisioning.reports.words import count
from provisioning.site.workers import Workers

__all__ = ["Errands", "engine_of"]

_BUSY_SECONDS = 2.0
_NAMED = 5
"""Findings and configurations that a sentence names."""

_STOPPED = "its worker was stopped; the next one goes on"


def engine_of(site: Site, watcher: Watcher, settings: Workers | None = None) -> Engine:
    """The engine for a site: many machines on PostgreSQL, else this process alone.

    Raises :class:`RequestError` when the ledger is on PostgreSQL and procrastinate is not installed.
    """
    settings = settings or site.inventory.workers
    site = WorkersSite(site.inventory)
    if not site.ledger.is_server:
        return Alone(site.ledger, Errands(site), watcher, settings)
    try:
        from provisioning.engine.workers import Queue  # noqa: PLC0415  (an extra; takes 0.3 s)
    except ModuleNotFoundError as exc:
        raise RequestError(
            f"workers on PostgreSQL need {exc.name}, which is not installed; "
            "`pip install 'provisioning[postgres]'` brings it"
        ) from exc
    return Queue(site.ledger, Errands(site), watcher, settings)


@dataclass(frozen=True)
class WorkersSite(Site):
    """A site as workers see it: nobody waits for the service desk."""

    @cached_property
    def idle(self) -> IdleSessions:
        """Whoever carries out the next request finds a session to the directory open."""
        return IdleSessions()

    @cached_property
    def messenger(self) -> Messenger:
        """Writes sentences only: a desk takes its time, and emptying the outbox is an errand of its own."""
        return Messenger(self.ledger, self.wired, self.secrets, delivers=False)


@dataclass(frozen=True)
class Errands:
    """Runs errands for one site (a :data:`~provisioning.engine.errands.Carrier`)."""

    site: Site

    def __call__(self, errand: Errand, stop: threading.Event) -> str | None:
        stop = OwnStop(stop)
        try:
            match errand.what:
                case "request":
                    return self._request(errand.number, stop)
                case "run":
                    return self._run(errand.number, stop)
                case "outbox":
                    return self._outbox(stop)
                case "audit":
                    return self._audit(errand.number)
                case "lines":
                    return self._lines(errand.number)
                case "archive":
                    return self._archive(errand.number)
        except InUseError as exc:
            raise PutOffError(_BUSY_SECONDS, str(exc)) from exc

    def _request(self, number: int, stop: threading.Event) -> str | None:
        request = self.site.ledger.request(number)
        if request.state == "running":  # its worker died, or it waits: its runs know how far it is
            open_runs = [run for run in request.runs if self.site.ledger.run(run).state == "running"]
            return "; ".join(self._run(run, stop) for run in open_runs) or None
        if request.state != "scheduled":
            return None
        try:
            fulfilment = self.site.carry_out(number, stop=stop, record=request)
        except LedgerError:
            self._left_open(number, None)
            raise
        except RequestError:
            if self.site.ledger.request(number).state == "scheduled":
                raise
            return None  # somebody else was faster, or it was cancelled
        self._carried(number, fulfilment.run, stop)
        if fulfilment.run is None:
            return f"{request.title}: {fulfilment.problem}"
        if fulfilment.request.state == "proven":
            return f"{request.title}: done"
        return _ended(self.site.ledger.run(fulfilment.run))

    def _run(self, number: int, stop: threading.Event) -> str:
        try:
            self.site.resume(number, stop=stop)
        except LedgerError:
            self._left_open(None, number)
            raise
        self._carried(None, number, stop)
        self._next_waves(number, stop)
        return _ended(self.site.ledger.run(number))

    def _next_waves(self, run: int, stop: threading.Event) -> None:
        """What waited for this run's PCs: the next waves of its request."""
        request = self.site.ledger.run(run).request_id
        if request is not None and goes_on(self.site.ledger, self.site.ledger.request(request)):
            done = roll_out(self.site, request, again=False, stop=stop)
            self._carried(request, max(wave.run or 0 for wave in done.waves), stop)

    def _outbox(self, stop: threading.Event) -> str | None:
        told = deliver(self.site.ledger, self.site.inventory, self.site.secrets, stop=stop)
        if told is not None and told.down:
            raise ProvisioningError(str(told))
        return str(told) if told is not None and (told.count or told.error) else None

    def _audit(self, number: int) -> str:
        """Compare everything with the site, and tell the desk when somebody has to look."""
        report = self.site.audit()
        document = report.to_document()
        found, file = sentence(document), self.site.inventory.workers.audit_prometheus
        if file is not None:
            try:
                prometheus.write(file, document)
            except RequestError as exc:  # the audit was made all the same: it is not made again for that
                found += f" {exc}."
        self.site.ledger.log(Entry(found, key=audit_key(number)), tell=not (report.is_clean and report.is_whole))
        return found

    def _lines(self, number: int) -> str:
        """Check all lines, and tell the desk what no check before has told it."""
        said: list[str] = []

        def tell(report: LineReport) -> None:
            said.append(checked(report))
            day = report.at.date().isoformat()
            unread = [
                Entry(f"Lines: switch {one.name} could not be checked: {one.error}.", key=f"lines:{one.name}:{day}")
                for one in report.switches
                if one.error
            ]
            self.site.ledger.log(*unread)  # a switch that stays away is told of once a day
            self.site.ledger.log(Entry(said[0], key=repeated_key("lines", number)), tell=bool(report.new))

        self.site.lines(tell=tell)
        return said[0]

    def _archive(self, number: int) -> str:
        """Keep the configurations of all switches, and tell the desk, once a day, of those that cannot be read."""
        kept = configurations.archive_now(self.site, ())
        found, day = archived(kept), datetime.now(UTC).date().isoformat()
        self.site.ledger.log(
            *(
                Entry(f"Archive: switch {name} could not be read: {why}.", key=f"archive:{name}:{day}")
                for name, why in kept.unread.items()
            )
        )
        self.site.ledger.log(Entry(found, key=repeated_key("archive", number)), tell=False)
        return found

    def _carried(self, request: int | None, run: int | None, stop: threading.Event) -> None:
        if stop.is_set() and self._left_open(request, run):
            raise PutOffError(0.0, _STOPPED)

    def _left_open(self, request: int | None, run: int | None) -> bool:
        """Let an interrupted run go on, and say whether it was one: a person who interrupts a run wants it to rest,
        what interrupts a worker does not."""
        ledger = self.site.ledger
        try:
            if run is None and request is not None:
                run = max(ledger.request(request).runs, default=None)
            if run is None:
                return False
            with alone(ledger, run):
                if ledger.run(run).state != "interrupted":
                    return False
                ledger.end(run, "running", error=_STOPPED)
                return True
        except (InUseError, LedgerError):  # somebody else has it, or it will be found: its owner is gone
            return False


def checked(report: LineReport) -> str:
    """What is new of a check of the lines, as a sentence for the work log."""
    ports = sum(len(switch.ports) for switch in report.switches)
    read = sum(not switch.error for switch in report.switches)
    looked = f"{count(ports, 'port')} of {count(read, 'switch', 'switches')} looked at"
    known = len(report.findings) - len(report.new)
    if not report.new:
        return f"Lines: {looked}, nothing new" + (f" ({count(known, 'finding')} known)." if known else ".")
    named = " ".join(finding.sentence for finding in report.new[:_NAMED])
    left = f" And {len(report.new) - _NAMED} more." if len(report.new) > _NAMED else ""
    return f"Lines: {looked}, {count(len(report.new), 'new finding')}. {named}{left} `provision lines` shows all."


def archived(kept: Round) -> str:
    """What a round through the switches kept, as a sentence for the work log."""
    looked = f"{count(len(kept.changed) + len(kept.same), 'configuration')} looked at"
    if kept.commit is not None:
        more = f" and {len(kept.changed) - _NAMED} more" if len(kept.changed) > _NAMED else ""
        found = f"{', '.join(kept.changed[:_NAMED])}{more} new, kept as commit {kept.commit[:10]}"
    else:
        found = "nothing new"
    unread = f"; could not read {', '.join(kept.unread)}" if kept.unread else ""
    return f"Archive: {looked}, {found}{unread}. `provision config log` lists what is kept."


def _ended(run: RunRecord) -> str:
    """How a run ended, for whoever reads the worker's output: ``onboard E1042: done``."""
    match run.state:
        case "waiting":
            words = f"waits for {', '.join(target.target for target in run.targets)}, and is tried again by itself"
        case "partial":
            words = f"done in part; `provision show run {run.id}` tells what is missing"
        case _:
            words = run.state
    return f"{run.title}: {words}"
