"""``provision lines``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.exits import CHANGES_PENDING, DONE, PARTIAL
from provisioning.cli.files import writable, write
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.progress import waits
from provisioning.reports import line_page, lines
from provisioning.reports.words import to_json

FOUND = CHANGES_PENDING
"""As for `provision plan`: nothing went wrong, but somebody has something to do."""

_PAGE_DAYS = 7


@click.command("lines")
@click.argument("switches", nargs=-1, metavar="[SWITCH…]")
@click.option("--history", "days", metavar="DAYS", type=click.IntRange(1, 400), help="Show how errors went, too.")
@click.option(
    "--page",
    metavar="FILE.html",
    type=click.Path(path_type=Path),
    help="Write a page for people: findings, history, and a picture of every switch.",
)
@click.option("--dry-run", is_flag=True, help="Keep no sample: the next check compares with the one before this.")
@output_option
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *,
    switches: tuple[str, ...],
    days: int | None,
    page: Path | None,
    dry_run: bool,
    output: str,
) -> int:
    """Check the lines of switches: errors, discards, flaps, duplex, speed, power, wrong and unknown devices, drift.

    Without a name, all switches of the site. Counters are compared with the check before, so a second check says more
    than the first; `workers: lines: 1 h` in the site lets a worker do it. Changes nothing on the switches.

    Exit codes: 0 fine (remarks alone are fine), 2 there are findings, 3 a switch could not be checked, 1 error.
    """
    if page is not None:
        writable(page, "--page", ".html")
    site = invocation.site()
    told = waits(console(stderr=output == "json"))
    wanted = days or (_PAGE_DAYS if page is not None else None)
    report = site.lines(*switches, listener=told, keep=not dry_run, days=wanted)
    document = report.to_document()
    if page is not None:
        write(page, line_page.render(document), "--page")
    shown = document if days is not None else {**document, "history": []}
    if output == "json":
        click.echo(to_json(shown))
    else:
        console().print(lines.lines(shown))
        if page is not None:
            console().print(f"The page is in {page}.")
    if not report.is_whole:
        return PARTIAL
    return DONE if report.is_clean else FOUND
