"""``provision due``."""

from __future__ import annotations

import click

from provisioning.api import Site
from provisioning.cli.exits import DONE, PARTIAL, leave_at_once
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.intake import Fulfilment
from provisioning.reports import requests
from provisioning.reports.words import safe, to_json


@click.command("due")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, output: str) -> int:  # noqa: N802  (it is an object)
    """Carry out every request whose time has come; for cron and systemd timers (a worker does it by itself).

    Several are carried out at once (workers: concurrency: in the site). A request that cannot begin stays scheduled and
    never stops the others. Two calls at once do nothing twice.
    Exit codes: 0 all done or nothing is due, 3 somebody has to look at some, 1 error.
    """
    site, done = invocation.site(), list[Fulfilment]()
    try:
        for fulfilment in site.due(most=site.inventory.workers.concurrency):
            done.append(fulfilment)
            if output == "text":
                _say(site, fulfilment)
    except KeyboardInterrupt:
        leave_at_once("Interrupted. `provision due` goes on.")
    if output == "json":
        plain = [requests.story(f.request, site.inventory) | {"problem": f.problem} for f in done]
        click.echo(to_json(plain))
    elif not done:
        click.echo("Nothing is due.")
    return DONE if all(fulfilment.is_good for fulfilment in done) else PARTIAL


def _say(site: Site, fulfilment: Fulfilment) -> None:
    record = fulfilment.request
    if fulfilment.problem is not None and record.state == "scheduled":
        click.echo(f"Request {record.id}: could not begin: {safe(fulfilment.problem, lines=True)}")
    elif fulfilment.run is not None:
        left = "" if record.state == "proven" else f"; `provision show run {fulfilment.run}`"
        click.echo(f"Request {record.id}: {record.state} — {safe(record.title)} (run {fulfilment.run}){left}")
    else:
        console().print(requests.outcome(record, site.inventory))
