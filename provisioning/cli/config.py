"""``provision config``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from provisioning.api import Plan, configurations
from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.exits import CHANGES_PENDING, DONE, ERROR, PARTIAL
from provisioning.cli.invocation import Invocation, change_options, console, output_option
from provisioning.cli.progress import waits
from provisioning.errors import RequestError
from provisioning.ledger.archive import Revision
from provisioning.reports import configurations as words
from provisioning.reports import text
from provisioning.reports.words import to_json
from provisioning.site import Inventory
from provisioning.site.clock import start_words

DIFFERS = ERROR
"""What monitoring takes for "somebody should look"."""

_AT = "A day (its end) or a time (ISO 8601), a commit, or 'run N': as it was before run N."


@click.group("config")
def VERB() -> None:  # noqa: N802  (it is an object)
    """Keep the configurations of switches, compare them, go back to them.

    The archive is a private Git repository with one file a switch; `network: archive:` in the site says where. It is
    filled by this verb, by a worker (`workers: archive: 1 d`), and before each change of a switch. Secrets are
    replaced by fingerprints, which tell that a secret was changed and nothing else.
    """


@VERB.command("archive")
@click.argument("switches", nargs=-1, metavar="[SWITCH…]")
@output_option
@click.pass_obj
def archive(invocation: Invocation, *, switches: tuple[str, ...], output: str) -> int:
    """Keep the running configurations of switches now: of all when none is named. Changes nothing on them.

    Exit codes: 0 done (also when nothing was new), 3 a switch could not be read, 1 error.
    """
    site = invocation.site()
    done = configurations.archive_now(site, switches, waits(console(stderr=output == "json"))).to_document()
    if output == "json":
        click.echo(to_json(done))
    else:
        console().print(words.round_words(done))
    return PARTIAL if done["unread"] else DONE


@VERB.command("log")
@click.argument("switch", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The latest so many.")
@output_option
@click.pass_obj
def log(invocation: Invocation, *, switch: str | None, limit: int, output: str) -> int:
    """List what was kept, newest first: commits that changed SWITCH, or all. Opens no connection."""
    site = invocation.site()
    rows = [_row(site.inventory, revision) for revision in configurations.history(site, switch, limit)]
    if output == "json":
        click.echo(to_json(rows))
    else:
        console().print(words.history(rows))
    return DONE


@VERB.command("show")
@click.argument("switch")
@click.option("--at", metavar="WHEN", help=_AT)
@output_option
@click.pass_obj
def show(invocation: Invocation, *, switch: str, at: str | None, output: str) -> int:
    """Show the archived configuration of SWITCH, secrets masked: the latest, or as it was. Opens no connection."""
    site = invocation.site()
    revision, kept = configurations.configuration(site, switch, at)
    if output == "json":
        click.echo(to_json({"switch": switch, **_row(site.inventory, revision), "lines": kept.splitlines()}))
    else:
        console().print(words.shown(kept))
    return DONE


@VERB.command("diff")
@click.argument("switches", nargs=-1, metavar="[SWITCH…]")
@click.option("--from", "older", metavar="WHEN", help=f"{_AT} The latest kept when left out.")
@click.option("--to", "newer", metavar="WHEN", default=configurations.NOW, help="The same; now when left out.")
@output_option
@click.pass_obj
def diff(invocation: Invocation, *, switches: tuple[str, ...], older: str | None, newer: str, output: str) -> int:
    """Compare configurations: what was kept last with the switch now, or two times. Changes nothing.

    Without a name, all switches. Lines outside ports are shown as well; `config restore` brings ports back only.
    Exit codes: 0 the same, 1 different (or an error: see stderr), 3 a switch could not be asked.
    """
    site = invocation.site()
    told = waits(console(stderr=output == "json"))
    found = [one.to_document() for one in configurations.compare(site, switches, older, newer, told)]
    if output == "json":
        click.echo(to_json(found))
    else:
        console().print(words.comparisons(found))
    if any(one["error"] for one in found):
        return PARTIAL
    return DONE if all(one["same"] for one in found) else DIFFERS


@VERB.command("restore")
@click.argument("switch")
@click.argument("ports", nargs=-1, metavar="[PORT…]")
@click.option("--at", metavar="WHEN", help=_AT)
@click.option("--dry-run", is_flag=True, help="Show the plan; change nothing.")
@change_options
@click.pass_obj
def restore(
    invocation: Invocation, *, switch: str, ports: tuple[str, ...], at: str | None, dry_run: bool, yes: bool,
    output: str, report: Path | None,
) -> int:  # fmt: skip
    """Bring ports of SWITCH back to their archived sections: the latest kept, or as they were.

    Without a port, all that differ. The plan is shown first; what was applied is read back and can be undone. Uplinks,
    trunks, port channels and the way of management are never touched, and a section that holds a secret cannot be
    restored. Lines outside ports are left alone.
    Exit codes: 0 done, 2 changes are pending (--dry-run), 3 partly done or waiting, 1 error.
    """
    if dry_run and report is not None:
        raise RequestError("--dry-run changes nothing, so there is nothing to report; leave one of them out")
    site = invocation.site()
    request = configurations.restore_request(site, switch, ports, at)
    if dry_run:
        return _shown_plan(site.plan(request, waits(console(stderr=output == "json"))), output)
    return carry_out(lambda told: site.plan(request, told), Manner(yes, output, report))


def _shown_plan(plan: Plan, output: str) -> int:
    if output == "json":
        click.echo(to_json(plan.to_document().model_dump(mode="json")))
    else:
        console().print(text.plan(plan, lines=True))
    if plan.unread:
        return ERROR
    return CHANGES_PENDING if plan.changes else DONE


def _row(inventory: Inventory, revision: Revision) -> dict[str, Any]:
    return {
        "commit": revision.commit,
        "at": revision.at.isoformat(),
        "when": start_words(revision.at, inventory).partition(" (")[0],
        "who": revision.who,
        "title": revision.title,
        "run": revision.run,
        "switches": list(revision.switches),
    }
