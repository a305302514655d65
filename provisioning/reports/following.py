"""A run that somebody else carries out, followed by the events that it leaves in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.text import Text

from provisioning.ledger import ChangeRecord, Event, RunRecord, RunState
from provisioning.reports import text
from provisioning.reports.words import count, kind_words, safe

LIVE: tuple[RunState, ...] = ("running", "waiting")
"""The states of a run from which it goes on by itself."""

_DONE = frozenset({"verified", "failed", "blocked"})
_SETTLED = _DONE | {"abandoned"}
"""What ends a change for now: an abandoned one (Ctrl-C) is tried again when the run goes on."""

_STATES = {
    "running": ("cyan", "goes on"),
    "waiting": ("yellow", "waits for targets that do not answer"),
    "interrupted": ("yellow", "was interrupted"),
    "partial": ("yellow", "ended, partly done"),
    "done": ("green", "is done"),
    "undone": ("green", "was taken back"),
}


@dataclass
class Followed:
    """What is known of one run. Give it the ledger's events in their order."""

    record: RunRecord
    number: int = 0
    state: str = "running"
    proofs: int = 0
    changes: dict[int, ChangeRecord] = field(init=False)
    states: dict[int, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.changes = {change.id: change for change in self.record.changes}

    @property
    def total(self) -> int:
        """Changes and proofs that there are to do."""
        return len(self.changes) + len(self.record.to_prove)

    @property
    def done(self) -> int:
        """How many of them came to an end."""
        return sum(state in _DONE for state in self.states.values()) + min(self.proofs, len(self.record.to_prove))

    @property
    def under_way(self) -> str:
        """What is being changed at the moment, target by target; empty when nothing is."""
        busy: dict[str, list[ChangeRecord]] = {}
        for number, state in self.states.items():
            if state == "attempted" and number in self.changes:
                busy.setdefault(self.changes[number].change.target, []).append(self.changes[number])
        words = {target: kind_words(found[0].change.address.kind) for target, found in busy.items()}
        return ", ".join(f"{safe(target)}: {words[target]} ({len(found)})" for target, found in busy.items())

    def knows(self, event: Event) -> bool:
        """Whether the change of an event was there when the run was read."""
        return event.change_id is None or event.change_id in self.changes

    def read_again(self, record: RunRecord) -> None:
        """The run as it is now: changes were added to it."""
        self.record = record
        self.changes = {change.id: change for change in record.changes}

    def tell(self, event: Event) -> Iterator[Text]:
        """Take in one event; the lines that it is worth."""
        self.number = event.number
        if event.proof_id is not None:
            self.proofs += 1
        elif event.change_id is None:
            yield from self._of_run(event)
        else:
            self.states[event.change_id] = event.state
            found = self.changes.get(event.change_id)
            if found is not None and event.state in _SETTLED | {"deferred"}:
                yield self._line(_settled(found, event))

    def failed_proofs(self) -> Iterator[Text]:
        """One line for each proof that did not pass."""
        for proof in self.record.proofs:
            if not proof["passed"]:
                yield self._line(text.proof(proof["name"], proof["target"], False, proof["detail"]))

    def _of_run(self, event: Event) -> Iterator[Text]:
        began, self.state = event.number == 1, event.state
        style, words = _STATES.get(event.state, ("", event.state))
        if event.state == "waiting" and self.record.targets:
            words = f"waits for {', '.join(safe(target.target) for target in self.record.targets)}"
        if began:
            words = f"begins: {safe(self.record.title)} ({count(len(self.changes), 'change')})"
        line = self._line(Text(words, style))
        yield line.append(f": {safe(event.error, lines=True)}") if event.error else line

    def _line(self, rest: Text) -> Text:
        return Text.assemble((f"run {self.record.id}  ", "bold"), rest)


def _settled(found: ChangeRecord, event: Event) -> Text:
    if event.state == "deferred":
        what = f"{safe(found.change.target)}: {kind_words(found.change.address.kind)} {safe(found.change.key)} "
        return Text.assemble(("… ", "yellow"), what, ("waits", "yellow"))
    return text.settled(found.change, event.state, event.error)


def row(record: RunRecord) -> dict[str, object]:
    """One line of the list of runs."""
    done = sum(change.state in _DONE for change in record.changes)
    return {
        "run": record.id,
        "title": record.title,
        "state": record.state,
        "changes": f"{done} of {len(record.changes)}",
        "request": record.request_id,
        "started": f"{record.started.partition('.')[0]}Z",
        "waits_for": [target.target for target in record.targets],
    }
