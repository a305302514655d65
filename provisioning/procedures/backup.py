"""Backups of a PC, and bringing them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.onboard import Onboard
from provisioning.resources.base import Proof, Resource
from provisioning.resources.windows.archive import Archive
from provisioning.resources.windows.user_data import ARCHIVE, UserData
from provisioning.site import Inventory

_SETTINGS = ("windows.registry", "windows.time_zone", "windows.printer")
"""Kinds whose states are kept in an archive. Software is the catalogue's business."""


@dataclass(frozen=True)
class Backup:
    """Write an archive of `pc` to `file`: its managed settings and the data of `profiles`. `off_premises` means that it
    leaves the house: encrypted, and only with approval."""

    pc: str
    file: str
    profiles: tuple[str, ...]
    off_premises: bool = False

    @property
    def title(self) -> str:
        return f"back up {self.pc}{' onto a medium that leaves the house' if self.off_premises else ''}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """Those at the PC's desk, and their managers: their settings are the PC's."""
        person = self._person(inventory)
        return () if person is None else Onboard((person,)).people(inventory)

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        person = self._person(inventory)
        return {} if person is None else {person: inventory.people[person].workplace}

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "backup", **vars(self), "profiles": list(self.profiles)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Backup:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        words = {name: str(plain[name]) for name in ("pc", "file")}
        return cls(**words, profiles=tuple(plain["profiles"]), off_premises=plain["off_premises"] is True)

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        target, person = f"windows:{self.pc}", self._person(inventory)
        managed = () if person is None else Onboard((person,)).compile(inventory, accounts).resources
        settings = tuple(sorted(f"{r.kind} {r.key}" for r in managed if r.target == target and r.kind in _SETTINGS))
        sealed = self.off_premises or bool(inventory.user_data.recipients)
        desired = Archive(profiles=self.profiles, settings=settings, sealed=sealed, left_out=0)
        return Work(
            (Resource("windows.archive", target, self.file, desired),),
            (),
            off_premises=self.profiles if self.off_premises else (),
        )

    def _person(self, inventory: Inventory) -> str | None:
        desk = inventory.workstations[self.pc].workplace
        return next((key for key, one in inventory.people.items() if desk and one.workplace == desk), None)


@dataclass(frozen=True)
class Restore:
    """Bring back what the archive `file` has: `settings` (kind, key, state) and `profiles` (name, listing, files,
    octets). Nothing is deleted, and no file of a person is overwritten."""

    pc: str
    file: str
    settings: tuple[Mapping[str, Any], ...]
    profiles: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        return f"restore {self.pc} from {self.file.rpartition('/')[2]}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's signature
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002 - the protocol's signature
        return {}

    def to_plain(self) -> dict[str, Any]:
        lists: dict[str, Sequence[Any]] = {"settings": list(self.settings), "profiles": list(self.profiles)}
        return {"procedure": "restore", "pc": self.pc, "file": self.file, **lists}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Restore:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        return cls(str(plain["pc"]), str(plain["file"]), tuple(plain["settings"]), tuple(plain["profiles"]))

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002 - the protocol's signature
        from provisioning.resources.registry import KINDS  # noqa: PLC0415 - only needed here

        target = f"windows:{self.pc}"
        resources = [
            Resource(one["kind"], target, one["key"], KINDS[one["kind"]].state.from_plain(one["state"]))
            for one in self.settings
            if one["kind"] in _SETTINGS and one["state"] is not None
        ]
        proofs = []
        for one in self.profiles:
            wanted = {name: one[name] for name in ("listing", "files", "octets")}
            state = UserData.from_plain({"source": f"{ARCHIVE}{self.file}", **wanted})
            resources.append(Resource("windows.user_data", target, one["name"], state))
            proofs.append(Proof("windows.user_data", target, f"data of {one['name']}", {"profile": one["name"]}))
        return Work(tuple(resources), tuple(proofs))
