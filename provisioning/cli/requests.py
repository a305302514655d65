"""``provision requests``."""

from __future__ import annotations

import click

from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.intake import OPEN
from provisioning.reports import listing, requests
from provisioning.reports.words import to_json


@click.command("requests")
@click.option("--all", "everything", is_flag=True, help="Also those that are finished, refused or cancelled.")
@click.option("--limit", metavar="N", type=click.IntRange(1), default=200, show_default=True, help="The latest N.")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, everything: bool, limit: int, output: str) -> int:  # noqa: N802  (it is an object)
    """List the requests that wait for something or were left partly done, newest first.

    `provision show request N` tells the story of one.
    """
    site = invocation.site()
    found = site.requests(limit, states=() if everything else (*OPEN, "partial"))
    plain = requests.listed(found, site.inventory)
    if output == "json":
        click.echo(to_json(plain))
    else:
        console().print(listing.as_text(plain))
    return DONE
