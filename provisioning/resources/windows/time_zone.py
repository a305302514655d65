r"""``windows.time_zone``: the PC's time zone, by the name that Windows itself gives to it.

Set by ``tzutil /s`` (Microsoft Learn, "tzutil"), read back from ``TimeZoneKeyName`` of
``HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation``, which holds the zone's key name in every language
(Microsoft Learn, "DYNAMIC_TIME_ZONE_INFORMATION"). It is in force at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RejectedError, RequestError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows.exports import export
from provisioning.resources.windows.reg_file import values_of

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

KEY = "time zone"
_IN_FORCE = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 .()+/-]{0,126}")


class TimeZone(State):
    """`name` is a key below ``HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Time Zones``, such as ``W. Europe
    Standard Time``. Never absent."""

    name: str | None = None


class TimeZoneKind:
    """Target ``windows:NAME``, key ``time zone``."""

    name = "windows.time_zone"
    state = TimeZone

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, TimeZone]:
        """The zone in force."""
        value = values_of(export(session, [_IN_FORCE])[_IN_FORCE], _IN_FORCE).get("TimeZoneKeyName")
        return dict.fromkeys(keys, TimeZone(name=str(value.data) if value is not None and value.data else None))

    def apply(self, session: WindowsSession, changes: Sequence[Change[TimeZone]]) -> list[Outcome]:
        """A zone that the PC does not know is refused."""
        return [Outcome(change.key, _set(session, change)) for change in changes]


def _set(session: WindowsSession, change: Change[TimeZone]) -> ProvisioningError | None:
    wanted = change.after.name if change.after is not None else None
    if wanted is None or not _NAME.fullmatch(wanted):
        return RequestError(f"{session.target}: {wanted!r} is not the name of a time zone")
    code = session.run(["tzutil", "/s", wanted]).exit_code
    if code == 0:
        return None
    return RejectedError(
        session.target,
        f"tzutil does not take the time zone {wanted!r} (exit code {code}); expected a name that `tzutil /l` lists, "
        "such as W. Europe Standard Time",
    )


TIME_ZONE = TimeZoneKind()
