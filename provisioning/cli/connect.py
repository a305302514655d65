"""``provision connect``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options
from provisioning.procedures.equipment import connecting


@click.command("connect")
@click.argument("names", nargs=-1, metavar="[NAME…]")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, names: tuple[str, ...], yes: bool, output: str, report: Path | None
) -> int:
    """Connect printers, scanners and other equipment of the site: address, port, and the proof of both.

    Without names, all that has a patch cable. `provision apply` does this as well, `provision plan connect NAME…`
    shows what would change.
    Exit codes: 0 done, 3 partly done, waiting or interrupted, 1 error.
    """
    site = invocation.site()
    request = connecting(site.wired, names)
    return carry_out(lambda told: site.plan(request, told), Manner(yes, output, report))
