"""Runs of playbooks: what their tasks do is not ours to resume or to take back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import RequestError
from provisioning.ledger import Entry, RunRecord
from provisioning.ledger.playbook_records import is_playbook, run_again, runs_made

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_LEFT = "its process was killed before it ended"


def refuse_to_undo(run: RunRecord) -> None:
    """Raise :class:`RequestError` for the run of a playbook: only what our modules did in it can be taken back."""
    if is_playbook(run):
        made = [f"provision undo {number}" for number in reversed(runs_made(run))]
        how = f"take back what its modules did, the latest first: {', '.join(made)}" if made else (
            "none of its modules made a run that could be"
        )  # fmt: skip
        raise RequestError(f"run {run.id} ran a playbook and cannot be taken back as one; {how}")


def settle_left_behind(ledger: Ledger, run: RunRecord) -> RunRecord:
    """End the run of a playbook whose process was killed: half a playbook cannot be gone on with, but it can be run
    again. Nobody may be at work on it. Raises :class:`RequestError` for one that has ended."""
    if run.state != "running":
        raise RequestError(f"run {run.id} ran a playbook and has ended; to run it again: {run_again(run.request)}")
    sentence = f"Ended in the middle: {_LEFT}. To run it again: {run_again(run.request)}."
    entry = Entry(sentence, run_id=run.id, key=f"run:{run.id}:partial")
    ledger.end(run.id, "partial", error=f"{_LEFT}; to run it again: {run_again(run.request)}", log=[entry])
    return ledger.run(run.id)
