"""``provision validate``."""

from __future__ import annotations

import click

from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.reports import listing, things
from provisioning.reports.words import to_json
from provisioning.site.load import load


@click.command("validate")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, output: str) -> int:  # noqa: N802  (it is an object)
    """Check the site's files; name file and line of every mistake.

    Opens no connection. Exit codes: 0 valid, 1 not.
    """
    counts = things.counts(load(invocation.site_folder))
    if output == "json":
        click.echo(to_json(counts))
    else:
        console().print(f"The site {invocation.site_folder} is valid. It holds:")
        console().print(listing.as_text(counts))
    return DONE
