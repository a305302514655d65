"""A playbook's run in the ledger: who ran what for which hosts, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioning.api.playbook_events import HostOutcome
from provisioning.engine.run import alone
from provisioning.ledger import Entry, RunState
from provisioning.ledger.playbook_records import OF_HOST, PROCEDURE
from provisioning.resources.base import Proof, ProofResult

if TYPE_CHECKING:
    from provisioning.api.site import Site

_LONGEST = 480
"""Characters of a sentence in the work log."""


@dataclass
class Record:
    """Written down when the playbook begins (:meth:`begin`) and when it ends (:meth:`end`). Use as a context manager:
    in between, nobody else can take the run for one that was left behind."""

    site: Site
    title: str
    request: Mapping[str, Any]
    number: int | None = field(default=None, init=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False)

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin(self) -> int:
        """Raises :class:`~provisioning.errors.LedgerError`; the playbook must not begin then."""
        ledger = self.site.ledger
        run = ledger.begin(self.title, {"procedure": PROCEDURE, **self.request}, ())
        self.number = run.id
        self._stack.enter_context(alone(ledger, run.id))
        ledger.log(Entry(f"{run.who} began to {self.title}.", run_id=run.id, key=f"run:{run.id}"))
        return run.id

    def end(self, state: RunState, hosts: Mapping[str, HostOutcome], problem: str | None) -> None:
        """What became of it: `problem` is why it did not come to its end."""
        if self.number is None:
            return
        results = [ProofResult(_proof(one), one.passed, one.sentence) for one in hosts.values()]
        key = f"run:{self.number}:{state}{':end' if state == 'done' else ''}"
        sentence = _sentence(hosts, problem, check=bool(self.request.get("check")))
        entry = Entry(sentence, run_id=self.number, key=key)
        self.site.ledger.prove(self.number, results)
        self.site.ledger.end(self.number, state, error=problem, log=[entry])
        self._stack.close()
        self.site.messenger.run(self.number)


def _proof(one: HostOutcome) -> Proof:
    counted = {name: getattr(one, name) for name in ("ok", "changed", "failed", "unreachable", "skipped", "ignored")}
    parameters = {**counted, "rescued": one.rescued, "problems": list(one.problems), "runs": list(one.runs)}
    return Proof(OF_HOST, one.host, f"{one.host}: {one.counted}", parameters)


def _sentence(hosts: Mapping[str, HostOutcome], problem: str | None, *, check: bool) -> str:
    bad = [one for one in hosts.values() if not one.passed]
    changed = sum(bool(one.changed) for one in hosts.values())
    number = f"{len(hosts)} host{'' if len(hosts) == 1 else 's'}"
    would = "that it would change" if check else "changed"
    words = [f"The playbook was for {number}: {len(hosts) - len(bad)} without a failure, {changed} {would}"]
    words += [f"{one.host}: {'; '.join(one.problems) or one.counted}" for one in bad]
    runs = sorted({number for one in hosts.values() for number in one.runs})
    if runs:
        words.insert(1, f"its modules made run{'' if len(runs) == 1 else 's'} {', '.join(map(str, runs))}")
    if problem:
        words.insert(0, f"It did not come to its end: {' '.join(problem.split())}")
    text = "; ".join(words)
    return f"{text}." if len(text) < _LONGEST else f"{text[:_LONGEST]}…"
