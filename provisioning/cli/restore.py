"""``provision restore``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.api.moving import restore_request
from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options


@click.command("restore")
@click.argument("pc", metavar="PC")
@click.argument("archive", metavar="ARCHIVE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--profile", "profiles", metavar="NAME", multiple=True, help="Only this person's data, no settings.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, pc: str, archive: Path, profiles: tuple[str, ...], yes: bool, output: str, report: Path | None,
) -> int:  # fmt: skip
    """Bring back what ARCHIVE has and PC has not, or has otherwise.

    Registry settings are set as they were; of people's data only what is missing comes back, and what is there is never
    overwritten. An encrypted archive needs `user_data.identity` in the site. Exit codes: 0 done, 3 partly done or
    waiting, 1 error.
    """
    site = invocation.site()
    return carry_out(
        lambda told: site.plan(restore_request(site, pc, archive, profiles), told), Manner(yes, output, report)
    )
