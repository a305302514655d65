"""The whole site as one value. :mod:`provisioning.site.faults` keeps its promise that every cross-reference
leads somewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

from pydantic import Field

from provisioning.errors import RequestError
from provisioning.site.approvals import Approvals
from provisioning.site.audit import AuditRules
from provisioning.site.base import ComputerName, Identifier, Model
from provisioning.site.baseline import WorkstationBaseline
from provisioning.site.directory import Directory
from provisioning.site.equipment import Equipment
from provisioning.site.files import Files
from provisioning.site.handover import Handover, HandoverSetting
from provisioning.site.help_desk import HelpDesk, Language
from provisioning.site.hires import PersonnelExport, Spreadsheets
from provisioning.site.intranet import Browser, Intranet
from provisioning.site.leavers import Leavers
from provisioning.site.ledger import LedgerPlace
from provisioning.site.lines import closest
from provisioning.site.mail import Mail
from provisioning.site.network import Closet, Network, Outlet
from provisioning.site.people import Person, Profile
from provisioning.site.phones import Phones
from provisioning.site.printers import Printer
from provisioning.site.runs import Runs
from provisioning.site.secret_sources import SecretSources
from provisioning.site.servicedesk import ServiceDesk
from provisioning.site.software import Bundle, LicencePool, Package
from provisioning.site.steps import Procedure, Step
from provisioning.site.time_zone import TimeZone
from provisioning.site.transliteration import Naming
from provisioning.site.unattend import Unattend
from provisioning.site.user_data import UserDataRules, UserDataSetting
from provisioning.site.windows import Windows
from provisioning.site.workers import Workers
from provisioning.site.workplaces import Workplace, Workstation

V = TypeVar("V")


class Inventory(Model):
    """What exists at one site and what is allowed there. Built by :func:`provisioning.site.load.load`."""

    folder: Path = Field(description="the site's folder: relative secret references start here")
    handover: HandoverSetting = Field(
        default=Handover.model_construct(), description="how initial passwords are handed over", validate_default=True
    )
    secrets: SecretSources = Field(
        default=SecretSources.model_construct(),
        description="what vault: and hashicorp: references need",
        validate_default=True,
    )
    ledger: LedgerPlace = Field(
        default=Path(".ledger/ledger.sqlite"),
        description="SQLite file of the ledger, or url (and password) of a PostgreSQL database",
        validate_default=True,
    )
    workers: Workers = Field(default=Workers.model_construct(), description="how workers share what there is to do")
    runs: Runs = Field(
        default=Runs.model_construct(), description="how patient runs are with targets that do not answer"
    )
    directory: Directory
    mail: Mail
    intranet: Intranet
    browser: Browser = Browser.model_construct()
    network: Network
    windows: Windows
    workstation_baseline: WorkstationBaseline = Field(
        default=WorkstationBaseline.model_construct(), description="what every PC gets, whoever sits there"
    )
    user_data: UserDataSetting = Field(
        default=UserDataRules.model_construct(),
        description="what of a profile is moved and backed up",
        validate_default=True,
    )
    unattend: Unattend = Field(
        default=Unattend.model_construct(), description="how bare PCs are installed", validate_default=True
    )
    service_desk: ServiceDesk | None = Field(default=None, description="where the work log goes")
    closets: dict[Identifier, Closet]
    outlets: dict[Identifier, Outlet]
    workplaces: dict[Identifier, Workplace]
    workstations: dict[ComputerName, Workstation]
    printers: dict[Identifier, Printer] = Field(default_factory=dict)
    equipment: dict[Identifier, Equipment] = Field(default_factory=dict)
    software: dict[Identifier, Package]
    bundles: dict[Identifier, Bundle] = Field(
        default_factory=dict, description="packages that are asked for under one name"
    )
    licences: dict[Identifier, LicencePool] = Field(default_factory=dict)
    approvals: Approvals = Approvals.model_construct()
    audit: AuditRules = AuditRules.model_construct()
    time_zone: TimeZone | None = Field(
        default=None,
        description="zone of times without one, such as Europe/Berlin; the machine's own when left out",
    )
    language: Language = Field(default="en", description="of cards and reports, where nothing else is said")
    help_desk: HelpDesk | None = Field(default=None, description="whom people call when something does not work")
    naming: Naming = Field(
        default=Naming.model_construct(),
        description="how names become logins and mail addresses",
        validate_default=True,
    )
    phones: Phones | None = Field(default=None, description="extensions, the SIP exchange, desk phones")
    files: Files | None = Field(default=None, description="file servers, home folders, shares of departments")
    spreadsheets: Spreadsheets = Field(default=Spreadsheets.model_construct(), description="how CSV tables are read")
    hires: PersonnelExport = Field(
        default=PersonnelExport.model_construct(), description="how the export of the personnel office calls things"
    )
    leavers: Leavers | None = Field(default=None, description="where leavers' accounts go, how long they are kept")
    steps: dict[Procedure, tuple[Step, ...]] = Field(
        default_factory=dict, description="playbooks that run after a procedure"
    )
    profiles: dict[Identifier, Profile]
    people: dict[Identifier, Person]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """What is computed is computed again: pydantic would copy what the site before said."""
        copy = super().model_copy(update=update, deep=deep)
        for name, value in vars(Inventory).items():
            if isinstance(value, cached_property):
                copy.__dict__.pop(name, None)
        return copy

    @cached_property
    def worked_out(self) -> dict[Hashable, Any]:
        """What procedures worked out from the site alone, and is the same for many people or PCs: it is made once, kept
        here, and changed by nobody."""
        return {}

    @cached_property
    def workstation_at(self) -> Mapping[str, str]:
        """Workplace → workstation that stands there."""
        return {ws.workplace: name for name, ws in self.workstations.items() if ws.workplace}

    @cached_property
    def telephone_at(self) -> Mapping[str, str]:
        """Workplace → telephone that belongs to it."""
        return {device.workplace: name for name, device in self.equipment.items() if device.workplace}

    @cached_property
    def managed_groups(self) -> frozenset[str]:
        """The groups that profiles manage; nobody touches memberships of any other."""
        return frozenset({g for p in self.profiles.values() for g in p.groups} | {self.intranet.group})

    def person(self, key: str) -> Person:
        """Raises :class:`RequestError` with the nearest valid name when there is none."""
        return self._find("person", self.people, key)

    def workplace(self, key: str) -> Workplace:
        """Raises :class:`RequestError` with the nearest valid name when there is none."""
        return self._find("workplace", self.workplaces, key)

    def _find(self, what: str, things: Mapping[str, V], key: str) -> V:
        try:
            return things[key]
        except KeyError:
            unknown(what, key, things)


def unknown(what: str, key: str, known: Iterable[str]) -> NoReturn:
    """Raise the :class:`RequestError` for a name that the site does not have."""
    raise RequestError(f"the site has no {what} {key!r}{nearest(key, known)}")


def nearest(key: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` for the closest known name, or what to do when nothing is close."""
    found = closest(key, known)
    return f"; did you mean {found!r}?" if found else "; `provision show` lists what there is"
