"""Who becomes the manager of those whose manager leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioning.errors import RequestError
from provisioning.procedures.identity import display_name
from provisioning.site import Inventory

_SHOWN = 10


@dataclass(frozen=True)
class NewManager:
    """`report` has the manager `manager` from now on (``None``: nobody). `amends`: the site's files say otherwise."""

    report: str
    manager: str | None
    amends: bool


def reports_of(inventory: Inventory, person: str) -> tuple[str, ...]:
    """The people whom `person` manages, as the site says."""
    return tuple(key for key, one in inventory.people.items() if one.manager == person and one.left is None)


def new_managers(
    inventory: Inventory, person: str, successor: str | None, told: Iterable[str]
) -> tuple[NewManager, ...]:
    """The new manager of everybody whom `person` manages: in the site, or only in the directory (`told`; then the site
    names another one already).

    A successor who was managed by `person` too gets the manager that `person` had. Raises :class:`RequestError` when
    nobody is named who could be it.
    """
    managed = reports_of(inventory, person)
    if successor is not None:
        _refuse_successor(inventory, person, successor, managed)
    elif managed:
        named = ", ".join(f"{key} ({display_name(inventory, key)})" for key in managed[:_SHOWN])
        more = f" and {len(managed) - _SHOWN} more" if len(managed) > _SHOWN else ""
        raise RequestError(
            f"{person} is the manager of {named}{more}; say with --manager-of-reports PERSON who is it from now on, or "
            "name another manager in the site. Nothing was changed"
        )
    of_leaver = inventory.people[person].manager if person in inventory.people else None
    found = [NewManager(key, of_leaver if key == successor else successor, amends=True) for key in managed]
    found += [
        NewManager(key, inventory.people[key].manager, amends=False)
        for key in dict.fromkeys(told)
        if key in inventory.people and key not in managed and inventory.people[key].left is None
    ]
    return tuple(found)


def _refuse_successor(inventory: Inventory, person: str, successor: str, managed: tuple[str, ...]) -> None:
    one = inventory.person(successor)
    if successor == person:
        raise RequestError(f"--manager-of-reports {successor}: that is the leaver; name somebody else")
    if one.left is not None:
        raise RequestError(f"--manager-of-reports {successor}: {successor} has left on {one.left}; name somebody else")
    if not managed:
        return
    above = _chain(inventory.people, successor)
    under = next((key for key in managed if key in above[1:]), None)
    if under is not None:
        raise RequestError(
            f"--manager-of-reports {successor}: {successor} is managed by {under}, who would be managed by "
            f"{successor} then; name {under} or somebody above"
        )


def _chain(people: Mapping[str, object], start: str) -> list[str]:
    """A person, their manager, that one's manager and so on."""
    chain: list[str] = []
    key: str | None = start
    while key is not None and key in people and key not in chain:
        chain.append(key)
        key = getattr(people[key], "manager", None)
    return chain
