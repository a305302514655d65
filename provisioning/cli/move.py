"""``provision move``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from provisioning.api import Plan, Site
from provisioning.api.relocating import move_request, wishes
from provisioning.cli.carrying import Manner, carry_out, carry_out_later
from provisioning.cli.exits import CHANGES_PENDING, DONE, ERROR
from provisioning.cli.invocation import Invocation, change_options, console
from provisioning.cli.matching import match_desk, match_person, match_person_or_workstation
from provisioning.cli.progress import waits
from provisioning.engine.events import Listener
from provisioning.errors import RequestError
from provisioning.intake.moves import read_moves
from provisioning.procedures.move_wishes import Wish
from provisioning.reports import patch_order, text
from provisioning.reports.words import to_json
from provisioning.site.clock import future_start


@click.command("move")
@click.argument("who", required=False, metavar="PERSON|WORKSTATION")
@click.option("--to", metavar="WORKPLACE", help="The new desk.")
@click.option("--swap", is_flag=True, help="Whoever has that desk gets the old one.")
@click.option(
    "--with", "others", multiple=True, metavar="OTHER",
    help="Exchange desks with this person; named again: each gets the next one's desk.",
)  # fmt: skip
@click.option(
    "--with-pc/--without-pc", default=None, help="The PC goes along (usual), or the one at the desk is taken."
)
@click.option(
    "--from", "file", metavar="FILE.csv", type=click.Path(path_type=Path),
    help="All moves of this table in one plan: columns who, to, pc.",
)  # fmt: skip
@click.option("--start", metavar="TIME", help="Not before then: 2026-12-01T08:00, in the site's time zone.")
@click.option("--use-spare", is_flag=True, help="Take ports that the site keeps spare, if no other is free.")
@click.option("--dry-run", is_flag=True, help="Show the plan; change nothing.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, who: str | None, to: str | None, swap: bool, others: tuple[str, ...], with_pc: bool | None, file: Path | None,
    start: str | None, use_spare: bool, dry_run: bool, yes: bool, output: str, report: Path | None,
) -> int:  # fmt: skip
    """Move a person or a PC to another desk: ports, office, printers, telephone, proofs.

    Names may be typed in part and without case and accents; what was understood is said before you are asked.
    The port of a desk that nobody has any more is released (network: patching: released). A desk whose outlet has no
    cable gets a port and a patch order. `provision undo RUN` takes it all back.
    Exit codes: 0 done, 2 changes are pending (--dry-run), 3 partly done or waiting, 1 error.
    """
    if dry_run and (report is not None or start is not None):
        raise RequestError("--dry-run changes nothing, now or later: leave --report and --start out")
    manner = Manner(yes, output, report)
    site = invocation.site()
    spare, faults = 0 if use_spare else None, list[str]()
    if file is not None:
        if who or to or swap or others or with_pc is not None:
            raise RequestError("--from FILE.csv says it all: leave PERSON, --to, --swap, --with and --without-pc out")
        wanted, faults = read_moves(file, site.wired)
    elif who is None:
        raise RequestError("name a person or a PC, or a table of moves with --from FILE.csv")
    else:
        wanted = _wanted(site, who, to, others, swap=swap, with_pc=with_pc)

    def make_plan(told: Listener) -> Plan:
        request, missing = move_request(site, wanted, told, spare=spare, faults=faults)
        plan = site.plan(request, told)
        return replace(plan, warnings=(*missing, *plan.warnings))

    if dry_run:
        return _dry(make_plan, output)
    if start is None or start == "now":
        return carry_out(make_plan, manner)
    begins = future_start(start, site.inventory)
    request, _ = move_request(site, wanted, waits(console(stderr=output == "json")), spare=spare, faults=faults)
    return carry_out_later(site, request, begins, manner)


def _wanted(
    site: Site, who: str, to: str | None, others: tuple[str, ...], *, swap: bool, with_pc: bool | None
) -> list[Wish]:
    _, key = match_person_or_workstation(site, who)
    desk = None if to is None else match_desk(site, to)
    people = tuple(match_person(site, other) for other in others)
    return wishes(site.wired, key, desk, swap=swap, others=people, with_pc=with_pc)


def _dry(make_plan: Callable[[Listener], Plan], output: str) -> int:
    plan = make_plan(waits(console(stderr=output == "json")))
    if output == "json":
        click.echo(to_json(plan.to_document().model_dump(mode="json")))
    else:
        console().print(text.plan(plan, lines=True))
        for order in plan.orders:
            console().print()
            console().print(patch_order.text(patch_order.sheet(plan.site.wired, order)))
    if plan.unread and not plan.can_wait:
        return ERROR
    return DONE if plan.is_empty else CHANGES_PENDING
