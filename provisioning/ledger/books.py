"""What is written down with a run, beside its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioning.ledger.amendments import Amendment
from provisioning.ledger.custody import CustodyTransfer


@dataclass(frozen=True)
class Books:
    """`amendments`, each with what the site's files say; `custody` that is booked when the run has ended; `reserved`:
    login or mail address, in small letters → person who had it."""

    amendments: tuple[tuple[Amendment, str | None], ...] = ()
    custody: tuple[CustodyTransfer, ...] = ()
    reserved: Mapping[str, str] = field(default_factory=dict)
