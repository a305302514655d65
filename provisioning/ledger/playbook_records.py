"""The run of a playbook, as the ledger has it.

Such a run has no changes; what became of each host is written down in the form of a proof. Our own modules make runs of
their own, whose numbers are among its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioning.ledger.records import RunRecord

PROCEDURE = "playbook"
"""What such a run's request says that it is."""

OF_HOST = "playbook.host"
"""Kind of the proof that says what became of a host. ``parameters``: tasks by outcome, ``problems`` and ``runs``."""

OF_STEP = "playbook.step"
"""Kind of the proof that says what became of a step, in the run that it followed."""


def is_playbook(run: RunRecord) -> bool:
    """Whether a run is that of a playbook."""
    return run.request.get("procedure") == PROCEDURE


def runs_made(run: RunRecord) -> tuple[int, ...]:
    """The runs that our modules made within a playbook, in their order."""
    return tuple(sorted({int(number) for proof in run.proofs for number in proof["parameters"].get("runs", ())}))


def run_again(request: Mapping[str, Any]) -> str:
    """The command that runs a playbook again, as far as the ledger knows it: it has no values of variables."""
    words = ["provision playbook", str(request.get("playbook"))]
    if request.get("limit"):
        words.append(f"--limit '{request['limit']}'")
    if request.get("inventory"):
        words.append(f"--inventory {request['inventory']}")
    for name in ("tags", "skip_tags"):
        if request.get(name):
            words.append(f"--{name.replace('_', '-')} {','.join(request[name])}")
    words += [f"-e @{file}" for file in request.get("variable_files", ())]
    words += [f"-e {name}=…" for name in request.get("variables", ())]
    return " ".join([*words, *(["--check"] if request.get("check") else [])])
