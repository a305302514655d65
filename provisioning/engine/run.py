"""One run from its first change to its last: changes, then proofs, then how it ended. Resuming is the same: whatever
the ledger says is not verified yet is carried on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from provisioning.engine.deferral import Deferrals
from provisioning.engine.events import Listener
from provisioning.engine.exclusive import Exclusive
from provisioning.engine.executor import Execution
from provisioning.engine.locks import HeldError, Locks, locks_of
from provisioning.engine.planner import TargetSessions
from provisioning.engine.playbook_runs import settle_left_behind
from provisioning.engine.prover import Early, prove
from provisioning.errors import InUseError, LedgerError, ProvisioningError, RequestError, TargetError, UnreachableError
from provisioning.ledger import ChangeRecord, RunRecord, RunState, moment
from provisioning.ledger.playbook_records import is_playbook
from provisioning.resources.base import Change, Keepsake, State
from provisioning.site.runs import Runs

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

FINAL = frozenset({"done", "undone"})
"""States after which there is nothing to resume."""

BeforeEnd = Callable[[RunRecord, RunState], RunState | None]
"""``before_end(run, state)``: what follows from a run's end in `state`, done while the ledger does not say so yet and
nobody else has the run. Whoever is killed in between does it again, so doing it twice must be once. What it returns is
the state in which the run ends then; ``None``: `state`."""

Keep = Callable[[RunRecord, Keepsake], None]
"""``keep(run, keepsake)``: put a device's configuration into the archive, before the run's first change there. Raises
:class:`LedgerError`; the changes of that device fail then."""

Replan = Callable[[RunRecord, Collection[str]], tuple[Sequence[Change[State]], Mapping[str, TargetError]]]
"""``replan(run, targets)``: the changes that the run's request asks of these targets, and which of them still cannot be
read. May raise :class:`ProvisioningError`."""


def carry_out(
    ledger: Ledger,
    run_id: int,
    sessions: TargetSessions,
    listener: Listener,
    *,
    settings: Runs | None = None,
    replan: Replan | None = None,
    before_end: BeforeEnd = lambda _run, state: state,
    keep: Keep | None = None,
    resume: bool = True,
    now: bool = False,
    stop: threading.Event | None = None,
) -> RunRecord:
    """Carry a run on that :meth:`Ledger.begin` wrote down, whoever began it, as far as it goes today.

    It ends ``done``; ``partial`` (something failed, or a target was given up); ``waiting`` (a target does not answer:
    to be resumed when it is due, or with `now` at once); or ``interrupted`` (Ctrl-C, or `stop` is set: the batches
    under way finish). Proofs are run when nothing is open any more. Without `resume` only what the plan saw is done:
    targets that could not be read a moment ago are not tried again.

    Raises :class:`InUseError` when another process is working on the run, :class:`RequestError` for a run that was
    taken back, :class:`LedgerError` when the ledger cannot be written (the run can be resumed then).
    """
    settings = settings or Runs()
    # A run that was begun a moment ago may have been found by a worker already: its end is ours to report as well.
    patience = 0.0 if resume else settings.lock_wait.total_seconds()
    with alone(ledger, run_id, seconds=patience) as locks:
        run = ledger.run(run_id)
        if not resume and run.state != "running":
            return run
        if run.state in FINAL or (resume and not now and _rests(run)):
            return run
        if is_playbook(run):
            return settle_left_behind(ledger, run)
        if resume:
            run = _reopen(ledger, run)
        work = _Work(ledger, sessions, listener, locks, settings, before_end, now, stop or threading.Event(), keep)
        return work.carry_out(run, replan if resume else None)


@contextmanager
def alone(ledger: Ledger, run_id: int, *, seconds: float = 0.0) -> Iterator[Locks]:
    """Nobody else works on a run during the block, nor takes it back; the locks to be used meanwhile.

    Raises :class:`InUseError` when somebody does, for longer than `seconds`.
    """
    undone = ledger.undoes(run_id)
    locks = locks_of(ledger, f"run {run_id}")
    # A server needs a moment to notice that an owner was killed; the kernel, which keeps file locks, does not.
    patience = max(seconds, 1.0 if ledger.is_server else 0.0)
    with ExitStack() as stack:
        stack.callback(locks.close)
        # Always the smaller number first: two that want both do not wait for each other.
        for number in sorted({run_id, undone or run_id}):
            try:
                stack.enter_context(locks.hold(f"run {number}", seconds=patience))
            except HeldError as exc:
                raise InUseError(f"run {number} is in the hands of {exc.holder}; wait until it has ended") from exc
        yield locks


def holder_of(ledger: Ledger, run_id: int) -> str | None:
    """Who is working on a run at this moment; ``None``: nobody, so that its process has ended if it is ``running``."""
    with closing(locks_of(ledger, "a look")) as locks:
        try:
            with locks.hold(f"run {run_id}", seconds=0):
                return None
        except HeldError as exc:
            return exc.holder


def _rests(run: RunRecord) -> bool:
    """Whether a run waits for targets of which none is due."""
    return run.state == "waiting" and all(target.next_try > moment(datetime.now(UTC)) for target in run.targets)


def _reopen(ledger: Ledger, run: RunRecord) -> RunRecord:
    back = ledger.runs(1, undoes=run.id)
    if back:
        raise RequestError(
            f"run {run.id} is being taken back by run {back[0].id}, which is {back[0].state}; "
            f"`provision undo {run.id}` goes on with that, then make the request again"
        )
    if run.request_id is not None and run.undoes is None and ledger.request(run.request_id).state == "partial":
        ledger.move(run.request_id, "running")
    return ledger.reopen(run.id)


@dataclass(frozen=True)
class _Work:
    """What one call of :func:`carry_out` shares."""

    ledger: Ledger
    sessions: TargetSessions
    listener: Listener
    locks: Locks
    settings: Runs
    before_end: BeforeEnd
    now: bool
    stop: threading.Event
    keep: Keep | None = None

    def carry_out(self, run: RunRecord, replan: Replan | None) -> RunRecord:
        deferrals = Deferrals(self.ledger, run, self.settings, self.now)
        state: RunState = "interrupted"
        try:
            records = self._plan_unread(run, deferrals, replan) if replan else run.changes
            deferrals.expire()
            keep = None if self.keep is None else partial(self.keep, run)
            early = self._early(run, records)
            execution = Execution(
                records, self.sessions, self.ledger, self.locks, deferrals, early.told(self.listener), self.stop, keep
            )
            with early:
                results = execution.run()
            if not self.stop.is_set():
                waiting = {result.change.target for result in results if result.state == "deferred"}
                if deferrals.settle(waiting) or waiting:
                    state = "waiting"
                else:
                    good = all(result.state == "verified" for result in results) and not deferrals.given_up
                    state = "done" if self._prove(run, early) and good else "partial"
        except LedgerError:
            # The next write will most likely fail as well; a run whose owner is gone can be resumed from any state.
            with suppress(LedgerError):
                self._end(run, state, deferrals)
            raise
        except BaseException:
            self._end(run, state, deferrals)
            raise
        self._end(run, state, deferrals)
        return self.ledger.run(run.id)

    def _early(self, run: RunRecord, records: Sequence[ChangeRecord]) -> Early:
        """Nothing is proven early while the run waits for targets: it would be proven again at every try."""
        left = [record.change for record in records if record.state != "verified"]
        return Early(() if run.targets else run.to_prove, left, self._one_at_a_time, self.listener)

    @property
    def _one_at_a_time(self) -> Exclusive:
        return Exclusive(self.sessions, self.locks, self.settings.lock_wait, self.stop, self.listener)

    def _prove(self, run: RunRecord, early: Early) -> bool:
        proven = prove(run.to_prove, self._one_at_a_time, self.listener, early.passed())
        self.ledger.prove(run.id, proven)
        return all(result.passed for result in proven)

    def _end(self, run: RunRecord, state: RunState, deferrals: Deferrals) -> None:
        """First what follows from it, the run itself last: whoever is killed in between does it all again. A run
        that is in other hands by now is theirs to end."""
        self.locks.check()
        state = self.before_end(self.ledger.run(run.id), state) or state
        if state == "done" and run.undoes is not None:
            undone = self.ledger.run(run.undoes)
            if undone.state != "undone":
                self.ledger.end(undone.id, "undone")
            _tell_request(self.ledger, undone.request_id)
        why = "; ".join(f"{target}: {reason}" for target, reason in deferrals.given_up.items())
        self.ledger.end(run.id, state, error=why or None)

    def _plan_unread(self, run: RunRecord, deferrals: Deferrals, replan: Replan) -> Sequence[ChangeRecord]:
        """Plan the targets that could not be read when the run was planned, as far as they are due; all changes."""
        due = deferrals.due("unread")
        if not due:
            return run.changes
        changes: Sequence[Change[State]] = ()
        unread: Mapping[str, TargetError] = {}
        try:
            changes, unread = replan(run, due)
        except LedgerError:
            raise
        except UnreachableError as exc:  # the directory itself
            unread = {target: UnreachableError(target, f"cannot be planned yet: {exc}") for target in due}
        except ProvisioningError as exc:
            for target in due:
                deferrals.give_up(target, f"cannot be planned any more: {exc}")
            return run.changes
        known = {record.change.address for record in run.changes}  # a crash may have come after they were added
        new = [change for change in changes if change.address not in known and change.target not in unread]
        records = self.ledger.add_changes(run.id, new) if new else run.changes
        for target, error in unread.items():
            if isinstance(error, UnreachableError):
                deferrals.put_off(target, error.message, "unread")
            else:
                deferrals.give_up(target, error.message)
        deferrals.close([target for target in due if target not in unread])
        return records


def _tell_request(ledger: Ledger, request_id: int | None) -> None:
    """The request of a run that was taken back is taken back. Doing it twice is once."""
    if request_id is not None and ledger.request(request_id).state in {"running", "partial", "proven"}:
        ledger.move(request_id, "undone")
