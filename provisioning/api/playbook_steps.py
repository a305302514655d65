"""Steps: playbooks that the site has run after a procedure (its section ``steps``).

They run when everything of the run is made and proven, before the ledger says that it is done: a process that is killed
in between leaves a run that is resumed, and then the steps follow that are not done yet. A step that fails leaves the
run partly done, so that ``provision resume`` tries it again. No undo takes back what it did.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioning.api.playbook_settings import AFTER
from provisioning.api.playbooks import PlaybookRun, run_playbook
from provisioning.engine.events import Listener, ProofSettled
from provisioning.errors import ProvisioningError
from provisioning.ledger import Entry, RunRecord, RunState
from provisioning.ledger.playbook_records import OF_STEP
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Change, Proof, ProofResult, State
from provisioning.site import Inventory
from provisioning.site.steps import WORKSTATION, Step, file_of

if TYPE_CHECKING:
    from provisioning.api.site import Site


@dataclass(frozen=True)
class Following:
    """One step of one request: for whom it is."""

    procedure: str
    step: Step
    people: tuple[str, ...]
    workstations: tuple[str, ...]

    @property
    def limit(self) -> str | None:
        """Hosts and groups; empty when it is for the PCs of a request that is about none."""
        return None if self.step.limit is None else self.step.limit.replace(WORKSTATION, ",".join(self.workstations))

    @property
    def is_for_nobody(self) -> bool:
        """Ansible would take an empty limit for all hosts."""
        return self.step.limit is not None and WORKSTATION in self.step.limit and not self.workstations

    @property
    def said(self) -> str:
        """``playbook site-onboard for WS-0042``."""
        return f"playbook {self.step.playbook}" + (f" for {self.limit}" if self.limit else "")


def sentences(site: Inventory, request: Mapping[str, Any], changes: Sequence[Change[State]]) -> Iterator[str]:
    """What follows a plan, for whoever reads it. Nothing follows where nothing is changed."""
    for one in following(site, request, changes) if changes else ():
        if not one.is_for_nobody:
            yield f"then: {one.said}; `provision undo` does not take back what it does"


def following(site: Inventory, request: Mapping[str, Any], changes: Iterable[Change[State]]) -> Iterator[Following]:
    """The steps of a request, in the site's order."""
    parts = list(_parts(request))
    procedures = list(dict.fromkeys(str(part.get("procedure")) for part in parts))
    pcs = [change.target.partition(":")[2] for change in changes if change.target.startswith("windows:")]
    for procedure in procedures:
        steps = next((found for name, found in site.steps.items() if name == procedure), ())
        if not steps:
            continue
        desks = {
            person: desk
            for part in parts
            if part.get("procedure") == procedure
            for person, desk in from_plain(part).desks(site).items()
        }
        theirs = [
            site.workstation_at[desk] for desk in desks.values() if desk is not None and desk in site.workstation_at
        ]
        workstations = tuple(dict.fromkeys([*theirs, *(pcs if len(procedures) == 1 else ())]))
        for step in steps:
            yield Following(procedure, step, tuple(desks), workstations)


def follow(
    site: Site, run: RunRecord, state: RunState, listener: Listener | None, stop: threading.Event | None
) -> RunState:
    """Carry out the steps of a run that is about to end in `state`; the state in which it ends then.

    A step is done once: what is done is in the work log. Nothing follows what a step's own modules do.
    """
    if state != "done" or AFTER in os.environ:
        return state
    for one in following(site.wired, run.request, [record.change for record in run.changes]):
        key = f"run:{run.id}:step:{one.procedure}:{one.step.playbook}"
        if site.ledger.has_entry(key):
            continue
        result, state = _carry_out(site, run, one, listener, stop)
        entry = Entry(f"After run {run.id}: {one.said}: {result.detail}."[:480], run_id=run.id, key=key)
        site.ledger.prove(run.id, [result], log=[entry] if result.passed else [])
        if listener is not None:
            listener(ProofSettled(result))
        if not result.passed:
            return state
    return "done"


def _carry_out(
    site: Site, run: RunRecord, one: Following, listener: Listener | None, stop: threading.Event | None
) -> tuple[ProofResult, RunState]:
    parameters: dict[str, Any] = {"playbook": one.step.playbook, "limit": one.limit}
    again = f"to run it again: provision resume {run.id}"
    try:
        done = None if one.is_for_nobody else _run(site, run, one, listener, stop)
    except ProvisioningError as exc:
        return ProofResult(_proof(one, parameters), False, f"{exc}; {again}"), "partial"
    if done is None:
        return ProofResult(_proof(one, parameters), True, "left out, because the request is about no PC"), "done"
    detail = f"{_told(done)} (run {done.id})"
    if done.succeeded:
        return ProofResult(_proof(one, parameters), True, detail), "done"
    state: RunState = "interrupted" if done.state == "interrupted" else "partial"
    return ProofResult(_proof(one, parameters), False, f"{detail}; {again}"), state


def _run(
    site: Site, run: RunRecord, one: Following, listener: Listener | None, stop: threading.Event | None
) -> PlaybookRun:
    name = file_of(site.inventory, one.step) or one.step.playbook  # a file that is gone by now is named by what runs it
    known = {
        "provision_run": run.id,
        "provision_procedure": one.procedure,
        "provision_people": list(one.people),
        "provision_workstations": list(one.workstations),
    }
    return run_playbook(
        site, name, limit=one.limit, tags=one.step.tags, extra_vars={**known, **one.step.extra_vars},
        timeout=None if one.step.timeout is None else one.step.timeout.total_seconds(), listener=listener,
        cancel=None if stop is None else stop.is_set, after=run.id,
    )  # fmt: skip


def _told(done: PlaybookRun) -> str:
    if done.problem:
        return done.problem
    bad = [
        f"{host.host}: {'; '.join(host.problems) or host.counted}" for host in done.hosts.values() if not host.passed
    ]
    number = f"{len(done.hosts)} host{'' if len(done.hosts) == 1 else 's'}"
    return "; ".join(bad) or f"{number}, nothing failed"


def _proof(one: Following, parameters: Mapping[str, Any]) -> Proof:
    return Proof(OF_STEP, "ansible", f"then: {one.said}", parameters)


def _parts(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if request.get("procedure") != "together":
        yield request
        return
    for part in request.get("parts", ()):
        yield from _parts(part)
