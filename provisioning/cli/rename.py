"""``provision rename``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli.carrying import Manner, carry_out, carry_out_later
from provisioning.cli.invocation import Invocation, change_options
from provisioning.cli.matching import match_person
from provisioning.procedures.rename import rename
from provisioning.site.clock import future_start


@click.command("rename")
@click.argument("person")
@click.option("--given", metavar="NAME", help="The given name from now on.")
@click.option("--family", metavar="NAME", help="The family name from now on.")
@click.option("--new-login", is_flag=True, help="A new login as well, by the site's login policy.")
@click.option("--start", metavar="TIME", help="Not before then: 2026-12-01T08:00, in the site's time zone.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, person: str, given: str | None, family: str | None, new_login: bool, start: str | None,
    yes: bool, output: str, report: Path | None,
) -> int:  # fmt: skip
    """Call PERSON by another name in all systems; mail to the former name still arrives.

    The primary address follows the name, all former addresses stay as aliases, nobody else ever gets them. The login
    stays without --new-login. Without --given and --family, the name that the site's files have by now is carried into
    the systems.

    Shows the plan and asks; applies; proves that mail to every address arrives. Exit codes: 0 done (or written down),
    3 partly done, waiting or interrupted, 1 error.
    """
    manner, site = Manner(yes, output, report), invocation.site()
    request = rename(site.wired, match_person(site, person), given=given, family=family, new_login=new_login)
    if start is None or start == "now":
        return carry_out(lambda told: site.plan(request, told), manner)
    return carry_out_later(site, request, future_start(start, site.inventory), manner)
