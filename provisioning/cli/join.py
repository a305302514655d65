"""``provision join``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.api import Plan
from provisioning.api.joining import distrusted
from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, change_options
from provisioning.engine.events import Listener
from provisioning.procedures.join import join
from provisioning.reports.words import safe


@click.command("join")
@click.argument("workstations", nargs=-1, required=True, metavar="PC…")
@click.option("--again", is_flag=True, help="Members leave and join anew: for a PC that the domain trusts no more.")
@change_options
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, workstations: tuple[str, ...], again: bool, yes: bool, output: str, report: Path | None
) -> int:
    """Join PCs to the domain, under the names that the site gives them. No domain administrator is needed.

    Makes the computer account where there is none, gives it a new password, hands the PC an offline-domain-join blob
    and restarts it. A PC that is a member already under another name leaves and joins anew.
    Exit codes: 0 done, 3 partly done, waiting, interrupted or not trusted, 1 error.
    """
    site = invocation.site()
    request = join(*workstations, again=again)
    plans: list[Plan] = []

    def make_plan(told: Listener) -> Plan:
        plans.append(site.plan(request, told))
        return plans[0]

    code = carry_out(make_plan, Manner(yes, output, report))
    if code == DONE and not plans[0].changes and _distrusted(plans[0]):
        return PARTIAL
    return code


def _distrusted(plan: Plan) -> bool:
    """Whether a PC that is a member as it should be never signed in with the password that its account has now."""
    failed = distrusted(plan.site, plan.proofs)
    for detail in failed:
        click.echo(f"But {safe(detail)}", err=True)
    return bool(failed)
