"""A task's arguments → a plan → Ansible's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from provisioning.ansible_door.catalogue import Module
from provisioning.api import Plan, Run, Site
from provisioning.errors import RequestError, UnreachableError
from provisioning.procedures.ensure import Ensure, ensure
from provisioning.resources.base import Change, Resource, State
from provisioning.resources.registry import KINDS

Result = dict[str, Any]


def wanted(module: Module, things: Sequence[Mapping[str, Any]], target: str, title: str) -> Ensure:
    """The request for a list of things. Each has its key, ``state`` (``present`` or ``absent``), and the fields of its
    kind; a field that is ``None`` because the task did not name it is not managed. Raises :class:`RequestError`."""
    return ensure(title, [_resource(module, thing, target) for thing in things])


def _resource(module: Module, thing: Mapping[str, Any], target: str) -> Resource:
    fields = {name: value for name, value in thing.items() if name not in {module.key, "state"}}
    key = str(thing[module.key])
    if thing.get("state", "present") == "absent":
        return Resource(module.kind, target, key, None)
    try:
        return Resource(module.kind, target, key, KINDS[module.kind].state.from_plain(fields))
    except ValidationError as exc:
        first = exc.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RequestError(f"{module.things}: {key}: {where}: {first['msg']}") from exc


def planned(plan: Plan) -> Result:
    """What check mode says."""
    return {
        "changed": bool(plan.changes),
        "diff": [difference(change) for change in plan.changes],
        "resources": [_told(change, "planned") for change in plan.changes],
        "warnings": list(plan.warnings),
    }


def carried_out(plan: Plan) -> Result:
    """Apply a plan; what a module returns. ``failed`` with a sentence for each change that failed and each proof that
    did not pass. Raises :class:`UnreachableError` when a target does not answer."""
    for error in plan.unread.values():
        raise error
    if plan.is_empty and not plan.proofs:
        return planned(plan)
    return of_run(plan, plan.apply())


def of_run(plan: Plan, run: Run) -> Result:
    """What came of a plan."""
    record = run.record
    made = [one for one in record.changes if one.state == "verified"]
    wrong = [f"{one.change.address}: {one.error}" for one in record.changes if one.error]
    wrong += [f"not proven: {proof['name']}: {proof['detail']}" for proof in record.proofs if not proof["passed"]]
    result: Result = planned(plan) | {
        "changed": bool(made),
        "resources": [_told(one.change, one.state) for one in record.changes],
        "proofs": [
            {"name": proof["name"], "passed": proof["passed"], "detail": proof["detail"]} for proof in record.proofs
        ],
        "run": run.id,
    }
    if waiting := [f"{one.target}: {one.reason}" for one in run.waits_for]:
        raise UnreachableError(run.waits_for[0].target, "; ".join(waiting))
    if wrong:
        result |= {"failed": True, "msg": "; ".join(wrong)}
    return result


def difference(change: Change[State]) -> Result:
    """One change as ``--diff`` shows it."""
    found = change.differences()
    return {
        "before_header": str(change.address),
        "after_header": str(change.address),
        "before": {} if change.before is None else {name: _plain(old) for name, (old, _) in found.items()},
        "after": {} if change.after is None else {name: _plain(new) for name, (_, new) in found.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, State):
        return value.to_plain()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _told(change: Change[State], state: str) -> Result:
    return {
        "kind": change.address.kind,
        "target": change.target,
        "key": change.key,
        "action": change.action,
        "state": state,
    }


def site_of(folder: str) -> Site:
    """The site whose folder a task names."""
    return Site.load(folder)
