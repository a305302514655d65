"""``provision erase``."""

from __future__ import annotations

import click

from provisioning.api.returning import erasing, pending_deletions
from provisioning.cli.asking import publish
from provisioning.cli.carrying import Manner
from provisioning.cli.exits import DONE, ERROR
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.reinstate import whom
from provisioning.reports import text
from provisioning.reports.words import safe


@click.command("erase")
@click.argument("person")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, person: str, yes: bool, output: str) -> int:  # noqa: N802  (it is an object)
    """Ask for a leaver's account, mailbox and home folder to be deleted for good, before their time is over.

    Nothing is deleted by this: the role that the site names (leavers: erase_approval) has to approve it, and it is
    carried out by `provision worker` or `provision due`. Every offboarding asks for it by itself, for the end of the
    time that the site keeps things. Exit codes: 0 asked for, 1 error.
    """
    Manner(yes, output, None).check()
    site = invocation.site()
    request = erasing(site, whom(site, person))
    screen = console(stderr=output == "json")
    plan = site.plan(request)
    screen.print(text.plan(plan))
    if not yes and not click.confirm(f"\nAsk for {safe(request.name)} to be erased?", err=output == "json"):
        click.echo("Nothing was changed.", err=True)
        return ERROR
    for number in pending_deletions(site, request.person):
        site.cancel(number, "asked for at once instead")
    publish(site, site.request(request, plan=plan), output)
    return DONE
