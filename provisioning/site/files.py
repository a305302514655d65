"""File servers, people's home folders on them, and the shares of departments."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from provisioning.site.base import Credential, Endpoint, FileReference, Form, GroupName, Identifier, Model, Text
from provisioning.site.windows import ShareName

_PART = r"[^\p{C}\s\\/:*?\"<>|.]([^\p{C}\\/:*?\"<>|]*[^\p{C}\s\\/:*?\"<>|.])?"

FolderPath = Annotated[
    str,
    Form(rf"^{_PART}(\\{_PART})*$", "a folder below the share such as Staff\\Homes, without a backslash at its ends"),
]
"""A folder below a share, with backslashes between its parts (MS-FSCC 2.1.5: what names may hold)."""

DriveLetter = Annotated[str, Form(r"^[D-Z]:$", "a drive such as 'H:', in quotes")]
"""What homeDrive holds."""

Right = Literal["read", "change"]
"""What a group may do in a share: ``read`` is read and execute, ``change`` is what Windows calls Modify."""


_UNITS = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}
_AMOUNT = re.compile(r"([1-9][0-9]{0,6}) ?(MiB|GiB|TiB)")


def _amount(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:  # sites that are built in Python
        return value
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("amount", "expected an amount of disk space with its unit: 500 MiB, 10 GiB or 2 TiB")
    return int(found[1]) * _UNITS[found[2]]


DiskSpace = Annotated[int, BeforeValidator(_amount)]
"""MiB, written ``500 MiB``, ``10 GiB``, ``2 TiB``."""


class VisitCheck(Model):
    """How proofs open a folder as somebody else without knowing that person's password: with the key of the file
    server's own account, Kerberos gives a ticket for it in anybody's name (MS-SFU S4U2Self).
    """

    kdc: Endpoint
    principal: Text = Field(description="the file server's own account, such as FILES$")
    keytab: FileReference = Field(description="its keytab: a file reference")
    outsider: Text = Field(description="login of an account that must not get into anybody's folder")


class FileServer(Model):
    """One server that is reached by SMB 3. The `credential` is a member of `administrators`, and may give folders to
    other owners there (the right "Restore files and directories", which Backup Operators have).
    """

    server: Endpoint
    credential: Credential
    sign_in: Literal["ntlm", "kerberos"] = "ntlm"
    administrators: GroupName = Field(description="directory group that has full control of every folder made here")
    archive: FolderPath = Field(default="Archive", description="folder below each share where archived folders go")
    timeout: int = Field(default=20, ge=1, le=600, description="seconds for the server to answer")
    quota_share: ShareName | None = Field(
        default=None,
        description="share where the credential may set quotas, if not the homes' own (Samba: one with admin users)",
    )
    check: VisitCheck | None = Field(default=None, description="how proofs open folders as the person")


class Homes(Model):
    """Where everybody's home folder is: ``\\\\HOST\\SHARE\\FOLDER\\LOGIN``."""

    server: Identifier
    share: ShareName
    folder: FolderPath | None = Field(default=None, description="folder below the share; left out: the share itself")
    drive: DriveLetter | None = Field(default=None, description="drive letter that Windows gives to it at sign-in")
    quota: DiskSpace | None = Field(
        default=None, description="how much each person may store on the server, such as 10 GiB; profiles may say more"
    )


class DepartmentShare(Model):
    """A folder for the members of a group. Profiles name it (``shares``)."""

    server: Identifier
    share: ShareName
    folder: FolderPath
    group: GroupName
    right: Right = "change"


class Files(Model):
    """Everything about file servers."""

    servers: dict[Identifier, FileServer]
    homes: Homes | None = None
    shares: dict[Identifier, DepartmentShare] = Field(default_factory=dict)
