"""What an audit says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provisioning.procedures.audit import AREAS, SEVERITIES, Area, Finding, Unread
from provisioning.procedures.audit_repair import Repair

__all__ = ["AuditReport"]


@dataclass(frozen=True)
class AuditReport:
    """What was found, worst first. `areas` are those that were asked for, `unread` what could not be judged and why,
    `notes` what else is worth knowing, `looked` how many things of each sort were looked at. `repair` is the request
    that makes everything as the site says that a program can; nothing when there is nothing of the sort."""

    site: str
    at: datetime
    areas: tuple[Area, ...]
    findings: tuple[Finding, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    looked: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    repair: Repair | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that somebody should look at (remarks are worth knowing, no more)."""
        return all(finding.severity == "remark" for finding in self.findings)

    @property
    def is_whole(self) -> bool:
        """Whether everything could be judged."""
        return not self.unread

    def count(self, area: str, severity: str) -> int:
        """How many findings of one severity an area has."""
        return sum(one.area == area and one.severity == severity for one in self.findings)

    def to_document(self) -> dict[str, Any]:
        """Plain data: ``{format, site, at, seconds, clean, whole, areas, counts: {area: {severity: n}}, findings:
        [{area, sort, subject, severity, sentence, expected, found, repair, repairable}], unread: [{what, areas,
        reason}], notes, looked: {thing: n}}``."""
        return {
            "format": 1,
            "site": self.site,
            "at": self.at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "clean": self.is_clean,
            "whole": self.is_whole,
            "areas": list(self.areas),
            "counts": {
                area: {severity: self.count(area, severity) for severity in SEVERITIES}
                for area in AREAS
                if area in self.areas
            },
            "findings": [finding.to_plain() for finding in self.findings],
            "unread": [one.to_plain() for one in self.unread],
            "notes": list(self.notes),
            "looked": dict(self.looked),
        }
