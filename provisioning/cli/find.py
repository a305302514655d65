"""``provision find``."""

from __future__ import annotations

import click

from provisioning.api.finding import find
from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.progress import waits
from provisioning.reports.finding import finding
from provisioning.reports.words import to_json


@click.command("find")
@click.argument("what", nargs=-1, required=True, metavar="NAME|MAC|IP|SWITCH:PORT")
@output_option
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@click.pass_obj
def VERB(invocation: Invocation, *, what: tuple[str, ...], output: str, as_json: bool) -> int:  # noqa: N802  (it is an object)
    """Say where a PC, person, outlet, device or address is on the network now, and where the site says it should be.

    Changes nothing.

    Names may be typed without case and accents, and in part; when several things fit, they are listed. MAC addresses
    may be written in any vendor's way.

    Exit codes: 0 it is where the site says (or the site does not know it), 3 it is elsewhere or was not found,
    1 error.
    """
    in_json = as_json or output == "json"
    found = find(invocation.site(), " ".join(what), waits(console(stderr=in_json)))
    if in_json:
        click.echo(to_json(found.to_document()))
    else:
        console().print(finding(found.to_document()))
    return DONE if found.agrees else PARTIAL
