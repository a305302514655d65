"""``files.folder``: a folder on a file server, whose it is and who may do what in it.

Target ``files:NAME``; the key is the share and the path below it: ``homes$\\anna.petrova``. A folder is made empty (and
those above it, where they are missing, which then stay) and only ever removed empty; one with contents can be archived,
which moves it to the server's archive on the same share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import field_validator

from provisioning.connections.security_descriptors import Descriptor
from provisioning.errors import ProvisioningError, RejectedError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.files import access as lists
from provisioning.resources.files.principals import Principals, known, named

if TYPE_CHECKING:
    from provisioning.connections.files import FilesSession

ADMINISTRATORS = "S-1-5-32-544"
"""The server's own Administrators (MS-DTYP 2.4.2.4), whatever their name is there."""


_ENTER = "allow 0x001000a1 flags 0x00 S-1-5-11"
"""Authenticated Users (MS-DTYP 2.4.2.4) may list, pass through and read attributes, of this folder alone."""


class Folder(State):
    """`owner` is a login, a group or a SID; `access` the whole list, in order, as ``full anna.petrova`` (see
    :mod:`.access`); ``None``: there is no list, and everybody may do everything. `inherits`: entries come from the
    folder above as well."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"owner", "access"})

    owner: str | None = None
    access: tuple[str, ...] | None = None
    inherits: bool = False
    archived: bool = False

    @field_validator("access")
    @classmethod
    def _entries(cls, entries: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for text in entries or ():
            lists.principal(text)
        return entries


class FolderKind:
    """``files.folder``."""

    name = "files.folder"
    state = Folder

    def read(self, session: FilesSession, keys: Sequence[str]) -> dict[str, Folder]:
        """Every folder, or the one that it was archived as; one question to the directory for all their SIDs."""
        seen: dict[str, tuple[Descriptor, bool]] = {}
        for key in keys:
            if (live := session.descriptor(key)) is not None:
                seen[key] = live, False
            elif (stored := session.descriptor(archive_of(session, key))) is not None:
                seen[key] = stored, True
        sids = {ace.sid for descriptor, _ in seen.values() for ace in descriptor.aces or () if ace.sid}
        sids |= {descriptor.owner for descriptor, _ in seen.values() if descriptor.owner}
        principals = known(session, sids)
        return {key: _state(descriptor, archived, principals) for key, (descriptor, archived) in seen.items()}

    def apply(self, session: FilesSession, changes: Sequence[Change[Folder]]) -> list[Outcome]:
        """Make, protect, move, remove, one after the other."""
        names = {name for change in changes if change.after is not None for name in _names(change.after)}
        names.add(session.server.administrators)
        principals = named(session, names)
        outcomes = []
        for change in changes:
            try:
                _apply(session, change, principals)
                outcomes.append(Outcome(change.key))
            except UnreachableError:
                raise
            except ProvisioningError as exc:
                outcomes.append(Outcome(change.key, exc))
        return outcomes


def archive_of(session: FilesSession, key: str) -> str:
    """Where the folder is while it is archived: ``homes$\\Archive\\anna.petrova``."""
    share, _, below = key.partition("\\")
    return "\\".join((share, session.server.archive, below))


def _state(descriptor: Descriptor, archived: bool, principals: Principals) -> Folder:
    entries = None
    if descriptor.aces is not None:
        entries = tuple(lists.words(ace, principals.name) for ace in descriptor.aces)
    owner = None if descriptor.owner is None else principals.name(descriptor.owner)
    return Folder(owner=owner, access=entries, inherits=descriptor.inherits, archived=archived)


def _names(folder: Folder) -> list[str]:
    entries = [lists.principal(text) for text in folder.access or ()]
    return [name for name in (folder.owner, *entries) if name is not None]


def _apply(session: FilesSession, change: Change[Folder], principals: Principals) -> None:
    before, after = change.before, change.after
    if before is None and after is not None:
        if after.archived:
            raise RejectedError(session.target, f"{change.key} is not there, so it cannot be archived")
        _make_above(session, change.key, principals)
        session.make(change.key, _descriptor(session, change.key, after, principals))
    elif before is not None and after is None:
        session.remove(archive_of(session, change.key) if before.archived else change.key)
    elif before is not None and after is not None:
        _change(session, change.key, before, after, principals)


def _make_above(session: FilesSession, key: str, principals: Principals) -> None:
    """The folders above that are missing: administrators have them, everybody who is signed in may pass through."""
    above = key.rpartition("\\")[0]
    if "\\" in above:
        full = lists.entry(f"full {session.server.administrators}", principals.sid)
        session.make_all(above, Descriptor(ADMINISTRATORS, (full, lists.entry(_ENTER, principals.sid)), inherits=False))


def _change(session: FilesSession, key: str, before: Folder, after: Folder, principals: Principals) -> None:
    stored = archive_of(session, key)
    moves = "archived" in after.managed() and after.archived != before.archived
    here, there = (stored, key) if before.archived else (key, stored)
    if moves and before.archived and after.owner is not None:
        _must_be_of(session, here, after.owner, principals)
    if moves and not before.archived:
        full = lists.entry(f"full {session.server.administrators}", principals.sid)
        session.make_all(stored.rpartition("\\")[0], Descriptor(ADMINISTRATORS, (full,), inherits=False))
    # People lose their access before it goes to the archive, and have it again only when it is back.
    if moves and before.archived:
        session.move(here, there)
        here = there
    changed = {name.partition("[")[0] for name in after.differences(before)} - {"archived"}
    if changed:
        session.protect(here, _descriptor(session, key, after, principals, only=changed))
    if moves and not before.archived:
        session.move(here, there)


def _must_be_of(session: FilesSession, path: str, owner: str, principals: Principals) -> None:
    """A login may have been given to somebody else meanwhile: nobody gets a former colleague's files by that."""
    found = session.descriptor(path)
    if found is not None and found.owner != principals.sid(owner):
        raise RejectedError(
            session.target,
            f"the archive has a folder of somebody else who was called {owner} ({found.owner} owns {path}); give that "
            "folder another name, then plan again",
        )


def _descriptor(
    session: FilesSession, key: str, folder: Folder, principals: Principals, *, only: set[str] | None = None
) -> Descriptor:
    """What is to be written: all that `folder` manages, or `only` some of it. The list and whether it inherits are
    written together."""
    managed = set(folder.managed()) if only is None else only
    owner = folder.owner if "owner" in managed else None
    aces = None
    if managed & {"access", "inherits"}:
        if folder.access is None:
            raise RejectedError(session.target, f"{key}: a folder without an access list is open to all; name one")
        aces = tuple(lists.entry(text, principals.sid) for text in folder.access)
    return Descriptor(None if owner is None else principals.sid(owner), aces, inherits=folder.inherits)


FOLDER = FolderKind()
