"""``provision plan``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.asked import request_of
from provisioning.cli.exits import CHANGES_PENDING, DONE, ERROR
from provisioning.cli.files import writable, write
from provisioning.cli.invocation import Invocation, console, onboard_options, output_option
from provisioning.cli.progress import waits
from provisioning.reports import text
from provisioning.reports.words import to_json


@click.command("plan")
@click.argument("request", nargs=-1, metavar="[onboard PERSON… | connect [NAME…] | publish]")
@onboard_options
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the plan there, for `provision apply FILE`.",
)
@output_option
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *,
    request: tuple[str, ...],
    desk: str | None,
    packages: tuple[str, ...],
    downgrade: bool,
    save: Path | None,
    output: str,
) -> int:
    """Show what would change. Changes nothing.

    Without words, for the whole site: everybody who has a workplace, equipment, published settings. `provision plan
    onboard E1042` for one person, `connect printer-sales` for one device.
    Exit codes: 0 nothing to do, 2 changes are pending, 1 error or a target could not be read.
    """
    site = invocation.site()
    asked = request_of(site.wired, request, desk, packages, downgrade=downgrade)
    if save is not None:
        writable(save, "--save")
    plan = site.plan(asked, waits(console(stderr=output == "json")))
    plain = to_json(plan.to_document().model_dump(mode="json"))
    if save is not None:
        write(save, plain, "--save")
    if output == "json":
        click.echo(plain)
    else:
        console().print(text.plan(plan, lines=True))
    if plan.unread:
        return ERROR
    return CHANGES_PENDING if plan.changes else DONE
