"""How many sessions may be open at once in this process."""

from __future__ import annotations

import resource

__all__ = ["room_for_sessions"]

_MOST = 4096
_OTHERS = 256
"""Files that are open beside them: the ledger, the archive, locks, servers."""


def room_for_sessions() -> int:
    """So many, at most 4,096 (0.15 MiB each): each of them is an open file. Where the limit for files may be raised it
    is (getrlimit(2)): programs begin with 1,024 of them only for the sake of select(2), which nothing here uses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = _MOST + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < min(hard, _MOST + _OTHERS):
        soft = min(hard, _MOST + _OTHERS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return _MOST if soft == resource.RLIM_INFINITY else max(0, min(_MOST, soft - _OTHERS))
