"""Judging a PC: what is installed there against the approved catalogue, and what it should have against what it has.
Pure; nothing is ever removed or changed because of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from provisioning.procedures.audit import matches
from provisioning.resources.base import Address, Change, State
from provisioning.resources.windows.entries import Entry, is_of
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.restart import Restart
from provisioning.site import Inventory
from provisioning.site.software import Package
from provisioning.site.versions import is_older, satisfies

Sort = Literal["not approved", "missing", "outdated", "newer", "drift", "restart due"]


@dataclass(frozen=True)
class PcFinding:
    """One thing on a PC that is not as the site says. `found` and `expected` are versions, or values in words; empty:
    nothing. Of settings `kind` is their kind, and `detail` names the fields that differ. `address` is what a plan would
    change to mend it; nothing where it would not. `package` is the package of the catalogue, as it is shown."""

    sort: Sort
    thing: str
    found: str = ""
    expected: str = ""
    detail: str = ""
    kind: str = ""
    address: Address | None = None
    package: str = ""


def judge_installed(
    inventory: Inventory, entries: Sequence[Entry], by_file: Mapping[str, InstalledPackage]
) -> Iterator[PcFinding]:
    """What is installed and not approved, or approved in another version. `by_file` are packages that only their
    program files tell of. Parts and updates of other packages are left out, and what the site tolerates."""
    for entry in sorted(entries, key=lambda one: (one.name.casefold(), one.version)):
        package = next((one for one in inventory.software.values() if is_of(one, entry)), None)
        if package is None and (entry.hidden or _tolerated(inventory, entry.name)):
            continue
        detail = ", ".join(filter(None, (entry.publisher, f"for {entry.person} only" if entry.person else "")))
        yield from _judged(package, entry.name, entry.version, detail)
    for name, state in sorted(by_file.items()):
        found = next((p for p in inventory.software.values() if p.display_name.casefold() == name.casefold()), None)
        yield from _judged(found, name, state.version, "")


def judge_changes(changes: Iterable[Change[State]], found: Mapping[Address, State | None]) -> Iterator[PcFinding]:
    """What a plan would change on the PC, one finding a change. `found` is what was read for it."""
    for change in changes:
        before, after = change.before, change.after
        if isinstance(after, InstalledPackage):
            if before is None:
                yield PcFinding("missing", change.key, "", after.version, address=change.address)
            # another version is judged by what is installed
        elif isinstance(after, Restart):
            seen = found.get(change.address)
            if isinstance(seen, Restart) and not after.agrees_with(seen):
                yield PcFinding("restart due", "restart", "pending", "done", address=change.address)
        else:
            yield _drift(change)


def packages_there(
    inventory: Inventory, entries: Sequence[Entry], by_file: Mapping[str, InstalledPackage]
) -> frozenset[str]:
    """The packages of the catalogue (their names in the site) that are installed, in whichever version."""
    files = {name.casefold() for name in by_file}
    return frozenset(
        name
        for name, package in inventory.software.items()
        if package.display_name.casefold() in files or any(is_of(package, entry) for entry in entries)
    )


def _drift(change: Change[State]) -> PcFinding:
    kind = change.address.kind
    if change.before is None:
        return PcFinding("missing", change.key, kind=kind, address=change.address)
    differences = {_field(name): values for name, values in change.differences().items()}
    if len(differences) > 1 or change.after is None:
        return PcFinding("drift", change.key, detail=", ".join(differences), kind=kind, address=change.address)
    [(name, (old, new))] = differences.items()
    return PcFinding("drift", change.key, _words(old), _words(new), name, kind, change.address)


def _field(name: str) -> str:
    """``values[HomepageLocation]``: the name of the registry value is enough."""
    return name.removeprefix("values[").removesuffix("]") if name.startswith("values[") else name


def _judged(package: Package | None, name: str, version: str, detail: str) -> Iterator[PcFinding]:
    if package is None:
        yield PcFinding("not approved", name, version, "", detail)
    elif not package.approved:
        yield PcFinding("not approved", name, version, "", ", ".join(filter(None, ("approved: false", detail))))
    elif not satisfies(version, package.wanted):
        sort: Sort = "newer" if is_older(package.wanted, version) else "outdated"
        yield PcFinding(sort, name, version, package.wanted, detail, package=package.display_name)


def _tolerated(inventory: Inventory, name: str) -> bool:
    return matches(name, inventory.windows.tolerated)


def _words(value: Any) -> str:
    data = getattr(value, "data", value)
    if isinstance(data, tuple):
        return "; ".join(map(str, data))
    return "" if data is None else str(data)
