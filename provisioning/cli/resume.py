"""``provision resume``."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from provisioning.api import Run, Site
from provisioning.cli.carrying import LEFT, of_run
from provisioning.cli.exits import DONE, PARTIAL, leave_at_once
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.progress import Watcher
from provisioning.errors import RequestError
from provisioning.ledger import moment
from provisioning.reports import document, text
from provisioning.reports.words import safe, to_json


@click.command("resume")
@click.argument("run", type=click.IntRange(1, 2**63 - 1), required=False)
@click.option("--now", is_flag=True, help="Try every target that is waited for, also those that are not due yet.")
@output_option
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, run: int | None, now: bool, output: str
) -> int:
    """Go on with RUN; without it, with every run that can go on.

    A run can go on when its process was killed or stopped, and when a target that did not answer is due to be tried
    again. What was verified is not done again; what was begun is read first. RUN may also be one that ended partly
    done: its failed changes are tried again.

    Asks nothing: what is carried on was agreed to when it began. Exit codes: 0 done, 3 partly done, waiting or
    interrupted, 1 error.
    """
    site = invocation.site()
    runs = site.resumable(now=now) if run is None else [site.run(run)]
    screen = console(stderr=output == "json")
    reports, good = [], True
    for one in runs:
        try:
            report = _resume(site, one, now, output)
        except RequestError as exc:  # somebody else is at it, or it was taken back
            if run is not None:
                raise
            screen.print(f"run {one.id}: {safe(exc)}")
            good = False
            continue
        good = good and report.state in {"done", "undone"}
        reports.append(report)
        if output == "text":
            screen.print(text.report(report))
            screen.print()
    if output == "json":
        plain = [report.model_dump(mode="json") for report in reports]
        click.echo(to_json(plain if run is None else plain[0]))
    if not runs:
        _say_what_waits(site)
    return DONE if good else PARTIAL


def _resume(site: Site, run: Run, now: bool, output: str) -> document.ReportDocument:
    left = sum(record.state != "verified" for record in run.record.changes)
    try:
        with Watcher(console(stderr=output == "json"), left, len(run.record.to_prove)) as watcher:
            done = site.resume(run.id, watcher, now=now)
    except KeyboardInterrupt:
        leave_at_once(LEFT)
    return of_run(site, done, seconds=watcher.seconds)


def _say_what_waits(site: Site) -> None:
    waiting = site.ledger.runs(1000, states={"waiting"})
    lines = [
        f"run {run.id} waits for {safe(target.target)}: next try on {target.next_try[:16].replace('T', ' ')} UTC"
        for run in waiting[::-1]
        for target in run.targets
    ]
    at = moment(datetime.now(UTC))[:16].replace("T", " ")
    said = [f"Nothing is due at {at} UTC.", *lines, "`provision resume --now` tries them at once."]
    click.echo("\n".join(said) if lines else "Nothing to resume.", err=True)
