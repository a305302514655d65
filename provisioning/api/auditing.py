"""``audit``: the whole site against reality. Areas are read in parallel, and one that cannot be read hides no other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from provisioning.api.audit_judging import judge, repair_of
from provisioning.api.audit_look import Auditable, Look
from provisioning.api.audit_report import AuditReport
from provisioning.api.audit_scope import areas_of, scope_of
from provisioning.engine.events import Listener

__all__ = ["AuditReport", "audit"]


def audit(
    site: Auditable, names: Sequence[str] = (), areas: Sequence[str] = (), listener: Listener | None = None
) -> AuditReport:
    """Compare the site with reality: all of it, or what `names` (people, PCs, workplaces, equipment, switches) mean; in
    all areas (:data:`~provisioning.procedures.audit.AREAS`), or in those of `areas`. Changes nothing.

    A device that somebody is at work on is waited for (`listener` is told). What cannot be read is named with the
    reason. Raises :class:`~provisioning.errors.RequestError` for names and areas that do not exist.
    """
    begun, at = time.monotonic(), datetime.now(UTC)
    chosen = areas_of(areas)
    inventory = site.wired
    scope = scope_of(inventory, names)
    look = Look(site, inventory, scope, chosen, listener)
    seen = look.take()
    findings = (finding for finding in judge(seen, at) if finding.area in chosen and scope.holds(finding))
    found = tuple(sorted(dict.fromkeys(findings), key=lambda finding: finding.order))
    return AuditReport(
        inventory.directory.domain,
        at,
        chosen,
        found,
        tuple(look.unread),
        tuple(dict.fromkeys(look.notes)),
        seen.looked,
        time.monotonic() - begun,
        repair_of(seen, found),
    )
