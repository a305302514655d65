"""What the ledger gives back: plain frozen values. Times are UTC, ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provisioning.resources.base import Address, Change, Proof, State

RunState = Literal["running", "waiting", "interrupted", "partial", "done", "undone"]
"""``waiting``: targets are deferred, the run stays open until their deadline."""

ChangeState = Literal["planned", "attempted", "verified", "failed", "blocked", "abandoned", "deferred"]

RequestState = Literal[
    "requested",
    "awaiting approval",
    "scheduled",
    "running",
    "proven",
    "partial",
    "undone",
    "refused",
    "cancelled",
]

OpenReason = Literal["unread", "deferred"]
"""``unread``: the target could not be read when the run was planned; ``deferred``: its changes wait."""

Verdict = Literal["approved", "refused"]


@dataclass(frozen=True)
class ChangeRecord:
    """A change as the ledger remembers it. `attempted` tells whether anything was ever sent to its target."""

    id: int
    change: Change[State]
    state: ChangeState
    attempted: bool
    error: str | None


@dataclass(frozen=True)
class OpenTarget:
    """A target that a run still has to come back to. `attempts` counts the tries so far."""

    run_id: int
    target: str
    why: OpenReason
    reason: str
    attempts: int
    since: str
    next_try: str
    deadline: str | None


@dataclass(frozen=True)
class RunRecord:
    """A run as the ledger remembers it.

    `to_prove` are the proofs that were planned, `proofs` the results so far; `targets` are those left open.
    """

    id: int
    title: str
    request: Mapping[str, Any]
    who: str
    state: RunState
    started: str
    finished: str | None
    undoes: int | None
    changes: tuple[ChangeRecord, ...]
    proofs: tuple[Mapping[str, Any], ...]
    request_id: int | None = None
    to_prove: tuple[Proof, ...] = ()
    targets: tuple[OpenTarget, ...] = ()


@dataclass(frozen=True)
class Turn:
    """A verified change that made a thing (`made`) or took it away; what was asked for then, and which run that took
    back."""

    address: Address
    made: bool
    run_id: int
    request: Mapping[str, Any]
    undoes: int | None


@dataclass(frozen=True)
class Event:
    """One line of a run's history. Neither a change nor a proof: the event is the run's own."""

    run_id: int
    number: int
    change_id: int | None
    proof_id: int | None
    state: str
    error: str | None
    at: str
    who: str
    hash: str


@dataclass(frozen=True)
class Approval:
    """One person's word on one request, for one role. `withdrawn`: since when it does not count any more, because
    what the request would do is not what was approved."""

    request_id: int
    role: str
    who: str
    verdict: Verdict
    reason: str
    at: str
    withdrawn: str | None = None


@dataclass(frozen=True)
class RequestRecord:
    """What somebody asked for. `needs` are the roles whose approval it takes, `grounds` what each of them is asked to
    approve, `start` when it may begin."""

    id: int
    title: str
    request: Mapping[str, Any]
    who: str
    state: RequestState
    at: str
    start: str
    needs: tuple[str, ...]
    reason: str | None
    changed: str
    ticket: str | None
    approvals: tuple[Approval, ...]
    runs: tuple[int, ...]
    grounds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """The roles that have not approved yet."""
        given = {
            approval.role for approval in self.approvals if approval.verdict == "approved" and not approval.withdrawn
        }
        return tuple(role for role in self.needs if role not in given)


@dataclass(frozen=True)
class Entry:
    """One sentence for the work log, as it is handed in. An entry whose `key` is in the log already is left out;
    without a key every entry is new."""

    sentence: str
    request_id: int | None = None
    run_id: int | None = None
    change_id: int | None = None
    key: str | None = None


@dataclass(frozen=True)
class LoggedEntry:
    """One sentence of the work log."""

    id: int
    sentence: str
    request_id: int | None
    run_id: int | None
    change_id: int | None
    key: str
    who: str
    at: str


@dataclass(frozen=True)
class Delivery:
    """A work-log entry that is owed to a service desk. `attempts` counts this one too."""

    id: int
    desk: str
    entry: LoggedEntry
    attempts: int
    error: str | None


@dataclass(frozen=True)
class Allocation:
    """Who has what. `released` is ``None`` as long as the holder has it."""

    id: int
    pool: str
    item: str
    holder: str
    run_id: int | None
    at: str
    released: str | None


def is_in_waves(request: Mapping[str, Any]) -> bool:
    """Whether a request is carried out in waves."""
    return isinstance(request.get("waves"), list)
