"""What every changing verb does with its plan: show, ask, apply with live progress, sum up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from provisioning.api import Plan, Run, Site
from provisioning.cli import asking
from provisioning.cli.exits import DONE, ERROR, PARTIAL, leave_at_once
from provisioning.cli.files import writable, write
from provisioning.cli.invocation import console
from provisioning.cli.progress import Watcher, waits
from provisioning.engine.events import Listener
from provisioning.errors import RequestError
from provisioning.procedures.base import Request
from provisioning.reports import document, text
from provisioning.reports.words import count, to_json
from provisioning.resources.base import Change, State
from provisioning.resources.directory.password import Password
from provisioning.site.clock import start_words

LEFT = (
    "Left at once. What was done is kept; what was under way may be half done. "
    "`provision resume` goes on; `provision show runs`, then `provision undo N` take it back."
)

ACCOUNT = "directory.user"
"""The kind whose creation leaves an initial password."""


@dataclass(frozen=True)
class Manner:
    """How the user wants it done. With `output` json, people's text goes to stderr. `site`: whose language the page of
    the report is written in, once that is known."""

    yes: bool
    output: str
    report: Path | None
    site: Site | None = None

    def check_report(self) -> None:
        """Refuse a report that cannot be written."""
        if self.report is not None:
            writable(self.report, "--report", ".json")
            writable(self.report.with_suffix(".html"), "--report")

    def check(self) -> None:
        """Refuse what could not be carried through, before anything is read or changed."""
        self.check_report()
        if not self.yes and not _may_ask():
            raise RequestError("there is no terminal to ask on; look at `provision plan`, then add --yes to go ahead")


Publish = Callable[[document.ReportDocument, Manner], None]


def carry_out(make_plan: Callable[[Listener], Plan], manner: Manner, tell: Publish | None = None) -> int:
    """The exit code after planning, asking and applying. `make_plan` tells its listener whom it waits for, `tell`
    shows the report."""
    manner.check()
    screen = console(stderr=manner.output == "json")
    begun, started = time.monotonic(), _now()
    plan = make_plan(waits(screen))
    manner = replace(manner, site=plan.site)
    planning = time.monotonic() - begun
    if plan.undoes is not None and plan.is_empty:  # still worth a run: nobody goes on with the one taken back
        screen.print(f"Run {plan.undoes} did nothing that is left to take back.")
    elif not (plan.undoes or plan.changes or plan.orders or plan.books.stand_alone) and (
        not plan.can_wait or plan.waits_already
    ):
        return _nothing_to_do(plan, manner, tell or publish, started, planning)
    else:
        screen.print(text.plan(plan))
    if not plan.is_approved:
        return asking.ask(plan, manner.yes, manner.output)
    if not manner.yes and not click.confirm(_question(plan), err=manner.output == "json"):
        click.echo("Nothing was changed.", err=True)
        return ERROR
    screen.print()
    try:
        with Watcher(screen, len(plan.changes), len(plan.proofs)) as watcher:
            run = plan.apply(watcher)
    except KeyboardInterrupt:
        leave_at_once(LEFT)
    report = of_run(
        plan.site, run, warnings=plan.warnings, unread=_reasons(plan),
        seconds={"plan": planning, **watcher.seconds},
    )  # fmt: skip
    (tell or publish)(report, manner)
    return DONE if run.succeeded else PARTIAL


def carry_out_later(site: Site, request: Request, start: datetime, manner: Manner) -> int:
    """The exit code after planning, asking and writing down a request that begins at `start`."""
    if manner.report is not None:
        raise RequestError("--report goes with what is carried out now; `provision show request N` tells of the others")
    manner.check()
    screen = console(stderr=manner.output == "json")
    plan = site.plan(request, waits(screen))
    screen.print(text.plan(plan))
    screen.print(f"\nTo begin on {start_words(start, site.inventory)}.")
    return asking.ask(plan, manner.yes, manner.output, start)


def go_on(run: Run, output: str, *, now: bool) -> document.ReportDocument:
    """Resume a run with live progress; how it stands then."""
    left = sum(record.state != "verified" for record in run.record.changes)
    try:
        with Watcher(console(stderr=output == "json"), left, len(run.record.to_prove)) as watcher:
            done = run.site.resume(run.id, watcher, now=now)
    except KeyboardInterrupt:
        leave_at_once(LEFT)
    return of_run(run.site, done, seconds=watcher.seconds)


def of_run(
    site: Site, run: Run, *, warnings: tuple[str, ...] = (), unread: dict[str, str] | None = None,
    seconds: dict[str, float] | None = None,
) -> document.ReportDocument:  # fmt: skip
    """The report of a run, with the files in which initial passwords wait."""
    logins = [
        record.change.key
        for record in run.record.changes
        if record.state == "verified" and _leaves_password(record.change)
    ]
    files = {login: site.secrets.handover_file(login) for login in logins}
    waiting = {login: str(file) for login, file in files.items() if file.exists()}
    return document.of_run(run.record, warnings=warnings, unread=unread, handover=waiting, seconds=seconds)


def _leaves_password(change: Change[State]) -> bool:
    """Whether an initial password waits then: of a new account, or of somebody who is back."""
    again = isinstance(change.after, Password) and not change.after.random
    return again or (change.address.kind, change.action) == (ACCOUNT, "create")


def _question(plan: Plan) -> str:
    if plan.orders and not plan.changes and plan.undoes is None:
        return "\nOpen this patch order?"
    if plan.undoes is not None and plan.is_empty:
        return "\nMark it as undone, so that nobody goes on with it?"
    if not plan.changes and plan.books.stand_alone:
        return "\nWrite this down?"
    if not plan.changes:
        return f"\nWait for {count(len(plan.unread), 'target')} to answer?"
    return f"\nApply {'this change' if len(plan.changes) == 1 else f'these {len(plan.changes)} changes'}?"


def _nothing_to_do(plan: Plan, manner: Manner, tell: Publish, started: str, planning: float) -> int:
    state: document.ReportState = "partial" if plan.unread else "unchanged"
    report = document.without_run(
        plan.title, state, started=started, finished=_now(), warnings=plan.warnings,
        unread=_reasons(plan), seconds={"plan": planning},
    )  # fmt: skip
    tell(report, manner)
    return PARTIAL if plan.unread else DONE


def publish(report: document.ReportDocument, manner: Manner) -> None:
    """Show a report, and write it where the user wants it."""
    plain = to_json(report.model_dump(mode="json"))
    if manner.output == "json":
        click.echo(plain)
    else:
        screen = console()
        screen.print()
        screen.print(text.report(report))
    keep(report, manner)


def keep(report: document.ReportDocument, manner: Manner) -> None:
    """Write a report where the user wants it."""
    if manner.report is not None:
        write(manner.report, to_json(report.model_dump(mode="json")), "--report")
        write(manner.report.with_suffix(".html"), page(report, manner.site), "--report")


def page(report: document.ReportDocument, site: Site | None) -> str:
    """The page of a report, in the site's language."""
    from provisioning.api.run_course import course  # noqa: PLC0415  (few want a page)
    from provisioning.reports import run_page  # noqa: PLC0415
    from provisioning.reports.texts import Texts  # noqa: PLC0415

    if site is None:
        return run_page.render(report, Texts("en"))
    t = Texts(site.inventory.language, site.inventory.time_zone)
    return run_page.render(report, t, course(site, site.run(report.run).record, t) if report.run is not None else None)


def _may_ask() -> bool:
    return sys.stdin.isatty()


def _reasons(plan: Plan) -> dict[str, str]:
    return {target: error.message for target, error in plan.unread.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
