"""A move at the reception desk: who, where to, the plan, yes.

python reception_move.py SITE     exit codes: 0 moved (or not wanted), 1 not possible, 3 partly done
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from provisioning import ProvisioningError, Site, move


def person_called(site: Site, words: str) -> str:
    """The key of the person with this key or name; `words` themselves when it is not clear who is meant."""
    people = site.wired.people
    wanted = set(words.casefold().split())
    found = [key for key, p in people.items() if wanted <= set(f"{p.given_name} {p.family_name}".casefold().split())]
    return found[0] if len(found) == 1 and words not in people else words


def move_somebody(folder: str) -> int:
    """The exit code after one move."""
    site = Site.load(folder)
    person = person_called(site, input("Who moves? (name or number) ").strip())
    plan = site.plan(move(site, person, input("To which desk? ").strip()))
    print(f"\n{plan.title}")
    for change in plan.changes:
        print(f"  {change.action:7} {change.address}")
    for warning in plan.warnings:
        print(f"  look: {warning}")
    if plan.is_empty or input("\nMove them? [y/N] ").strip().casefold() not in {"y", "yes"}:
        print("Nothing was changed.")
        return 0
    run = plan.apply()
    print(f"Run {run.id}: {run.state}.")
    for proof in run.record.proofs:
        print(f"  {'proven' if proof['passed'] else 'NOT PROVEN'}: {proof['name']} {proof['detail']}")
    return 0 if run.succeeded else 3


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line."""
    words = sys.argv[1:] if words is None else words
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 1
    try:
        return move_somebody(words[0])
    except ProvisioningError as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
