"""``provision cancel``."""

from __future__ import annotations

import click

from provisioning.cli.asking import publish
from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, output_option


@click.command("cancel")
@click.argument("request", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", metavar="TEXT", help="Why; it is kept with the request.")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, request: int, reason: str | None, output: str) -> int:  # noqa: N802  (it is an object)
    """Give up REQUEST, which has not begun or was left partly done.

    Takes nothing back: `provision undo RUN` does that.
    """
    site = invocation.site()
    publish(site, site.cancel(request, reason), output)
    return DONE
