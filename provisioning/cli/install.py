"""``provision install``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.api import Plan, Site, installing
from provisioning.api.installing import Install
from provisioning.cli import asking
from provisioning.cli.carrying import Manner, carry_out_later
from provisioning.cli.exits import DONE, ERROR
from provisioning.cli.files import write
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.matching import match_scope
from provisioning.cli.progress import waits
from provisioning.cli.rolling_out import roll_out
from provisioning.errors import RequestError
from provisioning.intake.seats import refuse_shortage
from provisioning.ledger import RequestRecord
from provisioning.procedures.waves import Wave
from provisioning.reports import text, waves
from provisioning.reports.words import safe, to_json
from provisioning.site.clock import future_start


@click.command("install")
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE|BUNDLE…")
@click.option(
    "--for", "whom", metavar="WHO", multiple=True, required=True,
    help="A person, PC, room, group, department or profile; repeatable. group:Sales says which.",
)  # fmt: skip
@click.option("--remove", is_flag=True, help="Remove the packages, and give their licence seats back.")
@click.option(
    "--wave", "amounts", metavar="1,5,20%", multiple=True, help="PCs in each wave; all others are in one more."
)
@click.option("--stop-at", metavar="N|P%", help="Failures at which no further wave begins.")
@click.option("--start", metavar="TIME", help="Not before then: 2026-12-01T08:00, in the site's time zone.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--report", metavar="FILE.json", type=click.Path(path_type=Path),
    help="Write the report there as well, and the page of each wave beside it: FILE-1.html …",
)  # fmt: skip
@output_option
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, packages: tuple[str, ...], whom: tuple[str, ...], remove: bool, amounts: tuple[str, ...], stop_at: str | None,
    start: str | None, yes: bool, report: Path | None, output: str,
) -> int:  # fmt: skip
    """Install packages or bundles for people, rooms, groups or PCs, in waves.

    The first wave is small; the next one begins only as long as few PCs failed. Each wave is a run of its own. PCs that
    are switched off are waited for and hold nobody up. Killed, interrupted or stopped, the same command goes on where
    it was and does nothing twice. Exit codes: 0 done (or written down), 3 partly done, waiting or stopped, 1 error.
    """
    site, manner = invocation.site(), Manner(yes, output, report)
    sizes = tuple(one.strip() for amount in amounts for one in amount.split(","))
    whom = tuple(match_scope(site, one) for one in whom)
    request = installing.install_request(site, packages, whom, remove=remove, waves=sizes, stop_at=stop_at)
    manner.check()
    if start is not None and start != "now":
        return carry_out_later(site, request, future_start(start, site.inventory), manner)
    if (known := installing.asked_before(site, request)) is not None:
        return _go_on(site, known, manner)
    return _begin(site, request, manner)


def _begin(site: Site, request: Install, manner: Manner) -> int:
    screen = console(stderr=manner.output == "json")
    plan: Plan = site.plan(request, waits(screen))
    if plan.seats:
        refuse_shortage(site.ledger, plan.seats)
    screen.print(text.plan(plan))
    if plan.is_empty:
        unchanged = to_json({"request": None, "state": "unchanged", "title": request.title, "waves": []})
        if manner.output == "json":
            click.echo(unchanged)
        if manner.report is not None:
            write(manner.report, unchanged, "--report")
        return DONE
    screen.print()
    screen.print(waves.planned([Wave(number, pcs) for number, pcs in enumerate(request.waves, 1)], request.stop_at))
    if plan.grounds:
        return asking.ask(plan, manner.yes, manner.output)
    if not _agreed("Go ahead?", manner):
        return ERROR
    return roll_out(site, site.request(request, plan=plan), manner)


def _go_on(site: Site, known: RequestRecord, manner: Manner) -> int:
    if known.missing:
        raise RequestError(
            f"request {known.id} asks for just this and waits for approval by {', '.join(known.missing)}"
        )
    screen = console(stderr=manner.output == "json")
    found = installing.standing(site.ledger, known)
    screen.print(f"Request {known.id} asked for just this: {safe(known.title)}")
    for wave in found:
        screen.print(waves.line(wave, len(found)))
    if not _agreed("Go on with it?", manner):
        return ERROR
    return roll_out(site, known, manner)


def _agreed(question: str, manner: Manner) -> bool:
    if manner.yes or click.confirm(f"\n{question}", err=manner.output == "json"):
        return True
    click.echo("Nothing was changed.", err=True)
    return False
