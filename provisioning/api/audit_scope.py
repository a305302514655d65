"""What an audit is about: the whole site, or what some names mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from provisioning.errors import RequestError
from provisioning.procedures.audit import AREAS, Area, Finding
from provisioning.procedures.whole_site import seated
from provisioning.site import Inventory
from provisioning.site.inventory import nearest
from provisioning.site.lines import closest

__all__ = ["Scope", "areas_of", "scope_of"]


@dataclass(frozen=True)
class Scope:
    """`persons` whose things are compared, `pcs` and `switches` that are read; `names` that findings must be about
    (none: the whole site)."""

    persons: tuple[str, ...]
    pcs: tuple[str, ...]
    switches: tuple[str, ...]
    names: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether nobody named anything."""
        return not self.names

    def holds(self, finding: Finding) -> bool:
        """Whether somebody asked for this."""
        return self.is_whole or bool(self.names & finding.about)


def areas_of(words: Sequence[str]) -> tuple[Area, ...]:
    """The areas that were named, all when none is. Raises :class:`RequestError` for one that does not exist."""
    for word in words:
        if word not in AREAS:
            close = closest(word, AREAS)
            hint = f"did you mean {close!r}? " if close else ""
            raise RequestError(f"an audit has no area {word!r}; {hint}the areas are {', '.join(AREAS)}")
    return tuple(area for area in AREAS if not words or area in words)


def scope_of(inventory: Inventory, names: Sequence[str]) -> Scope:
    """What people, PCs, workplaces, equipment and switches mean. Raises :class:`RequestError` for a name that the site
    does not have."""
    if not names:
        standing = tuple(name for name, pc in inventory.workstations.items() if pc.workplace is not None)
        return Scope(seated(inventory), standing, tuple(inventory.network.switches))
    persons, pcs, desks, outlets, switches = (dict[str, None]() for _ in range(5))
    for name in names:
        if name in inventory.people:
            persons[name] = None
            desks |= dict.fromkeys(filter(None, (inventory.people[name].workplace,)))
        elif name in inventory.workstations:
            pcs[name] = None
            desks |= dict.fromkeys(filter(None, (inventory.workstations[name].workplace,)))
        elif name in inventory.workplaces:
            desks[name] = None
        elif name in inventory.equipment:
            outlets[inventory.equipment[name].outlet] = None
        elif name in inventory.network.switches:
            switches[name] = None
        else:
            _unknown(inventory, name)
    persons |= dict.fromkeys(key for key in seated(inventory) if inventory.people[key].workplace in desks)
    pcs |= dict.fromkeys(pc for desk in desks if (pc := inventory.workstation_at.get(desk)) is not None)
    outlets |= dict.fromkeys(inventory.workplaces[desk].outlet for desk in desks)
    patched = (inventory.outlets[outlet].switch for outlet in outlets)
    switches |= dict.fromkeys(one for one in patched if one is not None)
    staying = tuple(key for key in persons if inventory.people[key].left is None)
    return Scope(staying, tuple(pcs), tuple(switches), frozenset(names))


def _unknown(inventory: Inventory, name: str) -> NoReturn:
    known = (
        *inventory.people, *inventory.workstations, *inventory.workplaces, *inventory.equipment,
        *inventory.network.switches,
    )  # fmt: skip
    raise RequestError(f"the site has no person, PC, workplace, equipment or switch {name!r}{nearest(name, known)}")
