"""No core file of this program: the memory of a process that crashes may hold passwords."""

from __future__ import annotations

import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


def forbid() -> None:
    """Let the kernel write no core file of this process, nor of those that it starts, nor hand one to a program.

    Two ways, because neither is enough: the limit counts for files (setrlimit(2)) and is inherited; where
    ``/proc/sys/kernel/core_pattern`` names a program the kernel heeds only the "dumpable" attribute (core(5),
    prctl(2)), which also keeps other processes of the same user from reading this one's memory.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # noqa: PLC0415  (neither is wanted elsewhere)
    import resource  # noqa: PLC0415

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
