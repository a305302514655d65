"""What an audit reads beside the things of a plan: whole sets (accounts, subscribers, home folders), PCs, and the
books. Everything in batches: no read a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.engine import planner
from provisioning.engine.planner import TargetSessions
from provisioning.errors import ProvisioningError, RequestError, TargetError
from provisioning.intake.amended import overtaken, said
from provisioning.intake.extensions import held_extensions
from provisioning.intake.requests import OPEN
from provisioning.ledger import AmendmentRecord, PatchOrder
from provisioning.ledger.books import PatchOrderState
from provisioning.procedures.audit_books import SEATS, SeatHeld
from provisioning.procedures.audit_pcs import PcFinding, judge_changes, judge_installed, packages_there
from provisioning.procedures.audit_records import Standing
from provisioning.resources.base import Address, Resource
from provisioning.resources.directory.survey import Survey, survey
from provisioning.resources.phones.subscriber import taken
from provisioning.resources.windows.entries import entries, entries_of_people, read_packages
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_ALL = 1_000_000
_OPEN_ORDERS: tuple[PatchOrderState, ...] = ("open",)


@dataclass(frozen=True)
class Books:
    """What the ledger says: seats, custody, extensions (range → extension → person), amendments in force, open patch
    orders, and what is asked for already (person → words)."""

    seats: tuple[SeatHeld, ...] = ()
    holders: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    amendments: tuple[AmendmentRecord, ...] = ()
    orders: tuple[PatchOrder, ...] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)


def read_books(inventory: Inventory, ledger: Ledger) -> Books:
    """A handful of queries. Raises :class:`~provisioning.errors.LedgerError`."""
    seats = (one for one in ledger.allocations() if one.pool.startswith(SEATS))
    return Books(
        tuple(SeatHeld(one.pool.removeprefix(SEATS), one.item, one.holder) for one in seats),
        ledger.holders(),
        held_extensions(inventory.phones, ledger) if inventory.phones is not None else {},
        tuple(ledger.amendments()),
        tuple(ledger.patch_orders(_ALL, states=_OPEN_ORDERS)),
        {
            str(person): f"request {request.id} ({request.state}, from {request.start[:10]}) asks for it"
            for request in ledger.requests(_ALL, states=OPEN)
            for person in request.request.get("persons", ())
        },
    )


def standings(files: Inventory, records: Iterable[AmendmentRecord]) -> list[Standing]:
    """Each amendment with what the site's files say now."""
    return [Standing(record, said(files, record), overtaken(files, record)) for record in records]


def read_accounts_of_units(
    inventory: Inventory, numbers: Iterable[str], sessions: TargetSessions, *, whole: bool = True
) -> Survey:
    """Every account in the units of the profiles (where the `whole` site is asked for), and whoever carries one of
    `numbers`. Raises :class:`~provisioning.errors.TargetError`."""
    units = {profile.ou for profile in inventory.profiles.values()} if whole else set()
    with sessions.session("directory") as session:
        return survey(session, units, numbers)


def read_subscribers(sessions: TargetSessions) -> frozenset[str]:
    """Every extension that the exchange has a subscriber for. Raises :class:`~provisioning.errors.TargetError`."""
    with sessions.session("phones") as session:
        return taken(session)


def read_home_folders(inventory: Inventory, sessions: TargetSessions) -> tuple[str, list[str]]:
    """The path of the home folders (with its share) and the folders there. Raises
    :class:`~provisioning.errors.TargetError`."""
    homes = inventory.files.homes if inventory.files is not None else None
    if homes is None:
        return "", []
    path = "\\".join(filter(None, (homes.share, homes.folder)))
    with sessions.session(f"files:{homes.server}") as session:
        return path, session.folders(path)


@dataclass(frozen=True)
class PcSeen:
    """What was seen on one PC. `there` are packages of the catalogue; `repairable` those that a plan would bring up to
    date (as they are shown → address)."""

    name: str
    findings: tuple[PcFinding, ...] = ()
    packages: int = 0
    there: frozenset[str] = frozenset()
    repairable: Mapping[str, Address] = field(default_factory=dict)
    error: str = ""
    warning: str = ""


def read_pc(inventory: Inventory, name: str, wanted: Sequence[Resource], sessions: TargetSessions) -> PcSeen:
    """Compare what is installed on a PC, and what `wanted` says of it. A PC that does not answer says why."""
    target = f"windows:{name}"
    files = [p.display_name for p in inventory.software.values() if p.detect is not None and p.detect.file is not None]
    try:
        try:
            with sessions.session(target) as session:
                installed = [*entries(session), *entries_of_people(session)]
                by_file = read_packages(session, files) if files else {}
        finally:
            sessions.drop(target)
    except TargetError as exc:
        return PcSeen(name, error=exc.message)
    except ProvisioningError as exc:
        return PcSeen(name, error=str(exc))
    findings = [*judge_installed(inventory, installed, by_file)]
    there = packages_there(inventory, installed, by_file)
    reading = planner.read(wanted, sessions)
    if reading.unread:
        warning = next(iter(reading.unread.values())).message
        return PcSeen(name, tuple(findings), len(installed), there, warning=warning)
    try:
        changes = planner.compare(wanted, reading)
    except RequestError as exc:
        return PcSeen(name, tuple(findings), len(installed), there, warning=str(exc))
    findings += judge_changes(changes, reading.found)
    packages = {c.key: c.address for c in changes if c.address.kind == "windows.package" and c.before is not None}
    return PcSeen(name, tuple(findings), len(installed), there, packages)
