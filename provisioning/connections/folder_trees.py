"""Removing a folder with all that is in it over SMB (MS-SMB2): depth first, every entry by its own handle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import FileBasicInformation, FileInformationClass
from smbprotocol.open import DirectoryAccessMask, FileAttributes, Open

from provisioning.connections import open_files

Opener = Callable[[str, int], AbstractContextManager[Open]]
"""Opens a path (share first) with an access mask."""

_NO_MORE = 0x80000006  # STATUS_NO_MORE_FILES (MS-ERREF 2.3.1)
_REPARSE_POINT = 0x400
_ITSELF = frozenset({".", ".."})
_DELETE = DirectoryAccessMask.DELETE | DirectoryAccessMask.FILE_READ_ATTRIBUTES
_CHANGE = DirectoryAccessMask.FILE_READ_ATTRIBUTES | DirectoryAccessMask.FILE_WRITE_ATTRIBUTES


def remove(opened: Opener, path: str) -> None:
    """Remove what is at `path`. A link is removed, what it leads to is not."""
    for name, attributes in list(_entries(opened, path)):
        below = f"{path}\\{name}"
        if attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY and not attributes & _REPARSE_POINT:
            remove(opened, below)
        else:
            _delete(opened, below, attributes)
    _delete(opened, path, 0)


def _entries(opened: Opener, path: str) -> Iterator[tuple[str, int]]:
    with opened(path, DirectoryAccessMask.FILE_LIST_DIRECTORY | DirectoryAccessMask.FILE_READ_ATTRIBUTES) as folder:
        while True:
            try:
                rows = folder.query_directory("*", FileInformationClass.FILE_DIRECTORY_INFORMATION)
            except SMBResponseException as exc:
                if exc.status == _NO_MORE:
                    return
                raise
            for row in rows:
                name = row["file_name"].get_value().decode("utf-16-le")
                if name not in _ITSELF:
                    yield name, int(row["file_attributes"].get_value())


def _delete(opened: Opener, path: str, attributes: int) -> None:
    if attributes & FileAttributes.FILE_ATTRIBUTE_READONLY:  # servers refuse even to open these for deletion
        with opened(path, _CHANGE) as there:
            plain = FileBasicInformation()
            plain["file_attributes"] = FileAttributes.FILE_ATTRIBUTE_NORMAL
            open_files.set_attributes(there, plain)
    with opened(path, _DELETE) as there:
        open_files.delete(there)
