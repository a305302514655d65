"""``provision reinstate``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.api import Site
from provisioning.api.returning import offboarded, reinstating
from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.invocation import Invocation, change_options
from provisioning.cli.matching import match_person


@click.command("reinstate")
@click.argument("person")
@change_options
@click.pass_obj
def VERB(invocation: Invocation, *, person: str, yes: bool, output: str, report: Path | None) -> int:  # noqa: N802
    """Give a leaver back all that the offboarding took: account, groups, mail, telephone, port, licences, home folder.

    PERSON is whoever was offboarded: employee number, login, or a part of the name. The password is a new one that
    waits for hand-over; the deletion that was asked for is given up. What cannot be given back is said in the plan.
    Exit codes: 0 done, 3 partly done, waiting or interrupted, 1 error.
    """
    manner = Manner(yes, output, report)
    manner.check_report()
    site = invocation.site()
    request = reinstating(site, whom(site, person))
    return carry_out(lambda told: site.plan(request, told), manner)


def whom(site: Site, text: str) -> str:
    """Which leaver is meant: by the number or login of an offboarding, else by whatever names a person of the site."""
    return text if text.casefold() in offboarded(site) else match_person(site, text, left=True)
