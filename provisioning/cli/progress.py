"""Live progress: a bar and what is under way on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from provisioning.engine.events import (
    BatchStarted,
    ChangeSettled,
    Event,
    Listener,
    LockAwaited,
    PlaybookWarned,
    ProofSettled,
    Stopping,
    TaskSettled,
    TaskStarted,
)
from provisioning.reports import playbooks, text, words


class Watcher:
    """Listens to the engine, shows what happens and measures the phases. Use as a context manager.

    A terminal that went away must not stop the work: what cannot be shown is not shown. `verbose`: tasks of playbooks
    are told of also when they changed nothing.
    """

    def __init__(self, console: Console, changes: int, proofs: int, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(30),
            MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        self._total = changes + proofs
        self._task: TaskID | None = None
        self._under_way: dict[str, str] = {}
        self._awaited: set[tuple[str, str]] = set()
        self._stack = ExitStack()
        self._begun = self._last_change = self._ended = 0.0

    def __enter__(self) -> Watcher:
        self._begun = self._last_change = time.monotonic()
        self._stack.enter_context(self._bar)
        self._task = self._bar.add_task("starting", total=self._total or None)  # of a playbook nobody knows it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = time.monotonic()
        self._stack.close()

    @property
    def seconds(self) -> dict[str, float]:
        """How long the changes and the proofs took."""
        return {"apply": self._last_change - self._begun, "prove": self._ended - self._last_change}

    def __call__(self, event: Event) -> None:
        if isinstance(event, ChangeSettled):
            self._last_change = time.monotonic()
        with suppress(OSError, SystemExit):  # rich raises SystemExit for a broken pipe
            self._show(event)

    def _show(self, event: Event) -> None:
        match event:
            case BatchStarted(target, changes):
                what = words.kind_words(changes[0].address.kind)
                self._under_way[target] = f"{words.safe(target)}: {what} ({len(changes)})"
            case ChangeSettled(change, state, error, already):
                self._under_way.pop(change.target, None)
                again = (change.target, str(error))
                if state != "deferred" or again not in self._awaited:  # a target that is off says so once
                    self._line(text.settled(change, state, error, already))
                if state == "deferred":
                    self._awaited.add(again)
                self._advance()
            case ProofSettled(result):
                self._under_way.clear()
                self._line(text.proof(result.proof.name, result.proof.target, result.passed, result.detail))
                self._advance()
            case TaskStarted(_, task):
                self._under_way = {"": words.safe(task)}
            case TaskSettled():
                if (line := playbooks.settled(event, verbose=self._verbose)) is not None:
                    self._line(line)
                self._advance()
            case PlaybookWarned(said):
                self._line(playbooks.warned(said))
            case LockAwaited():
                self._line(_waiting(event))
            case Stopping():
                self._line(Text("Stopping: what is under way will be finished. Ctrl-C again leaves at once.", "yellow"))
        if self._task is not None:
            self._bar.update(self._task, description=", ".join(self._under_way.values())[:70] or "proving")

    def _advance(self) -> None:
        if self._task is not None:
            self._bar.advance(self._task)

    def _line(self, line: Text) -> None:
        self._console.print(line)


def waits(console: Console) -> Listener:
    """Tells on the console which target is waited for, and who has it: for plans, which show nothing else."""

    def told(event: Event) -> None:
        if isinstance(event, LockAwaited):
            with suppress(OSError, SystemExit):
                console.print(_waiting(event))

    return told


def _waiting(event: LockAwaited) -> Text:
    return Text(f"… {words.safe(event.target)}: waiting for {words.safe(event.holder)}", "yellow")
