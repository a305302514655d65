"""``windows.archive``: an archive of a PC's managed settings and of its people's data, as a file of ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioning.errors import ProvisioningError, RejectedError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows import archives

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession


class Archive(State):
    """What an archive holds: `profiles` by name, `settings` as ``kind key``. `left_out` counts files that were open or
    not readable."""

    profiles: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    sealed: bool = False
    left_out: int = 0


class ArchiveKind:
    """``windows.archive``: target ``windows:NAME``, key = the file on this machine."""

    name = "windows.archive"
    state = Archive

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, Archive]:
        """The file and what stands beside it; one of another size than noted there is none."""
        found = {}
        for key in keys:
            file, note = Path(key), archives.beside(Path(key))
            if not file.is_file() or not note.is_file():
                continue
            plain: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
            if plain["size"] == file.stat().st_size and plain["pc"] == session.target.partition(":")[2]:
                found[key] = Archive(
                    profiles=tuple(plain["profiles"]),
                    settings=tuple(plain["settings"]),
                    sealed=file.suffix == ".age",
                    left_out=plain["left_out"],
                )
        return found

    def apply(self, session: WindowsSession, changes: Sequence[Change[Archive]]) -> list[Outcome]:
        """Write archives, or remove them."""
        outcomes = []
        for change in changes:
            try:
                _apply_one(session, change)
                outcomes.append(Outcome(change.key))
            except ProvisioningError as exc:
                outcomes.append(Outcome(change.key, exc))
        return outcomes


def _apply_one(session: WindowsSession, change: Change[Archive]) -> None:
    file = Path(change.key)
    if change.after is None:
        for one in (file, archives.beside(file)):
            one.unlink(missing_ok=True)
        return
    if file.exists() and change.before is None:
        raise RejectedError(session.target, f"{file} is there already and is not this archive; name another file")
    settings = _settings(session, change.after.settings)
    archives.write(session, file, change.after.profiles, settings, change.after.sealed)


def _settings(session: WindowsSession, names: Sequence[str]) -> list[dict[str, Any]]:
    from provisioning.resources.registry import KINDS  # noqa: PLC0415 - the registry knows this kind

    asked = [name.partition(" ")[::2] for name in names]
    found = []
    for kind in dict.fromkeys(kind for kind, _ in asked):
        keys = [key for of, key in asked if of == kind]
        states = KINDS[kind].read(session, keys)
        plain = {key: state.to_plain() for key, state in states.items()}
        found += [{"kind": kind, "key": key, "state": plain.get(key)} for key in keys]
    return found


ARCHIVE_FILE = ArchiveKind()
