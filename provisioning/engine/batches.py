"""One batch of changes: one kind on one open session of a target, under the target's lock.

The steps are: read; leave out what is done already or has moved since the plan; archive the device's configuration;
journal *attempted*; apply; read again and compare; journal *verified* or *failed*.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from provisioning.engine.journal import Journal
from provisioning.engine.locks import Held
from provisioning.engine.planner import asked_at_once
from provisioning.engine.retries import is_transient
from provisioning.engine.verdicts import Result, drift, not_shown, verdict
from provisioning.errors import DriftError, LedgerError, ProvisioningError, RejectedError, UnreachableError
from provisioning.resources.base import Attentive, Change, Finishing, Keeping, Keepsake, Kind, Sharing, State
from provisioning.resources.registry import KINDS

_log = logging.getLogger(__name__)

A_MOMENT = 1.0
"""Seconds before what does not show a change yet is read once more. Some systems answer that they did it and show it a
little later (a registry hive under load, a directory behind a balancer); one that lost a change shows it never."""

FRESH = 10.0
"""Seconds for which a target's first look stands: the kinds that come later in its turn read again then."""


class FirstLook:
    """What a target shows before its turn begins, asked for at once where kinds can share their questions (see
    :class:`Sharing`). Each kind sees it once; whatever is read after that is read anew. `by_kind`: what is to be
    changed there."""

    def __init__(self, by_kind: Mapping[str, Sequence[Change[State]]]) -> None:
        sharing = {name: kind for name in by_kind if isinstance(kind := KINDS[name], Sharing)}
        # What is attended to is read within its own batch, and known there when it is changed.
        self._sharing = {name: kind for name, kind in sharing.items() if not isinstance(kind, Attentive)}
        self._keys = {name: [change.key for change in by_kind[name]] for name in self._sharing}
        self._found: dict[str, dict[str, State]] = {}
        self._until = 0.0

    def read(self, kind: Kind[State, object], session: object, keys: Sequence[str]) -> dict[str, State]:
        """What `kind` reads of `keys`."""
        if kind.name in self._keys and len(self._keys) > 1:
            self._look(session)
        found = self._found.pop(kind.name, None)
        if found is None or time.monotonic() > self._until:
            return kind.read(session, keys)
        return found

    def _look(self, session: object) -> None:
        asked, self._keys = self._keys, {}
        try:
            with asked_at_once(session, self._sharing, asked):
                self._found = {name: KINDS[name].read(session, keys) for name, keys in asked.items()}
        except UnreachableError:
            raise
        except ProvisioningError as exc:  # one of them cannot be read: each says so for itself
            _log.info("not read at once: %s", exc)
        self._until = time.monotonic() + FRESH


@dataclass
class Batches:
    """What the batches of one execution share. `keep` puts a device's configuration into the archive; it raises
    :class:`LedgerError`."""

    journal: Journal
    keep: Callable[[Keepsake], None] | None = None
    _kept: set[str] = field(default_factory=set, init=False)

    def carry_out(
        self,
        kind: Kind[State, object],
        session: object,
        batch: Sequence[Change[State]],
        held: Held,
        look: FirstLook,
    ) -> UnreachableError | None:
        """Settles what it can; the error for which it is worth trying the rest again."""
        with self._attending(kind, session, batch):
            found = look.read(kind, session, [change.key for change in batch])
            if not (todo := self._not_done(kind, session, batch, found)):
                return None
            self._keep_before(kind, session, todo[0].target)
            held.check()
            self.journal.attempt(todo)
            errors = {outcome.key: outcome.error for outcome in kind.apply(session, todo)}
            found = self._read_back(kind, session, todo, errors)
            settled, again = self._judged(todo, found, errors)
            held.check()  # whoever went on with the run while we were stopped says how it ended, not we
            self.journal.settle(settled)
            return again

    def _not_done(
        self,
        kind: Kind[State, object],
        session: object,
        batch: Sequence[Change[State]],
        found: Mapping[str, State],
    ) -> list[Change[State]]:
        """What is left to do by what was `found`; what is done already, or has moved since the plan, is settled."""
        todo: list[Change[State]] = []
        settled = self._finished(kind, session, [c for c in batch if c.done_in(found.get(c.key))])
        for change in batch:
            actual = found.get(change.key)
            if change.done_in(actual):
                continue
            if change.not_begun_in(actual):
                todo.append(change)
            elif change.address in self.journal.attempted:
                todo.append(replace(change, before=None if actual is None else change.shape.view_of(actual)))
            else:
                settled.append(Result(change, "failed", DriftError(change.target, drift(change, actual))))
        self.journal.settle(settled)
        return todo

    def _read_back(
        self,
        kind: Kind[State, object],
        session: object,
        done: Sequence[Change[State]],
        errors: Mapping[str, ProvisioningError | None],
    ) -> dict[str, State]:
        """What there is after the change; where it does not show, what there is a moment later."""
        found = kind.read(session, [change.key for change in done])
        late = not_shown([self.journal.records[change.address].change for change in done], found, errors)
        if late:
            _log.info("%s: %d changes do not show yet, reading once more", late[0].target, len(late))
            time.sleep(A_MOMENT)
            keys = [change.key for change in late]
            with self._attending(kind, session, late):  # anew: what was answered a moment ago stands no more
                found = {key: state for key, state in found.items() if key not in keys} | kind.read(session, keys)
        return found

    def _judged(
        self,
        done: Sequence[Change[State]],
        found: Mapping[str, State],
        errors: Mapping[str, ProvisioningError | None],
    ) -> tuple[list[Result], UnreachableError | None]:
        """How the changes ended, and the error for which the others are worth another try."""
        again: UnreachableError | None = None
        settled = []
        for change in done:
            planned = self.journal.records[change.address].change
            actual, error = found.get(change.key), errors.get(change.key)
            if isinstance(error, UnreachableError) and is_transient(error) and not planned.done_in(actual):
                again = error
            else:
                settled.append(verdict(planned, actual, error))
        return settled, again

    def _attending(
        self, kind: Kind[State, object], session: object, batch: Sequence[Change[State]]
    ) -> AbstractContextManager[None]:
        """What a batch asks is asked at once, where the kind can."""
        if not isinstance(kind, Attentive):
            return nullcontext()
        keeping = self.keep is not None and batch[0].target not in self._kept and isinstance(kind, Keeping)
        return kind.attend(session, [change.key for change in batch], keeping=keeping)

    def _keep_before(self, kind: Kind[State, object], session: object, target: str) -> None:
        """The archive has a device's configuration before the first change there, or nothing is changed."""
        if self.keep is None or target in self._kept or not isinstance(kind, Keeping):
            return
        try:
            self.keep(kind.keepsake(session))
        except LedgerError as exc:
            raise RejectedError(target, f"not changed, as its configuration was not archived first: {exc}") from exc
        self._kept.add(target)

    def _finished(self, kind: Kind[State, object], session: object, done: Sequence[Change[State]]) -> list[Result]:
        """The results of changes that read as done before anything was sent."""
        begun = [change for change in done if change.address in self.journal.attempted]
        results = {change.address: Result(change, "verified") for change in done}
        if begun and isinstance(kind, Finishing):
            try:
                kind.finish(session, begun)
            except RejectedError as exc:
                results |= {change.address: Result(change, "failed", exc) for change in begun}
        return list(results.values())
