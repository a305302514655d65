"""``provision approve``."""

from __future__ import annotations

import click

from provisioning.cli.asking import publish
from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, output_option


@click.command("approve")
@click.argument("request", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept with the request.")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, request: int, reason: str, output: str) -> int:  # noqa: N802  (it is an object)
    """Approve REQUEST, for every role of yours that it needs.

    Never your own request: you are whom the operating system says you are, behind sudo the user who called it. The
    request begins once all roles have approved; `provision show request N` tells what they approve.
    """
    site = invocation.site()
    publish(site, site.approve(request, reason), output)
    return DONE
