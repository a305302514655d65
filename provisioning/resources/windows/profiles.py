"""The profiles of a PC: whose folder is where, by the registry (ProfileList), never by guessing.

A folder below ``C:\\Users`` that nobody's entry names is not a profile: Windows would make another one beside it at the
first sign-in, and data copied there would never be seen. Source: Microsoft Learn, "About User Profiles".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import RejectedError

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

PROFILE_LIST = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
_KEY = re.compile(r"^HKEY_LOCAL_MACHINE\\.*\\ProfileList\\(S-1-[0-9-]+)\s*$", re.IGNORECASE)
_PATH = re.compile(r"^\s+ProfileImagePath\s+REG_(?:EXPAND_)?SZ\s+(.+?)\s*$")
_PERSON = re.compile(r"S-1-(?:5-21|12-1)(?:-\d+){4}")


@dataclass(frozen=True)
class Profile:
    """One person's profile: the SID and the folder below the share (``Users\\anna``)."""

    sid: str
    folder: str

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.rpartition("\\")[2]


def profiles(session: WindowsSession) -> list[Profile]:
    """The profiles of people (not of services) on drive C."""
    result = session.run(["reg", "query", PROFILE_LIST, "/s"])
    if result.exit_code != 0:
        raise RejectedError(session.target, f"cannot list its profiles (reg query ProfileList: {result.exit_code})")
    found: list[Profile] = []
    sid = ""
    for line in result.stdout.splitlines():
        if match := _KEY.match(line):
            sid = match[1]
        elif line.startswith("HKEY_"):
            sid = ""
        elif sid and (match := _PATH.match(line)) and _PERSON.fullmatch(sid):
            path = re.sub(r"^%SystemDrive%", "C:", match[1], flags=re.IGNORECASE)
            if path[:3].upper() == "C:\\":
                found.append(Profile(sid, path[3:].rstrip("\\")))
    return found


def profile(session: WindowsSession, name: str, sid: str | None = None) -> Profile | None:
    """The profile with this SID, else the one whose folder is called `name`, or ``name.DOMAIN`` as Windows does it when
    `name` is taken; ``None`` when the person never signed in there. Raises :class:`RejectedError` when several fit."""
    known = profiles(session)
    if sid is not None and (same := next((one for one in known if one.sid == sid), None)):
        return same
    folded, domain = name.casefold(), session.inventory.directory.netbios_domain.casefold()
    longer = re.compile(re.escape(f"{folded}.{domain}") + r"(\.\d{3})?")
    fitting = [one for one in known if one.name.casefold() == folded]
    fitting = fitting or [one for one in known if longer.fullmatch(one.name.casefold())]
    if len(fitting) > 1:
        names = ", ".join(one.name for one in fitting)
        raise RejectedError(session.target, f"has several profiles for {name}: {names}; name one of these")
    return next(iter(fitting), None)
