"""``provision secrets``."""

from __future__ import annotations

import click

from provisioning.cli.exits import DONE, ERROR
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.reports.words import safe, to_json
from provisioning.secrets import Secrets
from provisioning.secrets.check import Verdict, check
from provisioning.site.load import load


@click.group("secrets", no_args_is_help=False)
def VERB() -> None:  # noqa: N802  (it is an object)
    """Look after the site's secret references. No value is ever shown."""


@VERB.command("check")
@output_option
@click.pass_obj
def check_references(invocation: Invocation, *, output: str) -> int:
    """Follow every secret reference of the site and say whether it leads somewhere.

    Exit codes: 0 all do, 1 some do not.
    """
    site = load(invocation.site_folder)
    verdicts = check(site, Secrets.of(site))
    if output == "json":
        click.echo(to_json([_plain(verdict) for verdict in verdicts]))
    else:
        for verdict in verdicts:
            console().print("\n".join(_lines(verdict)))
    return ERROR if any(verdict.problem for verdict in verdicts) else DONE


def _lines(verdict: Verdict) -> list[str]:
    mark = "FAILED " if verdict.problem else "warning" if verdict.warning else "ok     "
    told = verdict.problem or verdict.warning
    places = ", ".join(verdict.places[:3]) + (f" and {len(verdict.places) - 3} more" if len(verdict.places) > 3 else "")
    return [f"{mark} {safe(verdict.reference)}  ({safe(places)})", *([f"        {safe(told)}"] if told else [])]


def _plain(verdict: Verdict) -> dict[str, object]:
    return {
        "reference": verdict.reference,
        "places": list(verdict.places),
        "ok": verdict.problem is None,
        "problem": verdict.problem,
        "warning": verdict.warning,
    }
