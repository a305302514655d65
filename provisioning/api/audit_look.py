"""The looking of an audit: what is read of which system, at once where it can be, and what could not be read."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from provisioning.api import audit_reading as reading
from provisioning.api import planning
from provisioning.api.audit_reading import Books, PcSeen
from provisioning.api.audit_scope import Scope
from provisioning.api.line_report import LineReport, SwitchCheck
from provisioning.api.lines import check_lines
from provisioning.api.readable import Remembering
from provisioning.engine import planner
from provisioning.engine.events import Listener
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, Reading, TargetSessions
from provisioning.errors import ProvisioningError, RejectedError, RequestError, SecretError, TargetError
from provisioning.procedures.audit import Area, Unread, area_of
from provisioning.procedures.audit_repair import rest_about, the_rest
from provisioning.procedures.audit_work import Compiled, compile_each
from provisioning.procedures.base import Accounts
from provisioning.procedures.line_places import wanted_ports
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Resource
from provisioning.resources.directory.survey import Survey
from provisioning.site import Inventory

__all__ = ["Auditable", "Look", "Seen"]

T = TypeVar("T")

_OF_ACCOUNTS: tuple[Area, ...] = ("directory", "mail", "phones", "files")
"""Areas in which things cannot be compared without knowing whose account is whose."""

_OF_NO_ACCOUNT: frozenset[Area] = frozenset({"orders", "site"})
_OF_LEDGER: tuple[Area, ...] = ("licences", "equipment", "phones", "orders", "site")
_OF_SWITCHES: tuple[Area, ...] = ("ports", "equipment")
_OF_PCS: tuple[Area, ...] = ("software", "settings", "licences")


class Auditable(Remembering, Protocol):
    """And what the site's files say."""

    @property
    def inventory(self) -> Inventory: ...


@dataclass(frozen=True)
class Seen:
    """Everything that an audit judges. What is ``None`` was not asked for or could not be read."""

    files: Inventory
    inventory: Inventory
    scope: Scope
    books: Books
    accounts: Accounts | None
    survey: Survey | None
    subscribers: frozenset[str] | None
    folders: tuple[str, Sequence[str]] | None
    lines: LineReport | None
    compiled: Compiled
    resources: tuple[Resource, ...]
    reading: Reading
    pcs: tuple[PcSeen, ...]
    packages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """PC → what a plan would have there, as the packages are shown."""

    @property
    def looked(self) -> Mapping[str, int]:
        """How much was looked at."""
        return {
            "people": len(self.compiled.persons),
            "accounts": len(self.survey.accounts) if self.survey is not None else 0,
            "things": len(self.reading.found),
            "PCs": sum(not pc.error for pc in self.pcs),
            "switches": sum(not one.error for one in self.lines.switches) if self.lines is not None else 0,
        }


@dataclass(frozen=True)
class Forgiving:
    """`sessions`, of which one that cannot be opened because of the site or its secrets is like one that does not
    answer: it is named, and hides nothing else."""

    sessions: TargetSessions

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        """Raises nothing but :class:`TargetError` for what is wrong with one target."""
        try:
            with self.sessions.session(target) as session:
                yield session
        except (SecretError, RequestError) as exc:
            raise RejectedError(target, str(exc)) from exc

    def drop(self, target: str) -> None:
        """As ever."""
        self.sessions.drop(target)


