"""A person's data that comes along when a PC is replaced: from the old PC, or from an archive of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.windows.user_data import ARCHIVE, UserData
from provisioning.resources.windows.user_data_survey import Survey


@dataclass(frozen=True)
class BroughtData:
    """The data of `profile`, as it was listed at `source` (a PC, or ``archive:/path``) when it was asked for."""

    profile: str
    source: str
    listing: str
    files: int
    octets: int

    @property
    def is_archive(self) -> bool:
        return self.source.startswith(ARCHIVE)

    def resource(self, new: str, requires: frozenset[Address]) -> Resource:
        """The data at the PC `new`."""
        state = UserData(source=self.source, listing=self.listing, files=self.files, octets=self.octets)
        return Resource("windows.user_data", f"windows:{new}", self.profile, state, requires)

    def proof(self, new: str) -> Proof:
        """That every file is there."""
        return Proof("windows.user_data", f"windows:{new}", f"data of {self.profile}", {"profile": self.profile})

    def to_plain(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> BroughtData:
        """What :meth:`to_plain` wrote. Raises KeyError for what it did not."""
        words = {name: str(plain[name]) for name in ("profile", "source", "listing")}
        return cls(**words, files=int(plain["files"]), octets=int(plain["octets"]))


def brought(source: str, survey: Survey) -> BroughtData:
    """What a survey found at `source`."""
    profile = survey.folder.rpartition("\\")[2]
    return BroughtData(profile, source, survey.listing, len(survey.entries), survey.octets)
