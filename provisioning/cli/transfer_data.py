"""``provision transfer-data``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.api.moving import transfer_request
from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options


@click.command("transfer-data")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--profile", metavar="NAME", required=True, help="Whose data: the profile's folder below C:\\Users.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, old: str, new: str, profile: str, yes: bool, output: str, report: Path | None
) -> int:
    """Bring a person's data from the PC OLD to the PC NEW.

    What belongs to it says `user_data:` in the site. Nothing is changed at OLD, nothing at NEW is overwritten; every
    file's hash is compared. The person must have signed in at NEW once. Killed or interrupted, `provision resume` goes
    on; `provision undo` removes what was brought. Exit codes: 0 done, 3 partly done or waiting, 1 error.
    """
    site = invocation.site()
    return carry_out(
        lambda told: site.plan(transfer_request(site, old, new, profile), told), Manner(yes, output, report)
    )
