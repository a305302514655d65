"""Carrying on a request in waves, with live progress; what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from provisioning.api import Site, installing
from provisioning.api.installing import RolledOut, Wave
from provisioning.cli.carrying import Manner, of_run, page
from provisioning.cli.exits import DONE, PARTIAL, leave_at_once
from provisioning.cli.files import write
from provisioning.cli.invocation import console
from provisioning.cli.progress import Watcher
from provisioning.engine.events import Listener
from provisioning.ledger import RequestRecord
from provisioning.reports import waves
from provisioning.reports.words import safe, to_json

_LEFT = (
    "Left at once. What was done is kept; what was under way may be half done. The same command, or `provision "
    "resume`, goes on; `provision show runs`, then `provision undo N` take a wave back."
)


def roll_out(site: Site, record: RequestRecord, manner: Manner) -> int:
    """The exit code after carrying a request on as far as it goes today."""
    done = rolled_out(site, record, manner.output)
    if manner.output == "json":
        click.echo(to_json(plain(done)))
    if manner.report is not None:
        _keep(site, done, manner.report)
    return DONE if done.is_good else PARTIAL


def rolled_out(site: Site, record: RequestRecord, output: str, *, again: bool = True) -> RolledOut:
    """Carry a request on, and sum up on the terminal how each wave stands."""
    screen = console(stderr=output == "json")
    number = len(installing.standing(site.ledger, record))

    @contextmanager
    def watch(wave: Wave, changes: int, proofs: int) -> Iterator[Listener]:
        screen.print(f"\nWave {wave.number} of {number}")
        with Watcher(screen, changes, proofs) as watcher:
            yield watcher

    try:
        done = installing.roll_out(site, record.id, again=again, watch=watch)
    except KeyboardInterrupt:
        leave_at_once(_LEFT)
    screen.print()
    for wave in done.waves:
        screen.print(waves.line(wave, number))
    if (said := _next(done)) is not None:
        screen.print(safe(said))
    return done


def plain(done: RolledOut) -> dict[str, object]:
    """How a request in waves stands, as plain data."""
    record = done.request
    found = {"request": record.id, "title": record.title, "state": record.state}
    return {**found, "stopped": done.stopped, "interrupted": done.interrupted, "waves": waves.plain(done.waves)}


def page_of(file: Path, wave: int) -> Path:
    """Where the page of a wave goes, beside the report."""
    return file.with_name(f"{file.stem}-{wave}.html")


def _keep(site: Site, done: RolledOut, file: Path) -> None:
    """Write the report, with that of each wave's run in it, and a page for each of these."""
    whole = plain(done)
    reports = {}
    for wave in done.waves:
        if wave.run is not None:
            reports[str(wave.number)] = (report := of_run(site, site.run(wave.run))).model_dump(mode="json")
            write(page_of(file, wave.number), page(report, site), "--report")
    write(file, to_json({**whole, "reports": reports}), "--report")


def _next(done: RolledOut) -> str | None:
    """Why it is not over, and what to do next."""
    begun = [wave for wave in done.waves if wave.run is not None]
    if done.interrupted:
        return f"Interrupted in wave {len(begun)}; the same command, or `provision resume`, goes on."
    if done.stopped is not None:
        return (
            f"Stopped before wave {len(begun) + 1}: {done.stopped}. Look at what failed, then give the same command "
            "again: it tries those PCs again and goes on if that helps."
        )
    if any(wave.failed for wave in begun):
        return "What failed is tried again by the same command."
    if any(wave.waiting for wave in begun):
        return "PCs that wait are tried again by `provision resume`, by a worker, or by the same command."
    return None
