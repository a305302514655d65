"""Installing packages for a person, a room or a group, or removing them; in waves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.install_scope import Scope, listed, people_at, scope
from provisioning.procedures.packages import (
    dependants,
    package_proofs,
    package_resources,
    removal_resources,
    with_requirements,
)
from provisioning.procedures.waves import check_amount, split
from provisioning.site import Inventory
from provisioning.site.inventory import nearest, unknown


@dataclass(frozen=True)
class Install:
    """Have `packages` (of the catalogue) on PCs, or with `remove` not there any more, in `waves` of PCs.

    `asked` and `whom` are the words in which it was asked for. `stop_at`: failures (``3``, ``10%``) at which no further
    wave begins. `wave` (from 1) is that wave alone; each is carried out as a run of its own.
    """

    asked: tuple[str, ...]
    whom: tuple[str, ...]
    packages: tuple[str, ...]
    waves: tuple[tuple[str, ...], ...]
    stop_at: str = "10%"
    remove: bool = False
    wave: int | None = None
    left_out: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        verb = "remove" if self.remove else "install"
        of = f" (wave {self.wave} of {len(self.waves)})" if self.wave is not None and len(self.waves) > 1 else ""
        return f"{verb} {', '.join(self.asked)} for {', '.join(self.whom)}{of}"

    @property
    def pcs(self) -> tuple[str, ...]:
        """The PCs of the wave, or of all."""
        if self.wave is not None:
            return self.waves[self.wave - 1]
        return tuple(pc for wave in self.waves for pc in wave)

    def of_wave(self, number: int) -> Install:
        """The part of the request that the wave `number` (from 1) is."""
        return replace(self, wave=number)

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002  (nobody's account is asked)
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        """Whose the PCs are."""
        known = [pc for pc in self.pcs if pc in inventory.workstations]
        return {key: inventory.workstations[pc].workplace for pc in known for key in people_at(inventory, pc)}

    def to_plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "procedure": "install",
            **{name: list(getattr(self, name)) for name in ("asked", "whom", "packages", "left_out")},
            "waves": [list(wave) for wave in self.waves],
            "stop_at": self.stop_at,
            "remove": self.remove,
        }
        return plain if self.wave is None else {**plain, "wave": self.wave}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Install:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        lists = {name: tuple(map(str, plain[name])) for name in ("asked", "whom", "packages", "left_out")}
        waves = tuple(tuple(map(str, wave)) for wave in plain["waves"])
        wave = int(plain["wave"]) if "wave" in plain else None
        if wave is not None and not 1 <= wave <= len(waves):
            raise ValueError(f"there is no wave {wave}")
        return cls(
            waves=waves, stop_at=str(plain["stop_at"]), remove=plain["remove"] is True, wave=wave, **lists
        )  # fmt: skip

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002
        """Raises :class:`RequestError` for PCs and packages that the site does not have (any more), and for what a
        profile does not allow (any more)."""
        for pc in self.pcs:
            if pc not in inventory.workstations:
                unknown("workstation", pc, inventory.workstations)
        _refuse(inventory, self.packages, self.pcs, remove=self.remove)
        if self.remove:
            gone = (r for pc in self.pcs for r in removal_resources(inventory, pc, self.packages))
            alone = (e for pc in self.pcs for e in dependants(inventory, pc, self.packages))
            return Work(tuple(gone), (), self.left_out, expected=tuple(alone))
        resources = (r for pc in self.pcs for r in package_resources(inventory, pc, self.packages))
        proofs = (p for pc in self.pcs for p in package_proofs(inventory, pc, self.packages))
        return Work(tuple(resources), tuple(proofs), self.left_out)


def install(
    inventory: Inventory,
    names: Sequence[str],
    whom: Sequence[str],
    *,
    remove: bool = False,
    waves: Sequence[str] = (),
    stop_at: str | None = None,
) -> Install:
    """A request to install the packages and bundles `names` for `whom` (see :func:`~.install_scope.scope`), or to
    remove them. `waves` (``1``, ``20%``) and `stop_at` go before the site's own.

    Raises :class:`RequestError` for unknown names, for what a profile does not allow, and for amounts that are none.
    """
    if not names or not whom:
        raise RequestError("install: name at least one package or bundle, and with --for whom it is for")
    rules = inventory.windows.rollout
    amounts = [check_amount(one, "--wave") for one in waves] or rules.waves
    limit = check_amount(stop_at, "--stop-at") if stop_at is not None else rules.stop_at
    packages = packages_of(inventory, names)
    found: Scope = scope(inventory, whom)
    _refuse(inventory, packages, found.pcs, remove=remove)
    asked, named = tuple(dict.fromkeys(names)), tuple(dict.fromkeys(whom))
    return Install(asked, named, packages, split(found.pcs, amounts), limit, remove, None, found.left_out)


def packages_of(inventory: Inventory, names: Iterable[str]) -> tuple[str, ...]:
    """The packages that `names` (packages and bundles) mean. Raises :class:`RequestError`."""
    found: dict[str, None] = {}
    for name in names:
        if name in inventory.bundles:
            found |= dict.fromkeys(inventory.bundles[name].packages)
        elif name in inventory.software:
            found[name] = None
        else:
            known = [*inventory.software, *inventory.bundles]
            raise RequestError(f"the site has no package or bundle {name!r}{nearest(name, known)}")
    return tuple(found)


def _refuse(inventory: Inventory, packages: Sequence[str], pcs: Sequence[str], *, remove: bool) -> None:
    """Raises :class:`RequestError` for the first package that must not come onto (or go from) one of the PCs."""
    for name in packages:
        if name not in inventory.software:
            unknown("package", name, inventory.software)
        if not remove and not inventory.software[name].approved:
            raise RequestError(f"package {name!r} is not approved; set `approved: true` in the catalogue once it is")
        wrong = [key for pc in pcs for key in _against(inventory, name, pc, remove=remove)]
        profiles = ", ".join(sorted({repr(inventory.people[key].profile) for key in wrong}))
        if wrong and remove:
            raise RequestError(
                f"package {name!r} belongs to profile {profiles} of {listed(wrong)}, so it would come back with the "
                "next plan; take it out of the profile first"
            )
        if wrong:
            raise RequestError(
                f"package {name!r} is not approved for profile {profiles} of {listed(wrong)}; add it to the profile's "
                "optional_software, or name others with --for"
            )


def _against(inventory: Inventory, name: str, pc: str, *, remove: bool) -> list[str]:
    """The people of a PC whose profile speaks against it. At a shared desk one of them is enough to allow it."""
    people = people_at(inventory, pc)
    profiles = {key: inventory.profiles[inventory.people[key].profile] for key in people}
    if remove:
        return [key for key, one in profiles.items() if name in with_requirements(inventory, one.software)]
    allowed = [key for key, one in profiles.items() if name in (*one.software, *one.optional_software)]
    return [] if allowed else list(people)
