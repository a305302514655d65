"""``provision worklog``."""

from __future__ import annotations

from typing import Any

import click

from provisioning.api import Site
from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.engine import outbox, worklog
from provisioning.errors import RequestError
from provisioning.ledger import LoggedEntry
from provisioning.reports import listing
from provisioning.reports.words import safe, to_json

DELIVER = "deliver"


@click.command("worklog")
@click.argument("what", metavar="[RUN|rREQUEST|deliver]", required=False)
@click.option("--limit", metavar="N", type=click.IntRange(1, 10_000), default=50, show_default=True,
              help="How many of the latest entries to show.")  # fmt: skip
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, what: str | None, limit: int, output: str) -> int:  # noqa: N802  (it is an object)
    """Show the work log, and whether the service desk has it.

    \b
    provision worklog             the latest entries
    provision worklog 7           what run 7 did (and its undoing)
    provision worklog r12         what became of request 12
    provision worklog deliver     deliver now what the service desk is owed
    """
    site = invocation.site()
    if what == DELIVER:
        return _deliver(site, output)
    entries = _entries(site, what, limit) if site.has_ledger else []
    rows = _rows(site, entries)
    if output == "json":
        click.echo(to_json(rows))
    else:
        console().print(listing.as_text(rows))
    return DONE


def _deliver(site: Site, output: str) -> int:
    """Exit codes: 0 the desk has everything, 3 it is still owed something."""
    if site.inventory.service_desk is None:
        raise RequestError("the site has no service desk; add the section `service_desk` (docs/service-desk.md)")
    done = outbox.deliver(site.ledger, site.inventory, site.secrets, now=True)
    plain = {"delivered": done.count if done else 0, "owed": done.owed if done else 0, "error": done and done.error}
    if output == "json":
        click.echo(to_json(plain))
    else:
        click.echo(f"Delivered {plain['delivered']}; still owed {plain['owed']}.")
        if plain["error"]:
            click.echo(safe(plain["error"], lines=True), err=True)
    return DONE if not plain["owed"] else PARTIAL


def _entries(site: Site, what: str | None, limit: int) -> list[LoggedEntry]:
    ledger, inventory = site.ledger, site.wired
    if what is None:
        worklog.catch_up(ledger, inventory)
        return ledger.worklog(limit=limit)
    number = _number(what.removeprefix("r"))
    if what.startswith("r"):
        worklog.write_down_request(ledger, inventory, ledger.request(number))
        return ledger.worklog(request_id=number, limit=limit)
    run = ledger.run(number)
    worklog.write_down(ledger, inventory, run)
    return ledger.worklog(run_id=run.undoes or run.id, limit=limit)


def _rows(site: Site, entries: list[LoggedEntry]) -> list[dict[str, Any]]:
    if not entries:
        return []
    states = site.ledger.delivery_states(outbox.DESK, [entry.id for entry in entries])
    rows = []
    for entry in entries:
        state = states.get(entry.id)
        rows.append(
            {
                "at": f"{entry.at.partition('.')[0]}Z",
                "who": entry.who,
                "entry": entry.sentence,
                "ticket": state and state.remote,
                "desk": None if state is None else "has it" if state.delivered else state.error or "owed",
            }
        )
    return rows


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise RequestError(f"{word!r} is neither the number of a run (7), nor of a request (r12), nor 'deliver'")
    return int(word)
