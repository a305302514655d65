"""What is directly in a folder of a file server (MS-SMB2 3.3.5.18, MS-FSCC 2.4.10)."""

from __future__ import annotations

from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import FileInformationClass
from smbprotocol.open import FileAttributes, Open, QueryDirectoryFlags

_NO_MORE = 0x80000006  # STATUS_NO_MORE_FILES (MS-ERREF 2.3)
_ITSELF = frozenset({".", ".."})


def folders_in(opened: Open) -> list[str]:
    """The names of the folders in an opened folder."""
    names: list[str] = []
    flags = QueryDirectoryFlags.SMB2_RESTART_SCANS
    while True:
        try:
            found = opened.query_directory("*", FileInformationClass.FILE_DIRECTORY_INFORMATION, flags=flags)
        except SMBResponseException as exc:
            if exc.status == _NO_MORE:
                return sorted(names)
            raise
        flags = 0
        for one in found:
            name = one["file_name"].get_value().decode("utf-16-le", "replace")
            if (
                int(one["file_attributes"].get_value()) & FileAttributes.FILE_ATTRIBUTE_DIRECTORY
                and name not in _ITSELF
            ):
                names.append(name)
