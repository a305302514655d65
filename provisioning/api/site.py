"""A site and the ways to its systems."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.api.plan import Plan, Run
from provisioning.connections.idle import IdleSessions
from provisioning.connections.openers import OPENERS
from provisioning.connections.pool import Pool
from provisioning.connections.room import room_for_sessions
from provisioning.engine.events import Listener, one_at_a_time
from provisioning.engine.exclusive import Exclusive
from provisioning.engine.outbox import Messenger, desks_of
from provisioning.engine.planner import TargetSessions
from provisioning.engine.run import carry_out
from provisioning.errors import LedgerError, TargetError
from provisioning.intake import Bulk, amended, leavers, ports
from provisioning.intake.extensions import give_back_extensions
from provisioning.intake.overlay import Overlay
from provisioning.intake.seat_custody import book_seats
from provisioning.intake.seats import give_back, take_again
from provisioning.ledger import RunRecord, RunState, moment
from provisioning.resources.base import Change, ProofResult, State
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.load import load

if TYPE_CHECKING:  # what few programs need is imported where it is used
    from provisioning.api import finding
    from provisioning.api.audit_report import AuditReport
    from provisioning.api.line_report import LineReport
    from provisioning.ledger import Ledger
    from provisioning.procedures.base import Request

_ALL = 1_000_000


@dataclass(frozen=True)
class Site(Bulk):
    """One site and the ways to its systems. Make it with :meth:`load`."""

    inventory: Inventory

    @classmethod
    def load(cls, folder: str | Path) -> Site:
        """Read and validate a site's folder. Raises :class:`~provisioning.errors.SiteError`, with file and line."""
        return cls(load(Path(folder)))

    @cached_property
    def ledger(self) -> Ledger:
        """The site's ledger, opened on first use."""
        from provisioning.ledger import Ledger  # noqa: PLC0415  (a site without one is planned without SQLAlchemy)

        return Ledger.at(self.inventory.ledger, self.secrets, desks=desks_of(self.inventory))

    @property
    def wired(self) -> Inventory:
        """The site as it is now: its files, with what procedures changed since
        (:func:`~provisioning.intake.amended.amended`) and with the switch ports that the ledger gave to outlets whose
        cable the files leave open (:func:`~provisioning.intake.ports.wired`)."""
        if not self.has_ledger:
            return self.inventory
        return self._overlay.now(self.ledger)

    def _one_moment(self) -> AbstractContextManager[None]:
        """Within the block this thread's :attr:`wired` is looked up once."""
        return self._overlay.one_moment(self.ledger) if self.has_ledger else nullcontext()

    @cached_property
    def _overlay(self) -> Overlay:
        return Overlay(self.inventory)

    @property
    def has_ledger(self) -> bool:
        """Whether anything was ever written down: looking it up must not make a ledger."""
        place = self.inventory.ledger
        return not isinstance(place, Path) or place.exists()

    @cached_property
    def secrets(self) -> Secrets:
        """Where the site's secret references lead."""
        return Secrets.of(self.inventory)

    @cached_property
    def messenger(self) -> Messenger:
        """Who tells the work log and the service desk."""
        return Messenger(self.ledger, self.wired, self.secrets)

    @contextmanager
    def connect(self, *, anew: bool = False) -> Iterator[Pool]:
        """Sessions to the site's systems, opened on first use and closed at the end of the block. `anew`: those that
        are :meth:`kept_open` are of no use, since the site has been amended since."""
        if self._kept_open and not anew:
            yield self._kept_open[-1]
            return
        with Pool(self.wired, self.secrets, OPENERS, idle=self.idle) as pool:
            if not self._kept_open:
                yield pool
                return
            self._kept_open.append(pool)
            try:
                yield pool
            finally:
                self._kept_open.remove(pool)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Within the block, sessions stay open from one step to the next (a plan, its run) instead of being opened for
        each: on slow lines most of the time goes into signing in. For programs that go straight on: while a person
        thinks, others want to get at the devices. At most 4,096 targets are kept."""
        with Pool(self.wired, self.secrets, OPENERS, keeps=room_for_sessions()) as pool:
            self._kept_open.append(pool)
            try:
                yield
            finally:
                self._kept_open.remove(pool)

    @property
    def idle(self) -> IdleSessions | None:
        """Where sessions wait for whoever is next, in a program that has much to do (``None``: nowhere)."""
        return None

    @cached_property
    def _kept_open(self) -> list[Pool]:
        return []

    @contextmanager
    def reading(self, listener: Listener | None = None, purpose: str = "a plan") -> Iterator[TargetSessions]:
        """Sessions to read what there is: of a device only when nobody else is at work on it (`listener` is told whom
        it is waited for, others are told of `purpose`).

        Without a ledger nobody is at work on anything, and reading makes none (see :func:`planning.locks`).
        """
        from provisioning.api import planning  # noqa: PLC0415

        locks = planning.locks(self.inventory, lambda: self.ledger, purpose)
        leave = threading.Event()
        with self.connect() as pool:
            if locks is None:
                yield pool
                return
            try:
                yield Exclusive(pool, locks, self.inventory.runs.lock_wait, leave, one_at_a_time(listener))
            finally:
                leave.set()  # Ctrl-C: nobody goes on waiting
                locks.close()

    def plan(self, request: Request | None = None, listener: Listener | None = None) -> Plan:
        """What it takes to fulfil `request`; without one, to make the whole site so: everybody who has a workplace, and
        all equipment that is patched.

        Reads the systems and changes nothing; a device that somebody is at work on is waited for. Targets that cannot
        be read are named in ``unread``; the directory must be readable.
        Raises :class:`~provisioning.errors.RequestError`, and :class:`~provisioning.errors.TargetError` for the
        directory.
        """
        from provisioning.api.plan_making import plan  # noqa: PLC0415  (a program that resumes plans nothing)

        with self._one_moment():
            return plan(self, request, listener)

    def check(self, *names: str, workplace: str | None = None, listener: Listener | None = None) -> list[ProofResult]:
        """Run the proofs of people, of the people at workplaces, and of equipment, each proof once. Changes nothing."""
        from provisioning.api.plan_making import check  # noqa: PLC0415  (as above)

        return check(self, names, workplace, listener)

    def find(self, text: str, listener: Listener | None = None) -> finding.Finding:
        """Where a person, PC, workplace, outlet, device, MAC or IPv4 address, or ``switch:port`` is on the network now,
        and where the site says it should be. Changes nothing. Raises :class:`~provisioning.errors.RequestError` when
        `text` fits nothing in the site, or several things."""
        from provisioning.api import finding  # noqa: PLC0415

        return finding.find(self, text, listener)

    def audit(self, *names: str, areas: Sequence[str] = (), listener: Listener | None = None) -> AuditReport:
        """Compare the site with reality: see :func:`~provisioning.api.auditing.audit`. Changes nothing."""
        from provisioning.api import auditing  # noqa: PLC0415

        return auditing.audit(self, names, areas, listener)

    def lines(
        self,
        *switches: str,
        listener: Listener | None = None,
        keep: bool = True,
        days: int | None = None,
        tell: Callable[[LineReport], None] | None = None,
    ) -> LineReport:
        """Check the lines of switches (of all when none is named): see :func:`~provisioning.api.lines.check_lines`."""
        from provisioning.api.lines import check_lines  # noqa: PLC0415

        return check_lines(self, switches, listener, keep=keep, days=days, tell=tell)

    def run(self, run_id: int) -> Run:
        """A run from the ledger. Raises :class:`~provisioning.errors.LedgerError` when there is no such run."""
        if not self.has_ledger:
            raise LedgerError(f"there is no run {run_id}: this site has no ledger yet, its first run makes it")
        return Run(self, self.ledger.run(run_id))

    def runs(self, limit: int = 50, *, states: Collection[RunState] = ()) -> list[Run]:
        """The latest runs, newest first; only those in `states`, where these are given."""
        found = self.ledger.runs(limit, states=states) if self.has_ledger else []
        return [Run(self, record) for record in found]

    def resume(
        self,
        run_id: int,
        listener: Listener | None = None,
        *,
        now: bool = False,
        stop: threading.Event | None = None,
    ) -> Run:
        """Go on with a run, whoever began it and however it ended: nothing that was verified is done again, and what
        was attempted is read again first. Targets that wait are tried when they are due, with `now` all.

        Setting `stop` lets the batches under way finish; the run is ``interrupted`` then. Raises
        :class:`~provisioning.errors.InUseError` when somebody is at it, :class:`~provisioning.errors.RequestError` when
        it was taken back; a run that is done is returned as it is.
        """
        return self._carry_out(run_id, listener, resume=True, now=now, stop=stop)

    def resumable(self, *, now: bool = False) -> list[Run]:
        """The runs that can go on, oldest first: those whose owner died or was stopped, and those that wait for a
        target that is due (with `now`: for any). Some of them may be in other hands at the moment."""
        found = self.runs(_ALL, states=("running", "interrupted", "waiting"))
        due = moment(datetime.now(UTC))
        return [
            run
            for run in reversed(found)
            if now or run.state != "waiting" or any(target.next_try <= due for target in run.waits_for)
        ]

    def _carry_out(
        self,
        run_id: int,
        listener: Listener | None,
        *,
        resume: bool,
        now: bool = False,
        stop: threading.Event | None = None,
    ) -> Run:
        from provisioning.api.configurations import keeper  # noqa: PLC0415

        if resume:
            take_again(self.ledger, self.wired, self.ledger.run(run_id))

        def settle_seats(record: RunRecord, state: RunState) -> RunState:
            give_back(self.ledger, self.wired, record, state)
            give_back_extensions(self.ledger, record, state)
            ports.settle(self.ledger, record, state)
            amended.settle(self.ledger, record, state)
            leavers.settle(self.ledger, self.inventory, record, state)
            book_seats(self.ledger, self.inventory, record, state)
            from provisioning.api import playbook_steps  # noqa: PLC0415

            return playbook_steps.follow(self, record, state, listener, stop)

        with self._one_moment(), self.connect(anew=self._overlay.is_amended_by(run_id)) as pool:

            def replan(
                run: RunRecord, targets: Collection[str]
            ) -> tuple[Sequence[Change[State]], Mapping[str, TargetError]]:
                with self.reading(listener, f"run {run.id}") as sessions:
                    return self._replan(run, targets, sessions)

            record = carry_out(
                self.ledger,
                run_id,
                pool,
                one_at_a_time(listener),
                settings=self.inventory.runs,
                replan=replan,
                before_end=settle_seats,
                keep=keeper(self.inventory),
                resume=resume,
                now=now,
                stop=stop,
            )
        self.messenger.run(record)
        return Run(self, record)

    def _replan(
        self, run: RunRecord, targets: Collection[str], pool: TargetSessions
    ) -> tuple[Sequence[Change[State]], Mapping[str, TargetError]]:
        """What a run's request asks of targets that could not be read before."""
        from provisioning.api.plan_making import replan  # noqa: PLC0415  (most runs could read all)

        return replan(self, run, targets, pool)

    def read_plan(self, file: Path) -> Plan:
        """The plan that ``provision plan --save`` wrote. Raises :class:`~provisioning.errors.RequestError`."""
        from provisioning.api.saved import read_plan  # noqa: PLC0415

        return read_plan(self, file)
