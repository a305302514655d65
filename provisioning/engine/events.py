"""What the engine tells whoever watches. Listeners are called from worker threads, one call at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from provisioning.errors import ProvisioningError
from provisioning.ledger.records import ChangeState
from provisioning.resources.base import Change, ProofResult, State


@dataclass(frozen=True)
class BatchStarted:
    """The changes of one kind on one target are about to be applied."""

    target: str
    changes: tuple[Change[State], ...]


@dataclass(frozen=True)
class ChangeSettled:
    """One change came to its end. `already`: it was found done, so nothing was sent."""

    change: Change[State]
    state: ChangeState
    error: ProvisioningError | None
    already: bool = False


@dataclass(frozen=True)
class ProofSettled:
    """One proof has its result."""

    result: ProofResult


@dataclass(frozen=True)
class LockAwaited:
    """Somebody else is working on a target; `holder` says who."""

    target: str
    holder: str


@dataclass(frozen=True)
class Stopping:
    """Ctrl-C was pressed: the batches that are under way finish, the rest is abandoned."""


TaskOutcome = Literal["ok", "changed", "skipped", "ignored", "failed", "unreachable"]
"""What became of a task on a host. ``ignored``: it failed, and the playbook goes on all the same."""


@dataclass(frozen=True)
class TaskStarted:
    """A task of a playbook begins."""

    play: str
    task: str


@dataclass(frozen=True)
class TaskSettled:
    """A task of a playbook came to its end on one host. `detail` is why it failed, or what it was to say;
    `difference` is what ``--diff`` shows. Both may have several lines."""

    host: str
    task: str
    outcome: TaskOutcome
    detail: str = ""
    difference: str = ""


@dataclass(frozen=True)
class PlaybookWarned:
    """Ansible warns of something."""

    text: str


Event = (
    BatchStarted | ChangeSettled | ProofSettled | LockAwaited | Stopping | TaskStarted | TaskSettled | PlaybookWarned
)
Listener = Callable[[Event], None]


def one_at_a_time(listener: Listener | None) -> Listener:
    """A listener that may be called from any thread, for one (or none) that may not."""
    if listener is None:
        return lambda _: None
    lock = threading.Lock()

    def locked(event: Event) -> None:
        with lock:
            listener(event)

    return locked
