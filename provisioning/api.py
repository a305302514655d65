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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from provisioning.connections.openers import OPENERS
from provisioning.connections.pool import Pool
from provisioning.engine import document, planner
from provisioning.engine.events import Listener, one_at_a_time
from provisioning.engine.prover import prove
from provisioning.engine.run import carry_out, request_of_undo, to_take_back
from provisioning.errors import RequestError, TargetError
from provisioning.ledger import Ledger, RunRecord
from provisioning.procedures.base import Accounts, Request
from provisioning.procedures.identity import candidates, display_name, possible_addresses
from provisioning.procedures.onboard import Onboard, onboard
from provisioning.resources.base import Change, Proof, ProofResult, State
from provisioning.resources.directory.accounts import read_accounts
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.inventory import nearest
from provisioning.site.load import load

__all__ = ["Onboard", "Plan", "Run", "Site", "onboard"]


@dataclass(frozen=True)
class Site:
    """One site and the ways to its systems. Make it with :meth:`load`."""

    inventory: Inventory

    @classmethod
    def load(cls, folder: str | Path) -> Site:
        """Read and validate a site's folder. Raises :class:`~provisioning.errors.SiteError`, with file and line."""
        return cls(load(Path(folder)))

    @cached_property
    def ledger(self) -> Ledger:
        """The site's ledger, opened on first use."""
        return Ledger(self.inventory.ledger)

    @cached_property
    def secrets(self) -> Secrets:
        """Where the site's secret references lead."""
        return Secrets(self.inventory.folder, self.inventory.handover)

    @contextmanager
    def connect(self) -> Iterator[Pool]:
        """Sessions to the site's systems, opened on first use and closed at the end of the block."""
        with Pool(self.inventory, self.secrets, OPENERS) as pool:
            yield pool

    def plan(self, request: Request | None = None) -> Plan:
        """What it takes to fulfil `request`; without one, to onboard everybody who has a workplace.

        Reads the systems and changes nothing. Targets that cannot be read are named in ``unread``; the directory must
        be readable. Raises :class:`~provisioning.errors.RequestError`, and :class:`~provisioning.errors.TargetError`
        for the directory.
        """
        request = request or onboard(*(key for key, person in self.inventory.people.items() if person.workplace))
        with self.connect() as pool:
            work = request.compile(self.inventory, self._accounts(request, pool))
            reading = planner.read(work.resources, pool)
        changes = planner.compare(work.resources, reading)
        return Plan(
            self,
            request.title,
            request.to_plain(),
            tuple(changes),
            work.proofs,
            (*self._warnings(), *work.warnings),
            reading.unread,
            len({r.address for r in work.resources if r.target not in reading.unread}),
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
        return Plan(
            self, saved.title, saved.request, changes, proofs, tuple(saved.warnings), unread, sum(saved.counts.values())
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

    def _accounts(self, request: Request, pool: Pool) -> Accounts:
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

    @property
    def is_empty(self) -> bool:
        """Whether everything is as it should be (and everything could be read)."""
        return not self.changes and not self.unread

    def apply(self, listener: Listener | None = None) -> Run:
        """Carry out the changes, then run the proofs; all of it is in the ledger.

        `listener` gets the engine's events. The run ends ``partial`` when a change failed, a target could not be read,
        or a proof did not pass; nothing is raised for that.
        """
        ledger = self.site.ledger
        record = ledger.begin(self.title, self.request, self.changes, undoes=self.undoes)
        with self.site.connect() as pool:
            carry_out(ledger, record, pool, self.proofs, one_at_a_time(listener), complete=not self.unread)
        run = self.site.run(record.id)
        if self.undoes is not None and run.succeeded:
            ledger.end(self.undoes, "undone")
        return run

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
        """``running``, ``done``, ``partial``, ``interrupted`` or ``undone``."""
        return self.record.state

    @property
    def succeeded(self) -> bool:
        """Whether every change was verified and every proof passed."""
        return self.record.state == "done"

    def undo(self, listener: Listener | None = None) -> Run:
        """Take back exactly what this run did, as a run of its own; what drifted since is left alone and named.

        Raises :class:`~provisioning.errors.RequestError` when the run is an undo itself or was undone already.
        """
        return self.undo_plan().apply(listener)

    def undo_plan(self) -> Plan:
        """What :meth:`undo` would do: the inverse changes, in reverse order. Raises what :meth:`undo` raises."""
        if self.record.undoes is not None:
            raise RequestError(
                f"run {self.id} is itself the undoing of run {self.record.undoes}; run the request again instead"
            )
        record = self.site.ledger.run(self.id)
        if record.state == "undone":
            raise RequestError(f"run {self.id} was undone already")
        with self.site.connect() as pool:
            begun, unread = to_take_back(record.changes, pool)
        changes = tuple(planner.inverse(begun))
        title = f"undo run {self.id}: {record.title}"
        return Plan(self.site, title, request_of_undo(record), changes, (), (), unread, len(changes), undoes=self.id)