class Look:
    """One look at the site. `unread` and `notes` fill while it is taken."""

    def __init__(
        self, site: Auditable, inventory: Inventory, scope: Scope, areas: Sequence[Area], listener: Listener | None
    ) -> None:
        self._site = site
        self._inventory = inventory
        self._scope = scope
        self._areas = frozenset(areas)
        self._listener = listener
        self._guard = threading.Lock()  # several systems may not answer at once
        self.unread: list[Unread] = []
        self.notes: list[str] = []

    def take(self) -> Seen:
        """First what stands alone; then what the plan of the site is about, for which accounts must be known."""
        books = self._try("the ledger", _OF_LEDGER, self._books) or Books()
        with self._site.reading(self._listener, "an audit") as opened:
            sessions = Forgiving(opened)
            workers = ThreadPoolExecutor(MAX_TARGETS_AT_ONCE, "audit")
            try:
                return self._take(books, sessions, workers)
            finally:
                workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead system may take its whole timeout

    def _take(self, books: Books, sessions: TargetSessions, workers: ThreadPoolExecutor) -> Seen:
        survey = workers.submit(self._survey, sessions)
        subscribers = workers.submit(self._subscribers, sessions)
        folders = workers.submit(self._folders, sessions)
        lines = workers.submit(self._lines)
        accounts = self._accounts(sessions)
        checked = lines.result()  # before its switches are read again
        compiled = self._compile(accounts)
        of_target: dict[str, list[Resource]] = defaultdict(list)
        for resource in compiled.resources:
            of_target[resource.target].append(resource)
        pcs = self._pcs(of_target, sessions, workers)
        others = tuple(r for target, there in of_target.items() if not target.startswith("windows:") for r in there)
        read = self._read(others, checked, sessions)
        return Seen(
            self._site.inventory,
            self._inventory,
            self._scope,
            books,
            accounts,
            survey.result(),
            subscribers.result(),
            folders.result(),
            checked,
            compiled,
            others,
            read,
            self._seen(pcs),
            {
                target.partition(":")[2]: frozenset(r.key for r in there if r.kind == "windows.package")
                for target, there in of_target.items()
                if target.startswith("windows:")
            },
        )

    # -- what stands alone ---------------------------------------------------------------------------------------------

    def _books(self) -> Books:
        return reading.read_books(self._inventory, self._site.ledger) if self._site.has_ledger else Books()

    def _survey(self, sessions: TargetSessions) -> Survey | None:
        if not self._areas & {"directory"}:
            return None
        people = self._inventory.people
        leavers = [key for key, person in people.items() if person.left is not None]
        whole = self._scope.is_whole
        numbers = leavers if whole else [*self._scope.persons, *(self._scope.names & frozenset(leavers))]
        found = self._try(
            "directory", ("directory",),
            lambda: reading.read_accounts_of_units(self._inventory, numbers, sessions, whole=whole),
        )  # fmt: skip
        for unit, reason in found.unread.items() if found is not None else ():
            self._add(Unread(f"directory: {unit}", ("directory",), reason))
        return found

    def _subscribers(self, sessions: TargetSessions) -> frozenset[str] | None:
        if "phones" not in self._areas or self._inventory.phones is None:
            return None
        return self._try("phones", ("phones",), lambda: reading.read_subscribers(sessions))

    def _folders(self, sessions: TargetSessions) -> tuple[str, Sequence[str]] | None:
        files = self._inventory.files
        if "files" not in self._areas or files is None or files.homes is None or not self._scope.is_whole:
            return None
        server = f"files:{files.homes.server}"
        return self._try(server, ("files",), lambda: reading.read_home_folders(self._inventory, sessions))

    def _lines(self) -> LineReport | None:
        if not self._areas & set(_OF_SWITCHES) or not self._scope.switches:
            return None
        asked = tuple(area for area in _OF_SWITCHES if area in self._areas)
        names = self._scope.switches
        try:
            report = check_lines(self._site, names, self._listener, keep=False)
        except ProvisioningError as exc:  # the secret that they share leads nowhere, for example
            report = LineReport(datetime.now(UTC), tuple(SwitchCheck(name, error=str(exc)) for name in names), ())
        for switch in report.switches:
            if switch.error:
                self._add(Unread(f"switch:{switch.name}", asked, switch.error))
            self.notes += [f"{switch.name}: {note}" for note in switch.notes]
        return report

    # -- what the plan is about ----------------------------------------------------------------------------------------

    def _accounts(self, sessions: TargetSessions) -> Accounts | None:
        """Whose account is whose. An exchange that does not answer takes the telephones out of the audit, not more."""
        if not self._scope.persons or self._areas <= _OF_NO_ACCOUNT:
            return Accounts()
        request = onboard(*self._scope.persons)
        ledger = self._site.ledger if self._site.has_ledger else None
        try:
            return planning.accounts(self._inventory, request, sessions, lambda: ledger)
        except TargetError as exc:
            self._add(Unread(exc.target, _OF_ACCOUNTS if exc.target == "directory" else ("phones",), exc.message))
            if exc.target != "phones":
                why = "" if any(one.what == exc.target for one in self.unread) else f" ({exc.message})"
                self.notes.append(
                    f"who has an account yet could not be told{why}: what people without one lack is named, too"
                )
                return None
        self._inventory = self._inventory.model_copy(update={"phones": None})
        return self._accounts(sessions)

    def _compile(self, accounts: Accounts | None) -> Compiled:
        """The site's plan for those who have an account (who has none is one finding, not twenty)."""
        known = self._scope.persons
        if accounts is not None:
            known = tuple(key for key in known if key in accounts.logins)
        whole, names = self._scope.is_whole, self._scope.names
        rest = the_rest(self._inventory) if whole else rest_about(self._inventory, names)
        asked = partial(self._is_asked, accounts)
        compiled = compile_each(self._inventory, known, accounts or Accounts(), rest, asked)
        if named := [] if whole else sorted(names.intersection(self._inventory.network.switches)):
            compiled = compiled.with_more(filter(asked, wanted_ports(self._inventory, named)[0]))
        for what, reason in compiled.refused.items():
            self._add(Unread(what, tuple(self._areas & {"directory", "mail", "ports", "software", "settings"}), reason))
        for address in compiled.torn:
            reason = "two people or devices need it to be different; correct the site"
            self._add(Unread(str(address), (area_of(address.kind),), reason))
        return compiled

    def _is_asked(self, accounts: Accounts | None, resource: Resource) -> bool:
        area, system = area_of(resource.kind), resource.target.partition(":")[0]
        if accounts is None and (area in _OF_ACCOUNTS or system in {"directory", "phones", "phone-files", "files"}):
            return False
        return area in self._areas or (system == "windows" and "licences" in self._areas)

    def _pcs(
        self, of_target: Mapping[str, Sequence[Resource]], sessions: TargetSessions, workers: ThreadPoolExecutor
    ) -> list[Future[PcSeen]]:
        if not self._areas & set(_OF_PCS):
            return []
        return [
            workers.submit(reading.read_pc, self._inventory, name, of_target.get(f"windows:{name}", ()), sessions)
            for name in self._scope.pcs
        ]

    def _seen(self, pcs: Sequence[Future[PcSeen]]) -> tuple[PcSeen, ...]:
        seen = tuple(pc.result() for pc in pcs)
        asked = tuple(area for area in _OF_PCS if area in self._areas)
        for pc in seen:
            if pc.error or pc.warning:
                self._add(Unread(f"windows:{pc.name}", asked, pc.error or pc.warning))
        return seen

    def _read(self, resources: Sequence[Resource], lines: LineReport | None, sessions: TargetSessions) -> Reading:
        """What the systems say of `resources`. Switches that the check of the lines has read are not read again, nor
        are those that did not answer it."""
        known = lines.found if lines is not None else {}
        dead = {
            f"switch:{one.name}": TargetError(f"switch:{one.name}", one.error)
            for one in (lines.switches if lines is not None else ()) if one.error
        }  # fmt: skip
        left = [one for one in resources if one.address not in known and one.target not in dead]
        read = planner.read(left, sessions)
        self._miss(resources, read.unread)
        here = {one.address: known[one.address] for one in resources if one.address in known}
        return Reading({**read.found, **here}, {**read.unread, **dead})

    def _miss(self, resources: Sequence[Resource], unread: Mapping[str, TargetError]) -> None:
        for target, error in unread.items():
            areas = dict.fromkeys(area_of(resource.kind) for resource in resources if resource.target == target)
            self._add(Unread(target, tuple(areas), error.message))

    # -- what could not be read ----------------------------------------------------------------------------------------

    def _try(self, what: str, areas: Sequence[Area], look: Callable[[], T]) -> T | None:
        try:
            return look()
        except ProvisioningError as exc:
            message = exc.message if isinstance(exc, TargetError) else str(exc)
            self._add(Unread(what, tuple(area for area in areas if area in self._areas), message))
            return None

    def _add(self, unread: Unread) -> None:
        """Once a target: the reason that was given first, with all areas that miss it."""
        with self._guard:
            known = {one.what: one for one in self.unread}
            former = known.get(unread.what, unread)
            areas = (frozenset(unread.areas) | frozenset(former.areas)) & self._areas
            if areas:
                known[unread.what] = Unread(unread.what, tuple(sorted(areas)), former.reason)
                self.unread = list(known.values())
