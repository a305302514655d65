"""``provision undo``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options


@click.command("undo")
@click.argument("run", type=click.IntRange(1, 2**63 - 1))
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, run: int, yes: bool, output: str, report: Path | None
) -> int:
    """Take back exactly what RUN did. What drifted since is left alone and named.

    `provision show runs` lists the runs.

    Shows what would be taken back and asks. Exit codes: 0 done, 3 partly done, waiting or interrupted, 1 error.
    """
    done = invocation.site().run(run)
    return carry_out(done.undo_plan, Manner(yes, output, report))
