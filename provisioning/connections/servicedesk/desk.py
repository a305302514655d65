"""What the work log asks of a service desk, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

TARGET = "service_desk"
"""The target that errors of a service desk name."""


@dataclass(frozen=True)
class Entry:
    """One line of the work log, on its way to a desk.

    `key` is the entry's own for all time: whoever gets an entry twice knows it by its key. `thread` is the key of what
    it is about (a request, or a run without one), `title` one line about that. `at` is UTC, ISO 8601. Keys are
    hexadecimal digits and dashes. `again`: an earlier attempt may have arrived although its answer was lost.
    """

    key: str
    thread: str
    title: str
    text: str
    who: str
    at: str
    again: bool = False

    @property
    def marked_title(self) -> str:
        """The title with the thread's key in it, by which a desk can be searched."""
        return f"{self.title} [{self.thread}]"


class Desk(Protocol):
    """A service desk. A method that is called with an entry `again` first looks for what the first call left, wherever
    the desk allows finding it.

    All raise :class:`~provisioning.errors.UnreachableError` and :class:`~provisioning.errors.TrustError` (nobody
    answers, or not the right one), :class:`~provisioning.errors.CredentialError` and
    :class:`~provisioning.errors.RejectedError` (this entry was refused; others may be taken).
    """

    def open(self, entry: Entry) -> str:
        """Begin the thread of `entry` with it; gives the desk's reference (a ticket's number)."""
        ...

    def note(self, reference: str, entry: Entry) -> None:
        """Add an entry to a thread."""
        ...

    def end(self, reference: str, entry: Entry) -> None:
        """Mark the thread as ended; `entry`, its last one, is there already. Does nothing where it has ended."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
