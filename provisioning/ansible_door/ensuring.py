"""A request → a plan → Ansible's result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from provisioning.ansible_door.definition import Result, Task
from provisioning.api import Plan, Run, Site
from provisioning.errors import InUseError
from provisioning.procedures.base import Request
from provisioning.reports.words import field_words
from provisioning.resources.base import Address, Change, State

Making = Callable[[], Request]
"""Makes the request of a task; sessions that it opens are used again by the plan."""


def fulfil(task: Task, make: Making) -> Result:
    """Plan the request that `make` makes and, outside check mode, carry it out.

    A run of the same request that was cut (a killed ansible-playbook, a host that went away) is gone on with first. A
    target that cannot be read raises its :class:`~provisioning.errors.TargetError`, and nothing is begun. What the site
    wants approved is written down as a request; once that is approved, the same task carries it out.
    """
    with task.site.kept_open():
        request = make()
        resumed = [] if task.check else list(go_on(task.site, request))
        plan = task.site.plan(request)
        for error in plan.unread.values():
            raise error
        done = _done(task, plan)
        for run in resumed:
            done = joined(of_resumed(run), done)
    return done


def _done(task: Task, plan: Plan) -> Result:
    """The result of a plan, once it is carried out, or written down until somebody has approved it."""
    from provisioning.ansible_door.fulfilling import ask  # noqa: PLC0415  (it is made of what is here)

    if nothing_to_do(plan):
        return planned(plan)
    if plan.grounds and not (plan.site.has_ledger and plan.is_approved):
        return ask(task, plan, None)
    return planned(plan) if task.check else of_run(plan, plan.apply(), task.target)


def go_on(site: Site, request: Request) -> Iterator[Run]:
    """Go on with runs of the same request that did not come to their end, and that nobody is at work on."""
    if not site.has_ledger:
        return
    same = request.to_plain()
    for run in reversed(site.runs(_MANY, states={"running", "interrupted", "waiting"})):
        if run.record.request == same and run.holder is None:
            try:
                yield site.resume(run.id, now=True)
            except InUseError:  # somebody else was quicker
                continue


def nothing_to_do(plan: Plan) -> bool:
    """Whether a run of `plan` would do nothing that is worth one. Proofs alone are not: ``check`` is for these."""
    if plan.undoes is not None or plan.changes or plan.orders or plan.books.stand_alone:
        return False
    return not plan.can_wait or (plan.site.has_ledger and plan.waits_already)


def planned(plan: Plan) -> Result:
    """What check mode says, and what is said when all is as it should be."""
    return {
        "changed": bool(plan.changes) or _writes_down(plan),
        "diff": [*map(difference, plan.changes), *_written_down(plan), *_to_be_patched(plan)],
        "resources": [told(change, "planned") for change in plan.changes],
        "warnings": list(plan.warnings),
        "proofs": [],
    }


def of_run(plan: Plan, run: Run, target: str = "") -> Result:
    """What came of a plan. `target` is the host of the task, where the task is about its host."""
    made = any(one.state == "verified" for one in run.record.changes)
    return planned(plan) | _of_record(run, target) | {"changed": made or _writes_down(plan)}


def of_resumed(run: Run) -> Result:
    """What came of a run that was cut and gone on with."""
    changes = [one.change for one in run.record.changes]
    said = f"run {run.id} had been cut; it was gone on with"
    made = any(one.state == "verified" for one in run.record.changes)
    return {"changed": made, "diff": list(map(difference, changes)), "warnings": [said]} | _of_record(run, "")


def joined(first: Result, then: Result) -> Result:
    """Two results as one: lists one after the other; of the rest what came last. What was wrong at first is left out,
    since the second plan saw how things are; but not what was not proven, unless it was proven anew."""
    unproven = any(not proof["passed"] for proof in first.get("proofs", ())) and not then.get("proofs")
    kept = {name: value for name, value in first.items() if unproven or name not in _WRONG}
    lists = {name: [*value, *then.get(name, ())] for name, value in kept.items() if isinstance(value, list)}
    return kept | then | lists | {"changed": first["changed"] or then["changed"]}


def difference(change: Change[State]) -> Result:
    """One change as ``--diff`` shows it."""
    found = change.differences()
    before = {} if change.before is None else {name: plain(old) for name, (old, _) in found.items()}
    after = {} if change.after is None else {name: plain(new) for name, (_, new) in found.items()}
    return _sides(str(change.address), before, after)


def _sides(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Result:
    """As text: of a mapping Ansible would print names in other scripts as escape sequences."""
    return {
        "before_header": what,
        "after_header": what,
        "before": yaml.safe_dump(before, allow_unicode=True, sort_keys=False, width=1_000) if before else "",
        "after": yaml.safe_dump(after, allow_unicode=True, sort_keys=False, width=1_000) if after else "",
    }


def plain(value: Any) -> Any:
    """A value of a state as Ansible can print and keep it."""
    if isinstance(value, State) or hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_unset=isinstance(value, State))
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, (list, tuple)) and not isinstance(value, Address):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


_MANY = 1_000
_WRONG = {"failed", "unreachable", "msg", "waits_for"}


def _of_record(run: Run, target: str) -> Result:
    record = run.record
    faults = [f"{one.change.address}: {one.error}" for one in record.changes if one.error]
    faults += [f"not proven: {proof['name']}: {proof['detail']}" for proof in record.proofs if not proof["passed"]]
    faults += [f"{one.target}: {one.reason}" for one in run.waits_for]
    result: Result = {
        "resources": [told(one.change, one.state) for one in record.changes],
        "proofs": [{name: proof[name] for name in ("name", "passed", "detail")} for proof in record.proofs],
        "waits_for": [{"target": one.target, "reason": one.reason} for one in run.waits_for],
        "run": run.id,
    }
    if run.succeeded:
        return result
    away = bool(target) and [one.target for one in run.waits_for] == [target]
    if run.waits_for:
        faults.append(f"run {run.id} goes on by itself where a worker runs, else by `provision resume {run.id}`")
    else:
        state = "partly done" if run.state == "partial" else run.state
        back = "" if record.undoes is not None else f", `provision undo {run.id}` takes it back"
        faults.append(f"run {run.id} is {state}: `provision resume {run.id}` goes on with it{back}")
    return result | {"unreachable" if away else "failed": True, "msg": "; ".join(faults)}


def _writes_down(plan: Plan) -> bool:
    return bool(plan.orders or plan.books.stand_alone or plan.undoes is not None)


def _written_down(plan: Plan) -> Iterator[Result]:
    """What the ledger will say otherwise than the site's files."""
    for one, was in plan.books.amendments:
        what, name = f"the site's {one.section}: {one.key}", field_words(one.field)
        before, after = {name: plan.books.now.get(one.subject, was)}, {name: one.value}
        yield _sides(what, before, after)


def _to_be_patched(plan: Plan) -> Iterator[Result]:
    """The technician's orders that are opened."""
    for order in plan.orders:
        what = f"patch order for outlet {order.outlet}"
        after = {"panel": f"{order.panel}-{order.panel_port}", "port": f"{order.switch} {order.switch_port}"}
        yield _sides(what, {}, after)


def told(change: Change[State], state: str) -> Result:
    """One change as results name it."""
    return {
        "kind": change.address.kind,
        "target": change.target,
        "key": change.key,
        "action": change.action,
        "state": state,
    }
