"""The one facade that every door calls: the command line, scripts, later the Ansible modules.

::

    from provisioning import Site, onboard

    site = Site.load("inventories/example")
    plan = site.plan(onboard("E1042"))
    run = plan.apply()
    run.undo()
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from provisioning.bulk import Bulk
from provisioning.connections.openers import OPENERS
from provisioning.connections.pool import Pool
from provisioning.engine import document, outbox, planner
from provisioning.engine.events import Listener, one_at_a_time
from provisioning.engine.planner import TargetSessions
from provisioning.engine.prover import prove
from provisioning.engine.run import (
    alone,
    begun_to_undo,
    carry_out,
    request_of_undo,
    stop_for_undo,
    to_take_back,
)
from provisioning.errors import RequestError, TargetError, UnreachableError
from provisioning.intake import clearance, permit_more
from provisioning.ledger import Entry, Ledger, OpenTarget, RunRecord, moment
from provisioning.procedures import registry
from provisioning.procedures.approvals import Grounds, grounds
from provisioning.procedures.base import Accounts, Request
from provisioning.procedures.identity import candidates, display_name, possible_addresses
from provisioning.procedures.licences import Seat, seats
from provisioning.procedures.onboard import Onboard, onboard
from provisioning.procedures.ownership import owners
from provisioning.resources.base import Change, Proof, ProofResult, State
from provisioning.resources.directory.accounts import read_accounts
from provisioning.seats import give_back, ledger_exists, seats_of_changes, shortages, take_again
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.inventory import nearest
from provisioning.site.load import load

__all__ = ["Onboard", "Plan", "Run", "Site", "onboard"]

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
        return Ledger.at(self.inventory.ledger, self.secrets, desks=outbox.desks_of(self.inventory))

    @cached_property
    def secrets(self) -> Secrets:
        """Where the site's secret references lead."""
        return Secrets.of(self.inventory)

    @contextmanager
    def connect(self) -> Iterator[Pool]:
        """Sessions to the site's systems, opened on first use and closed at the end of the block."""
        with Pool(self.inventory, self.secrets, OPENERS) as pool:
            yield pool

    @contextmanager
    def reading(self) -> Iterator[TargetSessions]:
        """Sessions to read what there is, for plans. (A worker's wait until nobody else is at work on a device.)"""
        with self.connect() as pool:
            yield pool

    def plan(self, request: Request | None = None) -> Plan:
        """What it takes to fulfil `request`; without one, to onboard everybody who has a workplace.

        Reads the systems and changes nothing. Targets that cannot be read are named in ``unread``; the directory must
        be readable. Raises :class:`~provisioning.errors.RequestError`, and :class:`~provisioning.errors.TargetError`
        for the directory.
        """
        request = request or onboard(*(key for key, person in self.inventory.people.items() if person.workplace))
        with self.reading() as pool:
            work = request.compile(self.inventory, self._accounts(request, pool))
            reading = planner.read(work.resources, pool)
        changes = planner.compare(work.resources, reading)
        whose = owners(self.inventory, request, [(r.address, r.desired) for r in work.resources])
        # What could not be read may have to be changed when it can be.
        possible = [Change(r.address, None, r.desired) for r in work.resources if r.target in reading.unread]
        wanted = seats(self.inventory, [r.address for r in work.resources if r.desired is not None], whose)
        return Plan(
            self,
            request.title,
            request.to_plain(),
            tuple(changes),
            work.proofs,
            (*self._warnings(), *self._shortages(wanted), *work.warnings),
            reading.unread,
            len({r.address for r in work.resources if r.target not in reading.unread}),
            grounds=grounds(self.inventory, [*changes, *possible], whose, work.off_premises),
            seats=wanted,
        )

    def check(self, *names: str, workplace: str | None = None, listener: Listener | None = None) -> list[ProofResult]:
        """Run the proofs of people, and of the people at workplaces, each proof once. Changes nothing."""
        people = dict.fromkeys(person for name in names for person in self._people_of(name))
        request = onboard(*people, workplace=workplace)
        with self.connect() as pool:
            accounts = self._accounts(request, pool)
            missing = [key for key in request.persons if key not in accounts.logins]
            if missing:
                raise RequestError(
                    f"{', '.join(missing)} has no account yet, so there is nothing to check; "
                    f"run `provision onboard {missing[0]}`"
                )
            return prove(request.compile(self.inventory, accounts).proofs, pool, one_at_a_time(listener))

    def run(self, run_id: int) -> Run:
        """A run from the ledger. Raises :class:`~provisioning.errors.LedgerError` when there is no such run."""
        return Run(self, self.ledger.run(run_id))

    def runs(self, limit: int = 50) -> list[Run]:
        """The latest runs, newest first."""
        return [Run(self, record) for record in self.ledger.runs(limit)]

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
        found = self.ledger.runs(_ALL, states=("running", "interrupted", "waiting"))
        due = moment(datetime.now(UTC))
        return [
            Run(self, record)
            for record in reversed(found)
            if now or record.state != "waiting" or any(target.next_try <= due for target in record.targets)
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
        if resume:
            take_again(self.ledger, self.inventory, self.ledger.run(run_id))
        with self.connect() as pool:

            def replan(
                run: RunRecord, targets: Collection[str]
            ) -> tuple[Sequence[Change[State]], Mapping[str, TargetError]]:
                with self.reading() as sessions:
                    return self._replan(run, targets, sessions)

            record = carry_out(
                self.ledger,
                run_id,
                pool,
                one_at_a_time(listener),
                settings=self.inventory.runs,
                replan=replan,
                resume=resume,
                now=now,
                stop=stop,
            )
        give_back(self.ledger, self.inventory, record)
        outbox.after_run(self.ledger, self.inventory, self.secrets, record.id)
        return Run(self, record)

    def _replan(
        self, run: RunRecord, targets: Collection[str], pool: TargetSessions
    ) -> tuple[Sequence[Change[State]], Mapping[str, TargetError]]:
        """What a run's request asks of targets that could not be read before."""
        if run.undoes is not None:
            changes, unread = to_take_back(self.ledger.run(run.undoes).changes, pool)
            left = planner.inverse(changes)
        else:
            request = registry.from_plain(run.request)
            work = request.compile(self.inventory, self._accounts(request, pool))
            reading = planner.read([r for r in work.resources if r.target in targets], pool)
            left, unread = planner.compare(work.resources, reading), dict(reading.unread)
            whose = owners(self.inventory, request, [(r.address, r.desired) for r in work.resources])
            permit_more(self.ledger, run, grounds(self.inventory, left, whose, work.off_premises))
        return [c for c in left if c.target in targets], {t: e for t, e in unread.items() if t in targets}

    def read_plan(self, file: Path) -> Plan:
        """The plan that ``provision plan --save`` wrote. Raises :class:`~provisioning.errors.RequestError`."""
        try:
            saved = document.PlanDocument.model_validate(json.loads(file.read_text(encoding="utf-8")))
            changes = tuple(document.read_change(change) for change in saved.changes)
        except OSError as exc:
            raise RequestError(
                f"{file}: {exc.strerror}; expected a plan that `provision plan --save FILE` wrote"
            ) from exc
        except (ValueError, KeyError, RecursionError, ValidationError) as exc:
            first = str(exc).splitlines()[0]
            raise RequestError(
                f"{file}: not a plan that `provision plan --save FILE` wrote ({first}); plan again"
            ) from exc
        proofs = tuple(document.read_proof(proof) for proof in saved.proofs)
        unread = {target: TargetError(target, reason) for target, reason in saved.unread.items()}
        request = registry.from_plain(saved.request)
        # What needs approval is never taken from the file.
        return Plan(
            self,
            saved.title,
            saved.request,
            changes,
            proofs,
            tuple(saved.warnings),
            unread,
            sum(saved.counts.values()),
            grounds=grounds(
                self.inventory, changes, owners(self.inventory, request, [(c.address, c.after) for c in changes])
            ),
            seats=seats_of_changes(self.inventory, request, [c for c in changes if c.after is not None]),
        )

    def _people_of(self, name: str) -> tuple[str, ...]:
        if name in self.inventory.people:
            return (name,)
        if name not in self.inventory.workplaces:
            known = (*self.inventory.people, *self.inventory.workplaces)
            raise RequestError(f"the site has no person or workplace {name!r}{nearest(name, known)}")
        there = tuple(key for key, person in self.inventory.people.items() if person.workplace == name)
        if not there:
            raise RequestError(
                f"nobody has the workplace {name}; `provision check PERSON --desk {name}` checks it for one person"
            )
        return there

    def _accounts(self, request: Request, pool: TargetSessions) -> Accounts:
        """Whose account is whose; for people without one also who has the names that they might get."""
        site, people = self.inventory, request.people(self.inventory)
        with pool.session("directory") as session:
            found = read_accounts(session, employee_ids=people)
            logins = {key: (login,) for key, login in Accounts(tuple(found)).logins.items()}
            new = {key: candidates(site, key) for key in people if key not in logins}
            found += read_accounts(
                session,
                logins=sorted({login for names in new.values() for login in names}),
                names=sorted({display_name(site, key) for key in people}),
                addresses=sorted(
                    {a for key, names in (logins | new).items() for a in possible_addresses(site, key, names)}
                ),
            )
        return Accounts(tuple(dict.fromkeys(found)))

    def _shortages(self, wanted: Sequence[Seat]) -> Iterator[str]:
        return shortages(self.ledger, wanted) if wanted and ledger_exists(self.inventory) else iter(())

    def _warnings(self) -> Iterator[str]:
        for system in ("directory", "windows"):
            if not getattr(self.inventory, system).verify:
                yield f"certificates of {system} are not verified (`{system}.verify: false` in the site)"


@dataclass(frozen=True)
class Plan:
    """What would change, in the order in which it would be done, and what would be proven."""

    site: Site = field(repr=False)
    title: str
    request: Mapping[str, Any]
    changes: tuple[Change[State], ...]
    proofs: tuple[Proof, ...]
    warnings: tuple[str, ...]
    unread: Mapping[str, TargetError]
    resources: int
    undoes: int | None = None
    basis: frozenset[int] = frozenset()
    """For an undo: the changes that the run had attempted when this was planned."""
    grounds: Grounds = field(default_factory=dict)
    """Role → what it must approve before this may be carried out."""
    seats: tuple[Seat, ...] = ()
    """The licence seats that this takes."""

    @property
    def is_empty(self) -> bool:
        """Whether everything is as it should be (and everything could be read)."""
        return not self.changes and not self.unread

    @property
    def is_approved(self) -> bool:
        """Whether nobody has to approve this, or everybody has (then :meth:`apply` carries it out)."""
        if not self.grounds or self.undoes is not None:
            return True
        try:
            clearance(self.site.ledger, self, None)
        except RequestError:
            return False
        return True

    @property
    def can_wait(self) -> bool:
        """Whether a target did not answer that a run would come back to."""
        return any(isinstance(error, UnreachableError) for error in self.unread.values())

    @property
    def waits_already(self) -> bool:
        """Whether a run of the same request waits for all that could not be read, so that another one adds nothing."""
        waiting = self.site.ledger.runs(_ALL, states={"waiting"})
        same = [run for run in waiting if run.request == self.request]
        return any(self.unread.keys() <= {target.target for target in run.targets} for run in same)

    def apply(
        self,
        listener: Listener | None = None,
        *,
        request_id: int | None = None,
        stop: threading.Event | None = None,
    ) -> Run:
        """Carry out the changes, then run the proofs; all of it is in the ledger, and whatever kills this process can
        be mended by :meth:`Site.resume`.

        `listener` gets the engine's events. The run ends ``done``; ``waiting`` when a target does not answer;
        ``partial`` when a change failed or a proof did not pass; ``interrupted``. Nothing is raised for that.
        """
        return self.site._carry_out(self.begin(request_id=request_id).id, listener, resume=False, stop=stop)

    def begin(self, *, request_id: int | None = None, log: Sequence[Entry] = ()) -> Run:
        """Write the run down and do nothing yet: :meth:`Site.resume` carries it out, here or elsewhere.

        With `request_id` that request is running from now on; without, what is asked for here is written down as a
        request that begins at once. Raises :class:`~provisioning.errors.RequestError` when it may not, when approvals
        or licence seats are missing, or when the run to be taken back went on since this was planned.
        """
        ledger, at = self.site.ledger, datetime.now(UTC)
        if self.undoes is None:
            request_id = clearance(ledger, self, request_id)
        patience = self.site.inventory.runs

        def write() -> RunRecord:
            return ledger.begin(
                self.title,
                self.request,
                self.changes,
                undoes=self.undoes,
                request_id=request_id,
                asked=self.undoes is None,
                seats=[(seat.pool, seat.candidates, seat.holder) for seat in self.seats],
                proofs=self.proofs,
                unread={target: error.message for target, error in self.unread.items()},
                next_try=at + patience.wait_after(1),
                deadlines={
                    # Who answers, but not to us, will not do so tomorrow either.
                    target: at + (patience.deadline if isinstance(error, UnreachableError) else timedelta())
                    for target, error in self.unread.items()
                },
                log=log,
            )

        if self.undoes is None:
            return Run(self.site, write())
        with alone(ledger, self.undoes):
            undone = ledger.run(self.undoes)
            begun_to_undo(ledger, undone)
            if {r.id for r in undone.changes if r.attempted} != self.basis:
                raise RequestError(f"run {self.undoes} went on since this was planned; undo it again")
            stop_for_undo(ledger, undone)
            return Run(self.site, write())

    def to_document(self) -> document.PlanDocument:
        """The plan as plain data (see ``docs/plan.schema.json``)."""
        return document.PlanDocument(
            title=self.title,
            request=dict(self.request),
            changes=[document.change_document(c) for c in self.changes],
            proofs=document.proof_documents(self.proofs),
            warnings=list(self.warnings),
            unread={target: error.message for target, error in self.unread.items()},
            counts=document.counts(self.changes, self.resources),
        )


@dataclass(frozen=True)
class Run:
    """One run as the ledger has it."""

    site: Site = field(repr=False)
    record: RunRecord

    @property
    def id(self) -> int:
        return self.record.id

    @property
    def state(self) -> str:
        """``running``, ``waiting``, ``interrupted``, ``partial``, ``done`` or ``undone``."""
        return self.record.state

    @property
    def waits_for(self) -> tuple[OpenTarget, ...]:
        """The targets that the run has to come back to."""
        return self.record.targets

    @property
    def succeeded(self) -> bool:
        """Whether every change was verified and every proof passed."""
        return self.record.state == "done"

    def undo(self, listener: Listener | None = None) -> Run:
        """Take back exactly what this run did, as a run of its own; what drifted since is left alone and named.

        Raises :class:`~provisioning.errors.RequestError` when the run is an undo itself, was undone already, or is just
        being taken back.
        """
        return self.undo_plan().apply(listener)

    def undo_plan(self) -> Plan:
        """What :meth:`undo` would do: the inverse changes, in reverse order. Raises what :meth:`undo` raises."""
        record = self.site.ledger.run(self.id)
        tried = begun_to_undo(self.site.ledger, record)
        with self.site.connect() as pool:
            begun, unread = to_take_back(record.changes, pool, begun=tried)
        changes = tuple(planner.inverse(begun))
        return Plan(
            self.site,
            f"undo run {self.id}: {record.title}",
            request_of_undo(record),
            changes,
            (),
            (),
            unread,
            len(changes),
            undoes=self.id,
            basis=frozenset(r.id for r in record.changes if r.attempted),
        )
