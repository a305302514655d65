"""How many sessions may be open at once in this process."""

from __future__ import annotations

import resource

__all__ = ["room_for_sessions"]

_MOST = 4096
_FILES = 2
"""Open files of a session: a PC's has one line for WinRM and one for SMB."""
_OTHERS = 256
"""Files that are open beside them: the ledger, the archive, locks, servers."""


def room_for_sessions() -> int:
    """So many, at most 4,096 (0.15 MiB each): each of them is two open files. Where the limit for files may be raised
    it is (getrlimit(2)): programs begin with 1,024 of them only for the sake of select(2), which nothing here waits by
    (see :mod:`provisioning.connections.smb_waiting`)."""
    wanted = _MOST * _FILES + _OTHERS
    soft, hard = (wanted if limit == resource.RLIM_INFINITY else limit for limit in _limits())
    if soft < min(hard, wanted):
        soft = min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, _limits()[1]))
    return max(0, min(_MOST, (soft - _OTHERS) // _FILES))


def _limits() -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_NOFILE)
