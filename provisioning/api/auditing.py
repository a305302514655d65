"""``audit``: reading PCs and judging them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from provisioning.api import planning
from provisioning.api.readable import Readable
from provisioning.engine import planner
from provisioning.engine.events import Listener
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, TargetSessions
from provisioning.errors import ProvisioningError, RequestError, TargetError
from provisioning.procedures.audit import Finding, PcAudit, judge_changes, judge_installed
from provisioning.procedures.base import Accounts
from provisioning.procedures.onboard import onboard
from provisioning.resources.base import Resource
from provisioning.resources.windows.entries import Entry, entries, entries_of_people, read_packages
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.site import Inventory
from provisioning.site.inventory import unknown


@dataclass(frozen=True)
class AuditReport:
    """What an audit says of each PC."""

    pcs: tuple[PcAudit, ...]

    @property
    def is_clean(self) -> bool:
        """Whether every PC was read and nothing was found."""
        return not any(pc.findings or pc.error for pc in self.pcs)

    def to_document(self) -> dict[str, Any]:
        """Plain data: ``{pcs: [{name, packages, findings: [{sort, thing, found, expected, detail, kind}],
        warnings, error}]}``."""
        return {
            "pcs": [
                {
                    "name": pc.name,
                    "packages": pc.packages,
                    "findings": [vars(finding) for finding in pc.findings],
                    "warnings": list(pc.warnings),
                    "error": pc.error or None,
                }
                for pc in self.pcs
            ]
        }


def audit(site: Readable, names: Sequence[str], listener: Listener | None = None) -> AuditReport:
    """Compare PCs (all of the site when none is named) with the catalogue and with what their people should have.
    Changes nothing. A PC that somebody is at work on is waited for (`listener` is told); one that does not answer is
    named with the reason. Raises :class:`RequestError` for a PC that the site does not have."""
    inventory = site.wired
    for name in names:
        if name not in inventory.workstations:
            unknown("workstation", name, inventory.workstations)
    chosen = tuple(dict.fromkeys(names)) or tuple(inventory.workstations)
    if not chosen:
        return AuditReport(())
    with site.reading(listener, "an audit") as pool:
        accounts, warning = _accounts(inventory, chosen, pool)

        def one(name: str) -> PcAudit:
            return _audit(inventory, name, accounts, warning, pool)

        workers = ThreadPoolExecutor(min(len(chosen), MAX_TARGETS_AT_ONCE), "audit")
        try:
            return AuditReport(tuple(workers.map(one, chosen)))
        finally:
            workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead PC may take its whole timeout


def _people(inventory: Inventory, pc: str) -> tuple[str, ...]:
    """Who has the desk that a PC stands at."""
    desk = inventory.workstations[pc].workplace
    return tuple(key for key, person in inventory.people.items() if desk is not None and person.workplace == desk)


def _accounts(inventory: Inventory, pcs: Iterable[str], pool: TargetSessions) -> tuple[Accounts | None, str]:
    """Who has which account, for what the PCs should have; without the directory that is not judged."""
    people = dict.fromkeys(person for pc in pcs for person in _people(inventory, pc))
    if not people:
        return Accounts(), ""
    try:
        return planning.accounts(inventory, onboard(*people), pool), ""
    except TargetError as exc:
        return None, f"what should be there was not judged: {exc}"


def _audit(inventory: Inventory, name: str, accounts: Accounts | None, warning: str, pool: TargetSessions) -> PcAudit:
    warnings = [warning] if warning else []
    wanted: list[Resource] = []
    people = _people(inventory, name)
    if accounts is not None and people:
        try:
            work = onboard(*people).compile(inventory, accounts)
            wanted = [resource for resource in work.resources if resource.target == f"windows:{name}"]
        except RequestError as exc:
            warnings.append(f"what should be there was not judged: {exc}")
    try:
        installed, by_file = _installed(inventory, name, pool)
        findings = [*judge_installed(inventory, installed, by_file)]
        findings += _should_be(wanted, pool, warnings)
    except TargetError as exc:
        return PcAudit(name, error=exc.message, warnings=tuple(warnings))
    except ProvisioningError as exc:
        return PcAudit(name, error=str(exc), warnings=tuple(warnings))
    return PcAudit(name, tuple(findings), len(installed), "", tuple(warnings))


def _installed(
    inventory: Inventory, name: str, pool: TargetSessions
) -> tuple[list[Entry], Mapping[str, InstalledPackage]]:
    target = f"windows:{name}"
    files = [p.display_name for p in inventory.software.values() if p.detect is not None and p.detect.file is not None]
    try:
        with pool.session(target) as session:
            found = [*entries(session), *entries_of_people(session)]
            return found, read_packages(session, files) if files else {}
    finally:
        pool.drop(target)


def _should_be(wanted: Sequence[Resource], pool: TargetSessions, warnings: list[str]) -> list[Finding]:
    reading = planner.read(wanted, pool)
    warnings += [f"what should be there was not judged: {error.message}" for error in reading.unread.values()]
    try:
        return list(judge_changes(planner.compare(wanted, reading), reading.found))
    except RequestError as exc:  # two people of one desk who are to have different things
        warnings.append(f"what should be there was not judged: {exc}")
        return []
