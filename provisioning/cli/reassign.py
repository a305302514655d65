"""``provision reassign``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out, carry_out_later
from provisioning.cli.invocation import Invocation, change_options
from provisioning.cli.matching import match_person
from provisioning.procedures.reprofile import reassign
from provisioning.site.clock import future_start


@click.command("reassign")
@click.argument("person")
@click.option("--profile", metavar="PROFILE", help="The job profile from now on.")
@click.option("--department", metavar="TEXT", help="The department from now on.")
@click.option("--title", metavar="TEXT", help="A title of one's own, instead of the profile's.")
@click.option("--manager", metavar="PERSON", help="The manager from now on.")
@click.option("--keep", metavar="PACKAGE", multiple=True, help="Stays, as the new profile offers it too; repeatable.")
@click.option(
    "--from", "former", metavar="PROFILE", help="The profile until now, when the site's files say the new one already."
)
@click.option("--start", metavar="TIME", help="Not before then: 2026-12-01T08:00, in the site's time zone.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, person: str, profile: str | None, department: str | None, title: str | None, manager: str | None,
    keep: tuple[str, ...], former: str | None, start: str | None, yes: bool, output: str, report: Path | None,
) -> int:  # fmt: skip
    """Give PERSON another job: profile, department, title, manager.

    Groups, software and licences that only the old profile gave are withdrawn, those of the new one are given; VLAN,
    organisational unit, pages, shares and extension follow. What nobody's profile gave is left alone. (Another desk:
    `provision move`.)

    Shows the plan and asks; applies; proves what onboarding proves, and that the old shares are closed. Exit codes:
    0 done (or written down), 3 partly done, waiting or interrupted, 1 error.
    """
    manner, site = Manner(yes, output, report), invocation.site()
    request = reassign(
        site.wired,
        match_person(site, person),
        profile,
        former=former,
        department=department,
        title=title,
        manager=None if manager is None else match_person(site, manager),
        keep=keep,
    )
    if start is None or start == "now":
        return carry_out(lambda told: site.plan(request, told), manner)
    return carry_out_later(site, request, future_start(start, site.inventory), manner)
