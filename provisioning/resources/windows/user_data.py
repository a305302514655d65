"""``windows.user_data``: a person's data on a PC, brought there from another PC.

The state says from where, and which listing of files (names, sizes, times) was asked for. What was really copied, with
the hash of every file, is in a manifest on the new PC that only administrators can read. Nothing is deleted or changed
at the source, and nothing that is at the new PC is ever overwritten, so a transfer is taken back by removing what it
brought.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RejectedError, TargetError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows import opened_archives as archives
from provisioning.resources.windows import user_data_copy as copying
from provisioning.resources.windows import user_data_manifest as manifests
from provisioning.resources.windows.profiles import profile
from provisioning.resources.windows.user_data_survey import Survey, survey

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

ARCHIVE = "archive:"
"""How a source begins that is a file of ours: ``archive:/path``."""


class UserData(State):
    """The latest transfer: the PC (or archive) it came from, the digest of what was listed, and how much that was.

    `octets` counts all files. A transfer that is not complete reads with an empty `listing`.
    """

    source: str | None = None
    listing: str = ""
    files: int = 0
    octets: int = 0


class UserDataKind:
    """``windows.user_data``: target ``windows:NEW``, key = the profile's name."""

    name = "windows.user_data"
    state = UserData

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, UserData]:
        """By the manifest, and by the files: one that the manifest names and that is gone or has another size makes the
        transfer incomplete."""
        tree, found = session.tree(), {}
        for key in keys:
            manifest = manifests.load(session, tree, key)
            last = manifest.latest if manifest else None
            if manifest is None or last is None:
                continue
            whole = last.complete and copying.all_there(tree, manifest.folder, last)
            found[key] = UserData(
                source=last.source, listing=last.listing if whole else "", files=last.files, octets=last.octets
            )
        return found

    def apply(self, session: WindowsSession, changes: Sequence[Change[UserData]]) -> list[Outcome]:
        """Copy, or take back."""
        outcomes = []
        for change in changes:
            try:
                self._apply_one(session, change)
                outcomes.append(Outcome(change.key))
            except ProvisioningError as exc:
                outcomes.append(Outcome(change.key, exc))
        return outcomes

    def _apply_one(self, session: WindowsSession, change: Change[UserData]) -> None:
        manifest = manifests.load(session, session.tree(), change.key)
        wanted = change.after
        if wanted is None:
            if manifest is not None:
                copying.take_back(session, manifest, 0)
            return
        # An empty listing is that of a transfer that was not complete.
        older = manifest.generations[:-1] if manifest else []
        same = [n for n, one in enumerate(older) if one.source == wanted.source and wanted.listing in {"", one.listing}]
        if manifest is not None and same:
            copying.take_back(session, manifest, same[-1] + 1)
        elif wanted.listing:
            _bring(session, change.key, wanted)
        else:
            raise RejectedError(session.target, "a transfer that was broken off cannot be made so again")


def _bring(session: WindowsSession, key: str, wanted: UserData) -> None:
    if wanted.source is None:
        raise RejectedError(session.target, f"the data of {key}: it is not said from where")
    if wanted.source.startswith(ARCHIVE):
        with archives.opened(Path(wanted.source.removeprefix(ARCHIVE)), session.inventory, session.secrets) as archive:
            found = archive.profile(key)
            _copy(session, key, wanted, archive, found)
        return
    from provisioning.connections.windows import open_session  # noqa: PLC0415  (its libraries: only where data is copied)

    source = open_session(f"windows:{wanted.source}", session.inventory, session.secrets)
    try:
        there = survey(source, key)
        _copy(session, key, wanted, source.tree(), there)
    except TargetError as exc:
        if exc.target == source.target:  # the engine knows the new PC only: the sentence names the old one
            kind = UnreachableError if isinstance(exc, UnreachableError) else RejectedError
            raise kind(session.target, f"waits for {exc}" if kind is UnreachableError else str(exc)) from exc
        raise
    finally:
        source.close()


def _copy(session: WindowsSession, key: str, wanted: UserData, old: copying.Source, there: Survey) -> None:
    place = profile(session, key, there.sid)
    if place is None:
        raise UnreachableError(
            session.target,
            f"{key} has no profile there yet; let them sign in once, then `provision resume` brings their data",
        )
    asked = manifests.Generation(
        source=wanted.source or "", listing=wanted.listing, files=wanted.files, octets=wanted.octets
    )
    copying.bring(copying.Ends(old, session, there.folder, place.folder), key, there.entries, asked)


USER_DATA = UserDataKind()
