"""Installing packages in waves, each a run of its own: from a task to a request, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.ansible_door import ensuring
from provisioning.ansible_door.definition import Result, Task
from provisioning.ansible_door.fulfilling import carry_out, of_request, planned, start_of, unchanged
from provisioning.ansible_door.naming import text, texts
from provisioning.api import Plan, Run, Site, installing
from provisioning.api.installing import Install, RolledOut
from provisioning.ledger import RequestRecord
from provisioning.reports import waves


def install_task(task: Task) -> Result:
    """``workplace.provisioning.install``: begins, or goes on with what was asked for in the same words before."""
    site, given = task.site, task.given
    with site.kept_open():
        request = installing.install_request(
            site, texts(given, "packages"), texts(given, "targets"), remove=given["state"] == "absent",
            waves=texts(given, "waves"), stop_at=text(given, "stop_at"),
        )  # fmt: skip
        start = start_of(task)
        known = None if start is not None else installing.asked_before(site, request)
        if known is not None:
            return _go_on(task, known)
        plan = site.plan(request)
        if task.check or start is not None or plan.grounds or plan.is_empty:
            return carry_out(task, plan, start) | {"waves": _planned(request)}
        return _rolled_out(task, site.request(request, plan=plan), plan)


def _planned(request: Install) -> list[Result]:
    return [{"wave": number, "run": None, "pcs": list(pcs)} for number, pcs in enumerate(request.waves, 1)]


def _go_on(task: Task, known: RequestRecord) -> Result:
    site = task.site
    if known.missing:
        return unchanged("") | of_request(site, known)
    if task.check:
        standing = installing.standing(site.ledger, known)
        said = f"request {known.id} asked for just this and is {known.state}; this goes on with it"
        return unchanged("", [said]) | {"changed": True, "waves": waves.plain(standing), "request": known.id}
    return _rolled_out(task, known)


def _rolled_out(task: Task, record: RequestRecord, plan: Plan | None = None) -> Result:
    site = task.site
    before = _verified(_runs(site, record))
    done = installing.roll_out(site, record.id)
    runs = _runs(site, done.request)
    found: Result = planned(plan) if plan is not None else unchanged("")
    for run in runs if plan is None else ():
        found["diff"] += ensuring.of_resumed(run)["diff"]
    told = [ensuring.of_resumed(run) for run in runs]
    found |= {
        "changed": _verified(runs) > before,
        "resources": [one for result in told for one in result["resources"]],
        "proofs": [one for result in told for one in result["proofs"]],
        "request": record.id,
        "run": max((run.id for run in runs), default=None),
        "waves": waves.plain(done.waves),
    }
    return found | _verdict(task, done)


def _verdict(task: Task, done: RolledOut) -> Result:
    """PCs that are switched off hold nobody up, where the task says that this is fine."""
    waiting = {pc: why for wave in done.waves for pc, why in wave.waiting.items()}
    begun = all(wave.run is not None for wave in done.waves)
    failed = any(wave.failed for wave in done.waves)
    named = {"waiting": {"request": done.request.id, "targets": waiting}} if waiting else {}
    if done.is_good or (waiting and begun and not failed and task.given.get("allow_waiting")):
        return named
    lines = [waves.line(wave, len(done.waves)).plain for wave in done.waves]
    if done.stopped is not None:
        lines.append(f"stopped: {done.stopped}")
    lines.append("the same task goes on with it (`provision resume` with what waits)")
    return named | {"failed": True, "msg": "\n".join(lines)}


def _runs(site: Site, record: RequestRecord) -> list[Run]:
    return [site.run(number) for number in site.requested(record.id).runs]


def _verified(runs: Iterable[Run]) -> int:
    return sum(one.state == "verified" for run in runs for one in run.record.changes)
