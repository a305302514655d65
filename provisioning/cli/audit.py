"""``provision audit``."""

from __future__ import annotations

import click

from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.progress import waits
from provisioning.reports import audit
from provisioning.reports.words import to_json


@click.command("audit")
@click.argument("pcs", nargs=-1, metavar="[PC…]")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, pcs: tuple[str, ...], output: str) -> int:  # noqa: N802  (it is an object)
    """Compare PCs with the approved software and with what their people should have. Changes nothing.

    Without a name, all PCs of the site. Exit codes: 0 nothing was found, 3 there are findings (or a PC could not be
    read), 1 error.
    """
    report = invocation.site().audit(*pcs, listener=waits(console(stderr=output == "json")))
    if output == "json":
        click.echo(to_json(report.to_document()))
    else:
        console().print(audit.audit(report.to_document()))
    return DONE if report.is_clean else PARTIAL
