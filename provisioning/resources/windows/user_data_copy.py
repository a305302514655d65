"""Copying a person's files from one PC to another, so that every step may be the last one before a power cut.

First a manifest is written to the new PC: every file, and the free place where it will go. Then file after file: copy
beside its place, read back, compare the hashes, put it in place, note it. Where the same content has the name already
it is left as it is (not ours); where another content has it, ours goes beside it as ``name (OLD-PC).ext``. After a kill
the manifest says what is left, and what is ours.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

from provisioning.connections.tree_entries import BLOCK, GoneError, InUseError
from provisioning.errors import CredentialError, RejectedError, UnreachableError
from provisioning.resources.windows.user_data_manifest import Generation, Item, Manifest, load, manifest_path, save

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession
    from provisioning.connections.windows_tree import Entry, SmbTree

_log = logging.getLogger(__name__)
_PART = ".provisioning-part"
_NOTE_EVERY = 5.0  # seconds between two notes of the manifest
_SPARE = 256 * 1024 * 1024  # octets that are left free
_NAMED = 5  # files that an error names
_TRIES = 2
_MICROSECOND = 10  # of 100 ns


def all_there(tree: SmbTree, folder: str, last: Generation) -> bool:
    """Whether every file of a transfer is in its place with its size (its hash was compared when it was copied)."""
    ours = [item for item in last.items if item.ours and not item.gone]
    tops = {item.to.partition("\\")[0] for item in ours}
    sizes = {f"{top}\\{one.path}".casefold(): one.size for top in tops for one in tree.listing(f"{folder}\\{top}")[0]}
    return all(sizes.get(item.to.casefold()) == item.size for item in ours)


class Source(Protocol):
    """Files to be read. Raises :class:`GoneError` for one that is not there, :class:`InUseError` for one that cannot be
    read now."""

    def reading(self, path: str) -> AbstractContextManager[IO[bytes]]: ...

    def sha256(self, path: str) -> str: ...


@dataclass(frozen=True)
class Ends:
    """Where the files come from (a PC's tree, an archive), with the profile's folder there, and the new PC."""

    old: Source
    session: WindowsSession
    from_folder: str
    to_folder: str


def bring(ends: Ends, key: str, entries: Sequence[Entry], asked: Generation) -> None:
    """Copy `entries` from one profile to the other, going on where a former try stopped.

    Raises :class:`UnreachableError` when files are open at the source (everything else is copied), and
    :class:`RejectedError` when there is no room or a file arrives with another content.
    """
    session, new = ends.session, ends.session.tree()
    manifest = load(session, new, key) or Manifest(key, ends.to_folder)
    if manifest.folder.casefold() != ends.to_folder.casefold():
        raise RejectedError(session.target, f"the profile of {key} moved from {manifest.folder} to {ends.to_folder}")
    last = manifest.latest
    if last is None or (last.source, last.listing) != (asked.source, asked.listing):
        asked.items = _placed(entries, _taken(new, ends.to_folder, entries), asked.source)
        manifest.generations.append(asked)
    work = _Work(ends, ends.old, new, manifest, manifest.generations[-1])
    left = sum(item.size for item in work.generation.items if not item.sha256)
    if (room := new.room()) < left + _SPARE:
        if not any(item.sha256 for item in work.generation.items):
            manifest.generations.pop()
        raise RejectedError(
            session.target, f"has {room // 2**20} MiB free, the data of {key} needs {left // 2**20}; make room there"
        )
    save(new, manifest)
    began = time.monotonic()
    try:
        work.run()
    finally:
        work.generation.seconds += time.monotonic() - began
        save(new, manifest)
    _log.info("%s: %s", session.target, speed(work.generation))


def speed(generation: Generation) -> str:
    """``1234 files, 56.7 MB at 48.1 MB/s, every hash compared``."""
    proven = [item for item in generation.items if item.sha256]
    octets = sum(item.size for item in proven)
    rate = octets / 1e6 / max(generation.seconds, 1e-6)
    return f"{len(proven)} files, {octets / 1e6:.1f} MB at {rate:.1f} MB/s, every hash compared"


@dataclass
class _Work:
    ends: Ends
    old: Source
    new: SmbTree
    manifest: Manifest
    generation: Generation

    @property
    def target(self) -> str:
        return self.ends.session.target

    def run(self) -> None:
        open_files: list[str] = []
        locked: list[str] = []
        noted = time.monotonic()
        for item in self.generation.items:
            if item.sha256 or item.gone:
                continue
            try:
                self._one(item)
            except InUseError:
                open_files.append(item.path)
            except GoneError:
                item.gone = True
            except CredentialError:
                locked.append(item.path)
            if time.monotonic() - noted > _NOTE_EVERY:
                save(self.new, self.manifest)
                noted = time.monotonic()
        if locked:
            raise RejectedError(
                self.target,
                f"{self.generation.source} lets nobody but their owner read {_some(locked)} (EFS or permissions); "
                "everything else is copied",
            )
        if open_files:
            raise UnreachableError(
                self.target,
                f"open in a program at {self.generation.source}: {_some(open_files)}; everything else is copied. Sign "
                "out there, then `provision resume`",
            )
        self.generation.complete = True

    def _one(self, item: Item) -> None:
        source, base = f"{self.ends.from_folder}\\{item.path}", self.ends.to_folder
        if item.rival and self._same(source, f"{base}\\{item.path}", item):
            item.ours = False
            return
        if self._same(source, f"{base}\\{item.to}", item):  # a kill came between putting it in place and noting that
            return
        part = f"{base}\\{item.to}{_PART}"
        for attempt in range(_TRIES):
            digest = self._copy(source, part, item)
            if self.new.sha256(part) == digest:
                break
            self.new.remove(part)
            if attempt + 1 == _TRIES:
                raise RejectedError(self.target, f"{item.path} arrives with another content again and again")
        self.new.set_written(part, item.written)
        while not self.new.rename(part, f"{base}\\{item.to}"):  # somebody put a file there since we began
            item.to = _free(item.path, self.generation.source, lambda place: self._is_there(f"{base}\\{place}"))
            save(self.new, self.manifest)
        item.sha256 = digest

    def _is_there(self, path: str) -> bool:
        return self.new.entry(path) is not None

    def _same(self, source: str, path: str, item: Item) -> bool:
        """Whether a file of the new PC has the content of the source's already; its hash is noted then."""
        there = self.new.entry(path)
        if there is None or there.size != item.size:
            return False
        digest = self.new.sha256(path)
        if digest == self.old.sha256(source):
            item.sha256 = digest
        return bool(item.sha256)

    def _copy(self, source: str, part: str, item: Item) -> str:
        """Copy a file, going on where a former try stopped; the hash of the source."""
        begun = self.new.entry(part)
        done = begun.size if begun is not None and begun.size <= item.size else 0
        digest = hashlib.sha256()
        count = 0
        with self.old.reading(source) as reading:
            _hash_on(reading, digest, done)
            with self.new.writing(part, at=done) as writing:
                while block := reading.read(BLOCK):
                    digest.update(block)
                    writing.write(block)
                    count += len(block)
        item.size = done + count  # it may have grown since it was listed
        return digest.hexdigest()


def take_back(session: WindowsSession, manifest: Manifest, keep: int) -> None:
    """Remove what the transfers after the first `keep` brought. Files that were changed since are somebody's work and
    stay; they are named in the log."""
    tree = session.tree()
    kept: list[str] = []
    while len(manifest.generations) > keep and (last := manifest.latest) is not None:
        for item in last.items:
            if not item.ours:
                continue
            path = f"{manifest.folder}\\{item.to}"
            tree.remove(f"{path}{_PART}")
            found = tree.entry(path)
            if found is None:
                continue
            if not _is_as_brought(tree, path, found, item):
                kept.append(item.to)
                continue
            tree.remove(path)
        manifest.generations.pop()
    if manifest.generations:
        save(tree, manifest)
    else:
        tree.remove(manifest_path(manifest.key))
    if kept:
        _log.warning("%s: changed since they were brought, and kept: %s", session.target, ", ".join(kept))


def _is_as_brought(tree: SmbTree, path: str, found: Entry, item: Item) -> bool:
    if found.size != item.size:
        return False
    if item.sha256:
        return tree.sha256(path) == item.sha256
    return found.written // _MICROSECOND == item.written // _MICROSECOND  # a kill came before it was noted


def _taken(tree: SmbTree, folder: str, entries: Sequence[Entry]) -> set[str]:
    """What is below the profile already, casefolded, in the folders that files will go to."""
    tops = {one.path.partition("\\")[0] for one in entries}
    return {f"{top}\\{one.path}".casefold() for top in tops for one in tree.listing(f"{folder}\\{top}")[0]}


def _placed(entries: Sequence[Entry], taken: set[str], source: str) -> list[Item]:
    items = []
    for one in entries:
        place = _free(one.path, source, lambda path: path.casefold() in taken)
        taken.add(place.casefold())
        items.append(Item(one.path, one.size, one.written, place, rival=place != one.path))
    return items


def _free(path: str, source: str, is_taken: Callable[[str], bool]) -> str:
    return next(place for number in itertools.count() if not is_taken(place := _beside(path, source, number)))


def _hash_on(reading: IO[bytes], digest: Any, octets: int) -> None:
    while octets > 0:
        block = reading.read(min(BLOCK, octets))
        if not block:
            return
        digest.update(block)
        octets -= len(block)


def _beside(path: str, source: str, number: int) -> str:
    """``name.ext``, ``name (OLD).ext``, ``name (OLD 2).ext`` …"""
    if number == 0:
        return path
    label = source.rpartition("/")[2].partition(".")[0]  # a PC's name; of an archive's path the file's
    mark = label if number == 1 else f"{label} {number}"
    match = re.fullmatch(r"(.*\\)?([^\\]+?)(\.[^\\.]*)?", path)
    folder, stem, ending = (match[1], match[2], match[3]) if match else ("", path, "")
    return f"{folder or ''}{stem} ({mark}){ending or ''}"


def _some(paths: Sequence[str]) -> str:
    more = len(paths) - _NAMED
    return f"{', '.join(sorted(paths)[:_NAMED])}{f' and {more} more' if more > 0 else ''}"
