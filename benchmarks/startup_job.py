"""Plan one onboarding on systems that hold nothing: ``python -m benchmarks.startup_job FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.site_job import EmptySystem, NoSessions
from provisioning.api import Site
from provisioning.engine import planner
from provisioning.engine.document import change_document
from provisioning.procedures.base import Accounts
from provisioning.procedures.onboard import onboard
from provisioning.resources.registry import KINDS


def main(folder: Path) -> str:
    """What was planned, in one sentence."""
    site = Site.load(folder).inventory
    work = onboard("E1042").compile(site, Accounts())
    for name in {resource.kind for resource in work.resources}:  # as in `provision plan`, no other kind is loaded
        KINDS[name] = EmptySystem(KINDS[name])
    changes = planner.compare(work.resources, planner.read(work.resources, NoSessions()))
    documents = [change_document(change) for change in changes]
    return f"{len(documents)} changes\n"


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1])))
