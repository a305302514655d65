"""Moving a person's data from one PC to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.resources.base import Proof, Resource
from provisioning.resources.windows.user_data import UserData
from provisioning.resources.windows.user_data_survey import Survey
from provisioning.site import Inventory
from provisioning.site.inventory import unknown

_SHOWN = 5


@dataclass(frozen=True)
class TransferData:
    """Bring the data of `profile` from the PC `old` to the PC `new`. `listing`, `files` and `octets` are what was found
    at the old PC when it was asked for, `left_out` what is not taken and why."""

    old: str
    new: str
    profile: str
    listing: str
    files: int
    octets: int
    left_out: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"transfer the data of {self.profile} from {self.old} to {self.new}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's signature
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002 - the protocol's signature
        return {}

    def to_plain(self) -> dict[str, Any]:
        plain = {name: value for name, value in vars(self).items() if name != "left_out"}
        return {"procedure": "transfer-data", **plain, "left_out": list(self.left_out)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TransferData:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        words = {name: str(plain[name]) for name in ("old", "new", "profile", "listing")}
        return cls(**words, files=int(plain["files"]), octets=int(plain["octets"]), left_out=tuple(plain["left_out"]))

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002 - the protocol's signature
        """Raises :class:`RequestError` for PCs that the site does not have."""
        check_pcs(inventory, self.old, self.new)
        target = f"windows:{self.new}"
        desired = UserData(source=self.old, listing=self.listing, files=self.files, octets=self.octets)
        proof = Proof("windows.user_data", target, f"data of {self.profile}", {"profile": self.profile})
        return Work((Resource("windows.user_data", target, self.profile, desired),), (proof,), self._warnings())

    def _warnings(self) -> tuple[str, ...]:
        if not self.left_out:
            return ()
        more = len(self.left_out) - _SHOWN
        shown = ", ".join(self.left_out[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return (f"not taken from {self.old}: {shown}",)


def transfer_data(old: str, new: str, survey: Survey) -> TransferData:
    """A request to bring to `new` what `survey` found at `old`."""
    left = tuple(f"{one.path} ({one.why})" for one in survey.left_out)
    return TransferData(
        old, new, survey.folder.rpartition("\\")[2], survey.listing, len(survey.entries), survey.octets, left
    )


def check_pcs(inventory: Inventory, old: str, new: str) -> None:
    """Raises :class:`RequestError` for a PC that the site does not have, and for one PC that is both."""
    for name in (old, new):
        if name not in inventory.workstations:
            unknown("workstation", name, inventory.workstations)
    if old == new:
        raise RequestError(f"{old} is both the old and the new PC; name two")
