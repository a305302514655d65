"""``provision onboard``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options, onboard_options
from provisioning.cli.requests import onboarding


@click.command("onboard")
@click.argument("persons", nargs=-1, required=True, metavar="PERSON…")
@onboard_options
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, persons: tuple[str, ...], desk: str | None, packages: tuple[str, ...], yes: bool, output: str,
    report: Path | None,
) -> int:  # fmt: skip
    """Give new colleagues their account, mail, desk port, PC and software.

    Shows the plan and asks; applies; runs the proofs. Ctrl-C finishes what is under way and stops.
    Exit codes: 0 done, 3 partly done or interrupted, 1 error.
    """
    request = onboarding(persons, desk, packages)
    site = invocation.site()
    return carry_out(lambda: site.plan(request), Manner(yes, output, report))
