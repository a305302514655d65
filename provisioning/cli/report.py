"""``provision report``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import of_run
from provisioning.cli.exits import DONE
from provisioning.cli.files import writable, write
from provisioning.cli.invocation import Invocation
from provisioning.cli.pages import language_option
from provisioning.reports.words import safe
from provisioning.site.help_desk import Language


@click.command("report")
@click.argument("run", metavar="RUN", type=click.IntRange(1))
@language_option
@click.option(
    "--output", "file", metavar="FILE.html", type=click.Path(path_type=Path),
    help="Where the page goes (else run-RUN.html in this folder).",
)  # fmt: skip
@click.pass_obj
def VERB(invocation: Invocation, *, run: int, language: Language | None, file: Path | None) -> int:  # noqa: N802  (it is an object)
    """Write the report of a run: one page for the ticket or for paper.

    It shows when each system's changes were attempted and verified, every change from old to new, the proofs with what
    was seen, the patch orders, who asked and approved, and how to take it back. Opens no connection.
    """
    from provisioning.api.run_course import course  # noqa: PLC0415  (help must not load them)
    from provisioning.reports import run_page  # noqa: PLC0415
    from provisioning.reports.texts import Texts  # noqa: PLC0415

    site = invocation.site()
    found = site.run(run)
    place = file or Path(f"run-{run}.html")
    writable(place, "--output", ".html")
    t = Texts(language or site.inventory.language, site.inventory.time_zone)
    write(place, run_page.render(of_run(site, found), t, course(site, found.record, t)), "--output")
    click.echo(f"The report of run {run} is in {safe(place)}.", err=True)
    return DONE
