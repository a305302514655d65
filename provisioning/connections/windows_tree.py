"""The file tree of one PC over SMB: listing without following links, and streams in and out.

Paths are below the share, with backslashes and without one at the start. Links of every sort (symbolic links,
junctions, OneDrive's placeholders) are reparse points (MS-FSCC 2.6) and are never followed: what they lead to may be
anywhere.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, cast

import smbclient
from smbprotocol.exceptions import SMBOSError

from provisioning.connections.tree_entries import BLOCK, Entry, GoneError, InUseError, LeftOut
from provisioning.errors import CredentialError

if TYPE_CHECKING:
    from provisioning.connections.smb import SmbFiles

__all__ = ["BLOCK", "Entry", "GoneError", "InUseError", "LeftOut", "SmbTree"]

_REPARSE_POINT, _OFFLINE, _RECALL = 0x400, 0x1000, 0x400000
"""MS-FSCC 2.6: FILE_ATTRIBUTE_REPARSE_POINT, _OFFLINE, _RECALL_ON_DATA_ACCESS."""
_DIRECTORY = 0x10
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})


class SmbTree:
    """The whole share of one PC, by the connection of its session."""

    def __init__(self, files: SmbFiles) -> None:
        self._files = files

    def listing(self, root: str) -> tuple[list[Entry], list[LeftOut]]:
        """All files below `root`, sorted, and what was left out. A folder that does not exist is empty."""
        found: list[Entry] = []
        left: list[LeftOut] = []
        waiting = [""]
        while waiting:
            below = waiting.pop()
            try:
                entries = self._scan(f"{root}\\{below}" if below else root)
            except CredentialError:
                left.append(LeftOut(below, "not readable"))
                continue
            for name, attributes, size, written in entries:
                path = f"{below}\\{name}" if below else name
                if attributes & _REPARSE_POINT:
                    left.append(LeftOut(path, "link"))
                elif attributes & _DIRECTORY:
                    waiting.append(path)
                elif attributes & (_OFFLINE | _RECALL):
                    left.append(LeftOut(path, "only in the cloud"))
                else:
                    found.append(Entry(path, size, written))
        return sorted(found), sorted(left, key=lambda one: one.path)

    def listing_top(self, folder: str) -> list[str]:
        """The names of everything directly in a folder; none when it does not exist."""
        return [name for name, *_ in self._scan(folder)]

    def protection(self) -> tuple[int, bool, bool]:
        """The dialect (``0x0311`` is 3.1.1), whether messages are signed, whether they are encrypted."""
        return self._files.protection()

    def entry(self, path: str) -> Entry | None:
        """One file, ``None`` when there is none."""
        with self._files.mapped(f"look at {path}"):
            try:
                stat = smbclient.stat(self._files.unc(path), follow_symlinks=False, **self._files.how())
            except SMBOSError as exc:
                if exc.errno not in _GONE:
                    raise
                return None
        return Entry(path, int(stat.st_size), _filetime(stat.st_mtime_ns))

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[IO[bytes]]:
        """A file to be read, sharing it with everybody else. Raises :class:`InUseError` when somebody shares it
        with nobody, :class:`GoneError` when there is none."""
        with self._files.mapped(f"read {path}"):
            try:
                opened = smbclient.open_file(self._files.unc(path), mode="rb", share_access="rwd", **self._files.how())
            except SMBOSError as exc:
                if exc.ntstatus == 0xC0000043:  # STATUS_SHARING_VIOLATION
                    raise InUseError(path) from exc
                if exc.errno in _GONE:
                    raise GoneError(path) from exc
                raise
        with opened, self._files.mapped(f"read {path}"):
            yield cast("IO[bytes]", opened)

    @contextlib.contextmanager
    def writing(self, path: str, *, at: int = 0) -> Iterator[IO[bytes]]:
        """A file to be written from octet `at` on; its folders are made."""
        with self._files.mapped(f"write {path}"):
            folder = path.rpartition("\\")[0]
            smbclient.makedirs(self._files.unc(folder), exist_ok=True, **self._files.how())
            mode = "r+b" if at else "wb"
            with smbclient.open_file(self._files.unc(path), mode=mode, **self._files.how()) as opened:
                opened.seek(at)
                yield cast("IO[bytes]", opened)

    def sha256(self, path: str) -> str:
        """The hash of what is there, read back. Raises :class:`GoneError`."""
        digest = hashlib.sha256()
        with self.reading(path) as file:
            while block := file.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def read(self, path: str) -> bytes | None:
        """A small file, ``None`` when there is none."""
        try:
            with self.reading(path) as file:
                return bytes(file.read())
        except GoneError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Write a small file whole: beside its place first, then put there in one step."""
        with self.writing(f"{path}.part") as file:
            file.write(content)
        with self._files.mapped(f"write {path}"):
            smbclient.replace(self._files.unc(f"{path}.part"), self._files.unc(path), **self._twice())

    def rename(self, path: str, to: str) -> bool:
        """Whether `path` could be given the name `to`: not when something has it already."""
        with self._files.mapped(f"rename {path}"):
            try:
                smbclient.rename(self._files.unc(path), self._files.unc(to), **self._twice())
            except SMBOSError as exc:
                if exc.errno != errno.EEXIST:
                    raise
                return False
        return True

    def set_written(self, path: str, written: int) -> None:
        """Give a file its time of writing (100 ns since 1601)."""
        nanoseconds = (written - _EPOCH) * 100
        with self._files.mapped(f"set the time of {path}"):
            smbclient.utime(self._files.unc(path), ns=(nanoseconds, nanoseconds), **self._files.how())

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is fine."""
        with self._files.mapped(f"remove {path}"):
            try:
                smbclient.remove(self._files.unc(path), **self._files.how())
            except SMBOSError as exc:
                if exc.errno not in _GONE:
                    raise

    def room(self) -> int:
        """Octets that are free on the drive."""
        with self._files.mapped("ask for free space"):
            volume = smbclient.stat_volume(self._files.unc(""), **self._files.how())
        return int(volume.caller_available_size)

    def _scan(self, path: str) -> list[tuple[str, int, int, int]]:
        """Name, attributes, size and time of everything in one folder."""
        with self._files.mapped(f"list {path}"):
            try:
                return [_row(one) for one in smbclient.scandir(self._files.unc(path), **self._files.how())]
            except SMBOSError as exc:
                if exc.errno not in _GONE:
                    raise
                return []

    def _twice(self) -> dict[str, Any]:
        return self._files.how()


_EPOCH = 116_444_736_000_000_000  # 1970 as 100 ns since 1601 (MS-DTYP 2.3.3)


def _filetime(nanoseconds: int) -> int:
    return nanoseconds // 100 + _EPOCH


def _row(entry: Any) -> tuple[str, int, int, int]:
    found = entry.smb_info
    return entry.name, int(found.file_attributes), int(found.end_of_file), _filetime_of(found.last_write_time)


def _filetime_of(moment: Any) -> int:
    """smbprotocol gives datetimes of whole microseconds, in UTC."""
    seconds = int(moment.timestamp())
    return int(_EPOCH + seconds * 10_000_000 + moment.microsecond * 10)
