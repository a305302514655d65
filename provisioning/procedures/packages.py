"""Packages on a PC as resources: what they require comes first, and one restart, where it is needed, last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from provisioning.procedures.base import Expectation
from provisioning.resources.base import Address, Change, Proof, Resource, State
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.restart import RESTART_KEY, Restart
from provisioning.site import Inventory
from provisioning.site.inventory import unknown
from provisioning.site.software import Package
from provisioning.site.versions import is_older


def with_requirements(inventory: Inventory, names: Iterable[str]) -> tuple[str, ...]:
    """The packages of the catalogue and all that they require, each after what it requires."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in ordered:
            for required in _package(inventory, name).requires:
                add(required)
            ordered[name] = None

    for name in names:
        add(name)
    return tuple(ordered)


def package_resources(
    inventory: Inventory, workstation: str, names: Sequence[str], *, downgrade: bool = False
) -> Iterator[Resource]:
    """`names` (keys of the catalogue) and what they require, installed on a PC; then the restart that they may need.
    Without `downgrade`, a newer version that is there already is left alone, and its change fails."""
    target = f"windows:{workstation}"
    names = with_requirements(inventory, names)
    for name in names:
        package = inventory.software[name]
        requires = frozenset(_address(inventory, target, required) for required in package.requires)
        yield Resource("windows.package", target, package.display_name, _state(inventory, name, downgrade), requires)
    if names:
        yield restart_after(target, [_address(inventory, target, name) for name in names])


def removal_resources(inventory: Inventory, workstation: str, names: Sequence[str]) -> Iterator[Resource]:
    """`names` removed from a PC, whatever requires another one before it; then the restart that this may need."""
    target = f"windows:{workstation}"
    gone = [_address(inventory, target, name) for name in names]
    for name, address in zip(names, gone, strict=True):
        users = [other for other in names if name in inventory.software[other].requires]
        requires = frozenset(_address(inventory, target, other) for other in users)
        yield Resource("windows.package", target, address.key, None, requires)
    if gone:
        yield restart_after(target, gone)


def dependants(inventory: Inventory, workstation: str, names: Sequence[str]) -> Iterator[Expectation]:
    """That nothing else on a PC requires one of `names`: what does would no longer work once they are removed."""
    target = f"windows:{workstation}"
    for other, package in inventory.software.items():
        if other in names or not (required := [name for name in names if name in package.requires]):
            continue
        shown = ", ".join(inventory.software[name].display_name for name in required)
        yield Expectation(
            Resource("windows.package", target, package.display_name, None),
            f"{workstation} has {package.display_name}, which requires {shown}; remove {other} as well, or leave "
            f"{workstation} out",
            needed=True,
        )


def restart_after(target: str, changed: Iterable[Address]) -> Resource:
    """The PC has restarted if any of `changed` made it necessary."""
    return Resource("windows.restart", target, RESTART_KEY, Restart(pending=False), frozenset(changed))


def package_proofs(inventory: Inventory, workstation: str, names: Sequence[str]) -> Iterator[Proof]:
    """Each of `names`, and of what they require, is registered at its version."""
    for name in with_requirements(inventory, names):
        package = inventory.software[name]
        parameters = {"display_name": package.display_name, "version": package.wanted}
        said = f"{package.display_name} {package.wanted} is registered on {workstation}"
        yield Proof("windows.package", f"windows:{workstation}", said, parameters)


def downgrade_warnings(changes: Iterable[Change[State]]) -> Iterator[str]:
    """A sentence for each change that will fail because a newer version is there."""
    for change in changes:
        before, after = change.before, change.after
        if not isinstance(before, InstalledPackage) or not isinstance(after, InstalledPackage) or after.downgrade:
            continue
        if is_older(after.version, before.version):
            yield (
                f"{change.target.partition(':')[2]}: {change.key} {before.version} is newer than {after.version} and "
                "will be left alone; --allow-downgrade asks for the older one"
            )


def _state(inventory: Inventory, name: str, downgrade: bool) -> InstalledPackage:
    """The same on every PC."""
    known = inventory.worked_out
    if (found := known.get(("package", name, downgrade))) is None:
        found = known["package", name, downgrade] = _wanted(inventory.software[name], downgrade)
    return cast(InstalledPackage, found)


def _wanted(package: Package, downgrade: bool) -> InstalledPackage:
    if package.accepts is not None or package.versions[0].product_code is None:
        return InstalledPackage(version=package.wanted, downgrade=downgrade)
    code = package.versions[0].product_code
    return InstalledPackage(version=package.wanted, product_code=code, downgrade=downgrade)


def _address(inventory: Inventory, target: str, name: str) -> Address:
    return Address("windows.package", target, _package(inventory, name).display_name)


def _package(inventory: Inventory, name: str) -> Package:
    if name not in inventory.software:
        unknown("package", name, inventory.software)
    return inventory.software[name]
