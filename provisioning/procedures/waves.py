"""Going about many PCs in waves: how large each is, how each went, and when no further one may begin. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioning.errors import RequestError
from provisioning.ledger.records import ChangeState, RunRecord, RunState

_AMOUNT = re.compile(r"[1-9][0-9]{0,4}|([1-9][0-9]?|100)%")
_FAILED: frozenset[ChangeState] = frozenset({"failed", "blocked"})
_WITHOUT_END: frozenset[RunState] = frozenset({"running", "interrupted", "waiting", "partial"})
"""States of a run that can be gone on with."""


@dataclass(frozen=True)
class Wave:
    """One wave (from 1) and how it stands. Of `pcs`, those in neither `done`, `failed` (→ why) nor `waiting` (→ for
    what) were not come to yet. `run`: the newest run that carried it out; ``None``: it has not begun."""

    number: int
    pcs: tuple[str, ...]
    run: int | None = None
    state: RunState | None = None
    done: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return self.state == "done"

    @property
    def can_go_on(self) -> bool:
        """Whether its run has something left to do."""
        return self.state in _WITHOUT_END


def check_amount(text: str, what: str) -> str:
    """`text`, when it is a number of PCs or a share of them. Raises :class:`RequestError`."""
    if not _AMOUNT.fullmatch(text):
        raise RequestError(f"{what} {text!r}: expected a number such as 5, or a share from 1% to 100%")
    return text


def split(pcs: Sequence[str], amounts: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """`pcs` in their order, in waves of `amounts` (a share is of all, rounded up); whatever is left is one more."""
    found, begin = [], 0
    for amount in amounts:
        size = math.ceil(len(pcs) * int(amount[:-1]) / 100) if amount.endswith("%") else int(amount)
        found.append(tuple(pcs[begin : begin + size]))
        begin += size
    return tuple(wave for wave in (*found, tuple(pcs[begin:])) if wave)


def wave_of(number: int, pcs: Sequence[str], run: RunRecord | None) -> Wave:
    """How a wave stands, by its newest run (one that was taken back counts as none)."""
    if run is None or run.state == "undone":
        return Wave(number, tuple(pcs))
    targets = {f"windows:{pc}": pc for pc in pcs}
    failed: dict[str, str] = {}
    reached: dict[str, set[ChangeState]] = {}
    for record in run.changes:
        pc = targets.get(record.change.target)
        if pc is not None:
            reached.setdefault(pc, set()).add(record.state)
            if record.state in _FAILED and (record.state == "failed" or pc not in failed):
                failed[pc] = (record.error or record.state).removeprefix(f"windows:{pc}: ")
    for proof in run.proofs:
        pc = targets.get(str(proof["target"]))
        if pc is not None and not proof["passed"]:
            failed.setdefault(pc, f"not proven: {proof['name']}: {proof['detail']}")
    open_targets = {targets[one.target]: one for one in run.targets if one.target in targets}
    failed |= {pc: one.reason for pc, one in open_targets.items() if run.state != "waiting" and one.why == "unread"}
    waiting = {pc: one.reason for pc, one in open_targets.items() if pc not in failed}
    left = {pc for pc, states in reached.items() if states - {"verified"}} | open_targets.keys()
    ended = run.state in {"done", "partial", "waiting"}
    done = tuple(pc for pc in pcs if pc not in failed and pc not in left and (ended or pc in reached))
    return Wave(number, tuple(pcs), run.id, run.state, done, failed, waiting)


def why_stop(waves: Iterable[Wave], limit: str) -> str | None:
    """Why no further wave may begin after what these came to; ``None``: it may.

    `limit` is a number of PCs or a share of those that were tried. As long as no PC was tried at all, nothing is known
    of what is being installed, so nothing larger is begun.
    """
    begun = [wave for wave in waves if wave.run is not None]
    failed = sum(len(wave.failed) for wave in begun)
    tried = failed + sum(len(wave.done) for wave in begun)
    if begun and not tried:
        return f"none of the {sum(len(wave.pcs) for wave in begun)} PCs so far could be tried"
    if not failed:
        return None
    over = failed * 100 >= int(limit[:-1]) * tried if limit.endswith("%") else failed >= int(limit)
    return f"{failed} of {tried} PCs failed, and the limit is {limit.replace('%', ' %')}" if over else None
