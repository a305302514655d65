"""``provision windows``."""

from __future__ import annotations

import click

from provisioning.api import self_check
from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.reports import listing
from provisioning.reports.words import count, safe, to_json


@click.group("windows")
def VERB() -> None:  # noqa: N802  (it is an object)
    """Test on a real PC what this program takes for granted of Windows."""


@VERB.command("self-check")
@click.argument("host", metavar="PC")
@output_option
@click.pass_obj
def self_check_verb(invocation: Invocation, *, host: str, output: str) -> int:
    """Test every assumption of docs/windows.md on PC, a workstation of the site. Changes nothing there.

    A PC of the lab is told from a real one: what Wine cannot show is marked `not in Wine`.
    Exit codes: 0 everything holds, 3 something does not, or cannot be told.
    """
    found = self_check.self_check(invocation.site(), host)
    rows = [
        {
            "assumption": row.name,
            "verdict": row.verdict,
            "found": row.detail,
            "matters": row.matters,
            "source": row.source,
        }
        for row in found
    ]
    if output == "json":
        click.echo(to_json(rows))
    else:
        shown = [{name: row[name] for name in ("assumption", "verdict", "found")} for row in rows]
        console().print(listing.as_text(shown))
        for row in found:
            if row.verdict not in {"holds", "not in Wine"}:
                console().print(
                    f"\n{safe(row.name)}: {safe(row.sentence)} If not: {safe(row.matters)}.\n  {row.source}"
                )
        good = sum(row.verdict == "holds" for row in found)
        unseen = sum(row.verdict == "not in Wine" for row in found)
        rest = f" {count(unseen, 'other')} cannot be seen in Wine, a real PC tells." if unseen else ""
        console().print(f"\n{good} of {count(len(found), 'assumption')} hold on {safe(host)}.{rest}")
    return DONE if all(row.verdict in {"holds", "not in Wine"} for row in found) else PARTIAL
