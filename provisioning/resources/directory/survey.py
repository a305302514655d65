"""Facts for an audit: every account below some units, and every account that carries one of some numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.connections.distinguished_names import canonical
from provisioning.errors import RejectedError
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Entry

__all__ = ["Survey", "Surveyed", "outermost", "survey"]

_ATTRIBUTES = ["sAMAccountName", "employeeID", "name", "userAccountControl"]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One user account. `number` is its employeeID; empty where it has none."""

    login: str
    number: str
    name: str
    enabled: bool

    @property
    def named(self) -> str:
        """``anna.petrova (Anna Petrova)``."""
        return f"{self.login} ({self.name})" if self.name and self.name != self.login else self.login


@dataclass(frozen=True)
class Survey:
    """What was found, by login, and why a unit could not be searched."""

    accounts: tuple[Surveyed, ...]
    unread: Mapping[str, str]


def survey(session: DirectorySession, units: Collection[str], numbers: Iterable[str] = ()) -> Survey:
    """All user accounts below `units` (DNs), and those that carry one of `numbers`, wherever they are. One search a
    unit (nested ones go with the outermost) and one for every 50 numbers."""
    found: dict[str, Surveyed] = {}
    unread: dict[str, str] = {}
    for unit in outermost(units):
        try:
            entries = session.search(ad.USERS.format(""), _ATTRIBUTES, base=unit)
        except RejectedError as exc:
            unread[unit] = exc.message
            continue
        found |= {entry.dn: _surveyed(entry) for entry in entries}
    conditions = ad.one_of("employeeID", sorted(set(numbers)))
    found |= {entry.dn: _surveyed(entry) for entry in session.search_many(conditions, _ATTRIBUTES)}
    return Survey(tuple(sorted(found.values(), key=lambda one: one.login.casefold())), unread)


def outermost(units: Iterable[str]) -> list[str]:
    """The units that are below none of the others, in canonical spelling."""
    every = sorted({canonical(unit) for unit in units}, key=len)
    kept: list[str] = []
    for unit in every:
        if not any(f",{unit}".casefold().endswith(f",{other}".casefold()) for other in kept):
            kept.append(unit)
    return sorted(kept)


def _surveyed(entry: Entry) -> Surveyed:
    return Surveyed(
        entry.text("sAMAccountName") or "",
        entry.text("employeeID") or "",
        entry.text("name") or "",
        not (entry.number("userAccountControl") or 0) & ad.DISABLED,
    )
