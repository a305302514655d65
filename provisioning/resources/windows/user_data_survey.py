"""What belongs to a person's data on a PC, by the rules of the site."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.connections.tree_entries import Entry, LeftOut
from provisioning.errors import RejectedError
from provisioning.resources.windows.profiles import profile
from provisioning.site.user_data import UserDataRules

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession
    from provisioning.connections.windows_tree import SmbTree


@dataclass(frozen=True)
class Survey:
    """What of a person's data is on a PC. `folder` is the profile below the share, `listing` the digest of names, sizes
    and times."""

    folder: str
    sid: str
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def listing(self) -> str:
        lines = (f"{one.path}\0{one.size}\0{one.written}\n" for one in self.entries)
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]

    @property
    def octets(self) -> int:
        return sum(one.size for one in self.entries)


def survey(session: WindowsSession, name: str) -> Survey:
    """What ``user_data`` of the site takes of the profile `name`. Raises :class:`RejectedError` when there is none."""
    found = profile(session, name)
    if found is None:
        raise RejectedError(
            session.target, f"nobody called {name!r} has a profile there; `dir C:\\Users` shows who has"
        )
    entries, left = listed(session.tree(), found.folder, session.inventory.user_data)
    return Survey(found.folder, found.sid, tuple(entries), tuple(left))


def listed(tree: SmbTree, folder: str, rules: UserDataRules) -> tuple[list[Entry], list[LeftOut]]:
    """The files of a profile that the rules take, with their paths below the profile, and what was left out."""
    entries: dict[str, Entry] = {}
    left: dict[str, LeftOut] = {}
    for below in rules.folders:
        found, out = tree.listing(f"{folder}\\{below}")
        for one in found:
            path = f"{below}\\{one.path}"
            if not _excluded(path, rules.exclude):
                entries[path.casefold()] = Entry(path, one.size, one.written)
        for gone in out:
            path = f"{below}\\{gone.path}" if gone.path else below
            left[path.casefold()] = LeftOut(path, gone.why)
    return sorted(entries.values()), sorted(left.values(), key=lambda one: one.path)


def _excluded(path: str, patterns: Iterable[str]) -> bool:
    folded = path.casefold()
    name = folded.rpartition("\\")[2]
    # fnmatch would take \ on Linux as an ordinary character, which is what NTFS paths need here
    return any(fnmatch.fnmatchcase(folded if "\\" in p else name, p.casefold()) for p in patterns)
