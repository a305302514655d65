"""``provision backup``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.api.moving import backup_request
from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options


@click.command("backup")
@click.argument("pc", metavar="PC")
@click.option("--profile", "profiles", metavar="NAME", multiple=True, help="Only this person's data; repeatable.")
@click.option(
    "--off-premises", "folder", metavar="DIR", type=click.Path(path_type=Path),
    help="Write it to DIR, which leaves the house: encrypted, and only with approval.",
)  # fmt: skip
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, pc: str, profiles: tuple[str, ...], folder: Path | None, yes: bool, output: str, report: Path | None,
) -> int:  # fmt: skip
    """Write an archive of a PC's managed settings and of its people's data.

    Where it goes, what belongs to it and who can open it says `user_data:` in the site. `provision undo` removes it.
    Exit codes: 0 done, 3 partly done (files were open) or waiting, 1 error.
    """
    site = invocation.site()
    return carry_out(
        lambda told: site.plan(backup_request(site, pc, profiles, folder), told), Manner(yes, output, report)
    )
