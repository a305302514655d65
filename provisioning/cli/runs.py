"""``provision runs``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.errors import LedgerError, RequestError
from provisioning.ledger import RunState
from provisioning.reports import listing
from provisioning.reports.following import LIVE, Followed, row
from provisioning.reports.words import safe, to_json

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

EVERY = 0.5
"""Seconds between two looks into the ledger."""

_BEGUN: tuple[RunState, ...] = ("running",)


@click.command("runs")
@click.option("--watch", is_flag=True, help="Follow all runs, whoever carries them out, until Ctrl-C.")
@click.option("--all", "everything", is_flag=True, help="Also those that ended (the latest 50).")
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, watch: bool, everything: bool, output: str) -> int:  # noqa: N802  (it is an object)
    """Show the runs that are going on: by this program, by workers, on any machine that shares the ledger.

    \b
    provision runs             those that run or wait
    provision runs --watch     live; plain lines when this is no terminal
    provision show run 7       one run: what it did so far, and what it proved
    """
    if watch and output == "json":
        raise RequestError("--watch shows lines for people; without it, --output json gives one document")
    site = invocation.site()
    if watch:
        _watch(site.ledger, console())
        return DONE
    rows = [row(run.record) for run in site.runs(50, states=() if everything else LIVE)]
    if output == "json":
        click.echo(to_json(rows))
    elif not rows and not everything:
        console().print("No run is under way. `provision runs --all` shows those that ended.")
    else:
        console().print(listing.as_text(rows))
    return DONE


def _watch(ledger: Ledger, screen: Console) -> None:
    feed = Feed(ledger)
    click.echo(f"Following the runs in {safe(ledger.place)}. Ctrl-C ends it, the runs go on.", err=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[under_way]}", markup=False), console=screen, transient=True,
        disable=not screen.is_terminal,
    )  # fmt: skip
    shown: dict[int, TaskID] = {}
    try:
        with bar:
            while True:
                for line in feed.lines():
                    screen.print(line)
                _draw(bar, shown, feed.live)
                time.sleep(EVERY)
    except KeyboardInterrupt:
        return


def _draw(bar: Progress, shown: dict[int, TaskID], live: dict[int, Followed]) -> None:
    for number in [number for number in shown if number not in live]:
        bar.remove_task(shown.pop(number))
    for number, run in live.items():
        if number not in shown:
            title = f"run {number}  {safe(run.record.title)}"
            shown[number] = bar.add_task(title[:60], total=None, under_way="")
        what = run.under_way[:60] or ("waiting" if run.state == "waiting" else "")
        bar.update(shown[number], completed=run.done, total=run.total, under_way=what)


class Feed:
    """The live runs of a ledger, and what is new about them. Begins with those that are under way."""

    def __init__(self, ledger: Ledger) -> None:
        self.live: dict[int, Followed] = {}
        self._ledger = ledger
        newest = ledger.runs(1)
        self._last = newest[0].id if newest else 0
        for record in reversed(ledger.runs(1000, states=LIVE)):
            run = self.live[record.id] = Followed(record)
            for event in ledger.events(record.id):
                list(run.tell(event))  # what was before we came is not told again

    def lines(self) -> Iterator[Text]:
        """What happened since the last call."""
        # A run may begin and end between two looks: numbers have no gaps, so the next one shows it.
        while (record := self._next()) is not None:
            self.live[record.record.id] = record
        for record_again in self._ledger.runs(1000, states=_BEGUN):  # one that goes on after it had ended
            if record_again.id not in self.live:
                run = self.live[record_again.id] = Followed(record_again)
                for event in self._ledger.events(record_again.id):
                    list(run.tell(event))
        for number, run in list(self.live.items()):
            yield from self._news(run)
            if run.state not in LIVE:
                run.read_again(self._ledger.run(number))
                yield from run.failed_proofs()
                del self.live[number]

    def _next(self) -> Followed | None:
        try:
            record = self._ledger.run(self._last + 1)
        except LedgerError:
            return None
        self._last = record.id
        return Followed(record)

    def _news(self, run: Followed) -> Iterator[Text]:
        for event in self._ledger.events(run.record.id, after=run.number):
            if event.state == "waiting" or not run.knows(event):
                run.read_again(self._ledger.run(run.record.id))
            yield from run.tell(event)
