"""What is written down with a run, beside its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioning.ledger.amendments import Amendment
from provisioning.ledger.custody import CustodyTransfer


@dataclass(frozen=True)
class Books:
    """`amendments`, each with what the site's files say; `custody` that is booked when the run has ended; `reserved`:
    login or mail address, in small letters → person who had it. `now`: section, key and field of an amendment → what
    holds until then, where an earlier procedure made it something else than the files say (for people to read)."""

    amendments: tuple[tuple[Amendment, str | None], ...] = ()
    custody: tuple[CustodyTransfer, ...] = ()
    reserved: Mapping[str, str] = field(default_factory=dict)
    now: Mapping[tuple[str, str, str], str | None] = field(default_factory=dict)

    @property
    def stand_alone(self) -> bool:
        """Whether they are worth a run by themselves: amendments, and custody that comes with a document. (What
        somebody is handed with a desk goes along with the desk.)"""
        return bool(self.amendments) or any(one.document for one in self.custody)
