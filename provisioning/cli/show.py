"""``provision show``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from provisioning.api import Run, Site
from provisioning.api.configurations import before_run
from provisioning.cli.carrying import of_run
from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.errors import RequestError
from provisioning.ledger import RequestRecord, RunRecord
from provisioning.ledger.playbook_records import is_playbook
from provisioning.reports import amendments, listing, playbooks, requests, text, things
from provisioning.reports.words import safe, to_json
from provisioning.site.lines import did_you_mean

RUNS_SEARCHED = 500
"""How far back the ledger is looked through."""

LISTS: dict[str, Callable[[Site], Any]] = {
    "runs": lambda site: things.runs(_records(site)),
    "requests": lambda site: requests.listed(_requests(site), site.inventory),
    "people": lambda site: things.people(site.wired),
    "workplaces": lambda site: things.workplaces(site.wired),
    "workstations": lambda site: things.workstations(site.wired),
    "outlets": lambda site: things.outlets(site.wired),
    "equipment": lambda site: things.equipment(site.wired),
    "extensions": lambda site: things.extensions(site.wired, site.ledger.allocations() if site.has_ledger else ()),
    "amendments": lambda site: amendments.listed(site.inventory, site.ledger.amendments() if site.has_ledger else ()),
    "printers": lambda site: things.printers(site.inventory),
    "switches": lambda site: things.switches(site.wired),
    "vlans": lambda site: things.vlans(site.inventory),
    "profiles": lambda site: things.profiles(site.inventory),
    "software": lambda site: things.software(site.inventory),
}
ONE: dict[str, Callable[[Site, str], Any]] = {
    "request": lambda site, key: _request(site, _number(key, "request")),
    "person": lambda site, key: things.person(site.wired, key, _records(site)),
    "workplace": lambda site, key: things.workplace(site.wired, key, _records(site)),
    "workstation": lambda site, key: things.workstation(site.wired, key, _records(site)),
    "outlet": lambda site, key: things.outlet(site.wired, key),
    "switch": lambda site, key: things.switch(site.wired, key),
    "profile": lambda site, key: things.profile(site.inventory, key),
    "package": lambda site, key: things.package(site.inventory, key),
}


@click.command("show")
@click.argument("what", required=False)
@click.argument("name", required=False)
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, what: str | None, name: str | None, output: str) -> int:  # noqa: N802  (it is an object)
    """Show what the site holds and what was done. Opens no connection.

    \b
    provision show                      the site at a glance
    provision show people               also: runs, requests, workplaces, workstations, outlets,
                                        equipment, extensions, printers, switches, vlans, profiles,
                                        software, amendments (what the site's files should say by now)
    provision show person E1042         also: workplace W, workstation WS, outlet O,
                                        switch S, profile P, package P
    provision show run 7                what a run did and proved
    provision show request 7            what was asked for, who approved it, what came of it
    """
    _refuse(what, name)
    site = invocation.site()
    if what == "run" and name is not None:
        run = site.run(_number(name))
        report = of_run(site, run)
        shown, plain = text.report(report), report.model_dump(mode="json")
        if is_playbook(run.record):
            plain = playbooks.document(run.record, site.ledger.events(run.id))
            shown = playbooks.as_text(plain)
        if (kept := before_run(site, run.id)) is not None:
            names = ", ".join(kept.switches)
            shown = shown.append(f"\nKept before it: the configuration of {safe(names)} (commit {kept.short}).")
        if run.state == "running":
            shown = shown.append(f"\n{_at_work(run)}")
    else:
        plain = _thing(site, what, name)
        shown = listing.as_text(plain)
    if output == "json":
        click.echo(to_json(plain))
    else:
        console().print(shown)
    return DONE


def _at_work(run: Run) -> str:
    if (holder := run.holder) is not None:
        return f"At work on it: {safe(holder)}."
    return "Nobody is at work on it: its process has ended. A worker goes on with it, or `provision resume`."


def _refuse(what: str | None, name: str | None) -> None:
    """Raise :class:`RequestError` for words that lead nowhere."""
    single = (*ONE, "run")
    if what is not None and what not in LISTS and what not in single:
        hint = did_you_mean(what, (*LISTS, *single)) or f"; expected one of: {', '.join((*LISTS, *single))}"
        raise RequestError(f"there is nothing called {what!r} to show{hint}")
    if what in single and name is None:
        raise RequestError(f"show {what}: say which one: provision show {what} NAME")
    if what in LISTS and name is not None:
        raise RequestError(f"show {what} takes no name; `provision show {what}` lists them all")


def _thing(site: Site, what: str | None, name: str | None) -> Any:
    if what is None:
        return things.overview(site.wired, _records(site))
    return LISTS[what](site) if name is None else ONE[what](site, name)


def _number(word: str, what: str = "run") -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise RequestError(f"{word!r} is not the number of a {what}; `provision show {what}s` lists them")
    return int(word)


def _request(site: Site, number: int) -> Any:
    record = site.requested(number)
    return requests.story(record, site.inventory, site.ledger.worklog(request_id=number))


def _requests(site: Site) -> list[RequestRecord]:
    return site.requests(RUNS_SEARCHED)


def _records(site: Site) -> list[RunRecord]:
    return [run.record for run in site.runs(RUNS_SEARCHED)]
