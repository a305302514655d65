"""What every changing verb does with its plan: show, ask, apply with live progress, sum up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from provisioning.api import Plan, Run, Site
from provisioning.cli import asking
from provisioning.cli.exits import DONE, ERROR, PARTIAL, leave_at_once
from provisioning.cli.files import writable, write
from provisioning.cli.invocation import console
from provisioning.cli.progress import Watcher
from provisioning.errors import RequestError
from provisioning.procedures.base import Request
from provisioning.reports import document, page, text
from provisioning.reports.words import count, to_json
from provisioning.site.clock import start_words

LEFT = (
    "Left at once. What was done is kept; what was under way may be half done. "
    "`provision resume` goes on; `provision show runs`, then `provision undo N` take it back."
)

ACCOUNT = "directory.user"
"""The kind whose creation leaves an initial password."""


@dataclass(frozen=True)
class Manner:
    """How the user wants it done. With `output` json, people's text goes to stderr."""

    yes: bool
    output: str
    report: Path | None

    def check(self) -> None:
        """Refuse what could not be carried through, before anything is read or changed."""
        if self.report is not None:
            writable(self.report, "--report", ".json")
            writable(self.report.with_suffix(".html"), "--report")
        if not self.yes and not _may_ask():
            raise RequestError("there is no terminal to ask on; look at `provision plan`, then add --yes to go ahead")


def carry_out(make_plan: Callable[[], Plan], manner: Manner) -> int:
    """The exit code after planning, asking and applying."""
    manner.check()
    screen = console(stderr=manner.output == "json")
    begun, started = time.monotonic(), _now()
    plan = make_plan()
    planning = time.monotonic() - begun
    if not plan.changes and (not plan.can_wait or plan.waits_already):
        return _nothing_to_do(plan, manner, started, planning)
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
    _publish(report, manner)
    return DONE if run.succeeded else PARTIAL


def carry_out_later(site: Site, request: Request, start: datetime, manner: Manner) -> int:
    """The exit code after planning, asking and writing down a request that begins at `start`."""
    if manner.report is not None:
        raise RequestError("--report goes with what is carried out now; `provision show request N` tells of the others")
    manner.check()
    plan = site.plan(request)
    screen = console(stderr=manner.output == "json")
    screen.print(text.plan(plan))
    screen.print(f"\nTo begin on {start_words(start, site.inventory)}.")
    return asking.ask(plan, manner.yes, manner.output, start)


def of_run(
    site: Site, run: Run, *, warnings: tuple[str, ...] = (), unread: dict[str, str] | None = None,
    seconds: dict[str, float] | None = None,
) -> document.ReportDocument:  # fmt: skip
    """The report of a run, with the files in which initial passwords wait."""
    logins = [
        record.change.key
        for record in run.record.changes
        if record.state == "verified" and (record.change.address.kind, record.change.action) == (ACCOUNT, "create")
    ]
    files = {login: site.secrets.handover_file(login) for login in logins}
    waiting = {login: str(file) for login, file in files.items() if file.exists()}
    return document.of_run(run.record, warnings=warnings, unread=unread, handover=waiting, seconds=seconds)


def _question(plan: Plan) -> str:
    if not plan.changes:
        return f"\nWait for {count(len(plan.unread), 'target')} to answer?"
    return f"\nApply {'this change' if len(plan.changes) == 1 else f'these {len(plan.changes)} changes'}?"


def _nothing_to_do(plan: Plan, manner: Manner, started: str, planning: float) -> int:
    state: document.ReportState = "partial" if plan.unread else "unchanged"
    report = document.without_run(
        plan.title, state, started=started, finished=_now(), warnings=plan.warnings,
        unread=_reasons(plan), seconds={"plan": planning},
    )  # fmt: skip
    _publish(report, manner)
    return PARTIAL if plan.unread else DONE


def _publish(report: document.ReportDocument, manner: Manner) -> None:
    plain = to_json(report.model_dump(mode="json"))
    if manner.output == "json":
        click.echo(plain)
    else:
        screen = console()
        screen.print()
        screen.print(text.report(report))
    if manner.report is not None:
        write(manner.report, plain, "--report")
        write(manner.report.with_suffix(".html"), page.render(report), "--report")


def _may_ask() -> bool:
    return sys.stdin.isatty()


def _reasons(plan: Plan) -> dict[str, str]:
    return {target: error.message for target, error in plan.unread.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
