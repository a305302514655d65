"""``provision resume``."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from provisioning.api import Site, installing
from provisioning.cli.carrying import go_on
from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.rolling_out import plain as plain_waves
from provisioning.cli.rolling_out import rolled_out
from provisioning.errors import RequestError
from provisioning.ledger import moment
from provisioning.ledger.playbook_records import is_playbook
from provisioning.reports import playbooks, text
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
    done: its failed changes are tried again. Without RUN, installations in waves go on with their next wave as well.

    Asks nothing: what is carried on was agreed to when it began. Exit codes: 0 done, 3 partly done, waiting or
    interrupted, 1 error.
    """
    site = invocation.site(asks=False)
    runs = site.resumable(now=now) if run is None else [site.run(run)]
    screen = console(stderr=output == "json")
    reports, good = [], True
    for one in runs:
        if one.state not in {"done", "undone"}:
            screen.print(f"Going on with run {one.id}: {safe(one.record.title)}")
        try:
            report = go_on(one, output, now=now)
        except RequestError as exc:  # somebody else is at it, or it was taken back
            if run is not None:
                raise
            screen.print(f"run {one.id}: {safe(exc)}")
            good = False
            continue
        good = good and report.state in {"done", "undone"}
        reports.append(report)
        if output == "text":
            screen.print()
            if is_playbook(one.record):
                screen.print(playbooks.of_run(site.ledger, one.id))
            else:
                screen.print(text.report(report))
            screen.print()
    in_waves = (
        [rolled_out(site, one, output, again=False) for one in installing.unfinished(site)] if run is None else []
    )
    good = good and all(one.is_good for one in in_waves)
    if output == "json":
        plain = [report.model_dump(mode="json") for report in reports]
        click.echo(to_json([*plain, *map(plain_waves, in_waves)] if run is None else plain[0]))
    if not runs and not in_waves:
        _say_what_waits(site)
    return DONE if good else PARTIAL


def _say_what_waits(site: Site) -> None:
    waiting = site.runs(1000, states={"waiting"})
    lines = [
        f"run {run.id} waits for {safe(target.target)}: next try on {target.next_try[:16].replace('T', ' ')} UTC"
        for run in waiting[::-1]
        for target in run.waits_for
    ]
    at = moment(datetime.now(UTC))[:16].replace("T", " ")
    said = [f"Nothing is due at {at} UTC.", *lines, "`provision resume --now` tries them at once."]
    click.echo("\n".join(said) if lines else "Nothing to resume.", err=True)
