"""``provision refuse``."""

from __future__ import annotations

import click

from provisioning.cli.asking import publish
from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, output_option


@click.command("refuse")
@click.argument("request", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept with the request.")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, request: int, reason: str, output: str) -> int:  # noqa: N802  (it is an object)
    """Refuse REQUEST, for good.

    Only for a request that waits for approval, by somebody who may approve it. Whoever asked may cancel it instead.
    """
    site = invocation.site()
    publish(site, site.refuse(request, reason), output)
    return DONE
