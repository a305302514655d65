"""How a change ended, judged by what a fresh read shows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioning.errors import ProvisioningError, VerifyError
from provisioning.ledger import ChangeState
from provisioning.resources.base import Change, State

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """How one change ended. `error` says why when it is neither verified nor abandoned."""

    change: Change[State]
    state: ChangeState
    error: ProvisioningError | None = None


def not_shown(
    changes: Sequence[Change[State]], found: Mapping[str, State], errors: Mapping[str, ProvisioningError | None]
) -> list[Change[State]]:
    """What its kind calls done and a fresh read does not show."""
    return [one for one in changes if errors.get(one.key) is None and not one.done_in(found.get(one.key))]


def verdict(change: Change[State], actual: State | None, error: ProvisioningError | None) -> Result:
    """The result of a change that was applied; `error` is what its kind said."""
    if change.done_in(actual):
        if error is not None:
            _log.warning("%s reads as wanted although its system reported: %s", change.address, error)
        return Result(change, "verified")
    if error is None:
        error = VerifyError(
            change.target,
            f"{change.address.kind} {change.key} was applied, but reads back otherwise: {_shown(change, actual)}",
        )
    return Result(change, "failed", error)


def drift(change: Change[State], actual: State | None) -> str:
    """Why a change was left alone: what is there is neither what the plan saw nor what it wants."""
    if change.before is None:
        seen = "it exists by now"
    elif actual is None:
        seen = "it is gone"
    else:
        seen = "; ".join(
            f"{name} is now {old!r}, was {new!r}" for name, (old, new) in change.before.differences(actual).items()
        )
    return f"{change.address.kind} {change.key} drifted since plan ({seen}); it was left alone: plan again"


def _shown(change: Change[State], actual: State | None) -> str:
    if change.after is None:
        return "it still exists"
    if actual is None:
        return "it does not exist"
    return "; ".join(
        f"{name} is {old!r}, expected {new!r}" for name, (old, new) in change.after.differences(actual).items()
    )
