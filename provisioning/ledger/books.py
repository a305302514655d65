"""What is written down with a run, beside its changes: amendments of the site, custody, patch orders. Plain frozen
values (of how they are kept, see the modules of these names); times are UTC, ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Section = Literal["people", "workstations", "equipment"]

CustodyState = Literal["planned", "booked", "void"]

STORE = "store"
"""Who has what nobody was given."""

PLACES = (STORE, "repair", "scrap")
"""Holders that are no persons."""

PatchOrderState = Literal["open", "closed", "cancelled"]

Port = tuple[str, str]
"""Switch and interface."""


@dataclass(frozen=True)
class Amendment:
    """From now on the thing `key` of a section of the site has `value` (``None``: nothing) in `field`."""

    section: Section
    key: str
    field: str
    value: str | None

    @property
    def subject(self) -> tuple[Section, str, str]:
        """What it speaks of: one field of one thing."""
        return self.section, self.key, self.field


@dataclass(frozen=True)
class AmendmentRecord(Amendment):
    """An amendment as the ledger remembers it: `was` is what the site's files said."""

    was: str | None
    run_id: int
    at: str
    withdrawn: str | None


@dataclass(frozen=True)
class CustodyTransfer:
    """`asset` (an asset tag, the key of a device, ``licence:<pool>``) goes to a person, or to one of :data:`PLACES`.

    `document` is the paper that says so (a ticket, a receipt).
    """

    asset: str
    to: str
    document: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class CustodyRecord(CustodyTransfer):
    """A transfer as the ledger remembers it. `former` is who had the asset before; `run_id` is missing where it was
    booked by hand."""

    id: int = 0
    former: str = STORE
    who: str = ""
    run_id: int | None = None
    at: str = ""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a technician is asked to do. `purpose` is a workplace, a device or a port profile; `cable` has ``colour``
    (or none) and ``metres``; `vlan` is where the expected MAC address must be seen."""

    outlet: str
    closet: str
    panel: str
    panel_port: int
    switch: str
    switch_port: str
    purpose: str
    vlan: int | None
    expected_mac: str | None
    cable: Mapping[str, Any]
    label: str


@dataclass(frozen=True, kw_only=True)
class NewPatchOrder(_Asked):
    """An order before it has its number. `allocate`: the port is given to the outlet by the ledger, because the site's
    files do not name one."""

    allocate: bool = True


@dataclass(frozen=True, kw_only=True)
class PatchOrder(_Asked):
    """An order as the ledger remembers it. `closed` is when it was closed or cancelled, `reason` why it was cancelled,
    `proof` what was seen when it was closed."""

    number: int
    state: PatchOrderState
    opened: str
    who: str
    closed: str | None
    reason: str | None
    proof: Mapping[str, Any] | None
    run_id: int


@dataclass(frozen=True)
class FirstSeen:
    """When and where a run first proved that a device is on its port."""

    at: str
    switch: str
    port: str
    run_id: int


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
