"""A whole procedure as a task: planned, carried out, waited for, or found to be so already; what Ansible is told of it.

What is an error on the command line, because somebody typed it just now ("E1042 is at B-206-2 already"), is how things
should be in a playbook, which runs again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_args

from provisioning.ansible_door import ensuring
from provisioning.ansible_door.arguments import Spec
from provisioning.ansible_door.definition import Result, Task
from provisioning.api import Plan, Run, Site
from provisioning.errors import RequestError
from provisioning.intake import OPEN
from provisioning.ledger import RequestRecord, RequestState, RunState
from provisioning.procedures.base import Request
from provisioning.procedures.registry import from_plain
from provisioning.reports import requests
from provisioning.site.clock import read_start, start_words

_ALL = 1_000_000
_CAN_GO_ON: tuple[RunState, ...] = ("running", "waiting", "interrupted", "partial")
"""States of runs that did not come to their end."""

START: Spec = {
    "start": {
        "type": "str",
        "description": [
            "Not before then: C(2026-12-01T08:00), in the site's time zone unless the time names its own; a day alone "
            "is its first minute. Until then only a request is written down (see RV(waiting)), and C(provision worker) "
            "or C(provision due) carries it out. A time that has passed means now.",
        ],
    },
}
WAITING: Spec = {
    "allow_waiting": {
        "type": "bool",
        "default": False,
        "description": [
            "Whether it is fine that machines do not answer. The ledger remembers what is left to do, and C(provision "
            "resume) or a worker goes on with it. Without this the task fails once it has done the rest.",
        ],
    },
}
RETURNS: Spec = {
    "waiting": {
        "type": "dict",
        "returned": "when a request waits for approval or its time, or a run for machines (allow_waiting)",
        "description": [
            "What is waited for: C(request) (its number), C(state) (C(awaiting approval) or C(scheduled)), C(start), "
            "C(needs) (each role with what it has to approve and who may); or C(run) and its C(targets).",
        ],
    },
}


@dataclass(frozen=True)
class Asked:
    """What a task comes to, once somebody has looked. One of: `request`, to be planned; `begun`, a run of the same that
    did not come to its end, to be gone on with; `already`, a sentence that says why there is nothing to do.

    `plan` makes the plan where there is more to it than planning `request`. It begins at `start` (now); `notes` are
    sentences for the admin.
    """

    request: Request | None = None
    begun: Run | None = None
    already: str | None = None
    plan: Callable[[], Plan] | None = None
    start: datetime | None = None
    notes: tuple[str, ...] = ()


def fulfil(task: Task, look: Callable[[], Asked]) -> Result:
    """Look, plan, and carry it out; in check mode, say what it would come to. Sessions stay open meanwhile.

    Raises :class:`~provisioning.errors.ProvisioningError` for what cannot be planned.
    """
    with task.site.kept_open():
        asked = look()
        if asked.already is not None:
            return unchanged(asked.already, asked.notes)
        if asked.begun is not None:
            return go_on(task, asked.begun, asked.notes)
        resumed = [] if task.check or asked.request is None else list(ensuring.go_on(task.site, asked.request))
        plan = asked.plan() if asked.plan is not None else task.site.plan(asked.request)
        done = carry_out(task, replace(plan, warnings=(*asked.notes, *plan.warnings)), asked.start)
        for run in resumed:
            done = ensuring.joined(ensuring.of_resumed(run), done)
        return done


def carry_out(task: Task, plan: Plan, start: datetime | None = None) -> Result:
    """A plan carried out, or written down until it may be (and `start` has come); in check mode, what it would come
    to."""
    if task.target in plan.unread:  # the host of the task: Ansible knows what to do with one that does not answer
        raise plan.unread[task.target]
    if ensuring.nothing_to_do(plan):
        return unchanged(f"{plan.title}: everything is as it should be", plan.warnings) | _not_read(task, plan)
    if start is not None or not _may_begin(plan):
        return ask(task, plan, start)
    if task.check:
        return planned(plan) | ({} if plan.can_wait else _not_read(task, plan))
    return of_run(task, plan, plan.apply())


def start_of(task: Task) -> datetime | None:
    """When it may begin; ``None`` where that is now. Raises :class:`RequestError` for a text that is no time."""
    text = task.given.get("start")
    start = None if text is None else read_start(str(text), task.site.inventory)
    return start if start is not None and start > datetime.now(UTC) else None


def _may_begin(plan: Plan) -> bool:
    """Whether nobody has to approve it, or everybody has. (Looking makes no ledger.)"""
    return not plan.grounds or (plan.site.has_ledger and plan.is_approved)


# -- requests that wait


def ask(task: Task, plan: Plan, start: datetime | None) -> Result:
    """The request of a plan written down, until it is approved or its time has come. The same asked for again is the
    same request. Raises :class:`RequestError` for one that was refused."""
    site = task.site
    known = asked_before(site, plan.title, plan.request, start)
    if known is not None and known.state == "refused":
        why = f" ({known.reason})" if known.reason else ""
        raise RequestError(
            f"request {known.id} asked for just this and was refused{why}; `provision show request {known.id}` tells "
            "its story. Whoever wants to ask again does so on the command line"
        )
    if known is not None:
        return unchanged("", plan.warnings) | of_request(site, known)
    if not task.check:
        written = site.request(from_plain(plan.request), start=start, plan=plan)
        return planned(plan) | {"changed": True} | of_request(site, written)
    return to_be_asked(site, plan, start)


def to_be_asked(site: Site, plan: Plan, start: datetime | None) -> Result:
    """What check mode says of a plan whose request would be written down."""
    state = "awaiting approval" if plan.grounds else "scheduled"
    waiting: Result = {"state": state, "needs": _needs(site, plan.grounds)}
    if start is not None:
        waiting["start"] = start_words(start, site.inventory)
    return planned(plan) | {"changed": True, "waiting": waiting}


def asked_before(
    site: Site, title: str, plain: Mapping[str, Any], start: datetime | None = None
) -> RequestRecord | None:
    """The newest request for just the same (with that start, if one is given), if it is open or was refused."""
    if not site.has_ledger:
        return None
    newest = site.ledger.same_request(title, plain, get_args(RequestState), start=start)
    return newest if newest is not None and newest.state in {*OPEN, "refused"} else None


def of_request(site: Site, record: RequestRecord) -> Result:
    """What a result says of a request that waits."""
    waiting: Result = {
        "request": record.id,
        "state": record.state,
        "start": start_words(record.start, site.inventory),
        "needs": _needs(site, {role: record.grounds.get(role, ()) for role in record.missing}),
    }
    return {"waiting": waiting, "msg": requests.outcome(record, site.inventory).plain}


def _needs(site: Site, grounds: Mapping[str, Sequence[str]]) -> list[Result]:
    policy = site.inventory.approvals
    return [
        {"role": role, "to_approve": list(why), "may_approve": list(policy.who_may([role]))}
        for role, why in grounds.items()
    ]


# -- runs that did not come to their end


def newest(site: Site, procedure: str, fits: Callable[[Mapping[str, Any]], bool]) -> Run | None:
    """The newest run of `procedure` whose request `fits`; none that was taken back is meant."""
    found = (run for run in site.runs(_ALL) if run.record.undoes is None and run.state != "undone")
    return next((r for r in found if r.record.request.get("procedure") == procedure and fits(r.record.request)), None)


def unfinished(site: Site, procedure: str, fits: Callable[[Mapping[str, Any]], bool]) -> Run | None:
    """The newest run of `procedure` whose request `fits`, if it did not come to its end and is not being taken back."""
    if not site.runs(1, states=_CAN_GO_ON):  # mostly so, and then the long history is not read
        return None
    run = newest(site, procedure, fits)
    return run if run is not None and run.state in _CAN_GO_ON and run.open_undo is None else None


def go_on(task: Task, run: Run, notes: Sequence[str] = ()) -> Result:
    """A run gone on with: what was verified is not done again, what failed is tried again. Raises
    :class:`~provisioning.errors.InUseError` when somebody is at it."""
    said = [*notes, f"run {run.id} ({run.record.title}) did not come to its end ({run.state}); this goes on with it"]
    left = [one for one in run.record.changes if one.state != "verified"]
    told = ensuring.of_resumed(run) | {"diff": [ensuring.difference(one.change) for one in left], "warnings": said}
    if task.check:
        found = {name: value for name, value in told.items() if name not in {"failed", "unreachable", "msg"}}
        return found | {"changed": bool(left)}
    ended = task.site.resume(run.id, now=True)
    still = [one for one in ended.record.changes if one.state != "verified"]
    news = {"diff": told["diff"], "warnings": said, "changed": len(still) != len(left)}
    return _ended(task, ended, ensuring.of_resumed(ended) | news)


# -- what Ansible is told


def unchanged(said: str, notes: Sequence[str] = ()) -> Result:
    """Nothing to do."""
    found: Result = {"changed": False, "diff": [], "resources": [], "proofs": [], "warnings": list(notes)}
    return found | ({"msg": said} if said else {})


def planned(plan: Plan) -> Result:
    """What check mode says, with what could not be read."""
    found = ensuring.planned(plan)
    return found | {"warnings": [*found["warnings"], *(f"not read: {error}" for error in plan.unread.values())]}


def of_run(task: Task, plan: Plan, run: Run) -> Result:
    """What came of a plan. A run that is not done is a failure, with what is wrong and how it goes on; one that only
    waits is none where the task allows that."""
    return _ended(task, run, ensuring.of_run(plan, run, task.target))


def _ended(task: Task, run: Run, done: Result) -> Result:
    if run.succeeded:
        return done
    if run.state == "waiting":
        done = done | {"waiting": {"run": run.id, "targets": {one.target: one.reason for one in run.waits_for}}}
        if task.given.get("allow_waiting") and all(one.state != "failed" for one in run.record.changes):
            return {name: value for name, value in done.items() if name not in {"failed", "unreachable"}}
    return done


def _not_read(task: Task, plan: Plan) -> Result:
    """A failure where something could not be read, and nobody said that this is fine."""
    if not plan.unread or (plan.can_wait and task.given.get("allow_waiting")):
        return {}
    reasons = [f"{target}: {error.message}" for target, error in plan.unread.items()]
    return {
        "failed": True,
        "msg": "; ".join([*reasons, "what is there is unknown, run this again once that is mended"]),
    }
