"""Plans that were saved to a file, to be looked at and applied later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from provisioning.api.plan import Plan
from provisioning.engine import document
from provisioning.errors import RequestError, TargetError
from provisioning.intake.seats import seats_of_changes
from provisioning.procedures import registry
from provisioning.procedures.approvals import grounds
from provisioning.procedures.base import foreseen
from provisioning.procedures.extensions import claims
from provisioning.procedures.ownership import owners

if TYPE_CHECKING:
    from provisioning.api.site import Site


def read_plan(site: Site, file: Path) -> Plan:
    """The plan that ``provision plan --save`` wrote. Raises :class:`~provisioning.errors.RequestError`."""
    try:
        saved = document.PlanDocument.model_validate(json.loads(file.read_text(encoding="utf-8")))
        changes = tuple(document.read_change(change) for change in saved.changes)
    except OSError as exc:
        raise RequestError(f"{file}: {exc.strerror}; expected a plan that `provision plan --save FILE` wrote") from exc
    except (ValueError, KeyError, RecursionError, ValidationError) as exc:
        first = str(exc).splitlines()[0]
        raise RequestError(f"{file}: not a plan that `provision plan --save FILE` wrote ({first}); plan again") from exc
    proofs = tuple(document.read_proof(proof) for proof in saved.proofs)
    unread = {target: TargetError(target, reason) for target, reason in saved.unread.items()}
    request, books = registry.from_plain(saved.request), document.read_books(saved.books)
    # What needs approval is never taken from the file.
    return Plan(
        site,
        saved.title,
        saved.request,
        changes,
        proofs,
        tuple(saved.warnings),
        unread,
        sum(saved.counts.values()),
        grounds=grounds(
            foreseen(request, site.wired),
            changes,
            owners(site.wired, request, [(c.address, c.after) for c in changes]),
            amendments=[amendment for amendment, _ in books.amendments],
        ),
        extensions=claims(site.wired, ((change.address, change.after) for change in changes)),
        books=books,
        seats=seats_of_changes(site.wired, request, [c for c in changes if c.after is not None]),
    )
