"""The work log of runs and requests: what the ledger already knows, written down as sentences.

Sentences are made from the ledger after the fact, each under a key of its own, and a key is written once. So no run
waits for them, and whatever a crash left out is written by the next :func:`catch_up`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioning.engine.sentences import Speaker
from provisioning.ledger import Entry, RequestRecord, RunRecord
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

END = ":end"
"""What the key of an entry ends with that ends its thread: the ticket can be resolved."""

_RUNS_AT_ONCE = 100
_LAST_WORDS = {
    "proven": "Done: the request is fulfilled and proven.",
    "undone": "The request was taken back.",
    "refused": "The request was refused",
    "cancelled": "The request was cancelled",
}


def write_down(ledger: Ledger, inventory: Inventory, run: RunRecord) -> None:
    """Log what a run did so far, and the request that it belongs to. May be called again at any time."""
    request_id = run.request_id
    if run.undoes is not None and request_id is None:
        request_id = ledger.run(run.undoes).request_id
    entries: list[Entry] = []
    last: list[Entry] = []
    if request_id is not None:
        request = ledger.request(request_id)
        entries += _opening(request, inventory)
        last += _closing(request)
    ledger.log(*entries, *_of_run(run, inventory, request_id), *last)


def write_down_request(ledger: Ledger, inventory: Inventory, request: RequestRecord) -> None:
    """Log what became of a request so far; its runs are logged by :func:`write_down`."""
    ledger.log(*_opening(request, inventory), *_closing(request))


def catch_up(ledger: Ledger, inventory: Inventory, *, runs: int = _RUNS_AT_ONCE) -> None:
    """Log what is missing of the latest runs and requests: a crash may have come between the deed and the sentence."""
    for run in reversed(ledger.runs(runs)):
        write_down(ledger, inventory, run)
    for request in reversed(ledger.requests(runs)):
        write_down_request(ledger, inventory, request)


def _opening(request: RequestRecord, inventory: Inventory) -> Iterator[Entry]:
    about = f"request:{request.id}"
    yield Entry(Speaker.of(inventory).asked(request), request.id, key=about)
    for number, word in enumerate(request.approvals):
        reason = f": {word.reason.rstrip('.')}" if word.reason else ""
        spoken = sum(earlier.role == word.role for earlier in request.approvals[:number])
        again = f":{spoken + 1}" if spoken else ""
        sentence = f"{word.who} {word.verdict} it for the role {word.role}{reason}."
        yield Entry(sentence, request.id, key=f"{about}:{word.verdict}:{word.role}{again}")


def _closing(request: RequestRecord) -> Iterator[Entry]:
    words = _LAST_WORDS.get(request.state)
    if words is not None:
        if not words.endswith("."):
            words += f": {request.reason.rstrip('.')}." if request.reason else "."
        yield Entry(words, request.id, key=f"request:{request.id}:{request.state}{END}")


def _of_run(run: RunRecord, inventory: Inventory, request_id: int | None) -> Iterator[Entry]:
    """The entries of an undoing belong to the run that it undoes: they are one story."""
    speaker = Speaker.of(inventory, run.changes)
    about, thread = f"run:{run.id}", run.undoes or run.id
    if request_id is None or run.undoes is not None:
        yield Entry(speaker.begun(run), request_id, thread, key=about)
    for record in run.changes:
        sentence = speaker.change(record)
        if sentence is not None:
            yield Entry(sentence, request_id, thread, record.id, f"{about}:change:{record.id}:{record.state}")
    sentence = speaker.ended(run)
    if sentence is not None:
        # A request ends its thread itself; a run that has none does it when all is done.
        ends = request_id is None and run.state in {"done", "undone"}
        state = "done" if run.state == "undone" else run.state
        yield Entry(sentence, request_id, thread, key=f"{about}:{state}{END if ends else ''}")
