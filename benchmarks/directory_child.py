"""Our own contestant in the directory's benchmarks, as a process of its own:
``python -m benchmarks.directory_child apply|plan SITE PEOPLE.json``.

It does what a program with our Python API, or a task of the modules ``domain_user`` and ``group_membership``, does:
load the site, ask for the accounts and memberships, plan, and (``apply``) carry the plan out with journal,
verification, hand-over of initial passwords and work log. It prints one line of JSON: what came of it, and what the
process took.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provisioning.api import Site
from provisioning.procedures.ensure import ensure
from provisioning.resources.base import Address, Resource
from provisioning.resources.directory.membership import Memberships
from provisioning.resources.directory.user import User


def resources(people: list[dict[str, Any]]) -> Iterator[Resource]:
    """One account and one membership a person; an account comes after that of its manager."""
    accounts = {one["login"]: Address("directory.user", "directory", one["login"]) for one in people}
    for one in people:
        account, manager = accounts[one["login"]], accounts.get(one["user"]["manager"])
        user, before = User.from_plain(one["user"]), frozenset({manager} if manager else ())
        yield Resource(account.kind, account.target, account.key, user, before)
        groups = Memberships.from_plain({"groups": one["groups"]})
        yield Resource("directory.membership", "directory", one["login"], groups, frozenset({account}))


def main(what: str, folder: Path, file: Path) -> int:
    """Do it; 1 when a change was not verified."""
    began = time.perf_counter()
    site = Site.load(folder)
    asked = ensure("accounts", resources(json.loads(file.read_text(encoding="utf-8"))))
    told: dict[str, Any] = {"loaded": time.perf_counter() - began}
    good = True
    with site.kept_open():
        plan = site.plan(asked)
        told |= {"planned": time.perf_counter() - began, "things": plan.resources, "changes": len(plan.changes)}
        told["differences"] = [f"{one.address}: {sorted(one.differences())}" for one in plan.changes[:5]]
        good = not plan.unread
        if what == "apply":
            run = plan.apply()
            good = run.succeeded
            told |= {"applied": time.perf_counter() - began, "state": run.state}
    status = Path("/proc/self/status").read_text(encoding="ascii")
    told["MiB"] = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024
    told["cpu"] = sum(os.times()[:2])
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
