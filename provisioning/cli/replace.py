"""``provision replace``."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from provisioning.api.replacing import OLD_TO, OldTo, replace_request
from provisioning.cli.carrying import Manner, carry_out, carry_out_later
from provisioning.cli.invocation import Invocation, change_options, console
from provisioning.cli.progress import waits
from provisioning.site.clock import future_start


@click.command("replace")
@click.argument("old", metavar="OLD-ASSET")
@click.argument("new", metavar="NEW-ASSET")
@click.option(
    "--reason", required=True, metavar="TEXT", help="What is wrong with the old one; it goes into its history."
)
@click.option(
    "--keep-name/--new-name",
    default=False,
    help="Whether the new PC takes over the old one's name and computer account.",
)
@click.option("--old-to", type=click.Choice(OLD_TO), default="repair", help="Where the old one goes.")
@click.option("--no-data", is_flag=True, help="Leave people's data where it is.")
@click.option("--start", metavar="TIME", help="Not before then: 2026-12-01T08:00, in the site's time zone.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, old: str, new: str, reason: str, keep_name: bool, old_to: str, no_data: bool, start: str | None, yes: bool,
    output: str, report: Path | None,
) -> int:  # fmt: skip
    """Put a PC from the store in the place of a defective one. Both are named by asset tag or computer name.

    The new one takes desk, port and address, joins the domain, and gets the software, printers and settings of whoever
    sits there, with the optional packages that the old one has; their data is brought from the old one or, if that is
    dead, from its newest archive. Who has which machine is booked. `provision undo RUN` takes it back.
    Exit codes: 0 done (or written down), 3 partly done or waiting, 1 error.
    """
    site, manner = invocation.site(), Manner(yes, output, report)
    begins = None if start is None or start == "now" else future_start(start, site.inventory)
    told = waits(console(stderr=output == "json"))
    manner.check()
    request = replace_request(
        site, old, new, reason, keep_name=keep_name, old_to=cast("OldTo", old_to), data=not no_data, listener=told
    )
    if begins is not None:
        return carry_out_later(site, request, begins, manner)
    return carry_out(lambda listener: site.plan(request, listener), manner)
