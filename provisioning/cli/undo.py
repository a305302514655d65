"""``provision undo``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out, go_on, publish
from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, change_options, console


@click.command("undo")
@click.argument("run", type=click.IntRange(1, 2**63 - 1))
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, run: int, yes: bool, output: str, report: Path | None
) -> int:
    """Take back exactly what RUN did. What drifted since is left alone and named.

    `provision show runs` lists the runs.

    Shows what would be taken back and asks. Called again while that waits for a target or was stopped, it goes on with
    it and asks nothing. Exit codes: 0 done, 3 partly done, waiting or interrupted, 1 error.
    """
    manner = Manner(yes, output, report)
    done = invocation.site().run(run)
    begun = done.open_undo
    if begun is None:
        return carry_out(done.undo_plan, manner)
    manner.check_report()
    console(stderr=output == "json").print(
        f"Run {begun.id} is taking back run {run} already and is {begun.state}: going on with it."
    )
    outcome = go_on(begun, output, now=True)
    publish(outcome, replace(manner, site=done.site))
    return DONE if outcome.state == "done" else PARTIAL
