"""Writing a request down instead of carrying it out: for later, or until it is approved."""

from __future__ import annotations

from datetime import datetime

import click

from provisioning.api import Plan, Site
from provisioning.cli.exits import DONE, ERROR
from provisioning.cli.invocation import console
from provisioning.ledger import RequestRecord
from provisioning.procedures.registry import from_plain
from provisioning.reports import requests
from provisioning.reports.words import to_json


def ask(plan: Plan, yes: bool, output: str, start: datetime | None = None) -> int:
    """The exit code after writing the request of a plan down (the plan was shown already)."""
    question = "Ask for approval?" if plan.grounds else "Schedule this?"
    if not yes and not click.confirm(f"\n{question}", err=output == "json"):
        click.echo("Nothing was changed.", err=True)
        return ERROR
    publish(plan.site, plan.site.request(from_plain(plan.request), start=start, plan=plan), output)
    return DONE


def publish(site: Site, record: RequestRecord, output: str) -> None:
    """Say how a request stands and what comes next."""
    if output == "json":
        click.echo(to_json(requests.story(record, site.inventory)))
    else:
        console().print(requests.outcome(record, site.inventory))
