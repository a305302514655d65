"""``provision apply``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options


@click.command("apply")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, file: Path | None, yes: bool, output: str, report: Path | None
) -> int:
    """Make the whole site so, or carry out the plan in FILE (see `provision plan --save`).

    The whole site: everybody who has a workplace, equipment (`provision connect`), published settings (`provision
    publish`).

    Shows the plan and asks; applies; runs the proofs. Ctrl-C finishes what is under way and stops.
    Exit codes: 0 done, 3 partly done, waiting or interrupted, 1 error.
    """
    site = invocation.site()
    return carry_out(
        lambda told: site.plan(listener=told) if file is None else site.read_plan(file), Manner(yes, output, report)
    )
