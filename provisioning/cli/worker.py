"""``provision worker``."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from types import FrameType

import click

from provisioning.cli.exits import DONE, leave_at_once
from provisioning.cli.invocation import Invocation, console
from provisioning.engine.errands import Happening
from provisioning.reports.words import safe
from provisioning.worker import engine_of

STOPPING = "Stopping: what is under way is finished as far as its batch. Once more leaves at once."
LEFT = "Left at once. What was under way is taken over by other workers, or by this one when it is started again."


@click.command("worker")
@click.option(
    "--concurrency", metavar="N", type=click.IntRange(1, 64),
    help="Requests and runs at once; without it what the site says (workers: concurrency:).",
)  # fmt: skip
@click.option("--once", is_flag=True, help="Carry out what is due now, then end.")
@click.pass_obj
def VERB(invocation: Invocation, *, concurrency: int | None, once: bool) -> int:  # noqa: N802  (it is an object)
    """Carry out what is due: scheduled requests, runs whose targets answer again, the work log.

    Start it on as many machines as you like when the ledger is on PostgreSQL: they share the work, and take over from
    one that dies. With a SQLite ledger one worker does it all. Ctrl-C ends it after the batch under way.
    """
    site = invocation.site()
    settings = site.inventory.workers
    if concurrency is not None:
        settings = settings.model_copy(update={"concurrency": concurrency})
    stop = threading.Event()

    def show(happening: Happening) -> None:
        line = told(happening, stopping=stop.is_set())
        if line is not None:
            _say(line)

    engine = engine_of(site, show, settings)
    _listen(stop)
    if not once:
        shared = "shared with others" if site.ledger.is_server else "alone: the ledger is a SQLite file"
        _say(f"Waiting for work in {site.ledger.place} ({shared}), {settings.concurrency} at once. Ctrl-C stops.")
    engine.work(stop, once=once)
    if stop.is_set():
        _say("Stopped.")
    return DONE


def _listen(stop: threading.Event) -> None:
    def signalled(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (the signature of signal handlers)
        if stop.is_set():
            leave_at_once(LEFT)
        stop.set()
        click.echo(STOPPING, err=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signalled)


def told(happening: Happening, *, stopping: bool = False) -> str | None:
    """The line that a happening is worth. What is under way, ``provision runs --watch`` shows."""
    what = "service desk" if happening.errand.what == "outbox" else str(happening.errand)
    detail = safe(happening.detail, lines=True)
    match happening.happened:
        case "finished" if happening.errand.what in {"audit", "lines"}:
            return detail
        case "finished" if detail:
            return f"{what}: {detail}"
        case "failed":
            return f"{what}: not now: {detail}"
        case "taken over":
            return f"{what}: taken over, {detail}"
        case "put off" if stopping:
            return f"{what}: left as it is; another worker goes on with it, or this one when it is started again"
    return None


def _say(line: str) -> None:
    with suppress(OSError, SystemExit):  # rich raises SystemExit for a broken pipe: nobody reads, the work goes on
        console().print(line)
