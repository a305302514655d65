"""What an audit finds: one shape for everything that is not as the site says, whichever system it is in. Pure.

What is judged is in ``audit_*.py``, one file a subject; nothing is ever changed because of a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from provisioning.ledger.books import CustodyTransfer
from provisioning.procedures.lines import Weight
from provisioning.resources.base import Address
from provisioning.site import Inventory

__all__ = ["AREAS", "SEVERITIES", "Area", "Finding", "Unread", "area_of", "has_left", "matches"]

Area = Literal[
    "directory", "mail", "ports", "software", "settings", "licences", "equipment", "phones", "files", "intranet",
    "orders", "site",
]  # fmt: skip
"""What of a site is looked at. ``settings`` are those of PCs (browser policies, registry, printers); ``site`` is what
the site's own files and the ledger say against each other."""

AREAS: tuple[Area, ...] = get_args(Area)
SEVERITIES: tuple[Weight, ...] = get_args(Weight)

_OF_KIND: Mapping[str, Area] = {
    "windows.package": "software",
    "windows.restart": "software",
    "network.reservation": "equipment",
}
_OF_SYSTEM: Mapping[str, Area] = {
    "directory": "directory", "mail": "mail", "switch": "ports", "windows": "settings", "phones": "phones",
    "files": "files", "intranet": "intranet", "network": "ports",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the site says.

    `sort` is a fixed word for programs, `sentence` has no full stop. `repair` is a command, or what a person has to do.
    `address`, `transfer`: ``provision audit --repair`` sets this right, or books this. `about` are the names in the
    site (people, PCs, desks, devices) that it is about, `person` whose it is.
    """

    area: Area
    sort: str
    subject: str
    severity: Weight
    sentence: str
    expected: str = ""
    found: str = ""
    repair: str = ""
    address: Address | None = None
    about: frozenset[str] = frozenset()
    person: str = ""
    transfer: CustodyTransfer | None = None

    @property
    def is_repairable(self) -> bool:
        """Whether a plan can set it right."""
        return self.address is not None or self.transfer is not None

    @property
    def order(self) -> tuple[Any, ...]:
        """Worst first, then area by area."""
        return SEVERITIES.index(self.severity), AREAS.index(self.area), self.sort, self.subject, self.sentence

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready: ``{area, sort, subject, person, severity, sentence, expected, found, repair, repairable}``."""
        names = ("area", "sort", "subject", "person", "severity", "sentence", "expected", "found", "repair")
        return {**{name: getattr(self, name) for name in names}, "repairable": self.is_repairable}


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be judged: a target, or something of the site, with the areas that miss it."""

    what: str
    areas: tuple[Area, ...]
    reason: str

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"what": self.what, "areas": list(self.areas), "reason": self.reason}


def area_of(kind: str) -> Area:
    """The area that a kind of resource belongs to."""
    return _OF_KIND.get(kind) or _OF_SYSTEM.get(kind.partition(".")[0], "settings")


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name fits one of the patterns, in which only ``*`` is special; case does not matter."""
    folded = (pattern.casefold().replace("[", "[[]").replace("?", "[?]") for pattern in patterns)
    return any(fnmatchcase(name.casefold(), pattern) for pattern in folded)


def has_left(inventory: Inventory, person: str, today: date) -> bool:
    """Whether a person's last day is over."""
    known = inventory.people.get(person)
    return known is not None and known.left is not None and known.left < today
