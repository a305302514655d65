"""``provision publish``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options
from provisioning.procedures.publish import Publish


@click.command("publish")
@change_options
@click.pass_obj
def VERB(invocation: Invocation, *, yes: bool, output: str, report: Path | None) -> int:  # noqa: N802  (an object)
    """Publish the settings that mail programs look for, on the intranet's web server.

    `provision apply` does this as well, `provision plan publish` shows what would change.
    Exit codes: 0 done, 3 partly done, waiting or interrupted, 1 error.
    """
    site = invocation.site()
    return carry_out(lambda told: site.plan(Publish(), told), Manner(yes, output, report))
