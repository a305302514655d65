"""``provision onboard``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.asked import onboarding
from provisioning.cli.carrying import Manner, carry_out, carry_out_later
from provisioning.cli.hiring import onboard_file
from provisioning.cli.invocation import Invocation, change_options, onboard_options
from provisioning.errors import RequestError
from provisioning.site.clock import future_start


@click.command("onboard")
@click.argument("persons", nargs=-1, metavar="PERSON…")
@onboard_options
@click.option("--start", metavar="TIME", help="Not before then: 2026-12-01T08:00, in the site's time zone.")
@click.option(
    "--from", "file", metavar="FILE", type=click.Path(path_type=Path),
    help="Everybody in this CSV, JSON or YAML file: columns person, desk, start, with, note.",
)  # fmt: skip
@click.option(
    "--result", metavar="FILE", type=click.Path(path_type=Path),
    help="With --from: where the result of each row goes (else FILE.results.csv beside it).",
)  # fmt: skip
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, persons: tuple[str, ...], desk: str | None, packages: tuple[str, ...], downgrade: bool, start: str | None,
    file: Path | None, result: Path | None, yes: bool, output: str, report: Path | None,
) -> int:  # fmt: skip
    """Give new colleagues their account, mail, desk port, PC and software.

    Shows the plan and asks; applies; runs the proofs. Ctrl-C finishes what is under way and stops.
    With --start, or where the site wants it approved, a request is written down instead: `provision requests`.
    Exit codes: 0 done (or written down), 3 partly done, waiting or interrupted, 1 error.
    """
    manner = Manner(yes, output, report)
    if file is not None:
        if persons or desk or packages or downgrade or start or report:
            raise RequestError(
                "--from FILE says it all: leave PERSON, --desk, --with, --allow-downgrade, --start and --report out"
            )
        return onboard_file(invocation.site(), file, result, manner)
    if result is not None:
        raise RequestError("--result goes with --from FILE")
    if not persons:
        raise RequestError("name at least one person, or a file of them with --from FILE")
    request = onboarding(persons, desk, packages, downgrade=downgrade)
    site = invocation.site()
    if start is None or start == "now":
        return carry_out(lambda told: site.plan(request, told), manner)
    return carry_out_later(site, request, future_start(start, site.inventory), manner)
